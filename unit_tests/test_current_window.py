"""The reading of the newest window against a model of a list whose rows are added, updated and removed meanwhile."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_invoices.components.incremental.current_window import CurrentWindow
from source_invoices.components.incremental.page_drift import PageDrift
from source_invoices.components.pages.page import Page
from source_invoices.components.pages.plan import PageNumber, Position
from source_invoices.times import to_rfc3339

STARTED = datetime(2026, 11, 1, tzinfo=timezone.utc)
DIRECTIONS = ["1", "-1", "Descending"]

# What happens before a request: rows are added, the rows at these places are updated, and those at these removed.
PLACES = st.lists(st.integers(0, 40), max_size=3)
MOVES = st.lists(st.tuples(st.integers(0, 3), PLACES, PLACES), max_size=25)


class UpdatedList:
    """Rows by their last update, which move before each request by the next step of a schedule, then rest.

    newest_first: the direction that means so; None where every order is that of the keys.
    ahead: so much later than now is one row dated. late: so much is the provider's clock.
    """

    def __init__(
        self,
        rows: int,
        size: int,
        moves: list[tuple[int, list[int], list[int]]],
        newest_first: str | None = "-1",
        ahead: timedelta | None = None,
        late: timedelta = timedelta(),
    ) -> None:
        self._late = late
        self._now = STARTED - late
        # Not in the order of the keys.
        self.rows = {key: self._now - timedelta(minutes=key * 7 % 101 + 1) for key in range(rows)}
        if ahead and rows:
            self.rows[0] = STARTED + ahead
        self.throughout = set(self.rows)
        self._next_key = rows
        self._size = size
        self._moves: Iterator[tuple[int, list[int], list[int]]] = iter(moves)
        self._newest_first = newest_first
        self.requests = 0

    def clock(self) -> datetime:
        """Ours, not the provider's."""
        return self._now + self._late

    def page(self, number: int, direction: str | None) -> Page:
        if self.requests:
            self._move(*next(self._moves, (0, [], [])))
        self.requests += 1
        keys = sorted(self.rows)
        if self._newest_first and direction:
            keys.sort(key=self.rows.__getitem__, reverse=direction == self._newest_first)
        keys_on_page = keys[(number - 1) * self._size : number * self._size]
        rows = [{"Id": key, "UpdatedOn": to_rfc3339(self.rows[key])} for key in keys_on_page]
        return Page(rows, keys_on_page, number, number * self._size < len(keys), len(keys), self._size)

    def _move(self, added: int, updated: list[int], removed: list[int]) -> None:
        self._now += timedelta(seconds=1)
        for _ in range(added):
            self.rows[self._next_key] = self._now = self._now + timedelta(microseconds=1)
            self._next_key += 1
        for places, action in ((updated, "update"), (removed, "remove")):
            for place in places:
                if place < len(self.rows):
                    key = sorted(self.rows)[place]
                    if action == "update":
                        self.rows[key] = self._now = self._now + timedelta(microseconds=1)
                    else:
                        del self.rows[key]
        self.throughout &= set(self.rows)


def pages(updated: UpdatedList, plan: CurrentWindow) -> Iterator[list[int]]:
    """The keys that each page emits."""
    position: Position | None = plan.first_position
    while position:
        assert isinstance(position, PageNumber)
        page = updated.page(position.number, position.direction)
        yield [row["Id"] for row in plan.accept(page.rows, position)]
        position = plan.next_position(page, position)


def read(updated: UpdatedList) -> list[int]:
    """Every key emitted by reading the current window."""
    return list(chain.from_iterable(pages(updated, CurrentWindow("Id", "UpdatedOn", DIRECTIONS, updated.clock))))


def read_once(updated: UpdatedList) -> set[int]:
    """Every key met by one reading, newest first, that steps back where the total falls."""
    met: set[int] = set()
    drift = PageDrift()
    number: int | None = 1
    while number:
        page = updated.page(number, "-1")
        met.update(page.keys)
        number = drift.next_page(page, number)
    return met


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 40), st.integers(1, 7), MOVES, st.sampled_from(DIRECTIONS))
def test_every_row_that_exists_throughout_arrives_even_if_it_changes(
    rows: int, size: int, moves: list[tuple[int, list[int], list[int]]], newest_first: str
) -> None:
    updated = UpdatedList(rows, size, moves, newest_first)
    emitted = read(updated)
    assert updated.throughout <= set(emitted)


