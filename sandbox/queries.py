"""Filtered and ordered views of a table."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from random import Random

from sandbox.tables import Key, Row, Table
from sandbox.values import NEVER

KEPT_SELECTIONS = 4
"""How many results of scans are kept for the next page of the same list (indexes only, no rows)."""


@dataclass(frozen=True)
class Condition:
    """A filter: its name and value tell it from others, `test` decides on a row."""

    name: str
    value: Hashable
    test: Callable[[Row], bool] = field(compare=False)


@dataclass(frozen=True)
class Query:
    """Which rows are asked for.

    `order` lists (field, descending). `key` asks for one row. `since` and `until` bound the row's time, both inclusive,
    in nanoseconds; a row without a time lies within no bounds. `rows_behind`: so many of the newest rows are not there
    yet. `ties`: how rows come that are equal in the order asked for, as in `ListSettings.unstable_ties`.
    """

    order: tuple[tuple[str, bool], ...]
    conditions: tuple[Condition, ...] = ()
    key: Key | None = None
    since: int | None = None
    until: int | None = None
    rows_behind: int = 0
    ties: str | None = None


class Selections:
    """Answers queries on one table.

    By time (and by key among equal times) a page is cut out of the table directly. Any other order or filter scans the
    table once; the indexes found serve the following pages until the table changes.
    """

    def __init__(self, table: Table, tie_field: str) -> None:
        self.table = table
        self._by_time = (table.source.time_field, tie_field)
        self._chance = Random(tie_field)
        self._kept: OrderedDict[tuple[int, Query], list[int]] = OrderedDict()

    def page(self, query: Query, offset: int, size: int) -> tuple[int, list[Row]]:
        """The number of rows that match, and those from `offset` on, `size` at most."""
        with self.table.lock:
            total, indexes = self._cut(query, offset, offset + size)
            return total, self.table.rows_at(indexes)

    def find(self, key: Key, rows_behind: int = 0) -> Row | None:
        """The row with this key, where it is not among the newest ones that are not there yet."""
        with self.table.lock:
            index = next(self._matching(Query((), key=key, rows_behind=rows_behind)), None)
            return None if index is None else self.table.row(index)

    def _cut(self, query: Query, start: int, stop: int) -> tuple[int, list[int]]:
        direction = self._direction(query)
        if direction is None or query.conditions or query.key is not None or query.ties:
            selected = self._shuffled(query, start) if query.ties else self._selected(query)
            return len(selected), selected[start:stop]
        low, high = self._bounds(query)
        if direction:
            start, stop = max(high - stop, low), high - start
            return high - low, self.table.indexes(start, stop)[::-1]
        return high - low, self.table.indexes(low + start, min(low + stop, high))

    def _bounds(self, query: Query) -> tuple[int, int]:
        low, high = 0, max(0, len(self.table) - query.rows_behind)
        if query.since is not None or query.until is not None:
            low = self.table.position(NEVER + 1 if query.since is None else query.since)
        if query.until is not None:
            high = min(high, self.table.position(query.until + 1))
        return low, max(low, high)

    def _direction(self, query: Query) -> bool | None:
        """Whether a query in the order of time is descending; None if it is in another order."""
        fields = tuple(name for name, _ in query.order)
        directions = {descending for _, descending in query.order}
        if len(directions) != 1 or fields not in (self._by_time[:1], self._by_time):
            return None
        return directions.pop()

    def _selected(self, query: Query) -> list[int]:
        place = (self.table.version, query)
        if place not in self._kept:
            self._kept[place] = self._scan(query)
            while len(self._kept) > KEPT_SELECTIONS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(place)
        return self._kept[place]

    def _shuffled(self, query: Query, start: int) -> list[int]:
        """The matching rows in the order asked for, and in no order among equals."""
        matching = list(self._matching(query))
        chance = Random(start) if query.ties == "by_page" else self._chance
        chance.shuffle(matching)
        for name, descending in reversed(query.order):
            matching.sort(key=self._values(matching, name).__getitem__, reverse=descending)
        return matching

    def _scan(self, query: Query) -> list[int]:
        matching = list(self._matching(query))
        direction = self._direction(query)
        if direction is not None:
            return matching[::-1] if direction else matching
        names = [name for name, _ in query.order]
        keys_count_up = isinstance(self.table.source.key(0), int)
        if names == [self.table.source.key_field] and keys_count_up and not query.conditions:
            return sorted(matching, reverse=query.order[0][1])
        for name, descending in reversed(query.order):
            matching.sort(key=self._values(matching, name).__getitem__, reverse=descending)
        return matching

    def _values(self, indexes: list[int], name: str) -> dict[int, tuple[bool, object]]:
        """What to sort by: nulls come before everything else, as in MySQL and SQL Server."""
        values: dict[int, tuple[bool, object]] = {}
        for index in indexes:
            value = self.table.source.sort_value(self.table.row(index), name)
            values[index] = (value is not None, value if value is not None else 0)
        return values

    def _matching(self, query: Query) -> Iterator[int]:
        """The indexes of matching rows, oldest first."""
        low, high = self._bounds(query)
        if query.key is not None:
            index = self.table.find(query.key)
            candidates = [] if index is None else [index]
            if (low, high) != (0, len(self.table)):
                candidates = [place for place in candidates if place in self.table.indexes(low, high)]
        else:
            candidates = self.table.indexes(low, high)
        for index in candidates:
            if not query.conditions:
                yield index
                continue
            row = self.table.row(index)
            if all(condition.test(row) for condition in query.conditions):
                yield index
