"""The open invoices of a list: those of the last sync, and those of this one."""

from collections.abc import Iterable
from typing import Any

# Past this number the state says so, and the next sync reads the whole list: slower, never wrong.
MOST_OPEN = 10_000


class OpenInvoices:
    """Keys of open invoices. final: the statuses that no invoice leaves; every other status counts as open.

    before: the keys that were open at the end of the last sync.
    """

    def __init__(self, final: frozenset[str], before: Iterable[str]) -> None:
        self._final = final
        self.before = frozenset(before)
        self._unseen = set(self.before)
        self._open: set[str] = set()
        self._is_too_many = False

    @property
    def unseen(self) -> list[str]:
        """The keys that were open at the last sync and have not been met in this one."""
        return sorted(self._unseen)

    @property
    def has_unseen(self) -> bool:
        return bool(self._unseen)

    @property
    def number_unseen(self) -> int:
        return len(self._unseen)

    @property
    def keys(self) -> frozenset[str] | None:
        """The keys that are open now; None for more than MOST_OPEN."""
        return None if self._is_too_many else frozenset(self._open)

    def meet(self, key: str, status: Any) -> None:
        """Notes that the list has shown an invoice."""
        self._unseen.discard(key)
        self.track_status(key, status)

    def track_status(self, key: str, status: Any) -> None:
        """Notes whether an invoice is open."""
        if status in self._final:
            self._open.discard(key)
        elif key not in self._open:
            self._is_too_many |= len(self._open) == MOST_OPEN
            if not self._is_too_many:
                self._open.add(key)
