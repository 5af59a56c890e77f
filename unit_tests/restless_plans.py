"""Reads restless lists by the plans of the connector, as the retriever does, and counts how the readings end.

`make models` prints the numbers of docs/reliability.md. `make test` runs fewer schedules.
"""

import argparse
import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from multiprocessing import Pool
from typing import Any

from source_invoices.components.incremental.lookback_plan import LookbackPlan
from source_invoices.components.incremental.lookback_scan import LookbackScan
from source_invoices.components.incremental.scan_rule import Columns, ScanRule
from source_invoices.components.incremental.scan_state import ScanState
from source_invoices.components.pages.page import Page
from source_invoices.components.pages.plan import InvoiceKey, Position
from source_invoices.components.pages.prefetch import Prefetch
from unit_tests.restless_list import FINAL, Reading, RestlessList, outcomes, synced
from unit_tests.test_prefetch import AnsweredInAnyOrder

STARTED = datetime(2026, 11, 1, tzinfo=timezone.utc)
MOST_ANSWERS = 20_000
AT_A_TIME = 500


def read_on(restless: RestlessList, workers: int, schedule: random.Random, saved: Any) -> Reading:
    """Reads a list by the plan of a scan, as the retriever does. A page that lacks rows is asked for again."""
    rule = ScanRule(
        Columns("key", "issued", "status", frozenset({FINAL})), settings="", lookback=timedelta(0), started=STARTED
    )
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


def readings(seeds: Sequence[int], *, states_total: bool) -> Counter[str]:
    """Counts first readings: those that end as complete, those that end in words, and those that lose rows in silence."""
    found: Counter[str] = Counter()
    for one in outcomes(read, seeds, Page, states_total=states_total):
        found["complete" if one.complete else "incomplete"] += 1
        found["lost in silence"] += bool(one.missing)
    return found


def sequences(seeds: Sequence[int], *, states_total: bool) -> Counter[str]:
    """Counts sequences of four syncs: those after which the destination is as the list, and those after which it is not."""
    found: Counter[str] = Counter()
    for seed in seeds:
        copy = synced(read_on, seed, make_page=Page, states_total=states_total)
        found["complete" if copy.complete else "incomplete"] += 1
        found["lost in silence"] += copy.complete and bool(copy.wrong)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Reads restless lists by many schedules, and prints how they end.")
    parser.add_argument("--schedules", type=int, default=100_000, help="of each kind of list")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    starts = range(0, options.schedules, AT_A_TIME)
    parts = [range(start, min(start + AT_A_TIME, options.schedules)) for start in starts]
    print("| schedules | list | complete | incomplete, in words | lost in silence |\n|---|---|---|---|---|")
    with Pool(options.processes) as pool:
        for name, count in (("first readings", readings), ("four syncs", sequences)):
            for states_total in (True, False):
                found = sum(pool.imap_unordered(partial(count, states_total=states_total), parts), Counter[str]())
                numbers = (f"{found[kind]:,}" for kind in ("complete", "incomplete", "lost in silence"))
                form = "states its total" if states_total else "states no total"
                print(f"| {options.schedules:,} {name} | {form} | {' | '.join(numbers)} |", flush=True)


if __name__ == "__main__":
    main()
