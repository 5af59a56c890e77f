"""The current window: how the newest window of an updated field is read while rows enter it at its newer end.

A row that is updated meanwhile moves to the newer end, past the reading point or from before it, so reading each page
once would leave it out. Read newest first, nothing that stays in its place can be missed (see page_drift.py), and what
has moved is at the front. So page 1 is asked for again, and on until a row older than the newest one of the reading
before.

The plan is free of the CDK and of HTTP, so that a model of a moving list can be read with it.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from source_invoices.components.incremental.completeness import Completeness
from source_invoices.components.incremental.page_drift import PageDrift
from source_invoices.components.pages.page import Page, Row
from source_invoices.components.pages.plan import Figures, PageNumber, Position
from source_invoices.times import parse_text_time

# A list that never comes to rest ends in a failure instead of an endless read.
_MOST_CATCHING_UP = 20
_NEVER = datetime.min.replace(tzinfo=timezone.utc)


def _now() -> datetime:
    return datetime.now(timezone.utc)


class CurrentWindow:
    """The plan of a window without an upper end.

    key, updated_field: where a row has its key and the time of its last update. newest_first: the values of the
    direction parameter of which one means newest first, tried in this order. clock: a row dated ahead of it says
    nothing about the time of the others.

    since: the start of the window, where the windows before it were read by another sync.

    A provider whose order follows none of the directions is read until two readings in a row are the same.
    """

    def __init__(
        self,
        key: str,
        updated_field: str,
        newest_first: Sequence[str],
        clock: Callable[[], datetime] = _now,
        since: str = "",
    ) -> None:
        self._key = key
        self._since = since
        self._updated_field = updated_field
        self._directions: list[str | None] = [*newest_first, None]
        self._clock = clock
        self._readings = 0
        self._drift = PageDrift()
        self._completeness = Completeness()
        self._is_done = False
        # The versions of rows that the next reading meets again.
        self._met: set[tuple[Any, Any]] = set()
        self._is_sorted = False
        self._agreed: int | None = None
        self._begin(until=None)

    @property
    def first_position(self) -> Position | None:
        return PageNumber(direction=self._directions[0])

    def _begin(self, until: datetime | None) -> None:
        """Begins a reading, which ends at a row older than `until`."""
        self._until = until
        self._began = self._clock()
        self._newest: datetime | None = None
        self._first: datetime | None = None
        self._changed = False
        self._digest = 0

    def accept(self, rows: Sequence[Row], position: Position) -> Sequence[Row]:
        return [row for row in rows if self._is_new(row)]

    def _is_new(self, row: Row) -> bool:
        version = row[self._key], row.get(self._updated_field)
        if version in self._met:
            return False
        if self._newest is None:
            self._met.add(version)
        self._changed |= self._until is None or self._updated(row) > self._until
        return True

    def next_position(self, page: Page, position: Position) -> Position | None:
        if not isinstance(position, PageNumber):
            return None
        is_same_size = self._completeness.observe(page, position.number)
        if not page.more and position.number == page.number == 1:  # nothing has moved between two pages
            self._is_done = True
            return None
        times = [self._updated(row) for row in page.rows]
        if position.direction and not self._may_be_newest_first(times):
            del self._directions[0]
            self._drift.restart()
            self._begin(until=None)
            return self.first_position
        if not is_same_size:
            return self._read_whole(position, "its pages changed their size")
        self._observe(page, times)
        steps_back = self._drift.steps_back
        number = self._drift.next_page(page, position.number)
        if self._drift.steps_back > steps_back and number:
            if number == 1:
                self._completeness.restart()
                self._begin(until=None)
            return position.at(number)
        if number and (self._until is None or not any(time < self._until for time in times)):
            return position.at(number)
        if not self._is_complete(position):
            return self._again(position)
        self._is_done = self._completeness.has_met_all()
        if self._is_done:
            return None
        return self._read_whole(position, "rows came twice and others not at all")

    def expected_rows(self, page: Page) -> int | None:
        return page.total

    def figures(self) -> Figures | None:
        return self._completeness.figures(is_whole=self._is_done and not self._since, since=self._since)

    def _observe(self, page: Page, times: Sequence[datetime]) -> None:
        self._first = times[0] if times else self._first
        self._is_sorted |= len(set(times)) > 1
        self._newest = self._newest or next((time for time in times if time <= self._began), None)
        self._digest = hash((self._digest, tuple(page.keys)))

    def _is_complete(self, position: PageNumber) -> bool:
        if position.direction is None:
            return self._digest == self._agreed
        return self._readings > 0 and (position.number == 1 or not self._changed)

    def _again(self, position: PageNumber) -> PageNumber:
        self._readings += 1
        if self._readings == _MOST_CATCHING_UP:
            raise ValueError(f"the list has changed during each of {_MOST_CATCHING_UP} readings")
        self._agreed = self._digest
        self._drift.restart()
        self._begin(until=self._newest if position.direction else None)
        return position.at(1)

    def _read_whole(self, position: PageNumber, reason: str) -> PageNumber:
        """Reads the window again from its first page to its last."""
        self._completeness.read_again(reason)
        self._readings = 0
        self._drift.restart()
        self._begin(until=None)
        return replace(position, number=1, size=self._completeness.page_size)

    def _updated(self, row: Row) -> datetime:
        text = row.get(self._updated_field)
        return parse_text_time(text) if text else _NEVER

    def _may_be_newest_first(self, times: Sequence[datetime]) -> bool:
        """Returns whether a page does not contradict that order.

        From page to page this can be told only as long as no page has shown it.
        """
        if any(later > earlier for earlier, later in itertools.pairwise(times)):
            return False
        return self._is_sorted or not times or self._first is None or times[-1] <= self._first
