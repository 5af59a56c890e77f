"""How long a list is, and how many of its rows are older than a lookback start."""

from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from source_invoices.components.pages.page import Page


@dataclass(frozen=True)
class _Place:
    """Where the first row older than a lookback start was met.

    page: its number. rows_before: in the list. total: how long the list was then; None until it has been counted.
    """

    page: int
    rows_before: int
    total: int | None


class ListCount:
    """The length of one list, as far as its pages show it, and the places of the lookback starts in it."""

    def __init__(self) -> None:
        self.total = 0
        self.is_known = False
        self.is_counted = False
        self.is_unsorted = False
        self._page_size = 1
        # The times of issue of a list that follows no order, in seconds since 1970: eight bytes a row.
        self._issued = array("d")
        self._places: dict[datetime, _Place] = {}

    def restart(self) -> None:
        """Forgets the places: the list is read anew."""
        self.is_counted = False
        self._issued = array("d")
        self._places.clear()

    def set_counted(self, total: int) -> None:
        """Notes the length of a list that states none, as its last page shows it."""
        self.total, self.is_known, self.is_counted = total, True, True
        self._places = {
            start: place if place.total is not None else replace(place, total=total)
            for start, place in self._places.items()
        }

    def observe(self, page: Page, issued: Sequence[datetime | None], starts: Collection[datetime]) -> None:
        """Notes the length of the list, and where the first rows older than these lookback starts are.

        issued: the time of issue of each row of the page.
        """
        number = page.number or 1
        if page.more:
            self._page_size = page.size or len(page.rows)
        rows_before = (number - 1) * self._page_size
        met = rows_before + len(page.rows)
        self.total = page.total if page.total is not None else max(met, self.total if self.is_counted else 0)
        self.is_known = page.total is not None or self.is_counted or not page.more
        if self.is_unsorted:
            self._issued.extend(one.timestamp() for one in issued if one)
            return
        total = self.total if page.total is not None or self.is_counted else None
        for start in starts:
            offset = next((place for place, one in enumerate(issued) if one and one < start), None)
            earlier = self._places.get(start)
            if offset is not None and (earlier is None or number <= earlier.page):
                self._places[start] = _Place(number, rows_before + offset, total)

    def pages_after(self, number: int) -> int:
        """Returns how many pages follow a page."""
        return -(-(self.total - number * self._page_size) // self._page_size)

    def page_of(self, start: datetime) -> int:
        """Returns the page on which the first row older than a lookback start was met."""
        return self._places[start].page if start in self._places else 1

    def older_rows(self, start: datetime) -> int:
        """Returns how many rows are older than a lookback start, by the list's length when that was met.

        A later length would count what has come since as older, and as many back-dated invoices would go unseen. A list
        that follows no order must have been read to its end.
        """
        if self.is_unsorted:
            return sum(one < start.timestamp() for one in self._issued)
        place = self._places.get(start, _Place(0, 0, 0))
        return (self.total if place.total is None else place.total) - place.rows_before
