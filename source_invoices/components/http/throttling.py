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


@dataclass(frozen=True)
class RetryPolicy:
    """How often a request is attempted, and how long the waits between attempts are, in seconds.

    longest_wait: a provider that asks to wait longer is not waited for, because the next sync is as near.
    patience: a request may be throttled this many times as often while other requests of its provider are answered.
    """

    attempts: int = 6
    longest_wait: float = 3600.0
    first_backoff: float = 1.0
    longest_backoff: float = 60.0
    patience: int = 10

    def backoff(self, attempt: int) -> float:
        """Returns the seconds to wait after an attempt. They grow, and differ between threads that failed together."""
        longest = min(math.ldexp(self.first_backoff, attempt - 1), self.longest_backoff)
        return longest * random.uniform(0.5, 1)


class ProviderPause:
    """When a provider that says "too many requests" may be asked again. All its streams share one."""

    def __init__(self) -> None:
        self._until = 0.0
        self._rounds = 0
        self._lock = threading.Lock()

    def extend(self, hint: float | None, policy: RetryPolicy) -> int:
        """Pauses for the seconds of the provider's hint, else longer in each round.

        Returns the number of rounds without an answer. All requests in flight when a round begins belong to it.
        """
        with self._lock:
            if self.remaining() <= 0:
                self._rounds += 1
            # A hint of 0 still pauses for a moment, so that all requests in flight belong to one round.
            seconds = policy.backoff(self._rounds) if hint is None else max(hint, policy.first_backoff / 2)
            self._until = max(self._until, time.monotonic() + seconds)
            return self._rounds

    def lift(self) -> None:
        """Notes that another request was answered."""
        self._rounds = 0

    def remaining(self) -> float:
        """Returns the seconds until the provider may be asked again; zero or less if it may be asked now."""
        return self._until - time.monotonic()


def retry_after(response: requests.Response) -> float | None:
    """Returns the seconds of a Retry-After header, in either of its forms; None without a readable one."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())
