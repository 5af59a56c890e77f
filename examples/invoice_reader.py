"""Runs the connector as a process and hands over its rows and states, for the jobs in this folder.

Needs Python 3.10 or later, and the connector, in this environment or in one of its own.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

STREAMS = [
    "ipxo_payout_invoices",
    "ipxo_invoices",
    "ipxo_ecommerce_invoices",
    "nexudus_payout_invoices",
    "payhubix_invoices",
]
"""For the jobs that import this module. Leave out those of a provider that the configuration does not name."""

_running: set["subprocess.Popen[str]"] = set()
_is_stopped = threading.Event()


class SyncFailed(Exception):
    """Not every stream is complete. What was saved stays, and the next sync goes on from there.

    rows: how many rows came of each stream that is complete. may_pass: whether it makes sense to try again; else the
    configuration must be changed first.
    """

    def __init__(self, message: str, rows: Mapping[str, int] | None = None, may_pass: bool = True) -> None:
        super().__init__(message)
        self.rows = dict(rows or {})
        self.may_pass = may_pass


class Row(NamedTuple):
    """A row of a stream, and when the connector sent it."""

    stream: str
    data: dict[str, Any]
    sent: datetime


class State(NamedTuple):
    """What the next sync of a stream needs. It stands for all rows of the stream that came before it."""

    stream: str
    content: dict[str, Any]


def read(
    config: Mapping[str, Any],
    streams: Iterable[str],
    states: Iterable[Any] = (),
    executable: str = "source-invoices",
) -> Iterator[Row | State]:
    """Yields rows and states in the connector's order. Raises SyncFailed at the end, unless every stream is complete.

    A stream is complete if the connector says so, and if a state has followed its last row. Warnings go to standard
    error: one may name invoices that have vanished.
    """
    progress = {name: _Progress() for name in streams}
    if not progress:
        return
    errors: list[dict[str, Any]] = []
    catalog = configured_catalog(progress)
    with connector(executable, "read", config=config, catalog=catalog, state=list(states)) as process:
        for line in process.stdout or ():
            message = json.loads(line)
            if message["type"] == "RECORD":
                record = message["record"]
                progress[record["stream"]].add()
                sent = datetime.fromtimestamp(record["emitted_at"] / 1000, timezone.utc)
                yield Row(record["stream"], record["data"], sent)
            elif message["type"] == "STATE":
                stream = message["state"]["stream"]
                name = stream["stream_descriptor"]["name"]
                progress[name].is_saved = True
                yield State(name, {"type": "STREAM", "stream": stream})
            elif message["type"] == "TRACE":
                _take_trace(message["trace"], progress, errors)
            elif message["type"] == "LOG" and message["log"]["level"] == "WARN":
                print(message["log"]["message"], file=sys.stderr)
        code = process.wait()
    rows = {name: one.rows for name, one in progress.items() if one.is_complete and one.is_saved}
    if code or len(rows) < len(progress):
        raise _failure(errors, code, rows)


def json_file(path: Path) -> Any:
    """What a JSON file has, such as the connector's configuration. Raises SyncFailed if it cannot be read."""
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SyncFailed(f"{path} cannot be read: {error.strerror}.", may_pass=False) from None
    except ValueError:
        raise SyncFailed(f"{path} is not JSON.", may_pass=False) from None


def discover(config: Mapping[str, Any], executable: str = "source-invoices") -> list[dict[str, Any]]:
    """The streams of the providers that are configured, as Airbyte's catalog describes them. Raises SyncFailed."""
    errors: list[dict[str, Any]] = []
    with connector(executable, "discover", config=config) as process:
        for line in process.stdout or ():
            message = json.loads(line)
            if message["type"] == "CATALOG":
                streams: list[dict[str, Any]] = message["catalog"]["streams"]
                return streams
            if message["type"] == "TRACE":
                _take_trace(message["trace"], {}, errors)
        code = process.wait()
    raise _failure(errors, code, {})


@dataclass
class _Progress:
    """How far a stream is."""

    rows: int = 0
    is_saved: bool = True
    is_complete: bool = False

    def add(self) -> None:
        self.rows += 1
        self.is_saved = False


def _take_trace(trace: Mapping[str, Any], progress: Mapping[str, _Progress], errors: list[dict[str, Any]]) -> None:
    if trace["type"] == "ERROR":
        errors.append(trace["error"])
    elif trace["type"] == "STREAM_STATUS" and trace["stream_status"]["status"] == "COMPLETE":
        progress[trace["stream_status"]["stream_descriptor"]["name"]].is_complete = True


def _failure(errors: list[dict[str, Any]], code: int, rows: Mapping[str, int]) -> SyncFailed:
    causes = [error for error in errors if error.get("stream_descriptor")] or errors
    return SyncFailed(
        "\n".join(error["message"] for error in causes) or f"The connector stopped, with exit code {code}.",
        rows,
        not causes or any(error["failure_type"] != "config_error" for error in causes),
    )


@contextmanager
def connector(executable: str, command: str, **files: Any) -> Iterator["subprocess.Popen[str]"]:
    """The connector at work on these files. It is stopped if its messages cannot be dealt with."""
    with TemporaryDirectory() as temporary:  # which nobody else may enter
        arguments = [executable, command]
        for option, content in files.items():
            file = Path(temporary, f"{option}.json")
            file.write_text(json.dumps(content), "utf-8")
            arguments += [f"--{option}", str(file)]
        try:
            process = subprocess.Popen(arguments, stdout=subprocess.PIPE, encoding="utf-8")
        except OSError as error:
            raise SyncFailed(
                f"The connector {executable} cannot be started: {error.strerror}.", may_pass=False
            ) from None
        with process:
            _running.add(process)
            try:
                if _is_stopped.is_set():
                    process.terminate()
                yield process
            except BaseException:
                process.terminate()
                raise
            finally:
                _running.discard(process)


def stop() -> None:
    """Ends the connectors that run in other threads, and those that are yet to start. Each read raises SyncFailed."""
    _is_stopped.set()
    for process in tuple(_running):
        process.terminate()


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
