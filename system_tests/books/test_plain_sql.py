"""The plain SQL in dbt/sql, and what the history makes of invoices that change and vanish."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from psycopg.rows import dict_row

from system_tests.books.ways import DuckDbWay, PostgresWay, rows_of
from system_tests.books.world import World
from system_tests.postgresql import Postgres
from tools.plain_sql.files import FOLDER, write_duckdb, write_postgres

STATEMENTS = {path.stem: path.read_text("utf-8") for path in FOLDER.glob("*.sql")}
BY_CONTENT = "* exclude (first_seen_at, changed_at, settled_seen_at, paid_month, as_of)"
INSERT = """insert into raw.payhubix_invoices
    (link, status, created_at, currency_symbol, currency_amount, remaining_currency_amount) values """
OLD = "('old', 'Created', '2025-12-31 12:00:00Z', 'EUR', 10, 10)"
YOUNG = "('young', 'Created', '2026-01-01 12:00:00Z', 'EUR', 5.5, 5.5)"


def test_the_files_are_what_the_models_compile_to(postgres: Postgres, tmp_path: Path) -> None:
    write_duckdb(tmp_path)
    write_postgres(tmp_path, postgres)

    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == {
        path.name: path.read_text("utf-8") for path in FOLDER.iterdir()
    }


def test_plain_sql_says_on_duckdb_what_dbt_says(world: World) -> None:
    way = world.ways["pyairbyte"]
    assert isinstance(way, DuckDbWay)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{way.path}' as dbt (read_only); create schema plain")
        connection.execute(f"set variable as_of = '{world.second.isoformat()}'")
        connection.execute("set search_path = 'plain,dbt.main'")
        connection.execute(STATEMENTS["duckdb"])
        for one, other in (("plain", "dbt.books"), ("dbt.books", "plain")):
            for table, columns in (("invoices", BY_CONTENT), ("invoice_lines", "*"), ("invoice_months", "*")):
                difference = f"select {columns} from {one}.{table} except all select {columns} from {other}.{table}"
                assert connection.execute(difference).fetchall() == [], table


def test_plain_sql_says_on_postgres_what_dbt_says(world: World) -> None:
    way = world.ways["dlt-postgres"]
    assert isinstance(way, PostgresWay)
    way.execute(
        f"create schema plain; set search_path to plain, raw; set books.as_of = '{world.second.isoformat()}';"
        + STATEMENTS["postgres"]
    )
    for one, other in (("plain", "books"), ("books", "plain")):
        for table in ("invoices", "invoice_lines", "invoice_months"):
            columns = way.query(
                "select string_agg(column_name, ', ') as names from information_schema.columns"
                f" where table_schema = 'plain' and table_name = '{table}' and column_name not in"
                " ('first_seen_at', 'changed_at', 'settled_seen_at', 'paid_month', 'as_of')"
            )[0]["names"]
            difference = f"select {columns} from {one}.{table} except all select {columns} from {other}.{table}"
            assert way.query(difference) == [], table


class Books:
    """Books made by plain SQL of tables that a test fills."""

    def __init__(self, database: str, connection: Any) -> None:
        self._database = database
        self._connection = connection
        self.run("create schema raw")
        self.run("create schema books")
        self._search("raw")
        self.run(STATEMENTS[f"{database}_streams"])

    def run(self, sql: str) -> None:
        self._connection.execute(sql)

    def make(self, as_of: str, **settings: str) -> None:
        """Makes the books."""
        for name, value in {"as_of": as_of, **settings}.items():
            self.run(f"set {'variable ' if self._database == 'duckdb' else 'books.'}{name} = '{value}'")
        self._search("books", "raw")
        self.run(STATEMENTS[self._database])

    def rows(self, columns: str, table: str) -> list[tuple[Any, ...]]:
        """These columns of all rows of a table."""
        result = self._connection.execute(f"select {columns} from books.{table} order by {columns}")
        rows = rows_of(result) if self._database == "duckdb" else result.fetchall()
        return [tuple(row.values()) for row in rows]

    def _search(self, *schemas: str) -> None:
        self.run(
            f"set search_path = {','.join(schemas)}"
            if self._database == "postgres"
            else f"set search_path = '{','.join(schemas)}'"
        )


@pytest.fixture(params=["duckdb", "postgres"])
def books(request: pytest.FixtureRequest) -> Iterator[Books]:
    if request.param == "duckdb":
        with duckdb.connect() as connection:
            yield Books("duckdb", connection)
        return
    server: Postgres = request.getfixturevalue("postgres")
    server.execute("drop database if exists flow")
    server.create("flow")
    with psycopg.connect(server.url("flow"), row_factory=dict_row, autocommit=True) as connection:
        yield Books("postgres", connection)


def test_a_run_adds_a_version_only_where_the_content_has_changed(books: Books) -> None:
    books.run(INSERT + f"{OLD}, {YOUNG}")
    books.make("2026-01-01T00:00:00Z")
    books.make("2026-01-02T00:00:00Z")
    assert books.rows("invoice_id, version", "invoice_changes") == [("old", 1), ("young", 1)]

    books.run("update raw.payhubix_invoices set status = 'Paid', remaining_currency_amount = 0 where link = 'old'")
    books.make("2026-01-03T00:00:00Z")

    columns = "invoice_id, version, change, previous_state, state"
    assert books.rows(columns, "invoice_changes") == [
        ("old", 1, "initial", None, "open"),
        ("old", 2, "changed", "open", "paid"),
        ("young", 1, "initial", None, "open"),
    ]


def test_an_invoice_that_has_left_the_table_is_deleted_until_it_returns(books: Books) -> None:
    books.run(INSERT + f"{OLD}, {YOUNG}")
    books.make("2026-01-01T00:00:00Z")
    books.run("delete from raw.payhubix_invoices where link = 'old'")
    books.make("2026-01-02T00:00:00Z")

    assert books.rows("invoice_id, is_deleted, state, open_amount", "invoices") == [
        ("old", True, "open", 0),
        ("young", False, "open", 5.5),
    ]
    assert books.rows("invoice_id", "open_invoices") == [("young",)]
    assert books.rows("invoice_count, open_amount", "invoice_months") == [(1, 5.5)]
    assert ("old", 2, "deleted", 10, 0) in books.rows(
        "invoice_id, version, change, previous_open_amount, open_amount", "invoice_changes"
    )

    books.make("2026-01-03T00:00:00Z")
    books.run(INSERT + OLD)
    books.make("2026-01-04T00:00:00Z")
    assert books.rows("invoice_id", "open_invoices") == [("old",), ("young",)]
    assert [row for row in books.rows("invoice_id, version, change", "invoice_changes") if row[0] == "old"] == [
        ("old", 1, "initial"),
        ("old", 2, "deleted"),
        ("old", 3, "restored"),
    ]


def test_an_empty_table_proves_nothing(books: Books) -> None:
    books.run(INSERT + f"{OLD}, {YOUNG}")
    books.make("2026-01-01T00:00:00Z")
    books.run("delete from raw.payhubix_invoices")
    books.make("2026-01-02T00:00:00Z")

    assert books.rows("invoice_id, version, change", "invoice_changes") == [
        ("old", 1, "initial"),
        ("young", 1, "initial"),
    ]


def test_a_setting_holds_for_earlier_versions_and_changes_no_invoice(books: Books) -> None:
    books.run(
        "insert into raw.ipxo_payout_invoices (uuid, status, date, total) values ('payout', 'unpaid', 1767225600, 10)"
    )
    books.make("2026-01-01T00:00:00Z")
    assert books.rows("invoice_id, currency", "invoices") == [("payout", None)]

    books.make("2026-01-02T00:00:00Z", ipxo_currency="USD")

    assert books.rows("invoice_id, currency", "invoices") == [("payout", "USD")]
    assert books.rows("version, currency", "invoice_changes") == [(1, "USD")]
