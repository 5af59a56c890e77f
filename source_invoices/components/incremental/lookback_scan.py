"""The lookback scan: incremental reading where the provider has no updated field.

No stock cursor fits. Invoices change without a trace in the list, because unpaid ones are paid weeks later; so a cursor
would miss changes, and a full read costs the length of the history. The rule: read newest first down to the lookback
start, which is the earlier of the newest time of issue met and the start of the last sync, less the lookback and one
day. Emit every row above it, and every invoice that was open at the end of the last sync, wherever it is now.

The scan decides; `lookback_plan.py` says which page comes next. Both are free of the CDK and of HTTP.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from source_invoices.components.incremental.list_count import ListCount
from source_invoices.components.incremental.open_invoices import OpenInvoices
from source_invoices.components.incremental.scan_state import ScanState
from source_invoices.components.incremental.sort_order import SortOrder
from source_invoices.components.pages.page import Page, Row
from source_invoices.times import parse_time

# For issue dates that are whole days, back-dated by hours, or in another zone.
_ALLOWANCE = timedelta(days=1)


@dataclass(frozen=True)
class Columns:
    """Where a row has its key, its time of issue (text or seconds since 1970) and its status, and which are final."""

    key: str
    issued: str
    final: frozenset[str]
    status: str = "status"

    def issued_at(self, row: Mapping[str, Any]) -> datetime | None:
        """Returns a row's time of issue; None if it has none. Raises ValueError for one that cannot be read."""
        return parse_time(row.get(self.issued))


class LookbackScan:
    """One sync's reading of one list. `state` is what the next sync needs.

    saved: the state of the last sync. settings: a digest of the settings that choose rows. lookback: how far back
    recent invoices are read again. started: when this sync began. since: nothing older counts.
    asks_details: the router asks for each invoice that the scan emits, and calls `finish` when it has.
    """

    def __init__(
        self,
        saved: ScanState | None,
        columns: Columns,
        *,
        settings: str,
        lookback: timedelta,
        started: datetime,
        since: datetime | None = None,
        asks_details: bool = False,
    ) -> None:
        usable = saved is not None and saved.settings == settings and saved.open is not None
        self._saved = saved if usable else None
        self._columns = columns
        self._settings = settings
        self._margin = lookback + _ALLOWANCE
        self._started = started
        self._since = since
        self.asks_details = asks_details
        self.open = OpenInvoices(columns.final, (self._saved and self._saved.open) or ())
        self.count = ListCount()
        self.order = SortOrder()
        self._newest: datetime | None = None
        self.reads_everything = self._saved is None
        self._open_and_older = 0
        self._is_finished = False

    def accept(self, rows: Sequence[Row]) -> list[Row]:
        """Returns the rows of a page that are to be emitted. Called for every row since `since`."""
        key, status = self._columns.key, self._columns.status
        accepted = []
        for row in rows:
            issued = self._columns.issued_at(row)
            if issued and (self._newest is None or issued > self._newest):
                self._newest = issued
            name = str(row[key])
            self.open.meet(name, row.get(status))
            if self._emits(name, issued):
                accepted.append(row)
        return accepted

    def track_statuses(self, rows: Sequence[Row]) -> None:
        """Notes whether invoices are open, by their details."""
        for row in rows:
            self.open.track_status(str(row[self._columns.key]), row.get(self._columns.status))

    def observe(self, page: Page) -> bool:
        """Counts the rows of a page. Returns whether the list follows the order, as far as its rows show."""
        issued = [self._columns.issued_at(row) for row in page.rows]
        follows = self.order.observe(issued)
        starts = {self._next_start(), *([self._saved.lookback_start] if self._saved else [])}
        self.count.observe(page, issued, starts)
        return follows

    def front(self, page: Page) -> Hashable:
        """Returns the times of the newest rows, if this is page 1. They stand still where equal times change places."""
        return tuple(self._columns.issued_at(row) for row in page.rows) if page.number in (None, 1) else None

    def may_stop(self) -> bool:
        """Returns whether every row that must be emitted for its age has been met."""
        if self.reads_everything:
            # A list that does not follow the order may begin with rows that are too old.
            return self._since is not None and self.order.is_shown and self.order.has_passed(self._since - _ALLOWANCE)
        return self._saved is not None and self.order.has_passed(min(self._next_start(), self._saved.lookback_start))

    def page_of_back_dated(self) -> int | None:
        """Returns the page to read on from if an invoice was back-dated: there are more older rows than were left.

        The scan then reads everything. None if there are no more.
        """
        self._open_and_older = self._open_and_older or self.open.number_unseen
        if not self._saved or self.reads_everything:
            return None
        start = self._saved.lookback_start
        if self.count.older_rows(start) <= self._saved.older_rows:
            return None
        self.reads_everything = True
        return self.count.page_of(start)

    def restart(self) -> None:
        """Begins another reading of the list. What was met so far is only known to be there."""
        self.count.restart()
        self.order.overlap()

    def end_list(self) -> None:
        """Notes that the list has been read."""
        if not self.asks_details:
            self.finish()

    def finish(self) -> None:
        """Notes that the list is read and that every detail that is due has been read."""
        self._is_finished = True

    @property
    def expected_rows(self) -> int | None:
        """How many rows are to be emitted, as far as the list has shown; None if it has not."""
        if not self.count.is_known:
            return None
        if self._saved is None or self.reads_everything:
            return None if self._since else self.count.total
        return max(0, self.count.total - self._saved.older_rows) + self._open_and_older

    def state(self) -> ScanState | None:
        """Returns what the next sync needs; None as long as this scan is not done."""
        if not self._is_finished:
            return None
        start = self._next_start()
        return ScanState(start, max(0, self.count.older_rows(start)), self.open.keys, self._settings)

    def _emits(self, key: str, issued: datetime | None) -> bool:
        if self.reads_everything or self._saved is None or issued is None:
            return True
        return key in self.open.before or issued >= self._saved.lookback_start

    def _next_start(self) -> datetime:
        start = min(self._newest or self._started, self._started) - self._margin
        return max(start, self._since - _ALLOWANCE) if self._since else start
