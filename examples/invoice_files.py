"""Syncs streams into JSON Lines files: at first everything, later what is new or has changed.

Needs Linux or macOS, Python 3.10 or later, and the connector, in this environment or in one of its own. airflow_dag.py,
dagster_assets.py and tap_invoices.py import this module, and it runs by itself:

    python invoice_files.py config.json data payhubix_invoices nexudus_payout_invoices

Rows appear in data/rows/<stream>/ as whole files, and after them the state that stands for them, in
data/state/<stream>.json. So wherever a sync breaks off, the next one goes on without a gap, and no stream waits for
another. A row may come twice; the last one counts, in the order of the files' names.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

STREAMS = [
    "ipxo_payout_invoices",
    "ipxo_invoices",
    "ipxo_ecommerce_invoices",
    "nexudus_payout_invoices",
    "payhubix_invoices",
]
"""For the jobs that import this module. Leave out those of a provider that the configuration does not name."""


class SyncFailed(Exception):
    """Not every stream is complete. What was saved stays, and the next sync goes on from there.

    rows: how many rows came of each stream that is complete. may_pass: whether it makes sense to try again; else the
    configuration must be changed first.
    """

    def __init__(self, message: str, rows: Mapping[str, int] | None = None, may_pass: bool = True) -> None:
        super().__init__(message)
        self.rows = dict(rows or {})
        self.may_pass = may_pass


def sync(
    config: Mapping[str, Any], folder: Path, streams: Iterable[str], executable: str = "source-invoices"
) -> dict[str, int]:
    """Returns how many rows came of each stream. Raises SyncFailed, in the connector's words."""
    outputs = {name: _Output(folder, name) for name in streams}
    catalog = configured_catalog(outputs)
    with _only_one(folder):
        states = [state for output in outputs.values() for state in output.state()]
        with connector(executable, "read", config=config, catalog=catalog, state=states) as process:
            complete, errors = _deliver(process.stdout or (), outputs)
            code = process.wait()
    rows = {name: output.rows for name, output in outputs.items() if name in complete and output.is_saved}
    if code == 0 and len(rows) == len(outputs):
        return rows
    causes = [error for error in errors if error.get("stream_descriptor")] or errors
    raise SyncFailed(
        "\n".join(error["message"] for error in causes) or f"The connector stopped, with exit code {code}.",
        rows,
        not causes or any(error["failure_type"] != "config_error" for error in causes),
    )


def _deliver(lines: Iterable[str], outputs: Mapping[str, "_Output"]) -> tuple[set[str], list[dict[str, Any]]]:
    """Deals with the connector's messages. Returns the streams that are complete, and the errors."""
    complete: set[str] = set()
    errors: list[dict[str, Any]] = []
    for line in lines:
        message = json.loads(line)
        trace = message.get("trace", {})
        if message["type"] == "RECORD":
            outputs[message["record"]["stream"]].add(message["record"]["data"])
        elif message["type"] == "STATE":
            stream = message["state"]["stream"]
            outputs[stream["stream_descriptor"]["name"]].save({"type": "STREAM", "stream": stream})
        elif trace.get("type") == "STREAM_STATUS" and trace["stream_status"]["status"] == "COMPLETE":
            complete.add(trace["stream_status"]["stream_descriptor"]["name"])
        elif trace.get("type") == "ERROR":
            errors.append(trace["error"])
    return complete, errors


class _Output:
    """The files of one stream. Rows that no state stands for yet are in one that nobody takes for a result."""

    def __init__(self, folder: Path, stream: str) -> None:
        self.rows = 0
        self._folder = folder / "rows" / stream
        self._state = folder / "state" / f"{stream}.json"
        self._unfinished: TextIO | None = None

    @property
    def is_saved(self) -> bool:
        """Whether a state stands for all rows."""
        return self._unfinished is None

    def state(self) -> list[Any]:
        """The last state, if there is one."""
        return [json.loads(self._state.read_text("utf-8"))] if self._state.exists() else []

    def add(self, row: Mapping[str, Any]) -> None:
        if self._unfinished is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._unfinished = (self._folder / "unfinished").open("w", encoding="utf-8")
        self._unfinished.write(json.dumps(row) + "\n")
        self.rows += 1

    def save(self, state: Mapping[str, Any]) -> None:
        """First the rows, then the state: the other way round, a crash in between would lose them."""
        if self._unfinished is not None:
            self._unfinished.close()
            self._unfinished = None
            name = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S%fZ}.jsonl"
            move_durably(self._folder / "unfinished", self._folder / name)
        self._state.parent.mkdir(parents=True, exist_ok=True)
        new = self._state.with_suffix(".new")
        new.write_text(json.dumps(state), "utf-8")
        move_durably(new, self._state)


def move_durably(source: Path, target: Path) -> None:
    """The target has all of the content or is not there, even if the power fails."""
    with source.open("rb") as file:
        os.fsync(file.fileno())
    source.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Two syncs that share a state would undo each other's."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SyncFailed(f"Another sync is writing to {folder}.") from None
        yield


@contextmanager
def connector(executable: str, command: str, **files: Any) -> Iterator["subprocess.Popen[str]"]:
    """The connector at work on these files. It is stopped if its messages cannot be dealt with."""
    with TemporaryDirectory() as temporary:  # which nobody else may enter
        arguments = [executable, command]
        for option, content in files.items():
            file = Path(temporary, f"{option}.json")
            file.write_text(json.dumps(content), "utf-8")
            arguments += [f"--{option}", str(file)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, encoding="utf-8") as process:
            try:
                yield process
            except BaseException:
                process.terminate()
                raise


def configured_catalog(streams: Iterable[str]) -> dict[str, Any]:
    """What to read: these streams, incrementally."""
    return {
        "streams": [
            {
                "stream": {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]},
                "sync_mode": "incremental",
                "destination_sync_mode": "append",
            }
            for name in streams
        ]
    }


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))  # clears away the files with the configuration
    _, config_file, target, *names = sys.argv
    try:
        for name, number in sync(json.loads(Path(config_file).read_text("utf-8")), Path(target), names).items():
            print(f"{name}: {number} rows")
    except SyncFailed as failure:
        sys.exit(str(failure))
