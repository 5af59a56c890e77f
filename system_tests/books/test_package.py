"""What else the dbt package promises: missing tables, a history that stays, comments in the database."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import yaml

from system_tests.books.ways import PostgresWay
from system_tests.books.world import World
from system_tests.postgresql import Postgres
from tools.plain_sql.dbt import PROJECT
from tools.plain_sql.tables import DLT, definition

TIME = datetime(2026, 1, 2, tzinfo=timezone.utc)


def test_one_provider_is_enough_and_a_full_refresh_keeps_the_history(postgres: Postgres, tmp_path: Path) -> None:
    postgres.create("one")
    way = PostgresWay(postgres, "one", "raw", tmp_path)
    way.execute("create schema raw; set search_path to raw; " + definition("payhubix_invoices", DLT))
    insert = "insert into raw.payhubix_invoices (link, status, currency_amount) values "
    way.execute(insert + "('old', 'Paid', 1), ('gone', 'Paid', 1)")
    way.build(TIME)
    way.execute("delete from raw.payhubix_invoices where link = 'gone'")

    way.make(TIME + timedelta(days=1), "--full-refresh")

    rows = way.query("select invoice_id, change from books.invoice_changes order by seen_at, invoice_id")
    assert [tuple(row.values()) for row in rows] == [("gone", "initial"), ("old", "initial"), ("gone", "deleted")]


def test_descriptions_are_comments_in_the_database(world: World) -> None:
    described = yaml.safe_load((PROJECT / "models" / "invoices.yml").read_text("utf-8"))["models"]
    (table,) = world.ways["pyairbyte"].query(
        "select comment from duckdb_tables() where schema_name = 'books' and table_name = 'invoices'"
    )
    (column,) = world.ways["dlt-postgres"].query(
        "select col_description('books.invoices'::regclass, attnum) as comment from pg_attribute"
        " where attrelid = 'books.invoices'::regclass and attname = 'paid_month'"
    )

    assert table["comment"] == next(model["description"] for model in described if model["name"] == "invoices")
    assert column["comment"].startswith("The first day of the month of payment")


def test_every_column_is_described(world: World) -> None:
    described = {
        model["name"]: {column["name"] for column in model["columns"]}
        for path in sorted((PROJECT / "models").rglob("*.yml"))
        for model in yaml.safe_load(path.read_text("utf-8")).get("models", ())
    }
    rows = world.ways["dlt-postgres"].query(
        "select table_name, array_agg(cast(column_name as text)) as names from information_schema.columns"
        " where table_schema = 'books' group by table_name"
    )

    assert {row["table_name"]: set(row["names"]) for row in rows} == described
