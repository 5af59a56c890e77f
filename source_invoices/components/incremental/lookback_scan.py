"""The lookback scan: incremental reading where the provider has no updated field.

No stock cursor fits. Invoices change without a trace in the list, because unpaid ones are paid weeks later; so a cursor
would miss changes, and a full read costs the length of the history. The rule: read newest first down to the lookback
start, which is the earlier of the newest time of issue met and the start of the last sync, less the lookback and one
day. Emit every row above it, and every invoice that was open at the end of the last sync, wherever it is now.

The scan decides; `lookback_plan.py` says which page comes next. Both are free of the CDK and of HTTP.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from source_invoices.components.incremental.details import Details
from source_invoices.components.incremental.list_count import ListCount
from source_invoices.components.incremental.open_invoices import OpenInvoices
from source_invoices.components.incremental.scan_rule import ScanRule
from source_invoices.components.incremental.scan_state import ScanState
from source_invoices.components.incremental.sort_order import SortOrder
from source_invoices.components.pages.page import Page, Row
from source_invoices.times import earlier

# For issue dates that are whole days, back-dated by hours, or in another zone.
_ALLOWANCE = timedelta(days=1)


class LookbackScan:
    """One sync's reading of one list. `state` is what the next sync needs. saved: the state of the last sync."""

    def __init__(self, saved: ScanState | None, rule: ScanRule) -> None:
        self.saved = saved if saved and rule.can_use(saved) else None
        self.rule = rule
        self.asks_details = rule.asks_details
        self.open = OpenInvoices(rule.columns.final, self.saved)
        self.details = Details()
        self.count = ListCount()
        self.order = SortOrder()
        self.reads_everything = self.saved is None
        self.is_doubtful = self.saved is not None and self.saved.account != rule.account
        # The latest time of issue that was met.
        self.newest: datetime | None = None
        self._newest_key = ""
        self.open_and_older = 0
        self._rows: Sequence[Row] = ()
        self._issued: list[datetime | None] = []
        self.is_read_to_the_end = False
        self._is_finished = False

    @property
    def vanished(self) -> list[str]:
        """The invoices that were open at the last sync and that the list no longer shows."""
        if not self._is_finished:
            return []
        if self.is_read_to_the_end:
            return self.open.unseen
        is_explained = self.saved is None or self.back_dated() <= 0
        return self.open.missing if is_explained else []

    def accept(self, rows: Sequence[Row], *, in_list: bool = True) -> list[Row]:
        """Returns the rows of a page that are to be emitted. Called for every row since `since`."""
        columns = self.rule.columns
        keys = [str(row[columns.key]) for row in rows]
        # Kept for `observe`, which is told the same rows.
        self._rows, self._issued = rows, columns.all_issued_at(rows)
        newest = max(filter(None, self._issued), default=None)
        if newest and (self.newest is None or newest > self.newest):
            self.newest, self._newest_key = newest, keys[self._issued.index(newest)]
        places = self.order.places(self._issued) if in_list else self._issued
        self.open.meet(keys, columns.statuses(rows), places, in_list=in_list)
        if self.saved is None:
            return list(rows)
        dated = zip(rows, keys, self._issued, strict=True)
        return [row for row, key, issued in dated if self._emits(self.saved, key, issued)]

    def track_statuses(self, rows: Sequence[Row], *, is_listed: bool) -> None:
        """Notes whether invoices are open, by their details. is_listed: the list shows them now."""
        columns = self.rule.columns
        keys, statuses = [str(row[columns.key]) for row in rows], columns.statuses(rows)
        if is_listed:
            self.open.track_statuses(keys, statuses, [None] * len(rows))
        else:
            self.open.meet(keys, statuses, columns.all_issued_at(rows), in_list=False)

    def observe(self, page: Page) -> bool:
        """Counts the rows of a page. Returns whether the list follows the order, as far as its rows show."""
        issued = self._issued if self._rows is page.rows else self.rule.columns.all_issued_at(page.rows)
        follows = self.order.observe(issued)
        starts = {self._next_start(), *([self.saved.lookback_start] if self.saved else [])}
        self.count.observe(page, issued, starts)
        self.is_read_to_the_end |= not page.more
        return follows

    def may_stop(self) -> bool:
        """Returns whether every row that must be emitted for its age has been met."""
        if self.reads_everything or self.count.is_unsorted or self.saved is None:
            return False
        return self.order.has_passed(min(self._next_start(), self.saved.lookback_start))

    def note_unsorted(self) -> None:
        """Notes that the list follows no order: it is read to its end, from page 1."""
        self.count.is_unsorted = True
        self.restart()

    def back_dated(self) -> int:
        """Returns how many invoices must have been back-dated since the last sync.

        The older rows are as many as the last sync left, less the open ones that have left them, unless there are more.
        """
        if self.saved is None:
            return 0
        return self.count.older_rows(self.saved.lookback_start) - self.saved.older_rows + self.open.older_that_left

    def page_of_back_dated(self) -> int | None:
        """Returns the page to read on from if an invoice was back-dated; None if none was.

        The scan then reads and emits everything.
        """
        self.open_and_older = self.open_and_older or len(self.open.unseen)
        if not self.saved or self.reads_everything or self.back_dated() <= 0:
            return None
        self.reads_everything = True
        return self.count.page_of(self.saved.lookback_start)

    def restart(self) -> None:
        """Begins another reading of the list. What was met so far is only known to be there."""
        self.count.restart()
        self.order.overlap()
        self.is_read_to_the_end = False

    def end_list(self) -> None:
        """Notes that the list has been read."""
        if not self.asks_details:
            self.finish()

    def finish(self) -> None:
        """Notes that the list is read and that every detail that is due has been read."""
        self._is_finished = True

    def state(self) -> ScanState | None:
        """Returns what the next sync needs; None as long as this scan is not done."""
        if not self._is_finished:
            return None
        start = self._next_start()
        owed = dict.fromkeys(set(self.open.unseen) - set(self.vanished)) | self.details.missing
        keys, older = self.open.keys(start, owed)
        if self.back_dated() > 0 and not self.reads_everything:
            # Only the details have shown that an open invoice is gone, behind which another one hides: the next sync
            # reads the whole list.
            keys = None
        read_whole_before = self.saved.read_whole_at if self.saved else None
        is_whole = self.reads_everything and self.is_read_to_the_end
        return ScanState(
            lookback_start=start,
            older_rows=max(0, self.count.older_rows(start)),
            open=keys,
            settings=self.rule.settings,
            older_open=older,
            account=self.rule.account,
            known_key=self._newest_key,
            read_whole_at=self.rule.started if is_whole else read_whole_before,
        )

    def _emits(self, saved: ScanState, key: str, issued: datetime | None) -> bool:
        if self.is_doubtful and (key in self.open.before or key == saved.known_key):
            self.is_doubtful = False
        return self.reads_everything or issued is None or key in self.open.before or issued >= saved.lookback_start

    def _next_start(self) -> datetime:
        rule = self.rule
        start = earlier(min(self.newest or rule.started, rule.started), rule.lookback + _ALLOWANCE)
        return max(start, earlier(rule.since, _ALLOWANCE)) if rule.since else start
