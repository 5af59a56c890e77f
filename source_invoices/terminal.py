"""The progress of a read at a terminal: one line a stream on stderr, renewed in place."""

import os
import sys
import time
from collections.abc import Sequence
from typing import TextIO

from airbyte_cdk.models import AirbyteMessage, AirbyteStreamStatus

from source_invoices.components.pages.whole_page import RecordPage

_SECONDS_BETWEEN = 0.1
_WORDS = {
    AirbyteStreamStatus.STARTED: "reading",
    AirbyteStreamStatus.RUNNING: "reading",
    AirbyteStreamStatus.COMPLETE: "complete",
    AirbyteStreamStatus.INCOMPLETE: "incomplete",
}


class ProgressLines:
    """Shows what the messages of a read say: how many rows each stream has, of how many.

    terminal: where the lines go; None for nowhere.
    """

    def __init__(self, streams: Sequence[str], terminal: TextIO | None) -> None:
        self._terminal = terminal
        self._rows = dict.fromkeys(streams, 0)
        self._expected: dict[str, int | None] = {}
        self._words: dict[str, str] = {}
        self._shown = 0.0
        self._height = 0

    @classmethod
    def at_the_terminal(cls, streams: Sequence[str], *, quiet: bool) -> "ProgressLines":
        """Returns lines on stderr, if it is a terminal and the messages go elsewhere: they would break the lines."""
        is_shown = not quiet and sys.stderr.isatty() and not sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        return cls(streams, sys.stderr if is_shown else None)

    def note(self, message: AirbyteMessage | RecordPage) -> None:
        """Takes in a message. The lines are renewed ten times a second at most, and at the end of a stream."""
        if not self._terminal:
            return
        is_end = False
        if isinstance(message, RecordPage):
            self._rows[message.stream] += len(message.rows)
        elif message.trace and message.trace.estimate:
            self._expected[message.trace.estimate.name] = message.trace.estimate.row_estimate
        elif message.trace and message.trace.stream_status:
            status = message.trace.stream_status
            self._words[status.stream_descriptor.name] = _WORDS[status.status]
            is_end = True
        if is_end or time.monotonic() - self._shown > _SECONDS_BETWEEN:
            self._show(self._terminal)

    def _show(self, terminal: TextIO) -> None:
        self._shown = time.monotonic()
        width = max(20, _columns(terminal) - 1)  # a longer line would take two
        lines = [f"\r\x1b[K{self._line(stream)[:width]}\n" for stream in self._rows]
        up = f"\x1b[{self._height}A" if self._height else ""
        self._height = len(lines)
        terminal.write(up + "".join(lines))
        terminal.flush()

    def _line(self, stream: str) -> str:
        rows, expected = self._rows[stream], self._expected.get(stream)
        of_all = f" of about {expected:,}" if expected is not None and expected > rows else ""
        return f"{stream}: {rows:,}{of_all} rows, {self._words.get(stream, 'waiting')}"


def _columns(terminal: TextIO) -> int:
    try:
        return os.get_terminal_size(terminal.fileno()).columns or 80
    except OSError:
        return 80
