"""The four queries of docs/books.md, as they stand there, against what the sandbox holds."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from integration_tests.support import truth
from integration_tests.support.truth import KEYS, Sums
from system_tests.books.ways import Way
from system_tests.books.world import World
from tools.plain_sql.dbt import HOME

CENT = Decimal("0.005")
SECTION = re.search(r"^## The four questions$(.+?)^## ", (HOME / "docs/books.md").read_text("utf-8"), re.S | re.M)
OWED, OVERDUE, PAID, CHANGED = re.findall(r"```sql\n(.+?)\n```", SECTION[1] if SECTION else "", re.S)


def assert_equal_to_the_cent(found: Sums, expected: Sums) -> None:
    assert found.keys() == expected.keys()
    assert {key: value for key, value in found.items() if abs(value - expected[key]) >= CENT} == {}


@pytest.mark.parametrize("query", [OWED, OVERDUE, PAID, CHANGED])
def test_each_question_is_one_line(query: str) -> None:
    assert "\n" not in query


def test_the_readme_shows_the_same_lines() -> None:
    readme = (HOME / "README.md").read_text("utf-8")

    assert "\n".join([OWED, OVERDUE, PAID, CHANGED]) in readme


def test_what_are_we_owed(world: World, way: Way) -> None:
    found = {(row["month"], row["currency"]): row["owed"] for row in way.query(OWED)}
    expected = truth.owed(world.now)
    assert {currency for _, currency in expected} >= {None, "EUR", "GBP", "USD"}

    assert_equal_to_the_cent(found, expected)


def test_what_is_overdue(world: World, way: Way) -> None:
    found = {
        (row["direction"], row["invoice_number"], row["days_overdue"]): row["open_amount"] for row in way.query(OVERDUE)
    }
    expected = truth.overdue(world.now, world.second.date())
    assert expected

    assert_equal_to_the_cent(found, expected)


def test_what_was_paid_this_month(world: World, way: Way) -> None:
    month, rows = way.month(PAID)
    expected = truth.paid(world.earlier, world.now, world.second, month)
    assert len(expected) > 3 or month != world.second.date().replace(day=1)

    assert_equal_to_the_cent({(row["direction"], row["currency"]): row["paid"] for row in rows}, expected)


def test_what_changed_since_the_last_close(world: World, way: Way) -> None:
    expected = truth.changes(world.earlier, world.now)
    numbers = truth.invoices(world.now)
    assert set(expected.values()) == {"new", "changed"}
    month, rows = way.month(CHANGED)
    if month != world.second.date().replace(day=1):
        assert rows == []
        return

    found = sorted((row["change"], row["provider"], row["invoice_number"] or "") for row in rows)
    assert found == sorted(
        (change, stream.split("_")[0], numbers[stream, key].number or "") for (stream, key), change in expected.items()
    )


def test_changes_that_move_no_cursor_are_seen(world: World, way: Way) -> None:
    moved = {"ipxo_ecommerce_invoices": "placed_at", "payhubix_invoices": "created_at"}
    unseen = {
        (stream, key)
        for (stream, key), change in truth.changes(world.earlier, world.now).items()
        if change == "changed" and stream in moved
        and world.earlier[stream][key][moved[stream]] == world.now[stream][key][moved[stream]]
    }  # fmt: skip
    assert len(unseen) >= 5

    rows = way.query("select stream, invoice_id from books.invoice_changes where change = 'changed'")
    assert unseen <= {(row["stream"], row["invoice_id"]) for row in rows}


@pytest.mark.parametrize("stream", KEYS)
def test_each_invoice_is_as_its_provider_tells_it(world: World, way: Way, stream: str) -> None:
    rows = way.query(f"select * from books.invoices where stream = '{stream}'")
    expected = {key: invoice for (name, key), invoice in truth.invoices(world.now).items() if name == stream}
    assert {row["invoice_id"] for row in rows} == expected.keys()
    assert len(rows) == len(expected)

    for row in rows:
        invoice = expected[row["invoice_id"]]
        assert (row["invoice_number"], row["currency"]) == (invoice.number, invoice.currency)
        assert (row["due_at"], row["paid_at"]) == (invoice.due, invoice.paid_at)
        assert (row["issued_at"] and row["issued_at"].replace(microsecond=0)) == invoice.issued
        for name, amount in (("open_amount", invoice.open), ("paid_amount", invoice.paid)):
            assert (row[name] is None) == (amount is None)
            assert amount is None or abs(row[name] - amount) < CENT
