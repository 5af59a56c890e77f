"""The invoices in the books, counted and added up as the pictures show them.

Amounts are never added up across currencies, nor across streams: what is paid out is no bill.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import duckdb

from demo.database import Database, text
from demo.streams import TITLES, Title
from demo.words import shown

AGES = (30, 60, 90, 180, 365)
"""Days; the last invoices are older than all of these."""


@dataclass(frozen=True)
class Group:
    """Invoices with one status and one currency, of one month or age.

    `place` is the month, counted from the year 0, or the number of the age; None for invoices without a date. `amount`
    is None where no invoice has one.
    """

    place: int | None
    status: str | None
    currency: str | None
    is_open: bool
    invoices: int
    amount: Decimal | None


@dataclass(frozen=True)
class StreamInvoices:
    """The invoices of a stream. `ages` has the open ones, with what is left to pay; `unreadable` counts those without
    an amount."""

    name: str
    title: Title
    rows: int
    unreadable: int
    has_status: bool
    months: list[Group]
    ages: list[Group]


def read_invoices(database: Database) -> list[StreamInvoices]:
    """The streams that the database holds."""
    with database.connect() as connection:
        held = [name for name in TITLES if database.has_table(connection, name)]
        connection.execute(f"SET search_path = 'held.{database.books}'")
        return [read_stream(connection, name) for name in held]


def read_stream(connection: duckdb.DuckDBPyConnection, name: str) -> StreamInvoices:
    """The invoices of one stream."""
    source = f"""(
        SELECT invoices.*, open_invoices.invoice_id IS NOT NULL AS is_open
        FROM invoices LEFT JOIN open_invoices USING (stream, invoice_id)
        WHERE stream = {text(name)} AND NOT invoices.is_deleted
    )"""
    counts = f"SELECT count(*), count(*) - count(total_amount), count(provider_status) FROM {source}"
    ((rows, unreadable, with_status),) = connection.execute(counts).fetchall()
    # To the time of the sync: a day that has only begun counts as a whole one between dates.
    days = "date_diff('day', issued_at AT TIME ZONE 'UTC', as_of AT TIME ZONE 'UTC')"
    age = "CASE " + " ".join(f"WHEN {days} <= {most} THEN {number}" for number, most in enumerate(AGES))
    return StreamInvoices(
        name,
        TITLES[name],
        rows,
        unreadable,
        has_status=with_status > 0,
        months=groups(connection, source, "year(issued_month) * 12 + month(issued_month) - 1", "total_amount", "TRUE"),
        ages=groups(
            connection, source, f"{age} WHEN {days} IS NOT NULL THEN {len(AGES)} END", "open_amount", "is_open"
        ),
    )


def groups(connection: duckdb.DuckDBPyConnection, source: str, place: str, amount: str, where: str) -> list[Group]:
    """The groups of these invoices, in the order of their places, those without a date at the end."""
    rows = connection.execute(
        f"SELECT {place} AS place, provider_status, currency, is_open, count(*), sum({amount}) FROM {source}"
        f" WHERE {where} GROUP BY ALL"
        " ORDER BY place NULLS LAST, currency NULLS LAST, is_open, provider_status"
    ).fetchall()
    return [
        Group(place, shown(status), shown(currency), is_open, invoices, amount)
        for place, status, currency, is_open, invoices, amount in rows
    ]
