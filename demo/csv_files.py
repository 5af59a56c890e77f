"""The books as CSV files beside the database, for a spreadsheet."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from demo.books import Aged, Counterparty, Line, open_books
from demo.database import Database

TABLES = ("invoices", "open_invoices", "invoice_changes", "invoice_months", "invoice_lines")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What begins like this is a formula to a spreadsheet, which may do harm: it is a provider's text. The last four
are the wide forms, which some spreadsheets take for the usual ones."""


def write_csv(database: Database, folder: Path) -> None:
    """Writes each table of the books, and the answers that the page gives."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with database.connect() as connection:
        # Times leave as text in UTC, so that nothing depends on the zone of this machine.
        connection.execute("SET TimeZone = 'UTC'")
        for table in TABLES:
            name = f"held.{database.books}.{table}"
            columns = connection.execute(f"SELECT * FROM {name} LIMIT 0").description or ()
            result = connection.execute(f"SELECT COLUMNS(*)::VARCHAR FROM {name} ORDER BY ALL")
            numbers = [column[1] == "NUMBER" for column in columns]
            rows = (
                [value if number else harmless(value) for number, value in zip(numbers, row, strict=True)]
                for row in iter(result.fetchone, None)
            )
            write(folder / f"{table}.csv", [column[0] for column in columns], rows)
    with open_books(database) as books:
        headline = books.headline()
        lines = [[question, *astuple(line)] for question, found in headline.items() for line in found]
        write(folder / "headline.csv", ["question", *names(Line)], map(harmless_row, lines))
        write(folder / "ageing.csv", names(Aged), map(harmless_row, map(astuple, books.ageing())))
        write(
            folder / "counterparties.csv", names(Counterparty), map(harmless_row, map(astuple, books.counterparties()))
        )


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a file that only its owner may read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(handle, 0o600)
    with os.fdopen(handle, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def names(kind: type[Any]) -> list[str]:
    """The fields of a dataclass."""
    return [field.name for field in fields(kind)]


def harmless_row(row: Sequence[object]) -> list[object]:
    """Values whose texts are harmless."""
    return [harmless(value) if isinstance(value, str) else value for value in row]


def harmless(value: str | None) -> str | None:
    """A text that no spreadsheet takes for a formula."""
    return f"'{value}" if value and value.startswith(FORMULA) else value
