"""In which order a lookback scan asks for the pages of a list, and for single invoices."""

from source_invoices.components.incremental.bare_list import BareList, RepeatedList
from source_invoices.components.incremental.completeness import Completeness
from source_invoices.components.incremental.lookback_scan import LookbackScan
from source_invoices.components.incremental.page_drift import PageDrift
from source_invoices.components.pages.page import Page
from source_invoices.components.pages.plan import InvoiceKey, PageNumber, Position, Purpose, read_keys

# After so many readings of the front of a list that did not meet every row, the whole list is read.
_READINGS_OF_A_PART = 3


class LookbackOrder:
    """Goes down to the lookback start, then to the open invoices below it. Page 1 after another page begins anew.

    asks_keys: the list can be asked for one invoice. Open invoices below the lookback start are then asked for by their
    keys, unless reading on costs fewer requests.
    """

    def __init__(self, scan: LookbackScan, completeness: Completeness, *, asks_keys: bool) -> None:
        self._scan = scan
        self._completeness = completeness
        self._asks_keys = asks_keys
        self.drift = PageDrift()
        self._bare_list = BareList()
        # Where reading goes on after the page that counts the list, or if the list ignores a key.
        self._resume: PageNumber | None = None

    def restart(self) -> PageNumber:
        """Begins anew, and returns page 1."""
        self.drift.restart()
        self._scan.restart()
        return PageNumber()

    def after_page(self, page: Page, number_read: int) -> Position | None:
        """Returns what comes after a page that was read for its rows. Raises ValueError as PageDrift does."""
        scan, drift = self._scan, self.drift
        if drift.has_moved(page):
            scan.order.overlap()
        steps_back = drift.steps_back
        try:
            number = drift.next_page(page, number_read)
        except RepeatedList:
            number = None
            if not self._bare_list.has_ended(page):
                self._completeness.ask_for(self._bare_list.larger_size(page))
                return self.restart()
        if not page.more:
            self._completeness.set_total(drift.rows_up_to(page, number_read))
        if drift.steps_back > steps_back and number:
            scan.order.overlap()
            return PageNumber(number)
        if not scan.observe(page) and not scan.count.is_unsorted:
            scan.note_unsorted()
            drift.restart()
            return PageNumber()
        if number and page.pages and number_read == 1 and drift.is_uncounted(page):
            return self._count(page.pages, number)
        if number and (not scan.may_stop() or self._completeness.readings > _READINGS_OF_A_PART):
            return PageNumber(number)
        if number and page.pages and not scan.count.is_counted:
            return self._count(page.pages, number)
        return self._below_lookback_start(number_read, number)

    def _count(self, last: int, number: int) -> PageNumber:
        """Asks for the last page, which counts the list, before the next one."""
        self._resume = PageNumber(number)
        return PageNumber(last, Purpose.COUNT)

    def after_count(self, page: Page, number: int) -> Position | None:
        """Returns what comes after the page that counts the list."""
        total = self.drift.count(page, number)
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
            return self.restart()
        back = self._back_dated()
        if back or not following or not scan.open.unseen or scan.reads_everything or scan.asks_details:
            return back
        if not self._asks_keys or scan.count.pages_after(read) <= len(scan.open.unseen):
            return PageNumber(following)
        self._resume = PageNumber(following)
        return read_keys(scan.open.unseen)

    def after_key(self, page: Page, position: InvoiceKey) -> Position | None:
        """Returns what comes after the answer to a request for one invoice."""
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
            return self.restart()
        self._scan.order.overlap()
        self.drift.resume(None if self._scan.count.is_counted else self._scan.count.total)
        return PageNumber(back)
