"""Invoices of one list. They are generated on demand; an overlay holds what tests add, change and remove.

No generated row is kept. A table of a million rows costs nothing until a page is requested. A page in the order of
issue costs only its own rows.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from sandbox.timeline import Timeline
from sandbox.values import NEVER, nanoseconds

Row = dict[str, Any]
Key = str | int


class Source(Protocol):
    """Makes the rows of one list from an index and a time."""

    key_field: str
    time_field: str
    tick: int
    """The smallest step of the list's times, in nanoseconds."""
    touched_by_change: bool
    """Whether the time is the one of the last change. Otherwise it is the time of issue."""
    large_amounts: bool
    """Whether an amount is now and then beyond 32 bits."""

    def key(self, index: int) -> Key: ...
    def index(self, key: Key) -> int | None: ...
    def row(self, index: int, time: int) -> Row: ...
    def read_time(self, value: object) -> int | None: ...
    def sort_value(self, row: Row, field: str) -> Any: ...


class Table:
    """The rows of one list, in the order of (time, index).

    The overlay is three sorted lists. `_gone` holds the indexes of generated rows that are removed, or that have moved
    because their time changed. `_placed` holds (time, index) of added and moved rows. `_ahead` holds, for each of
    these, how many generated rows come before it, including those in `_gone`. So bisection alone finds its position.
    """

    def __init__(self, name: str, source: Source, timeline: Timeline, clock: Callable[[], int]) -> None:
        self.name = name
        self.source = source
        self.lock = threading.RLock()
        self.version = 0
        self._timeline = timeline
        self._clock = clock
        self._gone: list[int] = []
        self._placed: list[tuple[int, int]] = []
        self._ahead: list[int] = []
        self._times: dict[int, int] = {}
        self._changes: dict[int, Row] = {}
        self._next = timeline.count

    def __len__(self) -> int:
        return self._timeline.count - len(self._gone) + len(self._placed)

    def keys(self) -> list[Key]:
        """The keys of all rows, newest first."""
        return [self.source.key(index) for index in self.indexes(0, len(self), descending=True)]

    def rows(self) -> Iterator[Row]:
        """All rows as the provider sends them in full, newest first."""
        return (self.row(index) for index in self.indexes(0, len(self), descending=True))

    def rows_at(self, indexes: list[int]) -> list[Row]:
        """The rows with these indexes."""
        with self.lock:
            rows = [self.source.row(index, self._written_time(index)) for index in indexes]
            if self._changes:
                for index, row in zip(indexes, rows, strict=True):
                    row.update(self._changes.get(index, ()))
            return rows

    def row(self, index: int) -> Row:
        """The row with this index."""
        return self.rows_at([index])[0]

    def find(self, key: Key) -> int | None:
        """The index of the row with this key; None if there is none."""
        index = self.source.index(key)
        with self.lock:
            return index if index is not None and self._alive(index) and self.source.key(index) == key else None

    def get(self, key: Key) -> Row | None:
        """The row with this key; None if there is none."""
        index = self.find(key)
        return None if index is None else self.row(index)

    def add(
        self, overrides: Mapping[str, Any] | None = None, /, *, issued: datetime | None = None, **fields: Any
    ) -> Key:
        """Adds an invoice and returns its key. It is the newest one, unless `issued` gives it another time."""
        with self.lock:
            index = self._next
            self._next += 1
            self._set(index, {**(overrides or {}), **fields}, issued, self._now())
            return self.source.key(index)

    def change(
        self, key: Key, overrides: Mapping[str, Any] | None = None, /, *, issued: datetime | None = None, **fields: Any
    ) -> None:
        """Changes fields of a row. A new time, or `issued`, also moves the row in the order."""
        with self.lock:
            index = self._existing(key)
            time = self._now() if self.source.touched_by_change else self._time(index)
            self._set(index, {**(overrides or {}), **fields}, issued, time)

    def remove(self, key: Key) -> None:
        """Removes a row."""
        with self.lock:
            index = self._existing(key)
            self._withdraw(index)
            self._changes.pop(index, None)
            self.version += 1

    def position(self, time: int) -> int:
        """How many rows are older than `time`."""
        with self.lock:
            generated = self._timeline.before(time)
            return generated - bisect_left(self._gone, generated) + bisect_left(self._placed, (time, -1))

    def indexes(self, start: int, stop: int, descending: bool = False) -> list[int]:
        """The indexes of the rows at positions `start` to `stop`, counted from the newest if `descending`."""
        with self.lock:
            total = len(self)
            if descending:
                return self._ascending(max(total - stop, 0), total - start)[::-1]
            return self._ascending(start, min(stop, total))

    def _ascending(self, start: int, stop: int) -> list[int]:
        if start >= stop:
            return []
        if not self._gone and not self._placed:
            return list(range(start, stop))
        placed = bisect_left(range(len(self._placed)), start, key=self._placed_position)
        live = start - placed  # generated rows still in their place that come before `start`
        skipped = bisect_right(range(len(self._gone)), live, key=lambda entry: self._gone[entry] - entry)
        index = live + skipped
        found: list[int] = []
        upcoming = self._placed_position(placed)
        for position in range(start, stop):
            if position == upcoming:
                found.append(self._placed[placed][1])
                placed += 1
                upcoming = self._placed_position(placed)
                continue
            while skipped < len(self._gone) and self._gone[skipped] == index:
                skipped += 1
                index += 1
            found.append(index)
            index += 1
        return found

    def _placed_position(self, entry: int) -> int:
        """Returns the position of an added or moved row in the whole order; -1 after the last one."""
        if entry >= len(self._placed):
            return -1
        ahead = self._ahead[entry]
        return ahead - bisect_left(self._gone, ahead) + entry

    def _alive(self, index: int) -> bool:
        if index in self._times:
            return True
        if not 0 <= index < self._timeline.count:
            return False
        entry = bisect_left(self._gone, index)
        return entry == len(self._gone) or self._gone[entry] != index

    def _time(self, index: int) -> int:
        time = self._times.get(index)
        return self._timeline.at(index) if time is None else time

    def _written_time(self, index: int) -> int:
        """The time that a row is generated with. A row without one gets the text of 1970, which null replaces."""
        time = self._time(index)
        return 0 if time == NEVER else time

    def _now(self) -> int:
        """Returns the clock's time, or a later one if a row has that time already."""
        tick = self.source.tick
        newest = self.indexes(0, 1, descending=True)
        now = self._clock() // tick * tick
        return max(now, self._time(newest[0]) // tick * tick + tick) if newest else now

    def _existing(self, key: Key) -> int:
        index = self.find(key)
        if index is None:
            raise KeyError(f"{self.name} has no row {key!r}")
        return index

    def _set(self, index: int, fields: Row, issued: datetime | None, time: int) -> None:
        name = self.source.time_field
        changes = dict(self._changes.get(index, ()))
        written = issued if issued is not None else fields.get(name)
        if isinstance(written, datetime):
            time = nanoseconds(written)
        elif name in fields:
            read = self.source.read_time(written)
            time = time if read is None else read
        if isinstance(written, datetime) or self.source.touched_by_change:
            changes.pop(name, None)
        if isinstance(written, datetime):
            fields.pop(name, None)
        self._changes[index] = changes | fields
        if not self._alive(index) or time != self._time(index):
            self._place(index, time)
        self.version += 1

    def _place(self, index: int, time: int) -> None:
        if self._alive(index):
            self._withdraw(index)
        ahead = self._timeline.before(time)
        if ahead < min(self._timeline.count, index) and self._timeline.at(ahead) == time:
            ahead += 1
        entry = bisect_left(self._placed, (time, index))
        self._placed.insert(entry, (time, index))
        self._ahead.insert(entry, ahead)
        self._times[index] = time

    def _withdraw(self, index: int) -> None:
        time = self._times.pop(index, None)
        if time is None:
            insort(self._gone, index)
            return
        entry = bisect_left(self._placed, (time, index))
        del self._placed[entry], self._ahead[entry]
