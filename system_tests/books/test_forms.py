"""The forms of tables in tools/plain_sql, from which dbt/sql is made, are what the loaders really write."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from system_tests.books.ways import DuckDbWay, PostgresWay
from system_tests.books.world import World
from system_tests.postgresql import Postgres
from tools.plain_sql.tables import DLT, PYAIRBYTE, SCHEMAS, definition


@pytest.mark.parametrize("stream", SCHEMAS)
def test_the_form_of_pyairbyte_has_its_columns_and_types(world: World, tmp_path: Path, stream: str) -> None:
    form = DuckDbWay(tmp_path, "main")
    with duckdb.connect(str(form.path)) as connection:
        connection.execute(definition(stream, PYAIRBYTE))

    assert form.columns(stream) == world.ways["pyairbyte"].columns(stream)


@pytest.mark.parametrize("stream", SCHEMAS)
def test_the_form_of_dlt_has_its_columns_and_types(
    world: World, postgres: Postgres, tmp_path: Path, stream: str
) -> None:
    postgres.create(tmp_path.name)
    form = PostgresWay(postgres, tmp_path.name, "public", tmp_path)
    form.execute(definition(stream, DLT))

    assert form.columns(stream) == world.ways["dlt-postgres"].columns(stream)


def test_the_loaders_write_names_and_lists_in_the_ways_that_the_macros_know(world: World) -> None:
    name, items = {}, {}
    for kind, way in world.ways.items():
        nexudus, payouts = way.columns("nexudus_payout_invoices"), way.columns("ipxo_payout_invoices")
        name[kind] = next(found for found in nexudus if found.lower().replace("_", "") == "invoicecurrencycode")
        items[kind] = payouts["items"]

    assert name == {
        "pyairbyte": "invoicecurrencycode",
        "dlt-duckdb": "invoice_currency_code",
        "dlt-postgres": "invoice_currency_code",
        "singer": "InvoiceCurrencyCode",
        "airbyte": "InvoiceCurrencyCode",
        "plain": "invoicecurrencycode",
    }
    assert items == {
        "pyairbyte": "json",
        "dlt-duckdb": "json",
        "dlt-postgres": "jsonb",
        "singer": "_jsonb",
        "airbyte": "jsonb",
        "plain": "text",
    }
