"""The plan of a list that a lookback scan reads: which page comes next, and when single invoices are asked for."""

from collections.abc import Sequence
from dataclasses import replace

from source_invoices.components.incremental.completeness import Completeness
from source_invoices.components.incremental.lookback_scan import LookbackScan
from source_invoices.components.incremental.page_drift import PageDrift, RepeatedList
from source_invoices.components.pages.page import Page, Row
from source_invoices.components.pages.plan import Figures, InvoiceKey, PageNumber, Position, Purpose, read_keys
from source_invoices.components.pages.reading_check import ReadingCheck

# After so many readings of the front of a list that did not meet every row, the whole list is read.
_READINGS_OF_A_PART = 3
_LARGER, _LARGEST = 10, 1_000_000


class LookbackPlan:
    """Reads a list down to the lookback start, then the open invoices below it.

    asks_keys: the list can be asked for one invoice. Open invoices below the lookback start are then asked for by their
    keys, unless reading on costs fewer requests.
    """

    def __init__(self, scan: LookbackScan, *, asks_keys: bool = False) -> None:
        self._scan = scan
        self._asks_keys = asks_keys
        self._drift = PageDrift()
        self._check = ReadingCheck()
        self._completeness = Completeness()
        self._bare_rows: int | None = None
        # Where reading goes on after the page that counts the list, or if the list ignores a key.
        self._resume: PageNumber | None = None
        # What follows once the pages that check the list have confirmed the reading.
        self._after_checks: Position | None = None

    @property
    def first_position(self) -> Position | None:
        return PageNumber()

    def accept(self, rows: Sequence[Row], position: Position) -> Sequence[Row]:
        """Returns the rows to emit: none of a page that only counts or checks the list, which is read as well."""
        if isinstance(position, PageNumber) and position.purpose is not Purpose.READ:
            return []
        return self._scan.accept(rows, in_list=isinstance(position, PageNumber))

    def next_position(self, page: Page, position: Position) -> Position | None:
        if isinstance(position, InvoiceKey):
            after = self._after_key(page, position)
        elif position.purpose is Purpose.CHECK:
            after = self._after_check(page, position)
        else:
            after = self._after_page(page, position)
        if after is None:
            self._scan.end_list()
        return replace(after, size=self._completeness.page_size) if isinstance(after, PageNumber) else after

    def expected_rows(self, page: Page) -> int | None:
        return self._scan.expected_rows

    def figures(self) -> Figures | None:
        return self._completeness.figures(is_whole=self._scan.is_read_to_the_end, since=self._scan.reaches_to)

    def _after_page(self, page: Page, position: PageNumber) -> Position | None:
        steps_back = self._drift.steps_back
        if position.purpose is Purpose.COUNT:
            after = self._after_count(page, position)
        elif self._completeness.observe(page, position.number, self._scan.newest):
            after = self._after_read(page, position)
        else:
            return self._read_again("its pages changed their size")
        if isinstance(after, PageNumber) and after.number == 1:
            self._completeness.restart()
        self._check.observe(page, position)
        if self._check.has_moved(steps_back=self._drift.steps_back > steps_back):
            return self._reject()
        if isinstance(after, PageNumber):
            return self._check.with_outlook(after, page)
        to_the_end = not page.more and position.purpose is Purpose.READ
        if not self._completeness.is_whole(to_the_end=to_the_end):
            return self._read_again("rows came twice and others not at all")
        check = self._check.begin(page, position)
        if check:
            self._after_checks = after
        return check or after

    def _after_read(self, page: Page, position: PageNumber) -> Position | None:
        scan, drift = self._scan, self._drift
        if drift.has_moved(page):
            scan.order.overlap()
        steps_back = drift.steps_back
        try:
            number = drift.next_page(page, position.number)
        except RepeatedList:
            return self._ask_for_more(page)
        if not page.more:
            self._completeness.set_total(drift.rows_up_to(page, position.number))
        if drift.steps_back > steps_back and number:
            scan.order.overlap()
            return PageNumber(number)
        if not scan.observe(page) and not scan.count.is_unsorted:
            scan.note_unsorted()
            drift.restart()
            return PageNumber()
        if number and page.pages and position.number == 1 and drift.is_uncounted(page):
            return self._count(page.pages, number)
        if number and (not scan.may_stop() or self._completeness.readings > _READINGS_OF_A_PART):
            return PageNumber(number)
        if number and page.pages and not scan.count.is_counted:
            return self._count(page.pages, number)
        return self._below_lookback_start(position.number, number)

    def _count(self, last: int, number: int) -> PageNumber:
        """Asks for the last page, which counts the list, before the next one."""
        self._resume = PageNumber(number)
        return PageNumber(last, Purpose.COUNT)

    def _after_count(self, page: Page, position: PageNumber) -> Position | None:
        total = self._drift.count(page, position.number)
        self._completeness.set_total(total)
        self._scan.count.set_counted(total)
        after = self._resume
        if after and self._scan.may_stop():
            return self._below_lookback_start(after.number - 1, after.number)
        return after

    def _below_lookback_start(self, read: int, following: int | None) -> Position | None:
        """Returns what comes after the page on which the lookback start was passed.

        That is nothing, the open invoices below it, or, if an invoice was back-dated, the rest of the list.
        """
        scan = self._scan
        if scan.is_doubtful:
            scan.reads_everything, scan.is_doubtful = True, False
            return self._restart()
        back = self._back_dated()
        if back or not following or not scan.open.unseen or scan.reads_everything or scan.asks_details:
            return back
        if not self._asks_keys or scan.count.pages_after(read) <= len(scan.open.unseen):
            return PageNumber(following)
        self._resume = PageNumber(following)
        return read_keys(scan.open.unseen)

    def _after_key(self, page: Page, position: InvoiceKey) -> Position | None:
        if any(str(key) != position.key for key in page.keys):
            # The provider ignores the key. Reading on meets the rest.
            self._asks_keys = False
            return self._resume
        if not page.rows:
            self._scan.open.miss(position.key)
        return read_keys(position.later) or self._back_dated()

    def _back_dated(self) -> PageNumber | None:
        """Returns where reading goes on if an invoice was back-dated, or hides behind an open one that is gone."""
        back = self._scan.page_of_back_dated()
        if back is None:
            return None
        if self._scan.count.is_unsorted:
            return self._restart()
        self._scan.order.overlap()
        self._drift.resume(None if self._scan.count.is_counted else self._scan.count.total)
        return PageNumber(back)

    def _after_check(self, page: Page, position: PageNumber) -> Position | None:
        result = self._check.confirm(page, position)
        if result is False:
            return self._reject()
        return self._after_checks if result is True else result

    def _ask_for_more(self, page: Page) -> PageNumber:
        """Asks for a list without page numbers again, in one larger page. Raises RepeatedList if it is not longer."""
        size = _LARGER * (page.asked_size or 1)
        if size > _LARGEST or len(page.rows) == self._bare_rows:
            raise RepeatedList(
                f"the list ignores the page number, and shows {len(page.rows)} invoices whatever is asked for: it may "
                "be longer"
            )
        self._bare_rows = len(page.rows)
        self._completeness.ask_for(size)
        return self._restart()

    def _reject(self) -> PageNumber:
        """Reads again, because rows have moved while pages were fetched ahead."""
        self._check.reject()
        self._completeness.restart()
        return self._restart()

    def _read_again(self, reason: str) -> PageNumber:
        """Reads again, because this reading did not meet every row. Raises ValueError after too many readings."""
        self._completeness.read_again(reason)
        return self._restart()

    def _restart(self) -> PageNumber:
        self._check.restart()
        self._drift.restart()
        self._scan.restart()
        return PageNumber()
