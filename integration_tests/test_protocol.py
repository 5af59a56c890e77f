"""The commands as processes, as a platform runs them: output, exit codes, other working folders."""

from pathlib import Path
from typing import Any

import pytest

from integration_tests.support.connector import STREAMS, catalog_of, command, start
from sandbox import Fault, Sandbox

ROOT = Path(__file__).parent.parent


def test_spec_is_one_message_that_marks_every_secret(tmp_path: Path) -> None:
    output = start(["spec"])
    assert output.exit_code == 0
    (spec,) = output.of_type("SPEC")
    secrets = _secret_paths(spec["connectionSpecification"])
    assert sorted(secrets) == [
        "ipxo.credentials.access_token",
        "ipxo.credentials.client_id",
        "ipxo.credentials.client_secret",
        "nexudus.credentials.access_token",
        "nexudus.credentials.password",
        "nexudus.credentials.totp",
        "payhubix.api_key",
    ]


def _secret_paths(schema: dict[str, Any], path: str = "") -> list[str]:
    found = [path] if schema.get("airbyte_secret") else []
    for part in [schema, *schema.get("oneOf", [])]:
        for name, rule in part.get("properties", {}).items():
            found += _secret_paths(rule, f"{path}.{name}".lstrip("."))
    return found


def test_check_discover_and_read_work_from_end_to_end(sandbox: Sandbox, tmp_path: Path) -> None:
    check = start(command(tmp_path, "check", config=sandbox.config()))
    assert (check.exit_code, check.connection_status()["status"]) == (0, "SUCCEEDED")

    discover = start(command(tmp_path, "discover", config=sandbox.config()))
    (catalog,) = discover.of_type("CATALOG")
    assert discover.exit_code == 0
    for stream in catalog["streams"]:
        assert stream["supported_sync_modes"] == ["full_refresh", "incremental"]
        assert stream["source_defined_primary_key"] == [[STREAMS[stream["name"]]]]
        assert stream["source_defined_cursor"] is True
        assert stream["default_cursor_field"][0] in stream["json_schema"]["properties"]
    assert sorted(stream["name"] for stream in catalog["streams"]) == sorted(STREAMS)

    configured = {
        "streams": [
            {"stream": stream, "sync_mode": "incremental", "destination_sync_mode": "append_dedup"}
            for stream in catalog["streams"]
        ]
    }
    read = start(command(tmp_path, "read", config=sandbox.config(), catalog=configured))
    assert read.exit_code == 0
    assert {stream: len(read.records(stream)) for stream in STREAMS} == dict.fromkeys(STREAMS, 9)
    assert {read.status(stream) for stream in STREAMS} == {"COMPLETE"}

    again = start(command(tmp_path, "read", config=sandbox.config(), catalog=configured, state=read.state()))
    assert again.exit_code == 0
    assert {read.status(stream) for stream in STREAMS} == {"COMPLETE"}
    assert len(again.state()) == len(STREAMS)


def test_a_failed_stream_ends_with_exit_1_and_no_traceback(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.append(Fault(kind="status", status=403, route="ipxo_payout_invoices"))
    output = start(command(tmp_path, "read", config=sandbox.config(), catalog=catalog_of(STREAMS)))
    assert output.exit_code == 1
    assert output.status("ipxo_payout_invoices") == "INCOMPLETE"
    assert output.status("payhubix_invoices") == "COMPLETE"
    logs = [log["message"] + str(log.get("stack_trace")) for log in output.of_type("LOG")]
    assert not [log for log in logs if "Traceback" in log]
    assert "sandbox-client-secret" not in output.text


@pytest.mark.parametrize("arguments", [[], ["check"], ["check", "--config", "nowhere.json"], ["frobnicate"]])
def test_wrong_arguments_end_without_a_traceback(arguments: list[str], tmp_path: Path) -> None:
    output = start(arguments, working_directory=tmp_path)
    assert output.exit_code != 0
    assert "Traceback" not in output.text


def test_a_manifest_in_the_working_folder_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "manifest.yaml").write_text("type: DeclarativeSource\nstreams: []\n")
    (tmp_path / "schemas").mkdir()
    output = start(["spec"], working_directory=tmp_path)
    (spec,) = output.of_type("SPEC")
    assert "payhubix" in spec["connectionSpecification"]["properties"]
