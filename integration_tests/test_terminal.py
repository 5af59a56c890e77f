"""The progress of a read at a terminal: one line a stream on stderr, renewed in place."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from integration_tests.support.connector import STREAMS, catalog_of, command
from sandbox import Fault, Sandbox


def at_a_terminal(arguments: list[str], **environment: str) -> tuple[bytes, str]:
    """What a command writes to stdout, and to a terminal that is its stderr."""
    terminal, stderr = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "source_invoices", *arguments],
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={**os.environ, "TERM": "xterm", **environment},
    )
    os.close(stderr)
    stdout, _ = process.communicate()
    shown = b""
    try:
        while part := os.read(terminal, 65_536):
            shown += part
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    return stdout, shown.decode()


def last_screen(shown: str) -> list[str]:
    """The lines that stay: those after the last move of the cursor upwards."""
    return [line.removeprefix("\r\x1b[K") for line in shown.rsplit("A\r\x1b[K", 1)[-1].split("\r\n") if line]


def test_each_stream_has_a_line_that_is_renewed_in_place(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.append(Fault(kind="status", status=403, route="ipxo_payout_invoices"))
    arguments = command(tmp_path, "read", config=sandbox.config(), catalog=catalog_of(STREAMS))
    stdout, shown = at_a_terminal(arguments)
    assert {json.loads(line)["type"] for line in stdout.splitlines()} >= {"RECORD", "STATE"}
    assert f"\x1b[{len(STREAMS)}A" in shown, "the cursor moves up to the first line"
    complete = {stream: f"{stream}: 9 rows, complete" for stream in STREAMS}
    expected = complete | {"ipxo_payout_invoices": "ipxo_payout_invoices: 0 rows, incomplete"}
    assert last_screen(shown) == list(expected.values())
    assert len(shown.split("\r\n")) % len(STREAMS) == 1


@pytest.mark.parametrize("way", ["quiet", "dumb", "no terminal"])
def test_nothing_is_shown_where_nobody_looks(sandbox: Sandbox, tmp_path: Path, way: str) -> None:
    arguments = command(tmp_path, "read", config=sandbox.config(), catalog=catalog_of(["payhubix_invoices"]))
    if way == "no terminal":
        done = subprocess.run([sys.executable, "-m", "source_invoices", *arguments], capture_output=True, check=True)
        assert done.stderr == b""
    else:
        more = ["--quiet"] if way == "quiet" else []
        assert at_a_terminal([*arguments, *more], TERM="dumb" if way == "dumb" else "xterm")[1] == ""
