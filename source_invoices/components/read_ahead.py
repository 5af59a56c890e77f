"""Later pages fetched while earlier ones are read, delivered in order.

Here because the CDK reads the pages of a slice one after another, waiting for each. Pages that are fetched ahead are
answered in any order, so rows that move meanwhile can slip through unseen (the step-back rule of moving_rows.py is for
pages in order). Hence they count only if nothing has moved: page 1, asked for again after all others have come, has the
same rows, and the list has stayed as long. Else they are read again, at last one by one.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any

import requests

from source_invoices.components.envelope import Page
from source_invoices.components.fetches import Fetches
from source_invoices.components.moving_rows import Position
from source_invoices.components.open_invoices import Walk
from source_invoices.components.ramp import Ramp

_Send = Callable[[Position], requests.Response]
_CHECKED_READINGS = 2


class ReadAhead:
    """A walk whose pages are fetched ahead: the reading rule of its slice, and the way in which its pages are fetched.

    workers: how many pages may be under way ahead of the one that is read; one means none. Fetching ahead begins when
    the page after the first is asked for, with one page, then two, four, and so on, but no more than it takes to have
    each in time; near the end all that are left are fetched (see ramp.py).
    """

    def __init__(self, walk: Walk, workers: int, fetches: Fetches | None = None) -> None:
        self._walk = walk
        self._workers = workers
        self._readings = _CHECKED_READINGS
        self._fetches = fetches or Fetches(workers)
        self._previous = Position(page=0)
        self._ramp = Ramp(workers if workers > 1 else 0)
        self._begin()

    def _begin(self) -> None:
        self._is_used = False
        self._last_page = 1
        self._first_keys: set[str] = set()
        # The list's length, as the pages state or show it: more than one of a kind means that rows have moved.
        self._lengths: set[tuple[int | None, int | None]] = set()
        self._ends: set[int] = set()
        self._to_check: list[int] = []
        self._after: Position | None = None

    def take(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is to be emitted. A page that is only asked for to check the list has been read already."""
        return not self._to_check and self._walk.take(row)

    def turn(self, page: Page, position: Position) -> Position | None:
        """The position after a page, or None at the end. Raises ValueError as the walk does."""
        try:
            after = self._checked(page, position) if self._to_check else self._read(page, position)
        except ValueError:
            self.stop()
            raise
        if after is None:
            self.stop()
            self._walk.end()
        return after

    def expected(self, page: Page) -> int | None:
        """How many rows the walk will emit, as far as the list has shown; None if it has not."""
        return self._walk.expected

    def _read(self, page: Page, position: Position) -> Position | None:
        after = self._walk.turn(page, position)
        if position.key is not None or not self._readings:
            return after
        if position.page == 1:
            self._begin()
            self._first_keys = set(map(str, page.keys))
        self._lengths.add((page.total, page.pages))
        if page.total is None and not page.more:
            self._ends.add(len(page.rows))
        self._last_page = page.pages or -(-(page.total or 0) // (page.size or 1))
        steps_back = after is not None and after.steps_back > position.steps_back
        if self._is_used and (steps_back or len(self._lengths) > 1 or len(self._ends) > 1):
            return self._read_again()
        if after is not None and after.key is None:
            return after
        # Where pages state no total, only this shows that a row of page 1 has gone before the next one was read.
        is_due = page.pages is not None and position.page > 1 and not position.resume
        if not self._is_used and not is_due:
            return after
        self._after = after
        self._to_check = self._checks(position.page) if self._is_used else [1]
        return Position(page=self._to_check[0])

    def _checks(self, page: int) -> list[int]:
        """The pages to ask for again after this one; page 1 after a list was counted, to show what has come meanwhile.

        The last page, which counts a list that states no total, is only asked for when all others have come.
        """
        return [self._last_page, 1] if self._ends and page < self._last_page else [1]

    def _checked(self, page: Page, position: Position) -> Position | None:
        is_same = set(map(str, page.keys)) == self._first_keys if position.page == 1 else len(page.rows) in self._ends
        if not is_same or (page.total, page.pages) not in self._lengths or page.number != position.page:
            return self._read_again()
        del self._to_check[0]
        self._is_used = bool(self._to_check)
        return Position(page=self._to_check[0]) if self._to_check else self._after

    def _read_again(self) -> Position:
        self._readings -= 1
        self._walk.begin_again()
        self._begin()
        return Position()

    def upcoming(self, position: Position, *, is_there: bool = False) -> list[Position]:
        """What to fetch ahead while this position is asked for; is_there: its page has been fetched already."""
        if not self._readings or self._to_check or position.resume:
            return []
        if position.key is not None:
            is_next = position.key in self._previous.keys_left[:1]
            left, rounds = len(position.keys_left), 1
        else:
            is_next = position.page == self._previous.page + 1 > 1
            # The pages, the last one where it counts the list, and the check.
            left, rounds = self._last_page - position.page, 3 if self._ends else 2
        self._is_used |= is_next and self._ramp.pages > 0 and position.key is None
        if is_next:
            self._ramp.go_on(is_there=is_there, left=left, rounds=rounds)
        else:
            self._ramp.begin_anew()
        self._previous = position
        ahead = min(left, self._ramp.pages)
        if position.key is not None:
            return [Position(key=key) for key in position.keys_left[:ahead]]
        return [Position(page=position.page + step) for step in range(1, ahead + 1)]

    def checks_due(self, position: Position, later: Sequence[Position]) -> list[int]:
        """The pages to ask for again once these and all before them have come: none as long as that is not the end."""
        if self._to_check:
            return []
        is_end = position.key is None and self._last_page in {position.page, *(item.page for item in later)}
        return [1] if self._is_used and is_end else []

    def fetch(self, position: Position, send: _Send) -> requests.Response:
        """The answer for a position. Raises what `send` raises."""
        place = self._place(position)
        later = self.upcoming(position, is_there=self._fetches.is_there(place))
        ahead = {self._place(item): item for item in later}
        # One that is asked for in the ordinary way has no place to wait for.
        is_ahead = place in self._fetches
        due = self.checks_due(position, later) if is_ahead else []
        checks = {(page, None, True): Position(page=page) for page in self._to_check or due}
        self._fetches.keep([place, *ahead, *checks])
        earlier: list[Hashable] = [place]
        for new, item in ahead.items():
            counts = bool(self._ends) and item.page == self._last_page and item.key is None
            if is_ahead or not counts:
                self._fetches.begin(new, partial(send, item), after=earlier if counts else ())
            earlier.append(new)
        for check, item in checks.items() if due else ():
            self._fetches.begin(check, partial(send, item), after=earlier)
            earlier = [check]
        try:
            answer = self._fetches.take(place)
            # In the ordinary way, which waits, repeats and fails in words.
            return send(position) if answer is None else answer
        except Exception:
            self.stop()
            raise

    def _place(self, position: Position) -> Hashable:
        return position.page, position.key, bool(self._to_check)

    def stop(self) -> None:
        """No thread is left behind."""
        self._fetches.stop()
