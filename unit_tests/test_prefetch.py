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

from source_invoices.components.http.transport import NotFetchedAhead
from source_invoices.components.incremental.lookback_plan import LookbackPlan
from source_invoices.components.incremental.lookback_scan import LookbackScan
from source_invoices.components.incremental.scan_rule import Columns, ScanRule
from source_invoices.components.incremental.scan_state import ScanState
from source_invoices.components.pages.page import Page
from source_invoices.components.pages.plan import InvoiceKey, PageNumber, Position
from source_invoices.components.pages.prefetch import Prefetch
from source_invoices.components.pages.prefetch_depth import PrefetchDepth
from source_invoices.components.pages.prefetch_pool import PrefetchPool
from unit_tests.moving_list import A_DAY, MOVES, MovingList

STARTED = datetime(2026, 11, 1, tzinfo=timezone.utc)


class AnsweredInAnyOrder(PrefetchPool):
    """Answered one by one while somebody waits, in any order that `after` allows; some get no page."""

    def __init__(self, schedule: random.Random) -> None:
        super().__init__(most=0)
        self._schedule = schedule
        self._under_way: dict[Any, tuple[Callable[[], Any], list[Any]]] = {}
        self._answers: dict[Any, Any] = {}
        self._without: set[Any] = set()

    def __contains__(self, place: object) -> bool:
        return place in self._under_way or place in self._answers

    def is_done(self, place: Hashable) -> bool:
        return place in self._answers

    def begin(self, place: Hashable, send: Callable[[], Any], after: Iterable[Hashable] = ()) -> None:
        if place not in self:
            after = list(after)
            assert all(other in self for other in after)
            self._under_way[place] = (send, after)

    def pop(self, place: Hashable) -> Any:
        while place in self._under_way or (self._under_way and self._schedule.randrange(2)):
            free = [one for one, (_, after) in self._under_way.items() if not self._under_way.keys() & set(after)]
            one = self._schedule.choice(sorted(free, key=str))
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


def plan_of_a_scan(saved: ScanState | None = None) -> LookbackPlan:
    columns = Columns("key", "issued", "status", frozenset({"paid"}))
    return LookbackPlan(LookbackScan(saved, ScanRule(columns, settings="", lookback=timedelta(0), started=STARTED)))


def read(
    moving: MovingList, workers: int, schedule: random.Random | None = None, saved: ScanState | None = None
) -> Counter[int]:
    """How often each key is emitted; in order without a schedule."""

    def fetch(position: Position) -> Page:
        assert isinstance(position, PageNumber)
        return moving.page(position.number)

    plan = plan_of_a_scan(saved)
    prefetch = Prefetch(fetch, fetch, workers, AnsweredInAnyOrder(schedule) if schedule else None)
    emitted: Counter[int] = Counter()
    position = plan.first_position
    while position:
        page = prefetch.page(position)
        emitted.update(row["key"] for row in plan.accept(page.rows, position))
        position = plan.next_position(page, position)
    prefetch.stop()
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
def test_no_row_that_exists_throughout_is_missed(
    rows: int, size: int, moves: list[tuple[int, list[int]]], workers: int, seed: int
) -> None:
    moving = MovingList(rows, size, moves)
    emitted = read(moving, workers, random.Random(seed))
    assert moving.throughout <= set(emitted)


def test_no_row_is_missed_in_schedules_where_unchecked_pages_miss_rows() -> None:
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


def test_a_scan_that_ends_before_the_last_page_sees_removals() -> None:
    ended_early = 0
    for seed in range(1000):
        schedule = random.Random(seed)
        rows, size = 60, schedule.randrange(1, 6)
        moves = [(0, [schedule.randrange(40)] * (schedule.randrange(4) == 0)) for _ in range(12)]
        start = schedule.randrange(20, 40)
        saved = ScanState(datetime.fromtimestamp(start * A_DAY, timezone.utc), start - 1, frozenset(), "")
        moving = MovingList(rows, size, moves, states_total=False)
        emitted = read(moving, schedule.randrange(1, 9), schedule, saved)
        assert {row for row in moving.throughout if row >= start} <= set(emitted), f"seed {seed}"
        ended_early += min(emitted) >= start
    assert ended_early > 300


def test_the_list_is_checked_before_its_last_page_is_read() -> None:
    moving = MovingList(95, 10, [])
    asked: list[int] = []
    is_checked = threading.Event()

    def fetch(position: Position) -> Page:
        assert isinstance(position, PageNumber)
        asked.append(position.number)
        if asked.count(1) == 2:
            is_checked.set()
        return moving.page(position.number)

    plan = plan_of_a_scan()
    prefetch = Prefetch(fetch, fetch, workers=10)
    position = plan.first_position
    while isinstance(position, PageNumber) and position.number < 10:
        position = plan.next_position(prefetch.page(position), position)
    assert is_checked.wait(20)
    assert sorted(asked) == [1, *range(1, 11)]
    prefetch.stop()


