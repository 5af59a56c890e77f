"""The invoices in the database, counted and added up as the page shows them.

Amounts are never added up across currencies, nor across streams: what is paid out is no bill.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import duckdb

from demo.database import Database, count, texts
from demo.streams import COLUMNS, Columns

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
    settled: bool
    invoices: int
    amount: Decimal | None


@dataclass(frozen=True)
class StreamInvoices:
    """The invoices of a stream. `ages` has the open ones, with what is left to pay; `unreadable` counts those without
    an amount."""

    name: str
    columns: Columns
    rows: int
    unreadable: int
    months: list[Group]
    ages: list[Group]


def read_invoices(database: Database, now: datetime) -> list[StreamInvoices]:
    """The streams that the database holds. Ages are counted up to `now`, a time in UTC without a zone."""
    with database.connect() as connection:
        return [
            read_stream(connection, database.table(name), name, columns, now)
            for name, columns in COLUMNS.items()
            if database.has_table(connection, name)
        ]


def read_stream(
    connection: duckdb.DuckDBPyConnection, table: str, name: str, columns: Columns, now: datetime
) -> StreamInvoices:
    """The invoices of one stream."""
    settled = f"coalesce({columns.status} IN ({texts(columns.final)}), FALSE)" if columns.status else "TRUE"
    source = f"""(
        SELECT {columns.issued} AS issued, {columns.status or "NULL"} AS status, {settled} AS settled,
            {columns.currency or "NULL"} AS currency, {columns.amount} AS amount, {columns.left or "NULL"} AS remainder
        FROM {table}
    )"""
    days = f"date_diff('day', issued, TIMESTAMP '{now.isoformat(' ')}')"
    age = "CASE " + " ".join(f"WHEN {days} <= {most} THEN {number}" for number, most in enumerate(AGES))
    return StreamInvoices(
        name,
        columns,
        rows=count(connection, f"SELECT count(*) FROM {table}"),
        unreadable=count(connection, f"SELECT count(*) FROM {source} WHERE amount IS NULL"),
        months=groups(connection, source, "year(issued) * 12 + month(issued) - 1", "amount", "TRUE"),
        ages=groups(
            connection,
            source,
            f"{age} WHEN {days} IS NOT NULL THEN {len(AGES)} END",
            "coalesce(remainder, amount)",
            "NOT settled",
        ),
    )


def groups(connection: duckdb.DuckDBPyConnection, source: str, place: str, amount: str, where: str) -> list[Group]:
    """The groups of these invoices, in the order of their places, those without a date at the end."""
    rows = connection.execute(
        f"SELECT {place} AS place, status, currency, settled, count(*), sum({amount}) FROM {source} WHERE {where}"
        " GROUP BY ALL ORDER BY place NULLS LAST, currency NULLS LAST, settled DESC, status"
    ).fetchall()
    return [
        Group(place, shown(status), shown(currency), settled, invoices, amount)
        for place, status, currency, settled, invoices, amount in rows
    ]


def shown(text: str | None) -> str | None:
    """A text as the page can show it: what would be invisible, or would turn what follows around, is replaced."""
    hidden = {"Cc", "Cs", "Cn"}
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return text and "".join(
        "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(character) in hidden or unicodedata.bidirectional(character) in turning
        else character
        for character in text
    )
