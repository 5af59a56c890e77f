"""The model of a restless list: it is the same for a seed, naive readers lose rows in it, a reader that counts none."""

from __future__ import annotations

import itertools
import random
from functools import partial
from typing import Any

import pytest

from unit_tests.restless_list import (
    CHANCES,
    FINAL,
    OPEN,
    Behaviour,
    InAnyOrder,
    Outcome,
    Page,
    Reading,
    RestlessList,
    at_rest,
    behaviours,
    outcome,
    outcomes,
    silent_losses,
    synced,
)

MOST_READINGS = 60


def statuses(pages: list[Page]) -> dict[int, str]:
    return {row["key"]: row["status"] for page in pages for row in page.rows}


def counting_up(restless: RestlessList, workers: int, schedule: random.Random) -> Reading:
    """As the stock PageIncrement reads: on to the next page as long as the page says that there is one."""
    pages: list[Page] = []
    for number in itertools.count(1):
        pages.append(restless.page(number))
        if not pages[-1].more:
            return Reading(statuses(pages))
        if number == 1000:
            raise ValueError("the list does not end")
    raise AssertionError


def once_read(restless: RestlessList, workers: int, schedule: random.Random) -> tuple[list[Page], bool]:
    """All pages, those after the first fetched ahead and answered in any order; and whether they agree that they are all.

    They agree if all state one length and one size and hold as many keys as the list has rows. A list that states
    no total is counted on its last page, before the others and after them, and page 1 is then looked at again.
    """
    first = restless.page(1)
    last = first.pages or -(-(first.total or 0) // (first.size or 1)) or 1
    again = [restless.page(last), restless.page(1)] if first.pages and last > 1 else []
    under_way = InAnyOrder(schedule)
    pages = [first]
    for number in range(2, last + 1):
        for ahead in range(number, min(number + workers, last + 1)):
            under_way.begin(ahead, partial(restless.page, ahead))
        pages.append(under_way.take(number))
    lengths = {(page.total, page.size, page.pages) for page in pages + again}
    full = {len(page.rows) for page in pages[:-1]}
    counts = (
        {first.total} if first.total is not None else {counted(page, last, full) for page in [pages[-1], *again[:1]]}
    )
    is_same = not again or set(again[1].keys) == set(first.keys)
    agree = len(lengths) == len(counts) == 1 and len(full) <= 1 and len(statuses(pages)) in counts
    return pages, agree and is_same and not pages[-1].more


def counted(page: Page, last: int, full: set[int]) -> int:
    """How many rows the list has, as its last page shows."""
    return (last - 1) * max(full, default=0) + len(page.rows)


def counting_keys(restless: RestlessList, workers: int, schedule: random.Random) -> Reading:
    """Reads again until the pages of one reading agree that they are all."""
    for _ in range(MOST_READINGS):
        pages, agree = once_read(restless, workers, schedule)
        if agree:
            return Reading(statuses(pages))
    raise ValueError(f"the list has not come to rest in {MOST_READINGS} readings")


def counting_keys_on(restless: RestlessList, workers: int, schedule: random.Random, state: Any) -> Reading:
    """The same for each sync, without a state."""
    return counting_keys(restless, workers, schedule)


def test_a_seed_makes_the_same_list_and_schedule_each_time() -> None:
    for seed in range(50):
        first, second = (RestlessList(behaviours(seed), random.Random(seed)) for _ in range(2))
        assert [first.page(number) for number in range(1, 30)] == [second.page(number) for number in range(1, 30)]
        assert outcome(counting_keys, seed, behaviours(seed)) == outcome(counting_keys, seed, behaviours(seed))


@pytest.mark.parametrize(
    "kind",
    [
        {"removes": 0.4},
        {"re_dates": 0.4},
        {"clamp": 0.2},
        {"lag": 0.4},
        {"short": 0.4},
        {"tied": 1, "ties": "by_request"},
        {"tied": 1, "ties": "by_page"},
        {"removes": 0.4, "adds": 0.4, "cached": 10},
    ],
    ids=str,
)
@pytest.mark.parametrize("states_total", [True, False])
def test_each_kind_makes_a_reader_that_counts_up_lose_rows(kind: dict[str, Any], states_total: bool) -> None:
    made = [at_rest(seed, **{"moves": 30, "tied": 0, "states_total": states_total, **kind}) for seed in range(400)]
    losing = [one for seed, behaviour in enumerate(made) if (one := outcome(counting_up, seed, behaviour)).missing]
    assert len(losing) > 20


def test_a_reader_that_counts_up_loses_rows_in_many_schedules() -> None:
    assert len(silent_losses(counting_up, range(2000))) > 400


@pytest.mark.parametrize("states_total", [True, False])
def test_a_reader_that_counts_keys_loses_none_in_silence(states_total: bool) -> None:
    read = list(outcomes(counting_keys, range(2500), states_total=states_total))
    assert [one for one in read if one.missing] == []
    assert sum(one.complete for one in read) > 1500


def test_a_reader_that_counts_keys_reads_a_list_at_rest_once() -> None:
    for seed in range(500):
        behaviour = at_rest(seed)
        one = outcome(counting_keys, seed, behaviour)
        pages = max(1, -(-behaviour.rows // behaviour.size))
        is_counted = not behaviour.states_total and pages > 1
        assert (one.complete, one.missing, one.answers) == (True, frozenset(), pages + 2 * is_counted)


def test_a_list_comes_to_rest_and_pages_then_add_up() -> None:
    for seed in range(200):
        restless = RestlessList(behaviours(seed), random.Random(seed))
        while not restless.rests:
            restless.page(1)
        pages, agree = once_read(restless, 1, random.Random(seed))
        assert agree
        assert set(statuses(pages)) == {row.key for row in restless.rows}


def test_additions_alone_do_not_take_rows_away() -> None:
    made = (at_rest(seed, moves=30, adds=0.4) for seed in range(300))
    read: list[Outcome] = [outcome(counting_up, seed, behaviour) for seed, behaviour in enumerate(made)]
    assert not any(one.missing for one in read)


def test_rows_that_a_server_lacked_are_not_held_against_the_reader() -> None:
    restless = RestlessList(Behaviour(rows=10, size=10, lag=1.0, most_behind=1), random.Random(1))
    assert [restless.page(number).total for number in (1, 2)] == [10, 9]
    assert 10 not in restless.throughout


def test_a_look_up_finds_what_is_there_and_nothing_else() -> None:
    restless = RestlessList(Behaviour(rows=10, moves=0), random.Random(1))
    assert (restless.look_up(3).keys, restless.look_up(11).keys) == ([3], [])


def test_a_smaller_page_size_is_kept_and_a_larger_one_reduced() -> None:
    restless = RestlessList(Behaviour(rows=10, size=4, moves=0), random.Random(1))
    assert [len(restless.page(1, size).rows) for size in (2, 4, 9)] == [2, 4, 4]


def test_syncs_bring_every_change_of_an_open_row() -> None:
    for seed in range(300):
        copy = synced(counting_keys_on, seed)
        assert copy.complete
        assert copy.wrong == {}


def test_a_sync_that_forgets_open_rows_is_found_out() -> None:
    def new_rows_only(restless: RestlessList, workers: int, schedule: random.Random, state: Any) -> Reading:
        rows = counting_keys(restless, workers, schedule).rows
        known: set[int] = state or set()
        return Reading({key: status for key, status in rows.items() if key not in known}, known | set(rows))

    wrong = [copy.wrong for seed in range(100) if (copy := synced(new_rows_only, seed)).wrong]
    assert len(wrong) > 50
    assert {pair for one in wrong for pair in one.values()} == {(OPEN, FINAL)}


def test_every_chance_is_a_field_of_a_behaviour() -> None:
    assert {getattr(Behaviour(), name) for name in CHANCES} == {0.0}
