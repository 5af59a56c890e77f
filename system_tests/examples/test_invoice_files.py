"""examples/invoice_files.py, which the jobs use. Shell scripts stand in for connectors that misbehave."""

import fcntl
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sandbox import STREAMS, Fault
from system_tests.examples.workplace import EXAMPLES, Accounts, Workplace

ROWS = "data/rows/{}/*.jsonl"
STREAM = "payhubix_invoices"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(EXAMPLES)
    specification = importlib.util.spec_from_file_location("invoice_files", EXAMPLES / "invoice_files.py")
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def sync(workplace: Workplace, *streams: str) -> Any:
    return workplace.run("python", "invoice_files.py", "config.json", "data", *streams)


def record(key: str, stream: str = STREAM) -> str:
    return json.dumps({"type": "RECORD", "record": {"stream": stream, "data": {"link": key}, "emitted_at": 1}})


def state(value: str, stream: str = STREAM) -> str:
    content = {"stream_descriptor": {"name": stream}, "stream_state": {"cursor": value}}
    return json.dumps({"type": "STATE", "state": {"type": "STREAM", "stream": content}})


def complete(stream: str = STREAM) -> str:
    status = {"stream_descriptor": {"name": stream}, "status": "COMPLETE"}
    return json.dumps({"type": "TRACE", "trace": {"type": "STREAM_STATUS", "stream_status": status}})


def error(kind: str, stream: str) -> str:
    content = {"message": f"{stream} failed.", "failure_type": kind, "stream_descriptor": {"name": stream}}
    return json.dumps({"type": "TRACE", "trace": {"type": "ERROR", "error": content}})


def connector(folder: Path, *lines: str, end: str = "exit 0") -> str:
    """A connector that writes these lines."""
    (folder / "messages").write_text("".join(f"{line}\n" for line in lines))
    script = folder / "connector"
    script.write_text(f'#!/bin/sh\ncat "{folder / "messages"}"\n{end}\n')
    script.chmod(0o755)
    return str(script)


def saved(folder: Path, stream: str = STREAM) -> tuple[list[str], str | None]:
    """The keys of the published rows, and the state."""
    path = folder / "state" / f"{stream}.json"
    cursor = json.loads(path.read_text())["stream"]["stream_state"]["cursor"] if path.exists() else None
    rows = sorted((folder / "rows" / stream).glob("*.jsonl"))
    return [json.loads(line)["link"] for file in rows for line in file.open()], cursor


def test_a_second_run_brings_new_and_changed_invoices(workplace: Workplace, accounts: Accounts) -> None:
    assert sync(workplace, *STREAMS).returncode == 0
    assert workplace.values_in(ROWS) == accounts.values()
    accounts.live_on()
    done = sync(workplace, *STREAMS)
    assert done.returncode == 0
    assert workplace.values_in(ROWS) == accounts.values()
    numbers = {name: int(rest.split()[0]) for name, rest in (line.split(": ") for line in done.stdout.splitlines())}
    assert numbers.keys() == set(STREAMS)
    assert all(numbers[stream] < len(table) for stream, table in accounts.sandbox.tables.items())


def test_a_failing_provider_fails_the_run_and_stops_no_other_stream(workplace: Workplace, accounts: Accounts) -> None:
    streams = ("nexudus_payout_invoices", STREAM)
    assert sync(workplace, *streams).returncode == 0
    earlier = accounts.values()
    states = {name: (workplace.folder / "data" / "state" / f"{name}.json").read_text() for name in streams}
    accounts.live_on()
    accounts.sandbox.faults.append(Fault("error_200", "payhubix_*"))
    done = sync(workplace, *streams)
    assert done.returncode == 1
    assert done.stderr.startswith("Payhubix, payhubix_invoices: ")
    assert (workplace.folder / "data" / "state" / f"{STREAM}.json").read_text() == states[STREAM]
    assert workplace.values_in(ROWS)[STREAM] == earlier[STREAM]
    assert workplace.values_in(ROWS)[streams[0]] == accounts.values()[streams[0]]

    assert sync(workplace, *streams).returncode == 0
    for stream in streams:
        assert workplace.values_in(ROWS)[stream] == accounts.values()[stream]


def test_an_unknown_stream_is_refused(workplace: Workplace) -> None:
    done = sync(workplace, "payhubix")
    assert done.returncode == 1
    assert "payhubix, which this connector does not have" in done.stderr


