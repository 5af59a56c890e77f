"""The contents of the image, and every command of the protocol in a container against the sandbox."""

import json
import os
import signal
import threading
import time

import pytest

from integration_tests.support.connector import STREAMS, Output, catalog_of
from sandbox import Fault, Request, Sandbox
from source_invoices.manifest_file import load_manifest
from system_tests.image.container import Image
from tools.release import version


def test_labels_user_and_entry_point_are_set(image: Image) -> None:
    settings = image.inspect()["Config"]
    labels = settings["Labels"]
    assert settings["User"] == "airbyte"
    assert settings["Entrypoint"] == ["source-invoices"]
    assert "AIRBYTE_ENTRYPOINT=source-invoices" in settings["Env"]
    assert labels["io.airbyte.name"] == "airbyte/source-invoices"
    assert labels["io.airbyte.version"] == labels["org.opencontainers.image.version"] == version()
    assert labels["org.opencontainers.image.licenses"] == "MIT"


def test_the_user_has_no_rights_and_can_only_write_to_tmp(image: Image) -> None:
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


def test_the_image_has_no_build_tools_and_no_tests(image: Image) -> None:
    code = """
import importlib.util, pathlib, shutil, sys
modules = ("pip", "hatchling", "uv", "sandbox", "demo", "tools", "unit_tests", "integration_tests", "system_tests", "pytest")
print([name for name in modules if importlib.util.find_spec(name)])
print([name for name in ("gcc", "cc", "make", "git", "uv", "mmdebstrap") if shutil.which(name)])
print([str(path) for path in (pathlib.Path("/build"),) if path.exists()])
"""
    assert image.python(code) == "[]\n[]\n[]"


def test_all_modules_are_compiled(image: Image) -> None:
    """The root is read-only. Without compiled files, every start would compile the CDK."""
    code = """
import importlib.util, pathlib
for name in ("airbyte_cdk", "source_invoices.source", "pydantic"):
    print(pathlib.Path(importlib.util.find_spec(name).cached).exists())
"""
    assert image.python(code).split() == ["True"] * 3


def test_spec_is_the_manifest_s(image: Image) -> None:
    output = image.connector("spec")
    assert output.exit_code == 0
    (message,) = output.messages
    assert message["spec"]["connectionSpecification"] == load_manifest()["spec"]["connection_specification"]


def test_check_succeeds_and_fails_with_the_provider_s_message(image: Image, sandbox: Sandbox) -> None:
    config = sandbox.config()
    output = image.connector("check", "--config", image.write("good.json", config))
    assert output.exit_code == 0
    assert output.connection_status()["status"] == "SUCCEEDED"
    config["payhubix"]["api_key"] = "wrong-key-1234567890"
    output = image.connector("check", "--config", image.write("bad.json", config))
    assert output.exit_code == 0
    status = output.connection_status()
    assert status["status"] == "FAILED"
    assert status["message"].startswith("Payhubix")


def test_discover_names_every_stream(image: Image, sandbox: Sandbox) -> None:
    output = image.connector("discover", "--config", image.write("config.json", sandbox.config()))
    assert output.exit_code == 0
    (catalog,) = output.of_type("CATALOG")
    assert {stream["name"] for stream in catalog["streams"]} == set(STREAMS)


def keys(output: Output, stream: str) -> set[object]:
    return {row[STREAMS[stream]] for row in output.records(stream)}


def test_a_full_and_an_incremental_read_bring_every_row(image: Image, sandbox: Sandbox) -> None:
    config = image.write("config.json", sandbox.config())
    full_refresh = image.write("catalog.json", catalog_of(STREAMS, "full_refresh"))
    output = image.connector("read", "--config", config, "--catalog", full_refresh)
    assert output.exit_code == 0
    for stream in STREAMS:
        assert keys(output, stream) == set(sandbox.tables[stream].keys())

    files = ("--config", config, "--catalog", image.write("catalog.json", catalog_of(STREAMS)))
    state = image.connector("read", *files).state()
    new = {stream: sandbox.tables[stream].add() for stream in STREAMS}
    output = image.connector("read", *files, "--state", image.write("state.json", state))
    assert output.exit_code == 0
    for stream in STREAMS:
        assert new[stream] in keys(output, stream)
        assert len(keys(output, stream)) < len(sandbox.tables[stream].keys())


@pytest.mark.parametrize("broken", ["catalog", "config"])
def test_a_failure_ends_with_exit_1_and_an_error_message(image: Image, sandbox: Sandbox, broken: str) -> None:
    config = sandbox.config()
    catalog = catalog_of(STREAMS)
    if broken == "config":
        config["ipxo"]["credentials"]["client_secret"] = "a-wrong-secret-98765"
    else:
        catalog["streams"][0]["stream"]["name"] = "unknown"
    files = ("--config", image.write("config.json", config), "--catalog", image.write("catalog.json", catalog))
    output = image.connector("read", *files)
    assert output.exit_code == 1
    assert output.errors()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("verb", ["check", "read"])
def test_process_1_ends_within_two_seconds_of_a_signal(
    image: Image, sandbox: Sandbox, verb: str, number: signal.Signals
) -> None:
    stream, arrived = "payhubix_invoices", threading.Event()

    def when(_: Request) -> bool:
        arrived.set()
        return True

    if verb == "check":
        sandbox.faults.append(Fault(kind="slow", delay=15, route=stream, times=None, when=when))
    else:
        sandbox.faults.append(Fault(kind="status", status=429, retry_after="600", route=stream, times=None, when=when))
    files = ["--config", image.write("config.json", {"payhubix": sandbox.config()["payhubix"]})]
    if verb == "read":
        files += ["--catalog", image.write("catalog.json", catalog_of([stream]))]
    name = f"source-invoices-{os.getpid()}-{verb}-{number.name.lower()}"
    process = image.start(name, verb, *files)
    assert arrived.wait(60)
    image.signal(name, number)
    sent = time.monotonic()
    stdout, stderr = process.communicate(timeout=60)
    assert time.monotonic() - sent <= 2
    assert (process.returncode, stderr) == (128 + number, "Stopped.\n")
    assert all(json.loads(line) for line in stdout.splitlines())
