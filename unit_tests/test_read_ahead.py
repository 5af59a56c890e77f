"""Pages fetched ahead and answered in any order, of a list whose rows move between any two requests."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_invoices.components.envelope import Page
from source_invoices.components.fetches import Fetches
from source_invoices.components.gate import NotFetchedAhead
from source_invoices.components.moving_rows import Position
from source_invoices.components.open_invoices import Columns, Earlier, Walk
from source_invoices.components.ramp import Ramp
from source_invoices.components.read_ahead import ReadAhead
from unit_tests.moving_list import A_DAY, MOVES, MovingList

STARTED = datetime(2026, 11, 1, tzinfo=timezone.utc)


class AnsweredInAnyOrder(Fetches):
    """Answered one by one while somebody waits, in any order that `after` allows; some get no page."""

    def __init__(self, schedule: random.Random) -> None:
        super().__init__(most=0)
        self._schedule = schedule
        self._under_way: dict[Any, tuple[Callable[[], Any], list[Any]]] = {}
        self._answers: dict[Any, Any] = {}
        self._without: set[Any] = set()

    def __contains__(self, place: object) -> bool:
        return place in self._under_way or place in self._answers

    def is_there(self, place: Hashable) -> bool:
        return place in self._answers

    def begin(self, place: Hashable, send: Callable[[], Any], after: Iterable[Hashable] = ()) -> None:
        if place not in self:
            after = list(after)
            assert all(other in self for other in after)
            self._under_way[place] = (send, after)

    def take(self, place: Hashable) -> Any:
        while place in self._under_way or (self._under_way and self._schedule.randrange(2)):
            free = [one for one, (_, after) in self._under_way.items() if not self._under_way.keys() & set(after)]
            one = self._schedule.choice(sorted(free))
            send, after = self._under_way.pop(one)
            self._without.discard(one)
            if self._schedule.randrange(20) == 0 or self._without & set(after):
                self._without.add(one)
            self._answers[one] = None if one in self._without else send()
        return self._answers.pop(place, None)

    def keep(self, places: Collection[Hashable]) -> None:
        for kept in (self._under_way, self._answers):
            for place in kept.keys() - set(places):
                del kept[place]


def reading(workers: int, fetches: Fetches | None = None, earlier: Earlier | None = None) -> ReadAhead:
    columns = Columns("key", "issued", frozenset({"paid"}))
    walk = Walk(earlier, columns, settings="", lookback=timedelta(0), started=STARTED)
    return ReadAhead(walk, workers, fetches)


def read(
    moving: MovingList, workers: int, schedule: random.Random | None = None, earlier: Earlier | None = None
) -> Counter[int]:
    """How often each key is emitted; in order without a schedule."""

    def send(position: Position) -> Any:
        return moving.page(position.page)

    rule = reading(workers, AnsweredInAnyOrder(schedule) if schedule else None, earlier)
    emitted: Counter[int] = Counter()
    position: Position | None = Position()
    while position:
        answer: Any = rule.fetch(position, send)
        emitted.update(row["key"] for row in answer.rows if rule.take(row))
        position = rule.turn(answer, position)
    return emitted


def read_unchecked(moving: MovingList, schedule: random.Random) -> set[int]:
    """Every key met by fetching page 1 and then the others, all at the same time."""
    first = moving.page(1)
    assert first.size is not None
    assert first.total is not None
    met = set(first.keys)
    pages = list(range(2, -(-first.total // first.size) + 1))
    schedule.shuffle(pages)
    for number in pages:
        met.update(moving.page(number).keys)
    return met


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 40), st.integers(1, 7), MOVES, st.integers(1, 10), st.integers())
def test_no_row_that_was_there_throughout_is_missed(
    rows: int, size: int, moves: list[tuple[int, list[int]]], workers: int, seed: int
) -> None:
    moving = MovingList(rows, size, moves)
    emitted = read(moving, workers, random.Random(seed))
    assert moving.throughout <= set(emitted)


def test_nothing_is_missed_in_thousands_of_schedules_where_pages_that_are_not_checked_miss_rows_in_many() -> None:
    missed = 0
    for seed in range(2000):
        schedule = random.Random(seed)
        rows, size = schedule.randrange(41), schedule.randrange(1, 8)
        moves = [
            (schedule.randrange(2), [schedule.randrange(41) for _ in range(schedule.randrange(3))]) for _ in range(20)
        ]
        moving = MovingList(rows, size, moves)
        emitted = read(moving, schedule.randrange(2, 9), schedule)
        assert moving.throughout <= set(emitted), f"seed {seed}"
        moving = MovingList(rows, size, moves)
        met = read_unchecked(moving, schedule)
        missed += not moving.throughout <= met
    assert missed > 300


def test_removals_from_a_list_that_states_no_total_are_seen() -> None:
    for seed in range(1000):
        schedule = random.Random(seed)
        rows, size = schedule.randrange(41), schedule.randrange(1, 8)
        moves = [(0, [schedule.randrange(41)] * schedule.randrange(2)) for _ in range(12)]
        moving = MovingList(rows, size, moves, states_total=False)
        emitted = read(moving, schedule.randrange(1, 9), schedule)
        assert moving.throughout <= set(emitted), f"seed {seed}"


def test_removals_are_seen_by_a_walk_that_ends_above_the_last_page_which_alone_shows_them() -> None:
    ended_early = 0
    for seed in range(1000):
        schedule = random.Random(seed)
        rows, size = 60, schedule.randrange(1, 6)
        moves = [(0, [schedule.randrange(40)] * (schedule.randrange(4) == 0)) for _ in range(12)]
        floor = schedule.randrange(20, 40)
        earlier = Earlier(datetime.fromtimestamp(floor * A_DAY, timezone.utc), floor - 1, frozenset(), "")
        moving = MovingList(rows, size, moves, states_total=False)
        emitted = read(moving, schedule.randrange(1, 9), schedule, earlier)
        assert {row for row in moving.throughout if row >= floor} <= set(emitted), f"seed {seed}"
        ended_early += min(emitted) >= floor
    assert ended_early > 300


def test_the_list_is_looked_at_again_before_its_last_page_is_read() -> None:
    moving = MovingList(95, 10, [])
    asked: list[int] = []
    is_looked_at_again = threading.Event()

    def send(position: Position) -> Any:
        asked.append(position.page)
        if asked.count(1) == 2:
            is_looked_at_again.set()
        return moving.page(position.page)

    rule = reading(workers=10)
    position: Position | None = Position()
    while position and position.page < 10:
        answer: Any = rule.fetch(position, send)
        position = rule.turn(answer, position)
    assert is_looked_at_again.wait(20)
    assert sorted(asked) == [1, *range(1, 11)]
    rule.stop()


def test_what_waits_for_another_that_gets_no_page_gets_none_either() -> None:
    fetches = Fetches(2)
    sent: list[str] = []

    def fail() -> Any:
        raise NotFetchedAhead

    def send() -> Any:
        sent.append("check")

    fetches.begin("page", fail)
    fetches.begin("check", send, after=["page"])
    assert fetches.take("check") is None
    assert sent == []
    fetches.stop()


@pytest.mark.parametrize("workers", [1, 2, 10])
@pytest.mark.parametrize("rows", [0, 1, 10, 11, 20, 21, 95])
def test_a_list_at_rest_is_emitted_once_and_checked_with_one_request(rows: int, workers: int) -> None:
    moving = MovingList(rows, 10, [])
    emitted = read(moving, workers)
    assert set(emitted) == moving.throughout
    assert set(emitted.values()) <= {1}
    pages = max(1, -(-rows // 10))
    assert moving.requests == pages + (pages > 2 and workers > 1)


def test_fetching_ahead_begins_with_the_second_page_and_doubles() -> None:
    rule = reading(workers=8)
    ahead = []
    position: Position | None = Position()
    while position and position.page < 7:
        ahead.append([later.page for later in rule.upcoming(position)])
        row = {"key": position.page, "status": "paid", "issued": 1_000_000 - position.page}
        position = rule.turn(Page([row], [position.page], position.page, True, 20, 1), position)
    assert ahead == [[], [3], [4, 5], [5, 6, 7, 8], [*range(6, 21)], [*range(7, 21)]]


def test_no_more_is_fetched_ahead_than_it_takes_for_each_page_to_be_there_in_time() -> None:
    rule = reading(workers=8)
    row = {"key": 1, "status": "paid", "issued": 1}
    rule.turn(Page([row], [1], 1, True, 20, 1), Position())
    late = [(1, 0), (2, 1), (3, 2), (4, 4)]
    in_time = [(5, 4), (6, 4), (7, 4), (8, 3), (9, 3), (10, 3), (11, 2), (12, 2), (13, 1), (14, 1)]
    for page, ahead in late:
        assert len(rule.upcoming(Position(page=page))) == ahead
    for page, ahead in in_time:
        assert len(rule.upcoming(Position(page=page), is_there=True)) == ahead
    assert len(rule.upcoming(Position(page=15))) == 2


@given(st.integers(1, 40), st.lists(st.booleans(), max_size=200), st.integers(0, 200))
def test_a_page_that_is_fetched_ahead_is_not_forgotten_before_its_turn(
    most: int, in_time: list[bool], pages: int
) -> None:
    ramp = Ramp(most)
    end = 0
    for page, is_there in enumerate(in_time):
        ramp.go_on(is_there=is_there, left=pages - page, rounds=2)
        assert end <= page + ramp.pages
        assert ramp.pages <= 2 * most
        end = page + ramp.pages


def test_that_the_first_page_ahead_is_there_tells_nothing_it_was_asked_for_together_with_the_one_before() -> None:
    ramp = Ramp(8)
    ahead = []
    for is_there in (False, True, False, True, True):
        ramp.go_on(is_there=is_there, left=100, rounds=2)
        ahead.append(ramp.pages)
    assert ahead == [1, 2, 4, 4, 4]


@pytest.mark.parametrize(("workers", "rounds", "expected"), [(12, 1, [1, 2, 4]), (12, 2, [1, 2, 8]), (3, 2, [1, 2, 3])])
def test_near_the_end_all_that_are_left_are_fetched_ahead(workers: int, rounds: int, expected: list[int]) -> None:
    ramp = Ramp(workers)
    ahead = []
    for left in (10, 9, 8):
        ramp.go_on(is_there=False, left=left, rounds=rounds)
        ahead.append(ramp.pages)
    assert ahead == expected


def test_any_page_but_the_next_one_begins_anew() -> None:
    rule = reading(workers=8)
    row = {"key": 1, "status": "paid", "issued": 1}
    rule.turn(Page([row], [1], 1, True, 20, 1), Position())
    asked = [(1, 0), (2, 1), (3, 2), (4, 4), (3, 0), (4, 1), (9, 0), (10, 1)]
    assert [(page, len(rule.upcoming(Position(page=page)))) for page, _ in asked] == asked


def test_single_invoices_are_asked_for_ahead_too() -> None:
    rule = reading(workers=3)
    keys = tuple("abcdefgh")
    ahead = [
        [later.key for later in rule.upcoming(Position(key=keys[place], keys_left=keys[place + 1 :]))]
        for place in range(8)
    ]
    assert ahead == [[], ["c"], ["d", "e"], ["e", "f", "g"], ["f", "g", "h"], ["g", "h"], ["h"], []]
