"""How the newest window of an updated field is read while rows enter it at its newer end.

Here because the stock paginator reads each page once: a row that is updated meanwhile moves to the newer end, past the
reading point or from before it, and is left out. Read newest first, nothing that stays in its place can be missed (see
moving_rows.py), and what has moved is at the front: page 1 is asked for again, and on until a row older than the
newest one of the reading before.

The rule is free of the CDK and of HTTP, so that a model of a moving list can be read with it.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from source_invoices.components.envelope import Page
from source_invoices.components.moving_rows import Position, following
from source_invoices.components.timestamps import parse_text_time

# A list that never comes to rest ends in a failure instead of an endless read.
_MOST_READINGS = 20
_NEVER = datetime.min.replace(tzinfo=timezone.utc)


def _now() -> datetime:
    return datetime.now(timezone.utc)


class OpenWindow:
    """A window without an upper end: `take` is told every row, `turn` every page.

    key, updated_field: where a row has its key and the time of its last update. newest_first: the values of the
    direction parameter of which one means newest first; the first page is asked for with the first of them. clock: a
    row dated ahead of it says nothing about the time of the others.

    A provider whose order follows none of the directions is read until two readings in a row are the same.
    """

    def __init__(
        self, key: str, updated_field: str, newest_first: Sequence[str], clock: Callable[[], datetime] = _now
    ) -> None:
        self._key = key
        self._updated_field = updated_field
        self._directions: list[str | None] = [*newest_first, None]
        self._clock = clock
        self._readings = 0
        # The versions of rows that the next reading meets again.
        self._met: set[tuple[Any, Any]] = set()
        self._is_sorted = False
        self._agreed: int | None = None
        self._begin(until=None)

    def _begin(self, until: datetime | None) -> None:
        """Begins a reading, which ends at a row older than `until`."""
        self._until = until
        self._began = self._clock()
        self._newest: datetime | None = None
        self._first: datetime | None = None
        self._changed = False
        self._digest = 0

    def take(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is to be emitted."""
        version = row[self._key], row.get(self._updated_field)
        if version in self._met:
            return False
        if self._newest is None:
            self._met.add(version)
        self._changed |= self._until is None or self._updated(row) > self._until
        return True

    def turn(self, page: Page, position: Position) -> Position | None:
        """The position after a page, or None at the end. Raises ValueError as `following` does."""
        if not page.more and position.page == page.number == 1:  # nothing has moved between two pages
            return None
        position = replace(position, direction=self._directions[0])
        times = [self._updated(row) for row in page.rows]
        if position.direction and not self._may_be_newest_first(times):
            self._begin(until=None)
            return Position(direction=self._directions.pop(0) and self._directions[0])
        self._first = times[0] if times else self._first
        self._is_sorted |= len(set(times)) > 1
        self._newest = self._newest or next((time for time in times if time <= self._began), None)
        self._digest = hash((self._digest, tuple(page.keys)))
        after = following(page, position)
        steps_back = after is not None and after.page <= position.page
        if after and (steps_back or self._until is None or not any(time < self._until for time in times)):
            return after
        return None if self._is_complete(position) else self._again(position)

    def stop(self) -> None:
        """Nothing is under way."""

    def expected(self, page: Page) -> int | None:
        """How many rows the window has."""
        return page.total

    def _is_complete(self, position: Position) -> bool:
        if position.direction is None:
            return self._digest == self._agreed
        return self._readings > 0 and (position.page == 1 or not self._changed)

    def _again(self, position: Position) -> Position:
        self._readings += 1
        if self._readings == _MOST_READINGS:
            raise ValueError(f"the list has changed during each of {_MOST_READINGS} readings")
        self._agreed = self._digest
        self._begin(until=self._newest if position.direction else None)
        return Position(direction=position.direction)

    def _updated(self, row: Mapping[str, Any]) -> datetime:
        text = row.get(self._updated_field)
        return parse_text_time(text) if text else _NEVER

    def _may_be_newest_first(self, times: Sequence[datetime]) -> bool:
        """Whether a page does not contradict that order; from page to page only as long as no page has shown it."""
        if any(later > earlier for earlier, later in itertools.pairwise(times)):
            return False
        return self._is_sorted or not times or self._first is None or times[-1] <= self._first
