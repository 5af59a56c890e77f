"""The open invoices of a list: those of the last sync, and those of this one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from source_invoices.components.incremental.scan_state import ScanState

# Past this number the state says so, and the next sync reads the whole list: slower, never wrong.
MOST_OPEN = 10_000

Places = Sequence[datetime | None]


class OpenInvoices:
    """Keys of open invoices, and what became of those that were open at the last sync.

    final: the statuses that no invoice leaves; every other status counts as open.
    """

    def __init__(self, final: frozenset[str], saved: ScanState | None) -> None:
        self._final = final
        self._start = saved.lookback_start if saved else None
        self.older_before = saved.older_open if saved else frozenset()
        self.before = (saved.open or frozenset()) if saved else frozenset()
        self._unseen = set(self.before)
        # The open keys, each with its time of issue, or that of a row before it in the list.
        self._open: dict[str, datetime | None] = {}
        self._moved: set[str] = set()
        self._missing: set[str] = set()
        self._is_too_many = False

    @property
    def unseen(self) -> list[str]:
        """The keys that were open at the last sync and have not been met in this one."""
        return sorted(self._unseen)

    @property
    def missing(self) -> list[str]:
        """Those of the unseen keys for which the provider has answered that there is no such invoice."""
        return sorted(self._missing & self._unseen)

    @property
    def older_that_left(self) -> int:
        """How many open invoices have left the rows older than the last lookback start, as far as is known."""
        return len(self._moved | (self._missing & self.older_before))

    def meet(self, keys: Sequence[str], statuses: Sequence[Any], places: Places, *, in_list: bool) -> None:
        """Notes that invoices were met. places: of each, its time of issue, or that of a row before it in the list."""
        self._unseen.difference_update(keys)
        if in_list and self.older_before:
            self._moved.update(
                key
                for key, place in zip(keys, places, strict=True)
                if key in self.older_before and (place is None or (self._start and place >= self._start))
            )
        self.track_statuses(keys, statuses, places)

    def track_statuses(self, keys: Sequence[str], statuses: Sequence[Any], places: Places) -> None:
        """Notes whether invoices are open. Does nothing once too many are open: their keys are not saved then."""
        if self._is_too_many:
            return
        known, final = self._open, self._final
        for key, status, place in zip(keys, statuses, places, strict=True):
            if isinstance(status, str) and status in final:
                if key in known:
                    del known[key]
            elif key in known:
                known[key] = place or known[key]
            elif len(known) < MOST_OPEN:
                known[key] = place
            else:
                self._is_too_many = True
                self._open = {}
                return

    def miss(self, key: str) -> None:
        """Notes that the provider has answered that there is no such invoice, which may pass."""
        self._missing.add(key)

    def keys(
        self, start: datetime, owed: Mapping[str, datetime | None]
    ) -> tuple[frozenset[str] | None, frozenset[str]]:
        """Returns the keys that are open or owed, None for too many; and those of them that are older than `start`.

        owed: the keys that must be asked for again with the next sync, each with its time of issue if that is known.
        """
        if self._is_too_many:
            return None, frozenset()
        places = self._open | {key: place or self._open.get(key) for key, place in owed.items()}
        older = {key for key, place in places.items() if place is not None and place < start}
        unplaced = {key for key, place in places.items() if place is None}
        return frozenset(places), frozenset(older | (unplaced & self.older_before))
