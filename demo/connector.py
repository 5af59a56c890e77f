"""Runs the connector, passes its output on unchanged, and reports how far each stream has come.

PyAirbyte starts this in the connector's place, because it shows no progress for a single stream and drops estimates.
It is run as a script of its own and takes: the connector, the file for the report, the file for what the connector
writes to stderr, and the connector's own arguments.

The report is a file of JSON lines, each with some of the keys `records` (how many rows each stream has delivered so
far), `stream`, `status`, `at` (milliseconds since 1970), `estimate`, `error` and `exit`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

RECORD = b'{"type":"RECORD","record":{"stream":"'
TRACE = b'{"type":"TRACE"'
CHUNK = 1 << 18
INTERVAL = 0.1
"""Seconds between two reports of the rows."""


class Report:
    """Looks at the connector's lines and writes the report."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._records: Counter[str] = Counter()
        self._reported = 0.0

    def see(self, line: bytes) -> None:
        """Counts a record by the line's first bytes: to decode every one would slow the sync down."""
        if line.startswith(RECORD):
            self._records[line[len(RECORD) : line.index(b'"', len(RECORD))].decode()] += 1
        elif line.startswith(TRACE):
            for event in events(json.loads(line)["trace"]):
                self.write(records=self._records, **event)

    def write_records(self) -> None:
        """Reports the rows, unless that was done a moment ago."""
        if time.monotonic() - self._reported >= INTERVAL:
            self.write(records=self._records)

    def write_end(self, code: int) -> None:
        """Reports the rows and the connector's exit code."""
        self.write(records=self._records, exit=code)

    def write(self, **event: Any) -> None:
        """Adds a line."""
        self._file.write(json.dumps(event) + "\n")
        self._file.flush()
        self._reported = time.monotonic()


def events(trace: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a trace message says about a stream, or about the whole run."""
    if status := trace.get("stream_status"):
        name = status["stream_descriptor"]["name"]
        yield {"stream": name, "status": status["status"], "at": trace["emitted_at"]}
    if (estimate := trace.get("estimate")) and estimate.get("row_estimate") is not None:
        yield {"stream": estimate["name"], "estimate": estimate["row_estimate"]}
    if error := trace.get("error"):
        descriptor = error.get("stream_descriptor") or trace.get("stream_descriptor") or {}
        yield {"stream": descriptor.get("name"), "error": error["message"]}


def pass_on(source: int, target: int, report: Report) -> None:
    """Copies the output as it comes, and looks at its lines afterwards."""
    rest = b""
    while chunk := os.read(source, CHUNK):
        unwritten = memoryview(chunk)
        while unwritten:
            unwritten = unwritten[os.write(target, unwritten) :]
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            report.see(line)
        report.write_records()
    report.see(rest)


def main(connector: str, report_path: str, errors_path: str, *arguments: str) -> int:
    """Runs the connector and returns the exit code."""
    output, connector_output = os.pipe()
    with Path(errors_path).open("ab") as errors:
        process = subprocess.Popen([connector, *arguments], stdout=connector_output, stderr=errors)
    os.close(connector_output)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: process.send_signal(received))
    with Path(report_path).open("a", encoding="utf-8") as file:
        report = Report(file)
        try:
            pass_on(output, sys.stdout.fileno(), report)
        except BrokenPipeError:
            process.terminate()
        code = process.wait()
        if arguments[0] == "read":
            # PyAirbyte throws away what every stream delivered, complete ones too, when the connector exits with a
            # failure. The report tells the demo of the failure instead.
            report.write_end(code)
            return 0
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
