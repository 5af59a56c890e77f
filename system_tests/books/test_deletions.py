"""Invoices that are gone: a full refresh of each loader, and the books after it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integration_tests.support import truth
from system_tests.books.loaders import Loader
from system_tests.books.ways import PostgresWay
from system_tests.books.world import KINDS, World, each

PLACE = 20
"""The place in each list of the invoice that is removed."""
KEEPS_ROWS = {"singer"}
"""What marks rows instead of deleting them."""


@pytest.fixture(scope="module")
def refreshed(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Loader], set[tuple[str, str]]]:
    """Copies of the databases, after an invoice of each stream is gone and a full refresh; and the invoices."""
    copies = {kind: found.copy(tmp_path_factory.mktemp("copy")) for kind, found in world.loaders.items()}
    gone = {name: table.keys()[PLACE] for name, table in world.sandbox.tables.items()}
    for name, key in gone.items():
        world.sandbox.tables[name].remove(key)

    def refresh(kind: str) -> None:
        copies[kind].load(full_refresh=True)
        copies[kind].way.make(world.second + timedelta(hours=1))

    each(refresh, KINDS)
    return copies, {(name, str(key)) for name, key in gone.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_full_refresh_did_not_bring_is_deleted(
    world: World, refreshed: tuple[dict[str, Loader], set[tuple[str, str]]], kind: str
) -> None:
    copies, gone = refreshed
    way = copies[kind].way

    rows = way.query("select stream, invoice_id, open_amount from books.invoices where is_deleted")
    assert {(row["stream"], row["invoice_id"]) for row in rows} == gone
    assert {row["open_amount"] for row in rows} == {0}
    assert way.query("select count(*) as number from books.invoices") == [{"number": len(truth.invoices(world.now))}]
    changed = way.query("select stream, invoice_id from books.invoice_changes where change = 'deleted'")
    assert {(row["stream"], row["invoice_id"]) for row in changed} == gone
    later = f"select count(*) as number from books.invoice_changes where seen_at > '{world.second.isoformat()}'"
    assert way.query(later) == [{"number": len(gone)}]


@pytest.mark.parametrize("kind", KINDS)
def test_only_singer_keeps_the_row_in_its_table(
    world: World, refreshed: tuple[dict[str, Loader], set[tuple[str, str]]], kind: str
) -> None:
    way = refreshed[0][kind].way

    for stream, rows in world.now.items():
        expected = len(rows) if kind in KEEPS_ROWS else len(rows) - 1
        found = way.query(f"select count(*) as number from {way.schema}.{stream}")
        assert found == [{"number": expected}]


def test_rows_of_an_earlier_generation_are_deleted_where_a_refresh_keeps_them(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Airbyte's refresh that retains records raises the generation, and the variable full_refresh_ids names it."""
    way = world.loaders["airbyte"].copy(tmp_path_factory.mktemp("generations")).way
    assert isinstance(way, PostgresWay)
    stream = "payhubix_invoices"
    gone, *others = world.now[stream]
    way.execute(f"update airbyte.{stream} set _airbyte_generation_id = 1 where link <> '{gone}'")

    way.make(world.second + timedelta(hours=1), full_refresh_ids={stream: 1})

    assert others
    assert way.query("select invoice_id from books.invoices where is_deleted") == [{"invoice_id": gone}]
