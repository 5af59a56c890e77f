"""After `kill -9` at any moment, a sync from the last state that was written misses no row."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from integration_tests.support.connector import STREAMS, Output, assert_no_secret, catalog_of, command, read
from sandbox import Sandbox


def read_until_killed(
    folder: Path, config: dict[str, Any], state: list[Any], lines: int
) -> tuple[list[Any], list[Any]]:
    """Reads all streams and kills the connector after some lines. Returns the records and the last states written."""
    arguments = command(folder, "read", config=config, catalog=catalog_of(STREAMS), state=state)
    process = subprocess.Popen(
        [sys.executable, "-m", "source_invoices", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    records: list[Any] = []
    states = {item["stream"]["stream_descriptor"]["name"]: item for item in state}
    lines_read = []
    for number, line in enumerate(process.stdout):
        lines_read.append(line)
        message = json.loads(line)
        if message["type"] == "RECORD":
            records.append(message["record"])
        elif message["type"] == "STATE":
            left = {"type": "STREAM", "stream": message["state"]["stream"]}
            states[left["stream"]["stream_descriptor"]["name"]] = left
        if number == lines:
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    process.wait()
    assert_no_secret(Output(process.returncode, [], "".join(lines_read)), config)
    return records, list(states.values())


@pytest.mark.parametrize("seed", range(3))
def test_the_sync_after_a_kill_brings_every_missing_row(seed: int, tmp_path: Path) -> None:
    schedule = random.Random(seed)
    with Sandbox(rows=60) as sandbox:
        for stream in sandbox.lists:
            sandbox.lists[stream].max_page_size = 10
        sandbox.nexudus.limits = None
        records: list[Any] = []
        state: list[Any] = []
        for _ in range(2):
            more, state = read_until_killed(tmp_path, sandbox.config(), state, schedule.randrange(20, 330))
            records += more
            for stream in STREAMS:
                sandbox.tables[stream].add(status="unpaid")
        last = read(sandbox.config(), state=state)
        assert last.exit_code == 0
        for stream, key in STREAMS.items():
            arrived = {record["data"][key] for record in records if record["stream"] == stream}
            arrived |= {record[key] for record in last.records(stream)}
            assert arrived == set(sandbox.tables[stream].keys())
