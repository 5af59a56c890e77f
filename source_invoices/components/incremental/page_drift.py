"""Page drift: which page to read next in a list whose rows move while it is read.

A page number counts rows from the front of the list. Deleting a row shifts later rows forward, so paging could skip
one; the stock PageIncrement does. Read newest first, a deletion shows in the total that each page states, and the
connector re-reads the previous pages. Added rows only repeat rows, which the primary key absorbs. Where pages state no
total, the list is counted on its last page at the beginning and at the end.

The rule is free of the CDK and of HTTP, so that a model of a moving list can be read with it.
"""

import math
from collections.abc import Sequence
from typing import Any

from source_invoices.components.pages.page import Page

# A list that moves at every page, or a total that flaps, ends in a failure instead of an endless read.
_MOST_STEPS_BACK = 100
_MOST_REPEATS = 10


class PageDrift:
    """Follows the pages of one list and remembers the page before."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forgets everything: the list is read anew from page 1."""
        self.steps_back = 0
        self._repeats = 0
        self._total_before: int | None = None
        self._keys_before: Sequence[Any] = ()
        self._counted: int | None = None
        self._full_page = 1

    def next_page(self, page: Page, number: int) -> int | None:
        """Returns the number of the page after the page that was read at this number; None at the end.

        Raises ValueError with a sentence where the pages contradict each other or never come to rest.
        """
        self.refuse_another_page(page, number)
        repeated = bool(page.keys) and page.keys == self._keys_before
        if repeated and page.number is None:  # a list without pages, sent whole again
            return None
        lost = self._lost(page, number)
        if lost and number > 1:
            return self._step_back(page, number, math.ceil(lost / page.size) if page.size else number)
        if repeated and number > 1 and page.total == self._total_before:
            # An addition and a deletion have moved the list, or the provider repeats itself.
            if self._repeats == _MOST_REPEATS:
                raise ValueError(f"page {number} repeats the page before it")
            self._repeats += 1
            return self._step_back(page, number, 1)
        if not page.more:
            return None
        if number == 1 and page.pages is not None and self._counted is None:
            self._full_page = len(page.rows)
        self._total_before, self._keys_before = page.total, page.keys
        return number + 1

    def has_moved(self, page: Page) -> bool:
        """Returns whether a page states another total than the page before it."""
        return page.total != self._total_before

    def is_uncounted(self, page: Page) -> bool:
        """Returns whether the list is longer than two pages and only its last page shows how many rows it has."""
        return page.pages is not None and page.pages > 2 and self._counted is None

    def count(self, page: Page, number: int) -> int:
        """Counts the list by its last page, and returns how many rows it has."""
        self.refuse_another_page(page, number)
        self._counted = self._rows_up_to(page, number)
        return self._counted

    def resume(self, total: int | None) -> None:
        """Notes that reading goes on from another page than the next one. total: of the list, where pages state it."""
        self._total_before, self._keys_before = total, ()

    @staticmethod
    def refuse_another_page(page: Page, number: int) -> None:
        """Raises ValueError if another page came than was asked for."""
        if page.number not in (None, number):
            raise ValueError(f"page {number} was asked for, page {page.number} came")

    def _rows_up_to(self, page: Page, number: int) -> int:
        return page.total if page.total is not None else (number - 1) * self._full_page + len(page.rows)

    def _lost(self, page: Page, number: int) -> int:
        """Returns how many rows fewer the list has than at the page before, or than when it was counted."""
        if page.total is not None and self._total_before is not None:
            return max(0, self._total_before - page.total)
        if page.total is None and self._counted is not None and not page.more:
            return max(0, self._counted - self._rows_up_to(page, number))
        return 0

    def _step_back(self, page: Page, number: int, pages: int) -> int:
        if self.steps_back == _MOST_STEPS_BACK:
            raise ValueError(f"the number of invoices has fallen {_MOST_STEPS_BACK} times while the list was read")
        self.steps_back += 1
        self._total_before, self._keys_before = page.total, ()
        if self._counted is not None:
            self._counted = self._rows_up_to(page, number)
        return max(1, number - pages)