def test_rows_without_a_state_are_not_published(example: ModuleType, tmp_path: Path) -> None:
    killed = connector(tmp_path, record("1"), state("a"), record("2"), end="kill -9 $$")
    with pytest.raises(example.SyncFailed, match="exit code -9") as failure:
        example.sync({}, tmp_path, [STREAM], killed)
    assert failure.value.may_pass
    assert saved(tmp_path) == (["1"], "a")
    whole = connector(tmp_path, record("3"), state("b"), complete())
    assert example.sync({}, tmp_path, [STREAM], whole) == {STREAM: 1}
    assert saved(tmp_path) == (["1", "3"], "b")


def test_each_stream_has_its_own_state(example: ModuleType, tmp_path: Path) -> None:
    lines = (record("1"), record("2", "other"), state("a"), complete(), record("3", "other"))
    with pytest.raises(example.SyncFailed) as failure:
        example.sync({}, tmp_path, [STREAM, "other"], connector(tmp_path, *lines, end="exit 1"))
    assert failure.value.rows == {STREAM: 1}
    assert saved(tmp_path) == (["1"], "a")
    assert saved(tmp_path, "other") == ([], None)


@pytest.mark.parametrize(
    "lines",
    [(record("1"), state("a")), (record("1"), state("a"), record("2"), complete()), ()],
    ids=["not COMPLETE", "a row after the last state", "nothing"],
)
def test_a_stream_without_complete_fails_even_with_exit_0(
    example: ModuleType, tmp_path: Path, lines: tuple[str, ...]
) -> None:
    with pytest.raises(example.SyncFailed) as failure:
        example.sync({}, tmp_path, [STREAM], connector(tmp_path, *lines))
    assert failure.value.rows == {}


def test_a_stream_with_complete_fails_with_another_exit_code(example: ModuleType, tmp_path: Path) -> None:
    lines = (record("1"), state("a"), complete())
    with pytest.raises(example.SyncFailed) as failure:
        example.sync({}, tmp_path, [STREAM], connector(tmp_path, *lines, end="exit 1"))
    assert failure.value.rows == {STREAM: 1}


@pytest.mark.parametrize(
    ("kinds", "may_pass"),
    [(("config_error",), False), (("transient_error",), True), (("config_error", "system_error"), True)],
)
def test_only_transient_failures_ask_for_another_try(
    example: ModuleType, tmp_path: Path, kinds: tuple[str, ...], may_pass: bool
) -> None:
    lines = [error(kind, f"stream {number}") for number, kind in enumerate(kinds)]
    with pytest.raises(example.SyncFailed, match=r"stream 0 failed\.") as failure:
        example.sync({}, tmp_path, [STREAM], connector(tmp_path, *lines, end="exit 1"))
    assert failure.value.may_pass is may_pass


@pytest.mark.parametrize(("fails", "expected"), [("rows", ([], None)), ("state", (["1"], None))])
def test_the_state_is_written_after_the_rows(
    example: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str, expected: Any
) -> None:
    def move(source: Path, target: Path) -> None:
        if fails in target.parts:
            raise OSError("No space left on device")
        source.replace(target)

    monkeypatch.setattr(example, "move_durably", move)
    with pytest.raises(OSError, match="No space left"):
        example.sync({}, tmp_path, [STREAM], connector(tmp_path, record("1"), state("a"), complete()))
    assert saved(tmp_path) == expected


def test_a_connector_is_stopped_when_its_messages_cannot_be_written(example: ModuleType, tmp_path: Path) -> None:
    end = f'sleep 20; touch "{tmp_path}/ran-on"'
    with pytest.raises(ValueError, match="Expecting value"):
        example.sync({}, tmp_path, [STREAM], connector(tmp_path, "no JSON", end=end))
    assert not (tmp_path / "ran-on").exists()


def test_a_second_sync_of_the_same_folder_is_refused(example: ModuleType, tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(example.SyncFailed, match="Another sync") as failure:
            example.sync({}, tmp_path, [STREAM], connector(tmp_path, record("1"), state("a"), complete()))
        assert failure.value.may_pass
    assert saved(tmp_path) == ([], None)


def test_the_connector_gets_the_state_of_every_stream(example: ModuleType, tmp_path: Path) -> None:
    lines = (record("1"), state("a"), complete(), state("b", "other"), complete("other"))
    example.sync({}, tmp_path, [STREAM, "other"], connector(tmp_path, *lines))
    script = connector(tmp_path, *lines, end=f'cp "$7" "{tmp_path}/given.json"')
    example.sync({}, tmp_path, [STREAM, "other"], script)
    given = json.loads((tmp_path / "given.json").read_text())
    assert {one["stream"]["stream_state"]["cursor"] for one in given} == {"a", "b"}
