"""A command of the connector as a process, with the moment of each line that it writes."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

PROGRAM = (sys.executable, "-m", "source_invoices")


@dataclass
class Line:
    """A message, and how many seconds after the start of the process it came."""

    seconds: float
    message: dict[str, Any]

    @property
    def log(self) -> str:
        """Level and text of a log line; empty for another message."""
        log = self.message.get("log") or {"level": "", "message": ""}
        return f"{log['level']}: {log['message']}"


@dataclass
class Process:
    """A command that runs. `end` fails if a line on its stdout is no message.

    other_lines: those. exit_code, seconds, stderr: how and when it ended.
    """

    arguments: Sequence[str]
    lines: list[Line] = field(default_factory=list)
    other_lines: list[str] = field(default_factory=list)
    exit_code: int | None = None
    seconds: float = 0.0
    stderr: str = ""

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            [*PROGRAM, *self.arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._arrived = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def end(self, within: float) -> "Process":
        """Waits for its end. Fails, and kills it, if it takes longer than so many seconds from its start."""
        try:
            self.exit_code = self._process.wait(within - self._now())
        finally:
            self._process.kill()
        self.seconds = self._now()
        self._reader.join()
        assert self._process.stderr
        self.stderr = self._process.stderr.read()
        assert self.other_lines == []
        return self

    def wait_for(self, words: str, within: float) -> Line:
        """Waits until it says these words in a log line."""
        with self._arrived:
            self._arrived.wait_for(lambda: self.said(words), within - self._now())
        return self.said(words)[0]

    def stop(self, number: signal.Signals) -> float:
        """Sends a signal, and returns how many seconds later it has ended."""
        sent = self._now()
        self._process.send_signal(number)
        return self.end(sent + 60).seconds - sent

    def said(self, words: str) -> list[Line]:
        """The log lines that have these words."""
        return [line for line in self.lines if words in line.log]

    def longest_silence(self) -> float:
        """The most seconds between two lines, from its start to its end."""
        moments = [0.0, *(line.seconds for line in self.lines), self.seconds]
        return max(later - earlier for earlier, later in pairwise(moments))

    def error(self) -> str:
        """The message of the one stream that failed."""
        traces = [line.message["trace"] for line in self.lines if line.message["type"] == "TRACE"]
        errors = [trace["error"] for trace in traces if trace["type"] == "ERROR"]
        (message,) = [error["message"] for error in errors if error.get("stream_descriptor")]
        return str(message)

    def rows(self) -> int:
        """How many records it has written."""
        return sum(line.message["type"] == "RECORD" for line in self.lines)

    def connection_status(self) -> tuple[str, str]:
        """The status and the message that `check` ends with."""
        (status,) = [line.message["connectionStatus"] for line in self.lines if "connectionStatus" in line.message]
        return status["status"], status["message"]

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _read(self) -> None:
        assert self._process.stdout
        for text in self._process.stdout:
            with self._arrived:
                try:
                    self.lines.append(Line(self._now(), json.loads(text)))
                except ValueError:
                    self.other_lines.append(text)
                self._arrived.notify_all()
