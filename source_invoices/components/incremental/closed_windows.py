"""The closed windows of a stream, which the current window waits for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ClosedWindows:
    """Counts the closed windows of a stream that are being read and that have been read."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._in_progress = 0
        self._read = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Counts one window as being read, and then as read, also if reading it fails."""
        with self._condition:
            self._in_progress += 1
        try:
            yield
        finally:
            with self._condition:
                self._in_progress -= 1
                self._read += 1
                self._condition.notify_all()

    def count(self) -> int:
        """Waits until no window is being read. Returns how many have been read."""
        with self._condition:
            self._condition.wait_for(lambda: not self._in_progress)
            return self._read
