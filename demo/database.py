"""The DuckDB file: what it holds, what is new in it, and when it was synced."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timezone
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from demo.accounts import Run
from demo.problem import Problem

if TYPE_CHECKING:
    from demo.sync import Stream

RUNS = "_demo_runs"
FINAL_STATUSES = ("paid", "cancelled", "canceled", "refunded", "expired", "partiallyexpired")
"""In lower case. Every other status counts as open, also one that nobody knows."""


@dataclass(frozen=True)
class Columns:
    """Where a stream keeps what the summary is about, as SQL."""

    amount: str
    currency: str | None = None
    status: str | None = "status"


COLUMNS = {
    "ipxo_payout_invoices": Columns("total"),
    "ipxo_invoices": Columns("total"),
    "ipxo_ecommerce_invoices": Columns("CAST(total ->> '$.amount' AS DECIMAL(38, 2))", "total ->> '$.currency'"),
    "nexudus_payout_invoices": Columns("amount", "invoicecurrencycode", None),
    "payhubix_invoices": Columns("currency_amount", "currency_symbol"),
}


@dataclass(frozen=True)
class StreamSummary:
    """A stream's rows. `opened` and `settled` are None where invoices have no status."""

    name: str
    rows: int
    new: int
    changed: int
    opened: int | None
    settled: int | None


@dataclass(frozen=True)
class Total:
    """The sum of a stream's amounts in one currency; None where a row names none."""

    stream: str
    currency: str | None
    rows: int
    amount: Decimal | None


class Database:
    """The DuckDB file. `schema` is where the tables are; `folder` is for what is known only during this run."""

    def __init__(self, path: Path, schema: str, folder: Path) -> None:
        self.path = path
        self.schema = schema
        self._before = folder / "before.duckdb"

    def runs(self) -> list[Run]:
        """The runs so far, oldest first."""
        if not self.path.exists():
            return []
        with self._connect() as connection:
            if not self._has_table(connection, RUNS):
                return []
            rows = connection.execute(f"SELECT started, rows, accounts FROM {self._table(RUNS)} ORDER BY started")
            return [Run(started.replace(tzinfo=timezone.utc), *rest) for started, *rest in rows.fetchall()]

    def remember(self, run: Run, streams: Sequence[Stream]) -> None:
        """Notes the run that begins, and what the streams hold before it."""
        with self._connect(writable=True) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS held.{self.schema}")
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {self._table(RUNS)} (started TIMESTAMP, rows BIGINT, accounts VARCHAR)"
            )
            values = [run.started.replace(tzinfo=None), run.rows, run.accounts]
            connection.execute(f"INSERT INTO {self._table(RUNS)} VALUES (?, ?, ?)", values)
            connection.execute(f"ATTACH {text(str(self._before))} AS before")
            for stream in streams:
                if self._has_table(connection, stream.name):
                    connection.execute(f"CREATE TABLE before.{quoted(stream.name)} AS {self._contents(stream)}")

    def summaries(self, streams: Sequence[Stream]) -> list[StreamSummary]:
        """Counts for each stream."""
        with self._connect() as connection:
            connection.execute(f"ATTACH {text(str(self._before))} AS before (READ_ONLY)")
            return [self._summary(connection, stream) for stream in streams if self._has_table(connection, stream.name)]

    def totals(self, streams: Sequence[Stream]) -> list[Total]:
        """Sums for each stream and currency."""
        found = []
        with self._connect() as connection:
            for stream in streams:
                if stream.name not in COLUMNS or not self._has_table(connection, stream.name):
                    continue
                columns = COLUMNS[stream.name]
                rows = connection.execute(
                    f"SELECT {columns.currency or 'NULL'} AS currency, count(*), sum({columns.amount})"
                    f" FROM {self._table(stream.name)} GROUP BY currency ORDER BY currency"
                ).fetchall()
                found += [Total(stream.name, *row) for row in rows]
        return found

    def query_line(self, streams: Sequence[Stream]) -> str:
        """A command that queries the database, with the interpreter that runs now: DuckDB's own may not be there."""
        stream = streams[0].name
        columns = COLUMNS.get(stream)
        group = columns and (columns.status or columns.currency)
        what = f"{group}, count(*) AS invoices, sum({columns.amount}) AS total" if columns and group else "count(*)"
        query = f"SELECT {what} FROM {self.schema}.{stream}{' GROUP BY ALL ORDER BY ALL' if group else ''}"
        path = json.dumps(str(self.path))
        # A connection without a name would be closed before its rows are fetched.
        code = f"import duckdb; data = duckdb.connect({path}, read_only=True); print(data.sql({json.dumps(query)}))"
        here = f"{Path.cwd()}{os.sep}"
        return shlex.join([sys.executable.removeprefix(here), "-c", code])

    def _summary(self, connection: duckdb.DuckDBPyConnection, stream: Stream) -> StreamSummary:
        rows = count(connection, f"SELECT count(*) FROM {self._table(stream.name)}")
        new, changed = rows, 0
        if self._has_table(connection, stream.name, "before", "main"):
            old = f"before.{quoted(stream.name)}"
            compared = f"({self._contents(stream)}) AS now LEFT JOIN {old} AS old USING (key)"
            new = count(connection, f"SELECT count(*) FROM {compared} WHERE old.content IS NULL")
            changed = count(connection, f"SELECT count(*) FROM {compared} WHERE old.content <> now.content")
        opened, settled = None, None
        if stream.name in COLUMNS and (status := COLUMNS[stream.name].status):
            final = ", ".join(text(name) for name in FINAL_STATUSES)
            where = f"WHERE lower({status}) IN ({final})"
            settled = count(connection, f"SELECT count(*) FROM {self._table(stream.name)} {where}")
            opened = rows - settled
        return StreamSummary(stream.name, rows, new, changed, opened, settled)

    def _contents(self, stream: Stream) -> str:
        """SQL for each row's key and a hash of what the provider sent, without the columns that PyAirbyte adds."""
        key = ", ".join(quoted(name) for name in stream.key)
        columns = "COLUMNS(name -> NOT starts_with(name, '_airbyte_'))"
        return f"SELECT hash({key}) AS key, hash(*{columns}) AS content FROM {self._table(stream.name)}"

    def _table(self, name: str) -> str:
        return f"held.{self.schema}.{quoted(name)}"

    def _has_table(
        self, connection: duckdb.DuckDBPyConnection, name: str, database: str = "held", schema: str | None = None
    ) -> bool:
        found = connection.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE database_name = ? AND schema_name = ? AND table_name = ?",
            [database, schema or self.schema, name],
        ).fetchone()
        return found is not None and found[0] > 0

    @contextmanager
    def _connect(self, writable: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection in which the file is called `held`, whatever its own name."""
        with duckdb.connect() as connection:
            try:
                connection.execute(f"ATTACH {text(str(self.path))} AS held{'' if writable else ' (READ_ONLY)'}")
            except duckdb.Error as error:
                reason = str(error).split("\n", maxsplit=1)[0]
                raise Problem(f"The database {self.path} cannot be opened. {reason}") from error
            yield connection


def count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """The one number that a query gives."""
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"
