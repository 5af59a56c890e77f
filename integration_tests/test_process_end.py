"""How the process ends: when its reader goes away, when it is told to stop, and when its output has no room."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from integration_tests.support.connector import catalog_of, command
from sandbox import Fault, Request, Sandbox

PROGRAM = (sys.executable, "-m", "source_invoices")
# Seconds, so that a process that does not end fails a test and not the whole run.
PATIENCE = 60


def begin(arguments: Sequence[str], **options: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen([*PROGRAM, *arguments], stderr=subprocess.PIPE, text=True, **options)


def read_arguments(sandbox: Sandbox, folder: Path, stream: str) -> list[str]:
    return command(folder, "read", config=sandbox.config(), catalog=catalog_of([stream]))


@pytest.mark.parametrize(("stream", "rows"), [("nexudus_payout_invoices", 12_000), ("ipxo_invoices", 1_000)])
def test_it_ends_in_silence_when_nobody_reads_its_output(tmp_path: Path, stream: str, rows: int) -> None:
    with Sandbox(rows={stream: rows}) as sandbox:
        process = begin(read_arguments(sandbox, tmp_path, stream), stdout=subprocess.PIPE)
        assert process.stdout
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(PATIENCE) == 128 + signal.SIGPIPE
        assert process.stderr
        assert process.stderr.read() == ""


@pytest.mark.parametrize("verb", ["check", "read"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_a_signal_while_it_waits_for_a_provider(
    sandbox: Sandbox, tmp_path: Path, verb: str, number: signal.Signals
) -> None:
    stream = "nexudus_payout_invoices"
    arrived = threading.Event()

    def when(_: Request) -> bool:
        arrived.set()
        return True

    if verb == "check":
        arguments = command(tmp_path, "check", config={"nexudus": sandbox.config()["nexudus"]})
        sandbox.faults.append(Fault(kind="slow", delay=5, route=stream, times=None, when=when))
    else:
        arguments = read_arguments(sandbox, tmp_path, stream)
        sandbox.faults.append(Fault(kind="status", status=429, retry_after="600", route=stream, times=None, when=when))
    process = begin(arguments, stdout=subprocess.PIPE)
    assert arrived.wait(PATIENCE)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=PATIENCE)
    assert (process.returncode, stderr) == (128 + number, "Stopped.\n")
    assert all(json.loads(line) for line in stdout.splitlines())


@pytest.mark.parametrize("verb", ["spec", "read"])
def test_a_full_disk_is_named(sandbox: Sandbox, tmp_path: Path, verb: str) -> None:
    arguments = ["spec"] if verb == "spec" else read_arguments(sandbox, tmp_path, "payhubix_invoices")
    with Path("/dev/full").open("w") as full:
        process = begin(arguments, stdout=full)
        _, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert (
        stderr
        == "Standard output cannot be written: No space left on device. Correct this and run the command again.\n"
    )


def test_output_is_utf_8_in_every_locale(sandbox: Sandbox, tmp_path: Path) -> None:
    stream = "payhubix_invoices"
    key = sandbox.tables[stream].keys()[0]
    sandbox.tables[stream].change(key, order_id="Żółć 発票")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    arguments = [*PROGRAM, *read_arguments(sandbox, tmp_path, stream)]
    done = subprocess.run(arguments, capture_output=True, env=environment, check=False)
    assert done.returncode == 0
    messages = [json.loads(line) for line in done.stdout.decode().splitlines()]
    rows = [message["record"]["data"] for message in messages if message["type"] == "RECORD"]
    assert [row["order_id"] for row in rows if row["link"] == key] == ["Żółć 発票"]


def test_the_provider_s_words_are_utf_8_in_every_locale(sandbox: Sandbox, tmp_path: Path) -> None:
    stream = "payhubix_invoices"
    sandbox.faults.append(Fault("status", stream, status=403, body={"message": "Żółć 発票"}, times=None))
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    arguments = [*PROGRAM, *read_arguments(sandbox, tmp_path, stream)]
    done = subprocess.run(arguments, capture_output=True, env=environment, check=False)
    assert done.returncode == 1
    messages = [json.loads(line) for line in done.stdout.decode().splitlines()]
    said = [message["type"] for message in messages if "Żółć 発票" in json.dumps(message, ensure_ascii=False)]
    assert {"LOG", "TRACE"} <= set(said)
