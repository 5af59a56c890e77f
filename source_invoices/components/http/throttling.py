"""Throttling: how long to wait after a failed attempt, and when a throttled provider may be asked again.

This module is here because the CDK's retries add a second to each wait, have no jitter and read no HTTP date; and
because the manifest cannot make one throttled answer pause all streams of a provider.
"""

import math
import random
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import requests

from source_invoices.components.http.waiting import Notice


@dataclass(frozen=True)
class RetryPolicy:
    """How often a request is attempted, and how long the waits between attempts are, in seconds.

    longest_wait: if a provider asks for a longer wait, the stream fails; the next sync can go on from its state.
    patience: so many times more often a request may be throttled, while other requests of its provider are answered.
    outlasts: throttling is waited for at least so long, however many attempts that takes: limits count by the minute.
    deadline, sign_in_deadline: for one whole request, from its first byte to the last one of its answer.
    whole_check: for `check` of all providers together.
    announces: a wait that is longer than this is said in the log, and again after each `repeats`.
    progress: how often the log says how far the streams are.
    """

    attempts: int = 6
    longest_wait: float = 3600.0
    first_backoff: float = 1.0
    longest_backoff: float = 60.0
    patience: int = 10
    outlasts: float = 120.0
    deadline: float = 600.0
    sign_in_deadline: float = 60.0
    whole_check: float = 20.0
    announces: float = 5.0
    repeats: float = 60.0
    progress: float = 30.0

    def backoff(self, attempt: int) -> float:
        """Returns the seconds to wait after an attempt. They grow, and differ between threads that failed together."""
        longest = min(math.ldexp(self.first_backoff, attempt - 1), self.longest_backoff)
        return longest * random.uniform(0.5, 1)


class ProviderPause:
    """When a provider that asked to wait, or said "too many requests", may be asked again. All its streams share one.

    why: the provider's words, for the line that announces the pause. notice: which thread writes that line, and
    budget_notice: which one says that the provider's budget is used up.
    """

    def __init__(self) -> None:
        self.why = ""
        self.notice = Notice()
        self.budget_notice = Notice()
        self._until = 0.0
        self._rounds = 0
        self._since = 0.0
        self._lock = threading.Lock()

    def extend(self, hint: float | None, policy: RetryPolicy, why: str = "") -> int:
        """Pauses longer in each round, and never less than the seconds of the provider's hint.

        Returns the number of rounds without an answer. All requests in flight when a round begins belong to it.
        """
        with self._lock:
            if self._rounds == 0:
                self._since = time.monotonic()
            if self.remaining() <= 0:
                self._rounds += 1
            self.why = why
            self._until = max(self._until, time.monotonic() + max(policy.backoff(self._rounds), hint or 0.0))
            return self._rounds

    def hold(self, hint: float, why: str) -> None:
        """Pauses for the seconds of a hint that came with another fault. It is no round of throttling."""
        with self._lock:
            self.why = why
            self._until = max(self._until, time.monotonic() + hint)

    def lift(self) -> None:
        """Notes that another request was answered."""
        self._rounds = 0

    def remaining(self) -> float:
        """Returns the seconds until the provider may be asked again; zero or less if it may be asked now."""
        return self._until - time.monotonic()

    def lasted(self) -> float:
        """Returns the seconds since the provider first refused to answer after its last answer."""
        return time.monotonic() - self._since


def retry_after(response: requests.Response) -> float | None:
    """Returns the seconds of a Retry-After header, in either of its forms; None without a readable one.

    A date is read against the answer's own date, so that a wrong clock, there or here, does not matter.
    """
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    moment = _moment(text)
    if moment is None:
        return None
    now = _moment(response.headers.get("Date", "")) or datetime.now(timezone.utc)
    return max(0.0, (moment - now).total_seconds())


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
