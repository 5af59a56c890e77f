"""Incremental reading where the provider has no updated field: the walk over a list that is sorted newest first.

Here because no stock cursor fits: invoices change without a trace in the list (unpaid ones are paid weeks later), so a
cursor would miss changes and a full read costs the length of the history. The rule: walk back to the floor, which is
the earlier of the newest issue date met and the start of the last sync, less the lookback and one day. Emit every row
above the floor, and every invoice that was open at the end of the last sync, wherever it is now: asked for by its key,
or met by walking on where that costs fewer requests.

The walk is free of the CDK and of HTTP. It lives in the slice; its state is saved when all that it asked for is done.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from source_invoices.components.envelope import Page
from source_invoices.components.moving_rows import Position, following
from source_invoices.components.timestamps import parse_text_time, parse_unix_time, to_rfc3339

# Past these the state says so, and the next sync walks the whole list: slower, never wrong.
MOST_OPEN = 10_000
# For issue dates that are whole days, back-dated by hours, or in another zone.
_ALLOWANCE = timedelta(days=1)


@dataclass(frozen=True)
class Earlier:
    """What a walk leaves for the next one.

    floor: down to where the next walk reads. below: how many rows lie below the floor. open: the keys of the open
    invoices; None for too many. settings: a digest of the settings that choose rows.
    """

    floor: datetime
    below: int
    open: frozenset[str] | None
    settings: str

    @classmethod
    def load(cls, state: Any) -> "Earlier":
        """Raises ValueError for anything but what `dump` returned."""
        try:
            keys, below = state["open"], state["below"]
            if keys is not None and not (isinstance(keys, list) and all(isinstance(key, str) for key in keys)):
                raise ValueError("`open` is not a list of keys")
            if isinstance(below, bool) or not isinstance(below, int) or below < 0:
                raise ValueError("`below` is not a number of rows")
            return cls(
                parse_text_time(state["floor"]),
                below,
                None if keys is None else frozenset(keys),
                str(state["settings"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it lacks or mistakes {error}") from None

    def dump(self) -> dict[str, Any]:
        return {
            "floor": to_rfc3339(self.floor),
            "below": self.below,
            "open": None if self.open is None else sorted(self.open),
            "settings": self.settings,
        }


@dataclass(frozen=True)
class Columns:
    """Where a row has its key, its time of issue (text or seconds since 1970) and its status, and which are final."""

    key: str
    issued: str
    final: frozenset[str]
    status: str = "status"

    def issued_at(self, row: Mapping[str, Any]) -> datetime | None:
        value = row.get(self.issued)
        if not value:
            return None
        return parse_text_time(value) if isinstance(value, str) else parse_unix_time(value)


class Walk:
    """One sync's way through a list: `take` is told every row, `turn` every page; `state` is what the next sync needs.

    settings: a digest of the settings that choose rows. lookback: how far back recent invoices are read again.
    started: when this sync began. since: nothing older counts.
    ask: "key" where the list can be asked for one invoice; "detail" where whoever reads the list asks for each, and
    then calls `finish`; else "".

    Whoever reads the list calls `end` at its end, or `begin_again` where what was read does not count.
    """

    def __init__(
        self,
        earlier: Earlier | None,
        columns: Columns,
        *,
        settings: str,
        lookback: timedelta,
        started: datetime,
        since: datetime | None = None,
        ask: str = "",
    ) -> None:
        usable = earlier is not None and earlier.settings == settings and earlier.open is not None
        self._earlier = earlier if usable else None
        self._columns = columns
        self._settings = settings
        self._margin = lookback + _ALLOWANCE
        self._started = started
        self._since = since
        self._ask = ask
        self._open_before = (self._earlier.open if self._earlier else None) or frozenset()
        self._awaited = set(self._open_before)
        self._open: set[str] = set()
        self._newest: datetime | None = None
        self._everything = self._earlier is None
        self._size = 1
        self._total = 0
        self._knows_total = False
        self._open_below = 0
        self._counting = False
        self._counted = False
        self._last_issued: datetime | None = None
        # For a floor: the page on which the first row below it was met, that row's place in the list, and how long the
        # list was then; None as long as it has not been counted.
        self._places: dict[datetime, tuple[int, int, int | None]] = {}
        self._in_order = True
        self._descends = False
        self._too_many_open = False
        self._resume: Position | None = None
        self._finished = False

    @property
    def awaited(self) -> list[str]:
        """The invoices that were open and have not been met."""
        return sorted(self._awaited)

    @property
    def expected(self) -> int | None:
        """How many rows are to be emitted, as far as the list has shown; None if it has not."""
        if not self._knows_total:
            return None
        if self._earlier is None or self._everything:
            return None if self._since else self._total
        return max(0, self._total - self._earlier.below) + self._open_below

    def note(self, row: Mapping[str, Any]) -> None:
        """Remembers whether an invoice is open."""
        key = str(row[self._columns.key])
        if row.get(self._columns.status) in self._columns.final:
            self._open.discard(key)
        elif key not in self._open:
            self._too_many_open |= len(self._open) == MOST_OPEN
            if not self._too_many_open:
                self._open.add(key)

    def take(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is to be emitted. Called for every row since `since`."""
        if self._counting:  # this page comes again
            return False
        self.note(row)
        key = str(row[self._columns.key])
        self._awaited.discard(key)
        issued = self._columns.issued_at(row)
        if issued and (self._newest is None or issued > self._newest):
            self._newest = issued
        if self._everything or self._earlier is None or issued is None:
            return True
        return key in self._open_before or issued >= self._earlier.floor

    def turn(self, page: Page, position: Position) -> Position | None:
        """Where to read on after a page, or None at the end. Raises ValueError as `following` does."""
        after = self._after(page, position)
        self._counting = after is not None and after.resume is not None
        return after

    def _after(self, page: Page, position: Position) -> Position | None:
        if position.key is not None:
            return self._after_key(page, position)
        after = following(page, position)
        if position.resume and after:
            self._counted = True
            self._total = position.count(page)
            self._knows_total = True
            self._places = {
                floor: (number, place, self._total if total is None else total)
                for floor, (number, place, total) in self._places.items()
            }
            return self._below_the_floor(after.page - 1, after) if self._may_stop() else after
        if page.total != position.total_before:
            self._last_issued = None  # rows have moved: the pages overlap
        if after and after.page <= position.page:
            self._last_issued = None
            return after
        if not self._look_at(page):
            self._in_order = False
            if not self._everything:
                self._everything = True
                return Position()
        if after and (after.resume or not self._may_stop()):
            return after
        if after and page.pages and not self._counted:
            # How many rows the list has shows on its last page.
            return replace(after, page=page.pages, resume=after)
        return self._below_the_floor(position.page, after)

    def begin_again(self) -> None:
        """Called before the list is read anew from its first page: what was met so far is only known to be there."""
        self._counted = False
        self._resume = None
        self._last_issued = None
        self._places.clear()

    def end(self) -> None:
        """Called when the list has been read."""
        if self._ask != "detail":
            self.finish()

    def finish(self) -> None:
        """Called when the list is read and every detail that is due has been asked for."""
        self._finished = True

    def state(self) -> Earlier | None:
        """What the next sync needs; None as long as this walk is not done."""
        if not self._finished:
            return None
        floor = self._next_floor()
        below = max(0, self._rows_below(floor))
        keys = None if self._too_many_open else frozenset(self._open)
        return Earlier(floor, below, keys, self._settings)

    def _rows_below(self, floor: datetime) -> int:
        """How many rows lie below a floor, by the list's length when the floor was met.

        A later length would count what has come since as older, and as many back-dated invoices would go unseen.
        """
        _, place, total = self._places.get(floor, (0, 0, 0))
        return (self._total if total is None else total) - place

    def _next_floor(self) -> datetime:
        floor = min(self._newest or self._started, self._started) - self._margin
        return max(floor, self._since - _ALLOWANCE) if self._since else floor

    def _look_at(self, page: Page) -> bool:
        """Counts the rows above the floors. Whether the list is sorted, as far as its rows tell."""
        issued = [self._columns.issued_at(row) for row in page.rows]
        in_order = True
        for one in filter(None, issued):
            if self._last_issued is not None:
                in_order &= one <= self._last_issued
                self._descends |= one < self._last_issued
            self._last_issued = one
        number = page.number or 1
        if page.more:
            self._size = page.size or len(page.rows)
        met = (number - 1) * self._size + len(page.rows)
        self._total = page.total if page.total is not None else max(met, self._total if self._counted else 0)
        self._knows_total = page.total is not None or self._counted or not page.more
        for floor in {self._next_floor(), *([self._earlier.floor] if self._earlier else [])}:
            offset = next((place for place, one in enumerate(issued) if one and one < floor), None)
            if offset is not None and number <= self._places.get(floor, (number,))[0]:
                self._places[floor] = (
                    number,
                    (number - 1) * self._size + offset,
                    self._total if page.total is not None or self._counted else None,
                )
        return in_order

    def _may_stop(self) -> bool:
        """Whether every row that must be emitted for its age has been met."""
        floor = self._next_floor()
        if self._everything:
            # A list that does not follow the sort may begin with rows that are too old.
            follows = self._in_order and self._descends
            return self._since is not None and follows and self._has_passed(self._since - _ALLOWANCE)
        return self._earlier is not None and self._has_passed(min(floor, self._earlier.floor))

    def _has_passed(self, floor: datetime) -> bool:
        return self._last_issued is not None and self._last_issued < floor

    def _below_the_floor(self, number: int, after: Position | None) -> Position | None:
        """Past the floor on this page: on to the open invoices below, to the end, or done."""
        self._open_below = self._open_below or len(self._awaited)
        if self._earlier and not self._everything and self._rows_below(self._earlier.floor) > self._earlier.below:
            # Something was back-dated below the floor. On from where rows were first left out.
            self._everything = True
            first_page = self._places[self._earlier.floor][0]
            total = None if self._counted else self._total
            return replace(after or Position(), page=first_page, total_before=total, keys_before=(), resume=None)
        if after is None or not self._awaited or self._everything or self._ask == "detail":
            return None
        pages_left = math.ceil((self._total - number * self._size) / self._size)
        if not self._ask or pages_left <= len(self._awaited):
            return after
        self._resume = after
        return self._ask_for(self.awaited)

    def _ask_for(self, keys: Sequence[str]) -> Position | None:
        return Position(key=keys[0], keys_left=tuple(keys[1:])) if keys else None

    def _after_key(self, page: Page, position: Position) -> Position | None:
        if any(str(key) != position.key for key in page.keys):
            # The provider does not look at the key: what is left is met by walking on.
            self._ask = ""
            return self._resume
        return self._ask_for(position.keys_left)
