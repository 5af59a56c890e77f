"""Page drift: which page to read next in a list whose rows move while it is read.

A page number counts rows from the front of the list. Deleting a row shifts later rows forward, so paging could skip
one; the stock PageIncrement does. Read newest first, a deletion shows in the total that each page states, and the
connector re-reads the previous pages. Added rows only repeat rows, which the primary key absorbs. Where pages state no
total, the list is counted on its last page at the beginning and at the end.

The rule is free of the CDK and of HTTP, so that a model of a moving list can be read with it.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from source_invoices.components.incremental.bare_list import RepeatedList
from source_invoices.components.pages.page import Page

# A list that moves at every page ends in a failure instead of an endless read. The limit grows with the progress made,
# so that one deletion in a hundred requests fails no list.
_PAGES_AT_LEAST = 100
_PAGES_FOR_EACH = 4
_MOST_REPEATS = 10
_DELETIONS_ALIKE = 3


class PageDrift:
    """Follows the pages of one list and remembers the page before."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forgets everything: the list is read anew from page 1."""
        self.steps_back = 0
        # By how many rows the list had become shorter when reading last stepped back.
        self.fallen_by = 0
        # Whether the list became shorter and reading did not step back, as where two servers are a row apart.
        self.ignores_falls = False
        self._asked = 0
        self._asked_again = 0
        self._furthest = 1
        self._first_last_page: int | None = None
        self._falls: Counter[tuple[int, int, int]] = Counter()
        self._repeats = 0
        self._is_bare: bool | None = None
        self._total_before: int | None = None
        self._keys_before: Sequence[Any] = ()
        self._counted: int | None = None
        self._full_page = 1

    def next_page(self, page: Page, number: int) -> int | None:
        """Returns the number of the page after the page that was read at this number; None at the end.

        Raises ValueError with a sentence where the pages contradict each other or never come to rest.
        """
        self._refuse_another_form(page)
        self.refuse_another_page(page, number)
        self._limit(page, number)
        repeated = bool(page.keys) and page.keys == self._keys_before
        if repeated and page.number is None:  # a list without pages, sent whole again
            if page.asked_size is None:
                return None
            raise RepeatedList("page 2 repeats page 1")
        lost = self._lost(page, number)
        self.fallen_by = lost
        if lost and number > 1:
            return self._step_back(page, number, math.ceil(lost / page.size) if page.size else number)
        if repeated and number > 1 and page.total == self._total_before:
            # An addition and a deletion have moved the list, or the provider repeats itself.
            if self._repeats == _MOST_REPEATS:
                raise ValueError(f"page {number} repeats the page before it")
            self._repeats += 1
            return self._back_to(number - 1, page, number)
        if not page.more:
            return None
        if number == 1 and page.pages is not None and self._full_page != len(page.rows):
            self._full_page, self._counted = len(page.rows), None
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
        self._counted = self.rows_up_to(page, number)
        return self._counted

    def resume(self, total: int | None) -> None:
        """Notes that reading goes on from another page than the next one. total: of the list, where pages state it."""
        self._total_before, self._keys_before = total, ()

    @staticmethod
    def refuse_another_page(page: Page, number: int) -> None:
        """Raises ValueError if another page came than was asked for."""
        if page.number not in (None, number):
            raise ValueError(f"page {number} was asked for, page {page.number} came")

    def _refuse_another_form(self, page: Page) -> None:
        is_bare = page.number is None
        if self._is_bare is not None and is_bare != self._is_bare:
            forms = ("a list without page numbers", "a page with a number")
            raise ValueError(f"{forms[not is_bare]} came after {forms[is_bare]}")
        self._is_bare = is_bare

    def _limit(self, page: Page, number: int) -> None:
        """Raises ValueError for a list that is read without progress, or that grows as fast as it is read."""
        self._asked += 1
        self._furthest = max(self._furthest, number)
        last = page.pages or -(-(page.total or 0) // (page.size or 1))
        self._first_last_page = self._first_last_page or last
        if self._asked > _PAGES_AT_LEAST + _PAGES_FOR_EACH * self._furthest:
            raise ValueError(f"the list has moved so often that page {self._furthest} was not passed")
        if last and number > _PAGES_AT_LEAST + _PAGES_FOR_EACH * self._first_last_page:
            raise ValueError(f"the list has grown from {self._first_last_page} pages to {last} while it was read")

    def rows_up_to(self, page: Page, number: int) -> int:
        """Returns how many rows the list has, as far as this page shows."""
        return page.total if page.total is not None else (number - 1) * self._full_page + len(page.rows)

    def _lost(self, page: Page, number: int) -> int:
        """Returns how many rows fewer the list has than at the page before, or than when it was counted.

        Two servers that differ by a row make the total fall again and again. A fall that was seen several times, on the
        same page and by the same totals, is no deletion.
        """
        before = self._total_before if page.total is not None else self._counted
        after = page.total
        if after is None:
            after = self.rows_up_to(page, number) if not page.more else None
        if before is None or after is None or after >= before:
            return 0
        self._falls[number, before, after] += 1
        is_flapping = self._falls[number, before, after] > _DELETIONS_ALIKE
        self.ignores_falls |= is_flapping
        return 0 if is_flapping else before - after

    def _step_back(self, page: Page, number: int, pages: int) -> int:
        """Goes back to page 1 where that at most doubles what was read so far: a cached total shows a deletion late."""
        if self._asked_again + number <= 2 * self._furthest:
            return self._back_to(1, page, number)
        return self._back_to(max(1, number - pages), page, number)

    def _back_to(self, target: int, page: Page, number: int) -> int:
        self.steps_back += 1
        self._asked_again += number - target
        self._total_before, self._keys_before = page.total, ()
        if self._counted is not None and not page.more:
            self._counted = self.rows_up_to(page, number)
        return target
