"""What became of the details of a list's invoices.

A detail that is not there (404) is no proof of absence while the list shows its invoice. It stays owed in the state
until it comes, or until the list no longer shows it.
"""

import threading
from datetime import datetime

# A few may be gone since the list was read. More mean that the provider does not answer for them.
_MOST_MISSING = 5


class Details:
    """Counts the details that were asked for, and remembers those that were not there. Several threads read details."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = 0
        self._there = 0
        self._due: int | None = None
        # The details that are asked for, and those that were not there, each with the invoice's time of issue.
        self._expected: dict[str, datetime | None] = {}
        self.missing: dict[str, datetime | None] = {}

    def expect(self, key: str, issued: datetime | None) -> None:
        """Notes that a detail will be asked for."""
        with self._lock:
            self._expected[key] = issued

    def note(self, key: str, *, is_there: bool) -> None:
        """Notes a detail that was asked for. Raises ValueError with a sentence if too many are not there."""
        with self._lock:
            self._asked += 1
            self._there += is_there
            issued = self._expected.pop(key, None)
            if is_there:
                self.missing.pop(key, None)
            else:
                self.missing[key] = issued
            self._refuse()

    def set_due(self, due: int) -> None:
        """Notes how many details are asked for in all. Raises ValueError as `note` does."""
        with self._lock:
            self._due = due
            self._refuse()

    def _refuse(self) -> None:
        is_none_there = self._asked == self._due and not self._there and len(self.missing) > 1
        if is_none_there or len(self.missing) > _MOST_MISSING:
            first = ", ".join(sorted(self.missing)[:3])
            raise ValueError(
                f"{len(self.missing)} invoices that the list shows have no detail (HTTP 404), among them {first}"
            )
