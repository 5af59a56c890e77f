"""The reading rule against a model of a list whose rows are added and removed between any two requests."""

import random
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_invoices.components.incremental.page_drift import PageDrift
from source_invoices.components.pages.page import Page
from unit_tests.moving_list import MOVES, MovingList


def read(moving: MovingList) -> set[int]:
    """Every key met by reading with the rule. A list that states no total is counted after its first page."""
    met: set[int] = set()
    drift = PageDrift()
    number: int | None = 1
    while number:
        page = moving.page(number)
        met.update(page.keys)
        after = drift.next_page(page, number)
        if after and number == 1 and page.pages and drift.is_uncounted(page):
            drift.count(moving.page(page.pages), page.pages)
        number = after
    return met


def read_by_counting_up(moving: MovingList) -> set[int]:
    """Every key met as the stock PageIncrement reads: on to the next page until one is short."""
    met: set[int] = set()
    for number in count(1):
        page = moving.page(number)
        met.update(page.keys)
        if len(page.rows) < (page.size or 0):
            return met
    raise AssertionError


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 40), st.integers(1, 7), MOVES)
def test_no_row_that_exists_throughout_is_missed(rows: int, size: int, moves: list[tuple[int, list[int]]]) -> None:
    moving = MovingList(rows, size, moves)
    met = read(moving)
    assert moving.throughout <= met


def test_no_row_is_missed_in_schedules_where_counting_up_misses_rows() -> None:
    missed = 0
    for seed in range(3000):
        schedule = random.Random(seed)
        rows, size = schedule.randrange(41), schedule.randrange(1, 8)
        moves = [
            (schedule.randrange(4), [schedule.randrange(41) for _ in range(schedule.randrange(4))]) for _ in range(30)
        ]
        moving = MovingList(rows, size, moves)
        met = read(moving)
        assert moving.throughout <= met, f"seed {seed}"
        moving = MovingList(rows, size, moves)
        met = read_by_counting_up(moving)
        missed += not moving.throughout <= met
    assert missed > 300


def test_one_removal_makes_counting_up_miss_a_row() -> None:
    moves = [(0, []), (0, [0])]
    moving = MovingList(6, 2, moves)
    met = read_by_counting_up(moving)
    assert moving.throughout - met == {4}
    moving = MovingList(6, 2, moves)
    met = read(moving)
    assert moving.throughout <= met


def test_removals_from_a_list_that_states_no_total_are_seen_at_its_end() -> None:
    for seed in range(1000):
        schedule = random.Random(seed)
        rows, size = schedule.randrange(41), schedule.randrange(1, 8)
        # While the list is counted it rests: what happens in that moment is part of no reading.
        moves: list[tuple[int, list[int]]] = [(0, []), (0, [])]
        moves += [(0, [schedule.randrange(41)] * schedule.randrange(2)) for _ in range(12)]
        moving = MovingList(rows, size, moves, states_total=False)
        met = read(moving)
        assert moving.throughout <= met, f"seed {seed}"


@pytest.mark.parametrize("rows", [0, 1, 15, 100, 101, 250])
@pytest.mark.parametrize("size", [1, 7, 100])
def test_an_unchanged_list_is_read_with_one_request_a_page(rows: int, size: int) -> None:
    moving = MovingList(rows, size, [])
    met = read(moving)
    assert met == moving.throughout
    assert moving.requests == max(1, -(-rows // size))


def test_additions_alone_cost_no_step_back() -> None:
    moving = MovingList(10, 2, [(1, [])] * 30)
    met = read(moving)
    assert moving.throughout <= met
    assert moving.requests < 25


def test_a_total_that_flaps_is_passed_after_a_few_steps_back() -> None:
    drift, number = PageDrift(), 1
    asked = 0
    for turn in count():
        after = drift.next_page(Page([], [number], number, number < 100, 100 + turn % 2, 1), number)
        asked += 1
        if after is None:
            break
        number = after
    assert number == 100
    assert asked < 100 + 4 * 100


def test_a_list_that_shrinks_with_every_page_ends() -> None:
    drift, number = PageDrift(), 1
    with pytest.raises(ValueError, match="moved so often"):
        for turn in range(1000):
            after = drift.next_page(Page([], [turn], number, True, 10_000 - turn, 1), number)
            assert after
            number = after


def test_a_list_that_grows_as_fast_as_it_is_read_ends() -> None:
    drift, number = PageDrift(), 1
    with pytest.raises(ValueError, match="has grown from 2 pages to"):
        for turn in range(1000):
            after = drift.next_page(Page([], [turn], number, True, 2 + turn, 1), number)
            assert after
            number = after


def test_a_page_that_always_repeats_fails() -> None:
    drift, number = PageDrift(), 1
    with pytest.raises(ValueError, match="page 2 repeats the page before it"):
        for _ in range(50):
            after = drift.next_page(Page([], ["same"], number, True, 100, 1), number)
            assert after
            number = after


def test_another_page_than_the_requested_one_is_refused() -> None:
    with pytest.raises(ValueError, match="page 3 was asked for, page 1 came"):
        PageDrift().next_page(Page([], [], 1, True, 10, 1), 3)


def test_a_list_without_pages_ends_when_it_repeats() -> None:
    drift = PageDrift()
    assert drift.next_page(Page([{}], ["a"], None, True), 1) == 2
    assert drift.next_page(Page([{}], ["a"], None, True), 2) is None
