"""The books: made from what was synced by the plain SQL of the dbt package, and asked what a controller asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from demo.accounts import Run
from demo.database import Database, text
from demo.streams import TITLES

SQL = Path(__file__).parents[1] / "dbt" / "sql"
OWED_TO_US, OWED_BY_US = "Owed to us", "Owed by us"
OVERDUE = "Overdue"
PAID = "Paid this month"
CHANGED = "Changed since the last run"
BUCKETS = ("not due", "0 to 30 days", "31 to 60 days", "61 to 90 days", "over 90 days", "no date")
"""The ages in `open_invoices`."""
SIDES = {"receivable": "to us", "payable": "by us"}


@dataclass(frozen=True)
class Line:
    """An answer in one currency, None where a provider names none. `amount` is None where nobody tells it; of changes
    it is what they add to the open amount. `side` is who owes, where that is not the question."""

    side: str
    currency: str | None
    invoices: int
    amount: Decimal | None


@dataclass(frozen=True)
class OpenInvoice:
    """An invoice that is not settled."""

    direction: str
    provider: str
    number: str
    counterparty: str | None
    issued: date | None
    due: date | None
    days_overdue: int | None
    is_overdue: bool
    state: str
    currency: str | None
    total: Decimal | None
    open: Decimal | None


@dataclass(frozen=True)
class Change:
    """An invoice that is new, or no longer what it was at the last run."""

    change: str
    direction: str
    provider: str
    number: str
    counterparty: str | None
    previous_state: str | None
    state: str
    currency: str | None
    total: Decimal | None
    previous_open: Decimal | None
    open: Decimal | None


@dataclass(frozen=True)
class Aged:
    """What is open in one direction and currency, of one age."""

    direction: str
    currency: str | None
    bucket: str
    invoices: int
    open: Decimal | None


@dataclass(frozen=True)
class Counterparty:
    """What is open with one party in one direction and currency."""

    direction: str
    name: str | None
    currency: str | None
    invoices: int
    open: Decimal | None
    overdue: Decimal | None


def make_books(database: Database, run: Run, ipxo_currency: str | None = None) -> None:
    """Makes the books as of a run, all or nothing."""
    with database.connect(writable=True) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS held.{database.books}")
        for definition in (SQL / "duckdb_streams.sql").read_text("utf-8").split(";"):
            # A stream that was not synced has no table. An empty one takes its place for as long as this takes.
            if any(f" {name} (" in definition and not database.has_table(connection, name) for name in TITLES):
                connection.execute(definition.replace("create table", "create temp table"))
        connection.execute(f"SET VARIABLE as_of = {text(run.started.isoformat())}")
        if ipxo_currency:
            connection.execute(f"SET VARIABLE ipxo_currency = {text(ipxo_currency)}")
        connection.execute(f"SET search_path = 'held.{database.books},held.{database.schema}'")
        connection.execute(f"BEGIN; {(SQL / 'duckdb.sql').read_text('utf-8')} COMMIT")


class Books:
    """The books that a run has made."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def headline(self) -> dict[str, list[Line]]:
        """The questions, each with its answer by currency."""
        month = "date_trunc('month', as_of AT TIME ZONE 'UTC')"
        opened = "NULL, currency, count(*), sum(open_amount) FROM open_invoices"
        answers = {
            OWED_TO_US: f"{opened} WHERE direction = 'receivable'",
            OWED_BY_US: f"{opened} WHERE direction = 'payable'",
            OVERDUE: "direction, currency, count(*), sum(open_amount) FROM open_invoices WHERE is_overdue",
            PAID: "direction, currency, count(*), sum(paid_amount) FROM invoices"
            f" WHERE paid_month = {month} AND NOT is_deleted",
            CHANGED: "NULL, currency, count(*), sum(coalesce(open_amount, 0) - coalesce(previous_open_amount, 0))"
            f" FROM invoice_changes WHERE {self._of_this_run()}",
        }
        return {
            question: [
                Line(SIDES.get(direction, ""), *rest)
                for direction, *rest in self._rows(f"SELECT {answer} GROUP BY 1, 2 ORDER BY 1 DESC, 2 NULLS LAST")
            ]
            for question, answer in answers.items()
        }

    def open_invoices(self) -> list[OpenInvoice]:
        """The invoices that are not settled: what is overdue first, and then the oldest."""
        return [
            OpenInvoice(*row)
            for row in self._rows(
                f"""SELECT direction, provider, coalesce(invoice_number, invoice_id), counterparty_name,
                    {day("issued_at")}, {day("due_at")}, days_overdue, coalesce(is_overdue, FALSE), state, currency,
                    total_amount, open_amount
                FROM open_invoices
                ORDER BY coalesce(days_overdue, 0) DESC, ageing_days DESC NULLS LAST, invoice_id"""
            )
        ]

    def changes(self) -> list[Change]:
        """What has changed since the run before."""
        return [
            Change(*row)
            for row in self._rows(
                f"""SELECT change, direction, provider, coalesce(invoice_number, invoice_id), counterparty_name,
                    previous_state, state, currency, total_amount, previous_open_amount, open_amount
                FROM invoice_changes WHERE {self._of_this_run()}
                ORDER BY change, stream, issued_at DESC NULLS LAST, invoice_id"""
            )
        ]

    def ageing(self) -> list[Aged]:
        """What is open by its age, which counts from the due date, else from issue."""
        return [
            Aged(*row)
            for row in self._rows(
                "SELECT direction, currency, ageing_bucket, count(*), sum(open_amount) FROM open_invoices"
                " GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2 NULLS LAST, min(ageing_days) NULLS LAST"
            )
        ]

    def counterparties(self) -> list[Counterparty]:
        """What is open by party, the largest amounts first."""
        return [
            Counterparty(*row)
            for row in self._rows(
                "SELECT direction, counterparty_name, currency, count(*), sum(open_amount),"
                " sum(open_amount) FILTER (WHERE is_overdue) FROM open_invoices"
                " GROUP BY 1, 2, 3 ORDER BY 1 DESC, 3 NULLS LAST, 5 DESC NULLS LAST, 2 NULLS LAST"
            )
        ]

    def counts(self) -> dict[str, dict[str, int]]:
        """For each stream how many invoices it has, are open, and have changed in which way in this run."""
        found: dict[str, dict[str, int]] = {}
        for query in (
            "SELECT stream, 'rows', count(*) FROM invoices WHERE NOT is_deleted GROUP BY 1",
            "SELECT stream, 'open', count(*) FROM open_invoices GROUP BY 1",
            "SELECT stream, 'settled', count(*) FROM invoices"
            " WHERE state IN ('paid', 'void', 'refunded') AND NOT is_deleted GROUP BY 1",
            "SELECT stream, 'with status', count(provider_status) FROM invoices GROUP BY 1",
            "SELECT stream, CASE change WHEN 'initial' THEN 'new' ELSE change END, count(*) FROM invoice_changes"
            " WHERE seen_at = (SELECT max(as_of) FROM invoices) GROUP BY 1, 2",
        ):
            for stream, kind, number in self._rows(query):
                found.setdefault(stream, {})[kind] = number
        return found

    def totals(self) -> list[tuple[str, str | None, int, Decimal | None]]:
        """For each stream and currency, how many invoices there are, and what they add up to."""
        return [
            (stream, currency, invoices, amount)
            for stream, currency, invoices, amount in self._rows(
                "SELECT stream, currency, count(*), sum(total_amount) FROM invoices WHERE NOT is_deleted"
                " GROUP BY 1, 2 ORDER BY 1, 2 NULLS LAST"
            )
        ]

    def _of_this_run(self) -> str:
        return "change <> 'initial' AND seen_at = (SELECT max(as_of) FROM invoices)"

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(query).fetchall()


@contextmanager
def open_books(database: Database) -> Iterator[Books]:
    """The books of a database."""
    with database.connect() as connection:
        connection.execute(f"SET search_path = 'held.{database.books}'")
        yield Books(connection)


def day(time: str) -> str:
    """SQL for the day of a time, in UTC."""
    return f"CAST({time} AT TIME ZONE 'UTC' AS DATE)"