def test_no_row_is_missed_in_schedules_where_one_reading_misses_rows() -> None:
    missed = 0
    for seed in range(1000):
        schedule = random.Random(seed)
        rows, size = schedule.randrange(41), schedule.randrange(1, 8)

        def places(schedule: random.Random = schedule) -> list[int]:
            return [schedule.randrange(41) for _ in range(schedule.randrange(3))]

        moves = [(schedule.randrange(3), places(), places()) for _ in range(25)]
        updated = UpdatedList(rows, size, moves)
        emitted = read(updated)
        assert updated.throughout <= set(emitted), f"seed {seed}"
        updated = UpdatedList(rows, size, moves)
        met = read_once(updated)
        missed += not updated.throughout <= met
    assert missed > 100


@pytest.mark.parametrize("late", [timedelta(), timedelta(hours=24), -timedelta(hours=24)])
def test_a_clock_that_is_a_day_off_hides_no_update(late: timedelta) -> None:
    # The row that is read last is updated while the first page is read.
    updated = UpdatedList(9, 3, [(0, [], []), (0, [7], [])], late=late)
    emitted = read(updated)
    assert updated.throughout <= set(emitted)


def test_a_row_dated_ahead_hides_no_update() -> None:
    # Page 1 ends before the rows that were updated: a row dated ahead is no sign that they have been met.
    for seed in range(300):
        schedule = random.Random(seed)
        moves: list[tuple[int, list[int], list[int]]] = [
            (0, [schedule.randrange(9), schedule.randrange(9)], []) for _ in range(6)
        ]
        updated = UpdatedList(9, 2, moves, ahead=timedelta(days=60))
        emitted = read(updated)
        assert updated.throughout <= set(emitted), f"seed {seed}"


@pytest.mark.parametrize("newest_first", DIRECTIONS)
@pytest.mark.parametrize("rows", [0, 1, 3, 4, 15, 16])
def test_each_row_of_an_unchanged_list_arrives_once(rows: int, newest_first: str) -> None:
    updated = UpdatedList(rows, 3, [], newest_first)
    emitted = read(updated)
    assert sorted(emitted) == list(range(rows))
    wrong = DIRECTIONS.index(newest_first) if rows > 3 else 0
    catching_up = rows > 3
    assert updated.requests == max(1, -(-rows // 3)) + wrong + catching_up


def test_one_page_costs_one_request() -> None:
    updated = UpdatedList(3, 3, [(1, [0], [1])] * 5)
    assert len(read(updated)) == 3
    assert updated.requests == 1


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 30), st.integers(1, 7), MOVES)
def test_an_unsorted_list_is_read_until_two_readings_agree(
    rows: int, size: int, moves: list[tuple[int, list[int], list[int]]]
) -> None:
    updated = UpdatedList(rows, size, moves[:5], newest_first=None)
    emitted = read(updated)
    assert updated.throughout <= set(emitted)


def test_a_list_that_always_changes_fails() -> None:
    # On each page of one row there is one more that is new.
    with pytest.raises(ValueError, match="changed during each of 20 readings"):
        read(UpdatedList(5, 1, [(0, [0], [])] * 10_000))
    with pytest.raises(ValueError, match="changed during each of 20 readings"):
        read(UpdatedList(20, 2, [(1, [], [0])] * 10_000, newest_first=None))


def test_rows_without_a_time_of_update_are_met() -> None:
    window = CurrentWindow("Id", "UpdatedOn", DIRECTIONS)
    rows: list[dict[str, Any]] = [{"Id": 1, "UpdatedOn": None}, {"Id": 2}]
    first = window.first_position
    assert first
    assert window.accept(rows, first) == rows
    after = window.next_position(Page(rows, [1, 2], 1, True, 3, 2), first)
    assert isinstance(after, PageNumber)
    assert after.number == 2


def test_rows_updated_at_the_very_time_of_the_newest_are_met() -> None:
    """As a bulk update leaves them."""
    for size in range(1, 5):
        for asked in range(1, 12):
            updated = UpdatedList(20, size, [])
            newest = max(updated.rows.values())
            window = CurrentWindow("Id", "UpdatedOn", DIRECTIONS, updated.clock)
            emitted: set[int] = set()
            for keys in pages(updated, window):
                emitted.update(keys)
                if updated.requests == asked:
                    updated.rows |= dict.fromkeys(sorted(updated.rows, key=updated.rows.__getitem__)[:5], newest)
            assert emitted == set(range(20)), (size, asked)
