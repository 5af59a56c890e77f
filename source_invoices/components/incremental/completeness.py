"""Whether a list was read whole, told by its rows.

Totals and page 1 can stand still while rows change places: equal sort keys in another order, a re-dated invoice, a
server that lags behind, a page size that changes. Then some rows come twice and others not at all. So the number of
distinct keys that one reading meets must be at least the place of the last row read. If it is less, rows may have come
to the front meanwhile: the front is read. If it is still less, the list is read again with another page size, so that
page boundaries move.
"""

from collections.abc import Sequence
from datetime import datetime

from source_invoices.components.incremental.distinct_keys import DistinctKeys
from source_invoices.components.incremental.earlier_readings import EarlierReadings
from source_invoices.components.incremental.list_totals import ListTotals
from source_invoices.components.pages.page import Page
from source_invoices.components.pages.plan import Figures

# A list whose order never settles ends in a failure instead of an endless read.
_MOST_READINGS = 12
_STRICT_READINGS = 2


class Completeness:
    """Counts the distinct keys of one reading of a list, and of all readings since the list last moved."""

    def __init__(self) -> None:
        self.readings = 1
        self._ended_readings = 0
        self._asked_size: int | None = None
        self._earlier = EarlierReadings()
        self.restart()

    def restart(self) -> None:
        """Begins this reading again: deleted rows that it has met would hide as many that it has not."""
        self._met = DistinctKeys()
        self._deleted = 0
        self._risen_by = 0
        self._added = 0
        self._place = 0
        self._most_pages = 0
        self._page_size: int | None = None
        self._totals = ListTotals()
        self._newest: datetime | None = None
        self._keys_before: Sequence[object] = ()
        self._uncounted: Sequence[object] = ()

    @property
    def page_size(self) -> int | None:
        """The page size to ask for in this reading; None for the usual one."""
        return self._asked_size

    def ask_for(self, size: int) -> None:
        """Asks for pages of another size from now on."""
        self._asked_size = size
        self.restart()

    def observe(self, page: Page, number: int, newest: datetime | None = None) -> bool:
        """Notes the rows of a page. Returns False if its size differs from those before: the places are wrong then.

        newest: the latest time of issue in the list, as far as is known. A later one shows that rows were added.
        """
        if page.number is None:
            self._observe_bare(page)
            return True
        size = page.size or (len(page.rows) if page.more else None)
        if size is not None and self._page_size not in (None, size):
            return False
        self._page_size = self._page_size or size
        self._met.add(page.keys)
        self._place = (number - 1) * (self._page_size or 1) + len(page.rows)
        self._newest = newest
        self._most_pages = max(self._most_pages, page.pages or 0)
        if page.total is not None:
            self.set_total(page.total)
        elif number == 1:
            self._uncounted = page.keys
        return True

    def _observe_bare(self, page: Page) -> None:
        """Counts the rows of a list without page numbers. At its end the last page may come again."""
        if page.keys != self._keys_before:
            self._met.add(page.keys)
            self._place += len(page.rows)
        self._keys_before = page.keys

    def observe_front(self, page: Page, issued: Sequence[datetime | None]) -> bool | None:
        """Notes a page of the front, which is read after the list. Returns whether it shows rows that were not met.

        None for a row that is no newer than those of the reading: it has moved, perhaps because others were deleted.
        issued: the time of issue of each row.
        """
        new = [issued[place] for place in self._met.unknown(page.keys)]
        if any(time is None or (self._newest is not None and time <= self._newest) for time in new):
            return None
        self._met.add(page.keys)
        self._added += len(new)
        now = self._totals.last
        if page.total is not None:
            now = page.total
            self._risen_by = max(self._risen_by, now - self._totals.last)
        # What was added and is not in the length of the list shows how many rows were deleted.
        self._deleted = max(self._deleted, self._added - self._totals.growth(now))
        return bool(new)

    def step_back(self, fallen_by: int) -> None:
        """Notes that reading steps back over a part of the list, which has become shorter by so many rows.

        Those of them that were met would hide as many that were not.
        """
        self._deleted += fallen_by

    def set_total(self, total: int) -> None:
        """Notes the length of the list, as a page states or counts it."""
        self._totals.add(total)

    def is_whole(self, *, to_the_end: bool, at_most: bool = False) -> bool:
        """Returns whether the rows of this reading, or of all readings of a list that stands still, are all there are.

        to_the_end: the whole list was read, so that rows of earlier readings count as well. at_most: the totals of one
        reading contradict each other, so that the greatest counts.
        """
        if to_the_end and self._is_shorter_than_stated():
            return False
        # A list that is shorter after each of several readings would never be whole.
        deleted = self._deleted if self._ended_readings < _STRICT_READINGS else 0
        due = max(self._totals.values) if at_most and self._totals.counts else self._place
        if self._met.count() - deleted >= due + self._risen_by:
            return True
        if not to_the_end or not self._stands_still():
            return False
        return self._met.count_with(self._earlier.met) >= max(self._place, *self._totals.values, self._earlier.most)

    def _is_shorter_than_stated(self) -> bool:
        """Returns whether a page says that it is the last although another page of this reading states more pages.

        A server that lags behind says so. A list that keeps shrinking is believed after several readings."""
        is_short = self._most_pages > 1 and self._place <= (self._most_pages - 1) * (self._page_size or 1)
        is_shrinking = max(self._totals.values, default=0) < self._earlier.latest
        return is_short and not (is_shrinking and self.readings >= _MOST_READINGS // 2)

    def has_met_all(self) -> bool:
        """Returns whether all readings together met as many rows as the last page states."""
        return self._met.count_with(self._earlier.met) >= self._totals.last

    def figures(self, *, is_whole: bool, since: str = "") -> Figures:
        """Returns what was read so far. is_whole: the list was read to its end."""
        counted = self._totals.last if self._totals.counts else None
        return Figures(self.readings, self._met.count_with(self._earlier.met), counted, is_whole, since)

    def read_again(self, reason: str, *, has_ended: bool = True) -> None:
        """Begins another reading. Raises ValueError after too many. has_ended: the one before was not broken off."""
        if self.readings == _MOST_READINGS:
            raise ValueError(
                f"the list was read {_MOST_READINGS} times, and {reason}: {self._met.count()} different invoices came "
                f"where the list has {max(self._place, *self._totals.values, 0)}"
            )
        self.readings += 1
        self._ended_readings += has_ended
        # One of these may have been deleted before the list was counted.
        self._met.discard(self._uncounted)
        self._earlier.add(
            self._met, self._totals.values, self._newest, place=self._place, stands_still=self._stands_still()
        )
        self._asked_size = max(1, (self._page_size or 1) - 1)
        self.restart()

    def _stands_still(self) -> bool:
        """Returns whether nothing shows that rows were added or deleted since the readings before."""
        # Two servers that are a row apart show two lengths. Under one length, an added row hides a deleted one.
        has_moved = self._added and len(self._totals.values) == 1
        # A list that is counted only once may have become shorter before.
        return not has_moved and self._totals.counts > 1 and self._earlier.agree_with(self._totals.values, self._newest)
