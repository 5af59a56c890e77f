"""Whether a reading of a list counts whose pages were fetched ahead.

Prefetched pages are answered in any order, so rows that move meanwhile can slip through unseen: the step-back rule
(page_drift.py) needs pages in order. So a reading counts only if nothing has moved: page 1, asked for again after all
other pages, has the same rows, and every page stated the same length of the list.
"""

from collections import Counter
from dataclasses import replace

from source_invoices.components.pages.page import Page
from source_invoices.components.pages.plan import PageNumber, Purpose

# After this many readings that did not count, the list is read page by page.
_CHECKED_READINGS = 2
_GONE_ALIKE = 2


class ReadingCheck:
    """Compares the pages of one reading of a list. is_used: pages of it were fetched ahead."""

    def __init__(self) -> None:
        self._readings_left = _CHECKED_READINGS
        self._checks: list[int] = []
        # How often the same rows were gone from page 1.
        self._gone: Counter[frozenset[str]] = Counter()
        self.restart()

    @property
    def allows_prefetch(self) -> bool:
        """Whether pages may be fetched ahead."""
        return self._readings_left > 0

    def restart(self) -> None:
        """Begins another reading."""
        self.is_used = False
        self._first_keys: list[str] = []
        # The list's length, as the pages state or show it. More than one value means that rows have moved.
        self._lengths: set[tuple[int | None, int | None]] = set()
        self._rows_on_last_page: set[int] = set()
        self._checks = []

    def reject(self) -> None:
        """Notes that the reading does not count, and begins another."""
        self._readings_left -= 1
        self.restart()

    def observe(self, page: Page, position: PageNumber) -> None:
        """Notes a page that was read or that counts the list."""
        if position.number == 1:
            self.restart()
            self._first_keys = list(map(str, page.keys))
        self.is_used |= page.fetched_ahead and self.allows_prefetch
        self._lengths.add((page.total, page.pages))
        if page.total is None and not page.more:
            self._rows_on_last_page.add(len(page.rows))

    def has_moved(self, *, steps_back: bool) -> bool:
        """Returns whether rows have moved in a reading whose pages were fetched ahead. steps_back: the drift rule's."""
        return self.is_used and (steps_back or len(self._lengths) > 1 or len(self._rows_on_last_page) > 1)

    def with_outlook(self, position: PageNumber, page: Page) -> PageNumber:
        """Returns a position with what is known of the pages after it. page: the one that was read before it."""
        last = _last_page(page) if self.allows_prefetch else 0
        return replace(position, last=last, is_counted_at_end=bool(self._rows_on_last_page))

    def begin(self, page: Page, position: PageNumber) -> PageNumber | None:
        """Returns the page to ask for again after the last one; None where the reading counts as it is.

        Page 1 is asked for again in a list that states no total, too: only this shows that a row of page 1 has gone
        before page 2 was read. Where reading ended early, the last page then counts the list.
        """
        is_due = page.pages is not None and position.number > 1 and position.purpose is Purpose.READ
        if not (self.is_used or is_due):
            return None
        last = _last_page(page)
        counts = self.is_used and bool(self._rows_on_last_page) and position.number < last
        self._checks = [last, 1] if counts else [1]
        return self._next(position)

    def confirm(self, page: Page, position: PageNumber) -> PageNumber | bool:
        """Returns whether the reading counts, or the next page to ask for again."""
        if position.number == 1:
            is_same = self._shows_the_first_rows(list(map(str, page.keys)))
        else:
            is_same = len(page.rows) in self._rows_on_last_page
        if not is_same or (page.total, page.pages) not in self._lengths or page.number != position.number:
            return False
        del self._checks[0]
        self.is_used = bool(self._checks)
        return self._next(position) if self._checks else True

    def _shows_the_first_rows(self, keys: list[str]) -> bool:
        """Returns whether page 1 has the rows that it had.

        Where pages are read in order, new rows may precede them. Rows that go again and again were not deleted: two
        servers are a row apart.
        """
        if self.allows_prefetch:
            return set(keys) == set(self._first_keys)
        added = sum(key not in self._first_keys for key in keys)
        kept = self._first_keys[: len(self._first_keys) - added]
        gone = frozenset(self._first_keys) - frozenset(keys)
        self._gone[gone] += 1
        is_pushed = len(keys) == len(self._first_keys) and set(keys[added:]) == set(kept)
        return is_pushed or self._gone[gone] > _GONE_ALIKE

    def _next(self, position: PageNumber) -> PageNumber:
        return position.at(self._checks[0], Purpose.CHECK)


def _last_page(page: Page) -> int:
    return page.pages or -(-(page.total or 0) // (page.size or 1))
