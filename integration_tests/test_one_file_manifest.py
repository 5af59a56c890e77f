"""The connector as one manifest and one components.py does what the package does."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
from airbyte_cdk.sources.declarative.parsers import custom_code_compiler
from airbyte_cdk.utils.yaml_loader import safe_load_yaml

from integration_tests.support.connector import STREAMS, Output, catalog_of, command, read, start
from integration_tests.support.lists import unsettled
from sandbox import Fault, Sandbox
from source_invoices.manifest_file import load_manifest
from source_invoices.times import to_rfc3339
from tools.one_file_manifest import one_file

ROOT = Path(__file__).parent.parent
NOW = datetime.now(timezone.utc).replace(microsecond=0)
UNSAFE_CODE = {"AIRBYTE_ENABLE_UNSAFE_CODE": "true"}
# The program of an image for manifest-only connectors. It runs in a folder with the two files.
LOCAL = (
    "import sys; from airbyte_cdk.cli.source_declarative_manifest._run import handle_local_manifest_command as run; "
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "source_declarative_manifest"
    subprocess.run([sys.executable, "-m", "tools.one_file_manifest.one_file", str(folder)], cwd=ROOT, check=True)
    return folder


class Program:
    """Runs the two files with the CDK's `source-declarative-manifest`."""

    def __init__(self, built: Path, folder: Path) -> None:
        self._files = [
            "--manifest-path",
            str(built / "manifest.yaml"),
            "--components-path",
            str(built / "components.py"),
        ]
        self._folder = folder

    def __call__(self, verb: str, **files: Any) -> Output:
        program = Path(sys.executable).with_name("source-declarative-manifest")
        arguments = [*command(self._folder, verb, **files), *self._files]
        return start(arguments, self._folder, [str(program)], {**os.environ, **UNSAFE_CODE})

    def read(self, sandbox: Sandbox, state: list[dict[str, Any]] | None = None) -> Output:
        files = {"state": state} if state is not None else {}
        return self("read", config=sandbox.config(), catalog=catalog_of(STREAMS), **files)


@pytest.fixture
def program(built: Path, tmp_path: Path) -> Program:
    return Program(built, tmp_path)


def rows(output: Output) -> dict[str, list[str]]:
    return {stream: sorted(json.dumps(row, sort_keys=True) for row in output.records(stream)) for stream in STREAMS}


def states(output: Output) -> dict[str, dict[str, Any]]:
    """The last state of each stream.

    It lacks what depends on the clock (when and for how long the list was read), and the count of Nexudus's windows,
    which only the package keeps.
    """
    left = {item["stream"]["stream_descriptor"]["name"]: item["stream"]["stream_state"] for item in output.state()}
    for state in left.values():
        state.pop("lookback_window", None)
        state.pop("windows", None)
        state.get("parent_state", {}).get("scan", {}).pop("read_whole_at", None)
    return left


def statuses(output: Output) -> set[str | None]:
    return {output.status(stream) for stream in STREAMS}


