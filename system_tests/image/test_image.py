"""The image: what is in it, and every command of the protocol run in a container against the sandbox."""

import json
from typing import Any

import pytest

from sandbox import STREAMS, Sandbox
from source_invoices.source import load_manifest
from tools import containers

from .conftest import Image

KEYS = dict.fromkeys(STREAMS, "uuid") | {"nexudus_payout_invoices": "Id", "payhubix_invoices": "link"}


def catalog(sync_mode: str = "incremental") -> dict[str, Any]:
    modes = ["full_refresh", "incremental"]
    streams = [{"name": name, "json_schema": {}, "supported_sync_modes": modes} for name in STREAMS]
    shared = {"sync_mode": sync_mode, "destination_sync_mode": "append"}
    return {"streams": [{"stream": stream, **shared} for stream in streams]}


def test_who_and_what_the_image_says_it_is(image: Image) -> None:
    settings = image.inspect()["Config"]
    labels = settings["Labels"]
    assert settings["User"] == "airbyte"
    assert settings["Entrypoint"] == ["source-invoices"]
    assert "AIRBYTE_ENTRYPOINT=source-invoices" in settings["Env"]
    assert labels["io.airbyte.name"] == "airbyte/source-invoices"
    assert labels["io.airbyte.version"] == labels["org.opencontainers.image.version"] == containers.version()
    assert labels["org.opencontainers.image.licenses"] == "MIT"


def test_it_runs_as_a_user_without_rights_who_can_write_to_tmp_only(image: Image) -> None:
    code = """
import os, pathlib
status = pathlib.Path("/proc/self/status").read_text()
print(os.getuid() != 0, "CapEff:\\t0000000000000000" in status)
for folder in ("/", "/connector", "/airbyte", "/files", "/tmp"):
    print(folder, os.access(folder, os.W_OK))
"""
    assert image.python(code).split() == [
        "True", "True", "/", "False", "/connector", "False", "/airbyte", "False", "/files", "False", "/tmp", "True",
    ]  # fmt: skip


def test_nothing_is_left_of_the_build_and_nothing_of_the_tests(image: Image) -> None:
    code = """
import importlib.util, pathlib, shutil, sys
modules = ("pip", "hatchling", "uv", "sandbox", "demo", "tools", "integration_tests", "unit_tests", "pytest")
print([name for name in modules if importlib.util.find_spec(name)])
print([name for name in ("gcc", "cc", "make", "git", "uv", "mmdebstrap") if shutil.which(name)])
print([str(path) for path in (pathlib.Path("/build"),) if path.exists()])
"""
    assert image.python(code) == "[]\n[]\n[]"


def test_it_is_compiled_beforehand(image: Image) -> None:
    """Else every start would compile the CDK anew, as nothing can be written."""
    code = """
import importlib.util, pathlib
for name in ("airbyte_cdk", "source_invoices.source", "pydantic"):
    print(pathlib.Path(importlib.util.find_spec(name).cached).exists())
"""
    assert image.python(code).split() == ["True"] * 3


def test_spec(image: Image) -> None:
    output = image.connector("spec")
    assert output.exit_code == 0
    (message,) = output.messages
    assert message["spec"]["connectionSpecification"] == load_manifest()["spec"]["connection_specification"]


def test_check_says_yes_and_no_in_the_provider_s_words(image: Image, sandbox: Sandbox) -> None:
    config = sandbox.config()
    output = image.connector("check", "--config", image.write("good.json", config))
    assert output.exit_code == 0
    assert [one["connectionStatus"]["status"] for one in output.of("CONNECTION_STATUS")] == ["SUCCEEDED"]
    config["payhubix"]["api_key"] = "wrong-key-1234567890"
    output = image.connector("check", "--config", image.write("bad.json", config))
    assert output.exit_code == 0
    (status,) = (one["connectionStatus"] for one in output.of("CONNECTION_STATUS"))
    assert status["status"] == "FAILED"
    assert status["message"].startswith("Payhubix")


def test_discover(image: Image, sandbox: Sandbox) -> None:
    output = image.connector("discover", "--config", image.write("config.json", sandbox.config()))
    assert output.exit_code == 0
    (message,) = output.of("CATALOG")
    assert {stream["name"] for stream in message["catalog"]["streams"]} == set(STREAMS)


def test_a_full_and_an_incremental_read_bring_every_row(image: Image, sandbox: Sandbox) -> None:
    config = image.write("config.json", sandbox.config())
    files = ("--config", config, "--catalog", image.write("catalog.json", catalog("full_refresh")))
    output = image.connector("read", *files)
    assert output.exit_code == 0
    for name, key in KEYS.items():
        assert output.keys(name, key) == set(sandbox.tables[name].keys())

    files = ("--config", config, "--catalog", image.write("catalog.json", catalog()))
    states = [message["state"] for message in image.connector("read", *files).of("STATE")]
    new = {name: sandbox.tables[name].add() for name in STREAMS}
    latest = {json.dumps(state["stream"]["stream_descriptor"]): state for state in states}
    output = image.connector("read", *files, "--state", image.write("state.json", list(latest.values())))
    assert output.exit_code == 0
    for name, key in KEYS.items():
        assert new[name] in output.keys(name, key)
        assert len(output.keys(name, key)) < len(sandbox.tables[name].keys())


@pytest.mark.parametrize("broken", ["catalog", "config"])
def test_a_failure_is_told_by_the_exit_code_and_a_message(image: Image, sandbox: Sandbox, broken: str) -> None:
    config = sandbox.config()
    streams = catalog()
    if broken == "config":
        config["ipxo"]["credentials"]["client_secret"] = "a-wrong-secret-98765"
    else:
        streams["streams"][0]["stream"]["name"] = "unknown"
    files = ("--config", image.write("config.json", config), "--catalog", image.write("catalog.json", streams))
    output = image.connector("read", *files)
    assert output.exit_code == 1
    assert any(message["trace"]["type"] == "ERROR" for message in output.of("TRACE"))
