"""examples/meltano.yml and tap_invoices.py, with Meltano."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from system_tests.examples.workplace import ORCHESTRATORS, Accounts, Workplace

ROWS = "data/{}.jsonl"
LOADER = """
  loaders:
  - name: target-files
    namespace: target_files
    executable: ./target_files.py
"""


@pytest.fixture
def project(workplace: Workplace) -> Workplace:
    """The example with a loader added."""
    with (workplace.folder / "meltano.yml").open("a") as file:
        file.write(LOADER)
    shutil.copy(Path(__file__).with_name("target_files.py"), workplace.folder)
    (workplace.folder / "data").mkdir()
    return workplace


def meltano(project: Workplace, *command: str) -> "subprocess.CompletedProcess[str]":
    return project.run(
        *("meltano", *command),
        path=[ORCHESTRATORS],
        TAP_INVOICES_SOURCE=json.dumps(project.config),
        MELTANO_SEND_ANONYMOUS_USAGE_STATS="false",
    )


def run(project: Workplace) -> "subprocess.CompletedProcess[str]":
    return meltano(project, "run", "tap-invoices", "target-files")


def state(project: Workplace) -> dict[str, Any]:
    """What Meltano keeps for the next run."""
    done = meltano(project, "--log-level=error", "state", "get", "prod:tap-invoices-to-target-files")
    bookmarks: dict[str, Any] = json.loads(done.stdout)["singer_state"]["bookmarks"]
    return bookmarks


def test_a_second_run_brings_new_and_changed_invoices(project: Workplace, accounts: Accounts) -> None:
    first = run(project)
    assert first.returncode == 0, first.stderr
    assert project.values_in(ROWS) == accounts.values()
    number = len(project.rows_in("data/*.jsonl"))
    accounts.live_on()
    assert run(project).returncode == 0
    assert project.values_in(ROWS) == accounts.values()
    assert len(project.rows_in("data/*.jsonl")) < number * 1.5


def test_a_failing_provider_fails_the_run_and_stops_no_other_stream(project: Workplace, accounts: Accounts) -> None:
    works, fails = "nexudus_payout_invoices", "payhubix_invoices"
    del project.config["ipxo"]
    assert run(project).returncode == 0
    earlier = state(project)
    accounts.live_on()
    accounts.sandbox.payhubix.api_key = "another-api-key"
    done = run(project)
    assert done.returncode != 0
    assert "Payhubix, payhubix_invoices: access refused" in done.stdout + done.stderr
    assert state(project)[fails] == earlier[fails]
    assert state(project)[works] != earlier[works]

    project.config["payhubix"]["api_key"] = accounts.sandbox.payhubix.api_key
    assert run(project).returncode == 0
    for stream in (works, fails):
        assert project.values_in(ROWS)[stream] == accounts.values()[stream]


def test_the_tap_keeps_the_order_and_adds_earlier_states_to_each_state(workplace: Workplace) -> None:
    """The tap runs without Meltano, on a script that writes these messages."""
    script = workplace.folder / "connector"
    lines = (record("a", 1), state_of("a", "x"), record("b", 2), record("a", 3), state_of("a", "y"), state_of("b", "z"))
    script.write_text("\n".join(["#!/bin/sh", "cp $5 given.json", *(f"echo '{line}'" for line in lines), "exit 1\n"]))
    script.chmod(0o755)
    workplace.config = {"source": workplace.config, "executable": "./connector"}
    chosen = {"a": {"selected": True}, "b": {"selected": True}, "c": {"selected": False}, "d": {}}
    parts: dict[str, Any] = {"schema": {}, "key_properties": ["id"]}
    streams = [
        {"tap_stream_id": name, "metadata": [{"breadcrumb": [], "metadata": metadata}], **parts}
        for name, metadata in chosen.items()
    ]
    (workplace.folder / "catalog.json").write_text(json.dumps({"streams": streams}))
    done = workplace.run("./tap_invoices.py", "--config", "config.json", "--catalog", "catalog.json")
    assert done.returncode == 1
    given = json.loads((workplace.folder / "given.json").read_text())
    assert [configured["stream"]["name"] for configured in given["streams"]] == ["a", "b"]
    said = []
    for message in map(json.loads, done.stdout.splitlines()):
        if message["type"] == "STATE":
            bookmarks = message["value"]["bookmarks"].items()
            said.append({name: bookmark["stream"]["stream_state"]["cursor"] for name, bookmark in bookmarks})
        else:
            said.append(message.get("record", message["stream"]))
    assert said == ["a", "b", {"id": 1}, {"a": "x"}, {"id": 2}, {"id": 3}, {"a": "y"}, {"a": "y", "b": "z"}]


def record(stream: str, key: int) -> str:
    return json.dumps({"type": "RECORD", "record": {"stream": stream, "data": {"id": key}, "emitted_at": 1}})


def state_of(stream: str, cursor: str) -> str:
    content = {"stream_descriptor": {"name": stream}, "stream_state": {"cursor": cursor}}
    return json.dumps({"type": "STATE", "state": {"type": "STREAM", "stream": content}})