def test_a_request_that_waits_for_a_failed_page_is_not_sent() -> None:
    pool = PrefetchPool(2)
    sent: list[str] = []

    def fail() -> Page:
        raise NotFetchedAhead

    def send() -> Page:
        sent.append("check")
        return Page([], [], 1, False)

    pool.begin("page", fail)
    pool.begin("check", send, after=["page"])
    assert pool.pop("check") is None
    assert sent == []
    pool.stop()


@pytest.mark.parametrize("workers", [1, 2, 10])
@pytest.mark.parametrize("rows", [0, 1, 10, 11, 20, 21, 95])
def test_an_unchanged_list_is_emitted_once_and_checked_with_one_request(rows: int, workers: int) -> None:
    moving = MovingList(rows, 10, [])
    emitted = read(moving, workers)
    assert set(emitted) == moving.throughout
    assert set(emitted.values()) <= {1}
    pages = max(1, -(-rows // 10))
    assert moving.requests == pages + (pages > 2 and workers > 1)


def no_page(position: Position) -> Page:
    raise AssertionError(position)


def numbers_ahead(prefetch: Prefetch, number: int, *, last: int = 20, is_there: bool = False) -> list[int]:
    later = prefetch.upcoming(PageNumber(number, last=last), is_there=is_there)
    return [position.number for position in later if isinstance(position, PageNumber)]


def test_prefetching_begins_with_the_second_page_and_doubles() -> None:
    prefetch = Prefetch(no_page, no_page, workers=8)
    ahead = [numbers_ahead(prefetch, number, last=20 if number > 1 else 0) for number in range(1, 7)]
    assert ahead == [[], [3], [4, 5], [5, 6, 7, 8], [*range(6, 21)], [*range(7, 21)]]


def test_prefetching_shrinks_while_every_page_arrives_in_time() -> None:
    prefetch = Prefetch(no_page, no_page, workers=8)
    late = [(1, 0), (2, 1), (3, 2), (4, 4)]
    in_time = [(5, 4), (6, 4), (7, 4), (8, 3), (9, 3), (10, 3), (11, 2), (12, 2), (13, 1), (14, 1)]
    for number, ahead in late:
        assert len(numbers_ahead(prefetch, number)) == ahead
    for number, ahead in in_time:
        assert len(numbers_ahead(prefetch, number, is_there=True)) == ahead
    assert len(numbers_ahead(prefetch, 15)) == 2


@given(st.integers(1, 40), st.lists(st.tuples(st.booleans(), st.booleans()), max_size=200), st.integers(0, 200))
def test_a_prefetched_page_is_kept_until_its_turn(most: int, steps: list[tuple[bool, bool]], pages: int) -> None:
    depth = PrefetchDepth(most)
    end = 0
    for page, (is_there, is_quick) in enumerate(steps):
        depth.advance(is_there=is_there, left=pages - page, rounds=2, is_quick=is_quick)
        assert end <= page + depth.pages
        assert depth.pages <= 2 * most
        end = page + depth.pages


def test_the_depth_still_grows_when_the_first_prefetched_page_is_there() -> None:
    depth = PrefetchDepth(8)
    ahead = []
    for is_there in (False, True, False, True, True):
        depth.advance(is_there=is_there, left=100, rounds=2)
        ahead.append(depth.pages)
    assert ahead == [1, 2, 4, 4, 4]


@pytest.mark.parametrize(("most", "expected"), [(8, [1, 1, 1, 2, 4, 3, 2, 1, 1]), (0, [0] * 9)])
def test_one_page_is_prefetched_where_the_provider_is_quick(most: int, expected: list[int]) -> None:
    depth = PrefetchDepth(most)
    ahead = []
    for is_quick in (True, True, True, False, False, True, True, True, True):
        depth.advance(is_there=False, left=100, rounds=2, is_quick=is_quick)
        ahead.append(depth.pages)
    assert ahead == expected


@pytest.mark.parametrize(("workers", "rounds", "expected"), [(12, 1, [1, 2, 4]), (12, 2, [1, 2, 8]), (3, 2, [1, 2, 3])])
def test_near_the_end_all_remaining_pages_are_prefetched(workers: int, rounds: int, expected: list[int]) -> None:
    depth = PrefetchDepth(workers)
    ahead = []
    for left in (10, 9, 8):
        depth.advance(is_there=False, left=left, rounds=rounds)
        ahead.append(depth.pages)
    assert ahead == expected


def test_a_jump_to_another_page_restarts_the_depth() -> None:
    prefetch = Prefetch(no_page, no_page, workers=8)
    asked = [(1, 0), (2, 1), (3, 2), (4, 4), (3, 0), (4, 1), (9, 0), (10, 1)]
    assert [(number, len(numbers_ahead(prefetch, number))) for number, _ in asked] == asked


def test_single_invoices_are_fetched_ahead_too() -> None:
    prefetch = Prefetch(no_page, no_page, workers=3)
    keys = tuple("abcdefgh")
    ahead = []
    for place in range(8):
        later = prefetch.upcoming(InvoiceKey(keys[place], keys[place + 1 :]))
        ahead.append([position.key for position in later if isinstance(position, InvoiceKey)])
    assert ahead == [[], ["c"], ["d", "e"], ["e", "f", "g"], ["f", "g", "h"], ["g", "h"], ["h"], []]