def test_the_two_files_import_nothing_of_the_project(built: Path) -> None:
    code = (built / "components.py").read_text()
    for package in ("source_invoices", "tools"):
        assert f"from {package}" not in code
        assert f"import {package}" not in code
        assert f"class_name: {package}" not in (built / "manifest.yaml").read_text()
    names = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F,E9", "--output-format", "concise"]
    checked = subprocess.run([*names, str(built / "components.py")], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_spec_is_the_same_as_the_package_s(built: Path, tmp_path: Path) -> None:
    shutil.copytree(built, tmp_path / built.name)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    output = start(["spec"], tmp_path / built.name, [sys.executable, "-c", LOCAL + "run(sys.argv[1:])"], environment)
    (spec,) = output.of_type("SPEC")
    assert spec["connectionSpecification"] == load_manifest()["spec"]["connection_specification"]


def test_rows_and_states_are_the_same_as_the_package_s(sandbox: Sandbox, program: Program) -> None:
    ahead = sandbox.tables["nexudus_payout_invoices"].add(issued=NOW + timedelta(days=60))
    output, package = program.read(sandbox), read(sandbox.config())
    assert (output.exit_code, statuses(output)) == (0, {"COMPLETE"})
    for stream, key in STREAMS.items():
        assert {row[key] for row in output.records(stream)} == set(sandbox.tables[stream].keys())
    assert rows(output) == rows(package)
    assert ahead in {row["Id"] for row in output.records("nexudus_payout_invoices")}
    assert states(output) == states(package)
    assert states(output)["nexudus_payout_invoices"]["UpdatedOn"] <= to_rfc3339(datetime.now(timezone.utc))


def test_a_broken_page_stops_every_stream_with_the_package_s_message(sandbox: Sandbox, program: Program) -> None:
    for stream in STREAMS:
        broken = Fault(kind="error_200", route=stream, when=lambda asked: asked.page == 2, times=None)
        sandbox.faults.append(broken)
    output, package = program.read(sandbox), read(sandbox.config())
    assert (output.exit_code, statuses(output)) == (1, {"INCOMPLETE"})
    for stream in STREAMS:
        first, *_ = [error for error in output.errors() if error.get("stream_descriptor", {}).get("name") == stream]
        expected = package.error_of(stream)
        assert (first["message"], first["failure_type"]) == (expected["message"], expected["failure_type"])
    # The next sync has every row.
    sandbox.faults.clear()
    again = program.read(sandbox, output.state())
    assert (again.exit_code, statuses(again)) == (0, {"COMPLETE"})
    for stream, key in STREAMS.items():
        assert {row[key] for row in output.records(stream) + again.records(stream)} == set(
            sandbox.tables[stream].keys()
        )


def test_an_incremental_sync_has_the_package_s_rows_and_requests(sandbox: Sandbox, program: Program) -> None:
    oldest = {stream: sandbox.tables[stream].keys()[-1] for stream in STREAMS}
    for stream, key in oldest.items():
        sandbox.tables[stream].change(key, **unsettled(stream))
    first = read(sandbox.config())
    new = {stream: sandbox.tables[stream].add() for stream in STREAMS}
    for stream, key in oldest.items():
        sandbox.tables[stream].change(key, note="paid")

    asked = len(sandbox.requests)
    package = read(sandbox.config(), state=first.state())
    cost = len(sandbox.requests) - asked
    output = program.read(sandbox, first.state())
    assert (output.exit_code, statuses(output)) == (0, {"COMPLETE"})
    assert len(sandbox.requests) - asked == 2 * cost
    assert rows(output) == rows(package)
    for stream, key in STREAMS.items():
        assert {new[stream], oldest[stream]} <= {row[key] for row in output.records(stream)}
        assert len(output.records(stream)) < 9


def test_one_provider_is_enough_for_check(sandbox: Sandbox, program: Program) -> None:
    output = program("check", config={"payhubix": sandbox.config()["payhubix"]})
    assert output.connection_status()["status"] == "SUCCEEDED"
    assert [request.route for request in sandbox.requests] == ["payhubix_invoices"]


def test_check_reports_the_provider_s_message(sandbox: Sandbox, program: Program) -> None:
    config = sandbox.config()
    config["nexudus"]["credentials"]["password"] = "a-wrong-secret"
    status = program("check", config=config).connection_status()
    assert status["status"] == "FAILED"
    assert "The user name or password is incorrect." in status["message"]


def test_bad_settings_are_refused_with_the_package_s_message(program: Program) -> None:
    output = program("read", config={"lookback_days": 3}, catalog=catalog_of(STREAMS))
    assert output.exit_code == 1
    assert output.errors()[0]["message"].startswith("No provider is configured")
    assert output.errors()[0]["failure_type"] == "config_error"


def test_the_components_can_be_injected_as_text(built: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (custom_code_compiler.COMPONENTS_MODULE_NAME, custom_code_compiler.SDM_COMPONENTS_MODULE_NAME):
        monkeypatch.setitem(sys.modules, name, None)  # restored after the test
        del sys.modules[name]
    for name, value in UNSAFE_CODE.items():
        monkeypatch.setenv(name, value)
    code = (built / "components.py").read_text()
    checksums = {"md5": hashlib.md5(code.encode()).hexdigest()}
    config = {
        **sandbox.config(),
        "__injected_components_py": code,
        "__injected_components_py_checksums": checksums,
    }
    manifest = safe_load_yaml((built / "manifest.yaml").read_text())
    source: Any = ConcurrentDeclarativeSource(config=config, source_config=manifest)
    assert sorted(stream.name for stream in source.discover(source.logger, config).streams) == sorted(STREAMS)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ("def helper(): ...", "helper is defined in source_invoices.a and in source_invoices.b"),
        ("from os import path as json", "json is imported from"),
        ("json = 1", "imported and defined: json"),
    ],
)
def test_modules_with_conflicting_names_are_not_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str, words: str
) -> None:
    monkeypatch.setattr(one_file, "ROOT", tmp_path)
    (tmp_path / "source_invoices").mkdir()
    (tmp_path / "source_invoices" / "a.py").write_text("import json\n\n\ndef helper(): ...\n")
    (tmp_path / "source_invoices" / "b.py").write_text(f"{second}\n")
    with pytest.raises(ValueError, match=words):
        one_file.merged(["source_invoices.a", "source_invoices.b"])
