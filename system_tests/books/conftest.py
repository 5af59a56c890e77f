"""Two syncs of the sandbox, the first before this month, into each kind of database, with books made after each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

import pytest

from demo.accounts import BUSINESS, do_business
from integration_tests.support import truth
from integration_tests.support.truth import last_month
from sandbox import Sandbox
from system_tests.books.ways import Way
from system_tests.books.world import KINDS, World, each, loader
from system_tests.postgresql import Postgres

ROWS = 150
UNIT_TESTED = ("pyairbyte", "dlt-postgres")
"""One loader for each database."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


def live_on(sandbox: Sandbox, start: datetime, end: datetime) -> None:
    """What happens at the providers between the two syncs: business as usual, and what is rare."""
    for name, business in BUSINESS.items():
        do_business(sandbox.tables[name], business, start, end)
    payhubix = sandbox.tables["payhubix_invoices"]
    open_keys = [row["link"] for row in payhubix.rows() if row["status"] == "Created"]
    payhubix.change(open_keys[0], status="Partially", currency_amount=100.1, remaining_currency_amount=33.34)
    partial = next(row for row in payhubix.rows() if row["status"] == "Partially" and row["link"] != open_keys[0])
    payhubix.change(partial["link"], status="PartiallyExpired")
    payhubix.add(issued=end, status="Created", currency_amount=0.12345678, remaining_currency_amount=0.12345678)
    ecommerce = sandbox.tables["ipxo_ecommerce_invoices"]
    sent = [row["uuid"] for row in ecommerce.rows() if row["status"] == "sent"]
    ecommerce.change(sent[0], status="written_off")
    total = {"currency": None, "amount": "-12.50", "amount_minor": -1250}
    ecommerce.add(issued=end, status="unpaid", total=total)
    billing = sandbox.tables["ipxo_invoices"]
    unpaid = [row for row in billing.rows() if row["status"] == "unpaid"]
    part = {"total_paid": 10.01, "total_left_to_pay": unpaid[0]["total"] - 10.01}
    billing.change(unpaid[0]["uuid"], part)
    payouts = sandbox.tables["ipxo_payout_invoices"]
    payouts.add(issued=end, status="unpaid", total=-99.99, items=[])


@pytest.fixture(scope="session")
def world(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    second = datetime.now(timezone.utc).replace(microsecond=0)
    first = last_month(second)
    with Sandbox(rows=ROWS, newest=first, large_amounts=True) as sandbox:
        loaders = {kind: loader(kind, sandbox, postgres, tmp_path_factory.mktemp(kind)) for kind in KINDS}
        held = [truth.rows(sandbox)]

        def begin(kind: str) -> None:
            loaders[kind].load()
            loaders[kind].way.build(first, unit_tests=kind in UNIT_TESTED)

        def go_on(kind: str) -> None:
            loaders[kind].load()
            loaders[kind].way.build(second)

        each(begin, KINDS)
        live_on(sandbox, first, second)
        held.append(truth.rows(sandbox))
        each(go_on, KINDS)
        yield World(sandbox, loaders, first, second, *held)


@pytest.fixture(params=KINDS)
def way(request: pytest.FixtureRequest, world: World) -> Way:
    """Each database after the two syncs. What changes it belongs into a test of its own."""
    return world.ways[request.param]
