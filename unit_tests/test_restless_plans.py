"""The plans of the connector read restless lists: no row that was there throughout is lost in silence."""

import random
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from source_invoices.components.incremental.lookback_plan import LookbackPlan
from source_invoices.components.incremental.lookback_scan import LookbackScan
from source_invoices.components.incremental.scan_rule import Columns, ScanRule
from source_invoices.components.incremental.scan_state import ScanState
from source_invoices.components.pages.page import Page
from source_invoices.components.pages.plan import InvoiceKey, Position
from source_invoices.components.pages.prefetch import Prefetch
from unit_tests.restless_list import FINAL, Reading, RestlessList, at_rest, outcome, silent_losses, synced
from unit_tests.test_prefetch import AnsweredInAnyOrder

STARTED = datetime(2026, 11, 1, tzinfo=timezone.utc)
MOST_ANSWERS = 20_000
SCHEDULES = 1000
# The connector does not pass these yet.
LOST = "COMPLETE with a row missing"
NO_TOTAL = pytest.param(False, marks=pytest.mark.xfail(strict=True, reason=LOST))
EITHER = pytest.mark.parametrize("states_total", [True, NO_TOTAL])
# Found among 6000 schedules each.
HARD = {True: [3615, 5806], False: [459, 1561, 2193, 2532, 2572, 3078, 5504, 5648]}


def read_on(restless: RestlessList, workers: int, schedule: random.Random, saved: Any) -> Reading:
    """Reads a list by the plan of a scan, as the retriever does. A page that lacks rows is asked for again."""
    rule = ScanRule(Columns("key", "issued", frozenset({FINAL})), settings="", lookback=timedelta(0), started=STARTED)
    scan = LookbackScan(None if saved is None else ScanState.load(saved), rule)

    def fetch(position: Position) -> Page:
        if restless.answers > MOST_ANSWERS:
            raise AssertionError("the plan does not end")
        if isinstance(position, InvoiceKey):
            found: Page = restless.look_up(int(position.key))
            return found
        for _ in range(9):
            page: Page = restless.page(position.number, position.size)
            due = min(page.size or 0, (page.total or 0) - (position.number - 1) * (page.size or 0))
            if len(page.rows) >= due:
                return page
        raise ValueError("the response contradicts itself")

    plan = LookbackPlan(scan)
    prefetch = Prefetch(fetch, fetch, workers, AnsweredInAnyOrder(schedule))
    rows: dict[int, str] = {}
    position = plan.first_position
    while position:
        page = prefetch.page(position)
        rows.update({row["key"]: row["status"] for row in plan.accept(page.rows, position)})
        position = plan.next_position(page, position)
    prefetch.stop()
    state = scan.state()
    return Reading(rows, state and state.dump())


def read(restless: RestlessList, workers: int, schedule: random.Random) -> Reading:
    """Reads a list for the first time."""
    return read_on(restless, workers, schedule, None)


@EITHER
def test_no_schedule_loses_a_row_in_silence(states_total: bool) -> None:
    lost = silent_losses(read, range(SCHEDULES), make_page=Page, states_total=states_total)
    assert len(lost) == 0, lost[:3]


@pytest.mark.parametrize("seed", [4587, 5045])
def test_a_schedule_that_was_hard_to_see_through_loses_no_row(seed: int) -> None:
    assert not silent_losses(read, [seed], make_page=Page, states_total=False)


@pytest.mark.xfail(strict=True, reason=LOST)
@pytest.mark.parametrize(("states_total", "seed"), [(kind, seed) for kind, seeds in HARD.items() for seed in seeds])
def test_a_schedule_that_is_hard_to_see_through_loses_no_row(states_total: bool, seed: int) -> None:
    assert not silent_losses(read, [seed], make_page=Page, states_total=states_total)


def test_no_schedule_of_a_list_at_rest_is_read_more_than_once() -> None:
    for seed in range(300):
        behaviour = at_rest(seed)
        one = outcome(read, seed, behaviour, Page)
        pages = max(1, -(-behaviour.rows // behaviour.size))
        assert (one.complete, one.missing) == (True, frozenset())
        assert one.answers <= pages + 3


@EITHER
def test_after_some_syncs_the_destination_is_as_the_list(states_total: bool) -> None:
    wrong = 0
    for seed in range(SCHEDULES // 2):
        copy = synced(read_on, seed, make_page=Page, states_total=states_total)
        wrong += bool(copy.wrong) or not copy.complete
    assert wrong == 0
