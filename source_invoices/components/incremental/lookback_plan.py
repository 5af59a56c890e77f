"""The plan of a list that a lookback scan reads: what is asked for next, and whether every row was met."""

from collections.abc import Sequence
from dataclasses import replace

from source_invoices.components.incremental.completeness import Completeness
from source_invoices.components.incremental.lookback_order import LookbackOrder
from source_invoices.components.incremental.lookback_scan import LookbackScan
from source_invoices.components.pages.page import Page, Row
from source_invoices.components.pages.plan import Figures, InvoiceKey, PageNumber, Position, Purpose
from source_invoices.components.pages.reading_check import ReadingCheck
from source_invoices.times import to_rfc3339

# Where pages state no total, a deletion and an addition between two pages show in nothing. So the list must stand still
# for one of these readings, before a reading during which rows came counts.
_READINGS_WITHOUT_TOTAL = 4


class LookbackPlan:
    """Reads a list down to the lookback start, then the open invoices below it.

    asks_keys: the list can be asked for one invoice. Open invoices below the lookback start are then asked for by their
    keys, unless reading on costs fewer requests.
    """

    def __init__(self, scan: LookbackScan, *, asks_keys: bool = False) -> None:
        self._scan = scan
        self._check = ReadingCheck()
        self._completeness = Completeness()
        self._order = LookbackOrder(scan, self._completeness, asks_keys=asks_keys)
        self._drift = self._order.drift
        self._is_at_the_end = False
        # What follows once the reading is confirmed.
        self._after_checks: Position | None = None

    @property
    def first_position(self) -> Position | None:
        return PageNumber()

    def accept(self, rows: Sequence[Row], position: Position) -> Sequence[Row]:
        """Returns the rows to emit: none of a page that only counts or checks the list, which is read as well."""
        if isinstance(position, PageNumber) and position.purpose in (Purpose.COUNT, Purpose.CHECK):
            return []
        return self._scan.accept(rows, in_list=isinstance(position, PageNumber))

    def next_position(self, page: Page, position: Position) -> Position | None:
        if isinstance(position, InvoiceKey):
            after = self._order.after_key(page, position)
        elif position.purpose is Purpose.CHECK:
            after = self._after_check(page, position)
        elif position.purpose is Purpose.FRONT:
            after = self._after_front(page, position)
        else:
            after = self._after_page(page, position)
        if after is None:
            self._scan.end_list()
        return replace(after, size=self._completeness.page_size) if isinstance(after, PageNumber) else after

    def expected_rows(self, page: Page) -> int | None:
        scan = self._scan
        if not scan.count.is_known or (scan.reads_everything and scan.rule.since):
            return None
        if scan.reads_everything or not scan.saved:
            return scan.count.total
        return max(0, scan.count.total - scan.saved.older_rows) + scan.open_and_older

    def figures(self) -> Figures | None:
        scan = self._scan
        since = to_rfc3339(scan.saved.lookback_start) if scan.saved and not scan.is_read_to_the_end else ""
        return self._completeness.figures(is_whole=scan.is_read_to_the_end, since=since)

    def _after_page(self, page: Page, position: PageNumber) -> Position | None:
        steps_back = self._drift.steps_back
        if position.purpose is Purpose.COUNT:
            after = self._order.after_count(page, position.number)
        elif self._completeness.observe(page, position.number, self._scan.newest):
            after = self._order.after_page(page, position.number)
        else:
            return self._read_again("its pages changed their size", has_ended=False)
        if isinstance(after, PageNumber) and after.number == 1:
            self._completeness.restart()
        elif self._drift.steps_back > steps_back:
            self._completeness.step_back(self._drift.fallen_by)
        self._check.observe(page, position)
        if self._check.has_moved(steps_back=self._drift.steps_back > steps_back):
            return self._reject()
        if isinstance(after, PageNumber):
            return self._check.with_outlook(after, page)
        self._is_at_the_end = not page.more and position.purpose is Purpose.READ
        if not self._is_whole():
            if page.total is None and self._completeness.readings < _READINGS_WITHOUT_TOTAL:
                return self._read_again("rows came twice and others not at all")
            self._after_checks = after
            return PageNumber(1, Purpose.FRONT)
        check = self._check.begin(page, position)
        if check:
            self._after_checks = after
        return check or after

    def _is_whole(self) -> bool:
        return self._completeness.is_whole(to_the_end=self._is_at_the_end, at_most=self._drift.ignores_falls)

    def _after_front(self, page: Page, position: PageNumber) -> Position | None:
        """Reads the front until a page shows no row that was not met. Rows may have come there meanwhile."""
        self._drift.refuse_another_page(page, position.number)
        issued = [self._scan.rule.columns.issued_at(row) for row in page.rows]
        shows_new = self._completeness.observe_front(page, issued)
        if shows_new and page.more:
            return position.at(position.number + 1, Purpose.FRONT)
        if shows_new is None or not self._is_whole():
            return self._read_again("rows came twice and others not at all")
        return self._reject() if self._check.is_used else self._after_checks

    def _after_check(self, page: Page, position: PageNumber) -> Position | None:
        result = self._check.confirm(page, position)
        if result is False:
            return self._reject()
        return self._after_checks if result is True else result

    def _reject(self) -> PageNumber:
        """Reads again, because rows have moved while pages were read. Raises ValueError as _read_again does."""
        if not self._check.allows_prefetch:
            return self._read_again("page 1 has changed each time")
        self._check.reject()
        self._completeness.restart()
        return self._restart()

    def _read_again(self, reason: str, *, has_ended: bool = True) -> PageNumber:
        """Reads again, because this reading did not meet every row. Raises ValueError after too many readings."""
        self._completeness.read_again(reason, has_ended=has_ended)
        return self._restart()

    def _restart(self) -> PageNumber:
        self._check.restart()
        return self._order.restart()
