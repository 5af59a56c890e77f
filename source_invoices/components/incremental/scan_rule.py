"""By what rule a list is scanned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from source_invoices.components.incremental.scan_state import ScanState
from source_invoices.times import parse_time, parse_times


@dataclass(frozen=True)
class Columns:
    """Where a row has its key, its time of issue (text or seconds since 1970) and its status, and which are final."""

    key: str
    issued: str
    status: str
    final: frozenset[str]

    def issued_at(self, row: Mapping[str, Any]) -> datetime | None:
        """Returns a row's time of issue; None if it has none. Raises ValueError for one that cannot be read."""
        return parse_time(row.get(self.issued))

    def statuses(self, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Returns the statuses of rows."""
        return [row.get(self.status) for row in rows]

    def all_issued_at(self, rows: Sequence[Mapping[str, Any]]) -> list[datetime | None]:
        """Returns the times of issue of rows, as `issued_at` does."""
        return parse_times(row.get(self.issued) for row in rows)


@dataclass(frozen=True)
class ScanRule:
    """By what rule a list is scanned.

    columns: of a row. settings: a digest of the settings that choose rows, and of this rule. account: see ScanState.
    lookback: how far back recent invoices are read again. full_read: how old the last whole reading may be; 0 for any
    age. started: when this sync began. since: nothing older counts.
    asks_details: the router asks for each invoice that the scan emits, and calls `finish` when it has.
    """

    columns: Columns
    settings: str
    lookback: timedelta
    started: datetime
    since: datetime | None = None
    account: str = ""
    full_read: timedelta = timedelta(0)
    asks_details: bool = False

    def can_use(self, saved: ScanState) -> bool:
        """Returns whether a sync can go on from a state. One of a clock that was ahead hides rows."""
        is_recent = not self.full_read or (
            saved.read_whole_at is not None and timedelta(0) <= self.started - saved.read_whole_at < self.full_read
        )
        is_of_the_past = saved.lookback_start <= self.started
        return saved.settings == self.settings and saved.open is not None and is_recent and is_of_the_past
