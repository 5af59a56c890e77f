"""The sandbox as accounts that live on: each run finds them as the last run left them, and a little later.

A database remembers when it was synced. The sandbox of the first run is rebuilt from its time, and what happened
between any two runs is done to it again, always in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice, pairwise
from typing import Any

from sandbox import STREAMS, Sandbox, Table

Row = dict[str, Any]

SANDBOX = "sandbox"
ROWS = 3000
DETAILS = "ipxo_invoices"
"""Each of its rows costs a request: there are a tenth as many."""
LOOKED_AT = 2000
"""Invoices that are paid later are among this many newest ones."""
SHORTEST_TIME = timedelta(seconds=20)
"""Between two runs: each new invoice has a second of its own."""


@dataclass(frozen=True)
class Run:
    """A sync: when it began, how many rows a list of the sandbox had at first, and what says whose invoices these
    are: the path of the configuration, or `SANDBOX`."""

    started: datetime
    rows: int
    accounts: str


@dataclass(frozen=True)
class Business:
    """What happens to a list between two runs: so many invoices are added, and so many open ones settled."""

    added: int
    settled: int
    is_open: Callable[[Row], bool]
    settle: Callable[[Row, datetime], Row]
    """The fields that change."""


def has_status(*statuses: str) -> Callable[[Row], bool]:
    """A test for rows with one of these statuses."""
    return lambda row: row["status"] in statuses


BUSINESS = {
    "ipxo_payout_invoices": Business(
        3, 2, has_status("unpaid"), lambda _, time: {"status": "paid", "date_paid": int(time.timestamp())}
    ),
    "ipxo_invoices": Business(
        2,
        1,
        has_status("unpaid"),
        lambda row, time: {
            "status": "paid",
            "date_paid": int(time.timestamp()),
            "total_paid": row["total"],
            "total_left_to_pay": 0,
        },
    ),
    "ipxo_ecommerce_invoices": Business(4, 2, has_status("sent", "unpaid"), lambda row, time: {"status": "paid"}),
    "nexudus_payout_invoices": Business(
        3, 2, lambda row: row["ResellerPayoutId"] is None, lambda _, time: {"ResellerPayoutId": int(time.timestamp())}
    ),
    "payhubix_invoices": Business(
        5,
        3,
        has_status("Created", "Pending"),
        lambda _, time: {"status": "Paid", "remaining_currency_amount": 0},
    ),
}


def next_run(runs: Sequence[Run], rows: int, accounts: str) -> Run:
    """The run that begins now. `rows` counts for the first run only."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    if not runs:
        return Run(now, rows, accounts)
    return Run(max(now, runs[-1].started + SHORTEST_TIME), runs[0].rows, accounts)


def build_sandbox(runs: Sequence[Run]) -> Sandbox:
    """The sandbox as the last of these runs finds it. It is not started."""
    first = runs[0]
    counts = {name: max(first.rows // 10, 1) if name == DETAILS else first.rows for name in STREAMS}
    sandbox = Sandbox(counts, newest=first.started)
    for earlier, later in pairwise(runs):
        for name, business in BUSINESS.items():
            do_business(sandbox.tables[name], business, earlier.started, later.started)
    return sandbox


def do_business(table: Table, business: Business, start: datetime, end: datetime) -> None:
    """Settles some of the open invoices, spread over their ages, and adds new ones."""
    key = table.source.key_field
    candidates = [row for row in islice(table.rows(), LOOKED_AT) if business.is_open(row)]
    step = max(len(candidates) // business.settled, 1)
    for row in candidates[step // 2 :: step][: business.settled]:
        # Where the list goes by the time of the last change, that time must not be the clock's: it would differ in
        # the next run.
        updated = end if table.source.touched_by_change else None
        table.change(row[key], business.settle(row, end), issued=updated)
    for number in range(1, business.added + 1):
        table.add(issued=start + (end - start) * number / (business.added + 1))
