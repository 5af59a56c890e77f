"""A progress bar for each stream, or a line for each finished stream where there is no terminal."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.spinner import Spinner

INTERVAL = 0.1
"""Seconds between two looks at the report."""


@dataclass
class StreamProgress:
    """How far a stream has come. `status` is that of the Airbyte protocol; times are milliseconds since 1970."""

    records: int = 0
    estimate: int | None = None
    status: str | None = None
    error: str | None = None
    began: float | None = None
    ended: float | None = None

    @property
    def complete(self) -> bool:
        """Whether the stream has delivered all that there was."""
        return self.status == "COMPLETE" and self.error is None

    @property
    def failed(self) -> bool:
        """Whether the stream has ended before it was complete."""
        return self.status == "INCOMPLETE" or self.error is not None


@dataclass
class Report:
    """What the connector's wrapper has reported so far, read from its file."""

    path: Path
    streams: dict[str, StreamProgress] = field(default_factory=dict)
    error: str | None = None
    exit_code: int | None = None
    _position: int = 0

    def refresh(self) -> None:
        """Reads what has been added to the file."""
        if not self.path.exists():
            return
        with self.path.open(encoding="utf-8") as file:
            file.seek(self._position)
            added = file.read()
            complete, _, _ = added.rpartition("\n")
            self._position += len(f"{complete}\n".encode()) if complete else 0
        for line in complete.splitlines():
            self._add(json.loads(line))

    def _add(self, event: dict[str, Any]) -> None:
        for name, records in event.get("records", {}).items():
            self._stream(name).records = records
        self.exit_code = event.get("exit", self.exit_code)
        name = event.get("stream")
        if name is None:
            self.error = self.error or event.get("error")
            return
        stream = self._stream(name)
        stream.status = event.get("status", stream.status)
        if event.get("status") == "STARTED":
            stream.began = event["at"]
        elif event.get("status") in ("COMPLETE", "INCOMPLETE"):
            stream.ended = event["at"]
        stream.estimate = event.get("estimate", stream.estimate)
        stream.error = stream.error or event.get("error")

    def _stream(self, name: str) -> StreamProgress:
        return self.streams.setdefault(name, StreamProgress())


class ProgressDisplay:
    """Shows a report while it grows. Use it as a context manager around the sync."""

    def __init__(self, console: Console, names: Iterable[str], report: Report) -> None:
        self.report = report
        for name in names:
            report.streams.setdefault(name, StreamProgress())
        self._console = console
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="progress", daemon=True)
        self._printed: set[str] = set()
        self._stopped: set[str] = set()
        self._tasks: dict[str, TaskID] = {}
        self._writing: TaskID | None = None
        self._progress = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[rows]}", justify="right", markup=False),
            TextColumn("{task.fields[state]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            # Both are sent to a log file while PyAirbyte works.
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> ProgressDisplay:
        if self._console.is_terminal:
            self._show()
            self._progress.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._show()
        if self._writing is not None:
            self._progress.update(self._writing, visible=False)
        if self._console.is_terminal:
            self._progress.stop()

    def _follow(self) -> None:
        while not self._over.wait(INTERVAL):
            self._show()

    def _show(self) -> None:
        self.report.refresh()
        for name, stream in self.report.streams.items():
            if self._console.is_terminal:
                self._move_bar(name, stream)
            elif stream.complete and name not in self._printed:
                self._printed.add(name)
                self._console.print(f"{name}: {rows(stream.records)} read", highlight=False)
        if self._tasks and self._writing is None and self.report.exit_code is not None:
            self._writing = self._progress.add_task("writing to DuckDB", total=None, rows="", state="")

    def _move_bar(self, name: str, stream: StreamProgress) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=None, rows="", state="")
        task = self._tasks[name]
        done = stream.complete
        # Without an estimate the bar pulses; with one that is too low it is still not full before the stream is
        # complete. A stream without rows fills its bar as well.
        estimate = None if stream.estimate is None else max(stream.estimate, stream.records + 1)
        self._progress.update(
            task,
            total=max(stream.records, 1) if done else estimate,
            completed=max(stream.records, 1) if done else stream.records,
            rows=rows(stream.records),
            state="[green]done" if done else "[red]failed" if stream.failed else "",
        )
        if stream.failed and name not in self._stopped:
            self._stopped.add(name)
            self._progress.stop_task(task)


def working(console: Console, text: str) -> AbstractContextManager[object]:
    """Shows that something goes on; for a terminal only. Rich's own status would bring what goes to the log file back
    on the screen."""
    if not console.is_terminal:
        return nullcontext()
    spinner = Spinner("dots", text)
    return Live(spinner, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)


def rows(count: int) -> str:
    """A number of rows in words."""
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
