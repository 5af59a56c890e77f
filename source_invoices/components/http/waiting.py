"""Waits that say what is waited for.

This module is here because a wait of minutes looks like a connector that hangs, and many threads wait for the same.
"""

import logging
import math
import threading
import time
from collections.abc import Callable

import requests
from airbyte_cdk.sources.streams.call_rate import APIBudget, CallRateLimitHit

from source_invoices.components.http.stream_failure import StreamFailure

LOGGER = logging.getLogger("airbyte")
# Seconds. A budget also says 0.
_SHORTEST = 0.001


class Notice:
    """Which of the threads that wait for the same says so, and when again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0
        self._next = math.inf

    def is_due(self, until: float, longer_than: float, every: float) -> bool:
        """Returns whether the caller, which waits until this moment, is to say so now.

        Each wait is said once if it is longer than some seconds, and again after every so many seconds.
        """
        with self._lock:
            now = time.monotonic()
            is_said = now < self._until and until <= self._until + longer_than
            if now < self._next if is_said else until - now <= longer_than:
                return False
            self._until = self._until if is_said else until
            self._next = now + every
            return True

    def said(self, until: float, every: float) -> None:
        """Notes that a wait until this moment was said."""
        with self._lock:
            self._until, self._next = until, time.monotonic() + every

    def seconds_to_next(self) -> float:
        """Returns the seconds until a wait that was said is said again."""
        return max(0.0, self._next - time.monotonic())


class Waiting:
    """The waits of one stream, which end as soon as it has failed.

    longer_than, every: see Notice.
    """

    def __init__(self, stream_failure: StreamFailure, longer_than: float, every: float) -> None:
        self._stream_failure = stream_failure
        self._longer_than, self._every = longer_than, every

    def wait(self, remaining: Callable[[], float], notice: Notice, why: Callable[[], str]) -> None:
        """Waits while seconds remain. Raises AirbyteTracedException as soon as the stream has failed.

        why: who is waited for and why, in a sentence.
        """
        self._stream_failure.wait(0)
        while (seconds := remaining()) > 0:
            if notice.is_due(time.monotonic() + seconds, self._longer_than, self._every):
                LOGGER.info(f"{why()} Waiting {in_words(seconds)}.")
            self._stream_failure.wait(min(seconds, notice.seconds_to_next() or self._every))

    def acquire(self, budget: APIBudget, request: requests.PreparedRequest, notice: Notice, subject: str) -> None:
        """Waits until the budget allows a request. The budget's own wait would not end with the stream."""
        why = f"{subject}: as many requests were sent as the provider allows in this time."
        while True:
            try:
                budget.acquire_call(request, block=False)
            except CallRateLimitHit as hit:
                until = time.monotonic() + max(hit.time_to_wait.total_seconds(), _SHORTEST)
                self._wait_until(until, notice, why)
            else:
                return

    def pause(self, seconds: float, why: str) -> None:
        """Says in any case why it waits, and waits."""
        until, notice = time.monotonic() + seconds, Notice()
        notice.said(until, self._every)
        LOGGER.info(f"{why} Asking again in {in_words(seconds)}.")
        self._wait_until(until, notice, why)

    def _wait_until(self, until: float, notice: Notice, why: str) -> None:
        self.wait(lambda: until - time.monotonic(), notice, lambda: why)


def in_words(seconds: float) -> str:
    """Returns a time to wait in whole seconds, as text."""
    count = math.ceil(seconds) if seconds < 1e9 else 0
    if not count:
        return "more than thirty years" if seconds else "0 seconds"
    return f"{count} second" if count == 1 else f"{count} seconds"
