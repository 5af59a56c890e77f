"""The DuckDB file: what it holds, what is new in it, and when it was synced."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from demo.accounts import Run
from demo.problem import Problem
from demo.streams import COLUMNS

if TYPE_CHECKING:
    from demo.sync import Stream

RUNS = "_demo_runs"
STREAM_SYNCS = "_demo_stream_syncs"


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


@dataclass(frozen=True)
class StreamSync:
    """How a run read a stream. Times are in UTC, and None where the connector told of none; `failure` says why the
    stream was not completed."""

    name: str
    rows: int
    began: datetime | None
    ended: datetime | None
    failure: str | None

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.began is None or self.ended is None else (self.ended - self.began).total_seconds()


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
        with self.connect() as connection:
            if not self.has_table(connection, RUNS):
                return []
            rows = connection.execute(f"SELECT started, rows, accounts FROM {self.table(RUNS)} ORDER BY started")
            return [Run(started.replace(tzinfo=timezone.utc), *rest) for started, *rest in rows.fetchall()]

    def remember(self, run: Run, streams: Sequence[Stream]) -> None:
        """Notes the run that begins, and what the streams hold before it."""
        with self.connect(writable=True) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS held.{self.schema}")
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {self.table(RUNS)} (started TIMESTAMP, rows BIGINT, accounts VARCHAR)"
            )
            values = [run.started.replace(tzinfo=None), run.rows, run.accounts]
            connection.execute(f"INSERT INTO {self.table(RUNS)} VALUES (?, ?, ?)", values)
            connection.execute(f"ATTACH {text(str(self._before))} AS before")
            for stream in streams:
                if self.has_table(connection, stream.name):
                    connection.execute(f"CREATE TABLE before.{quoted(stream.name)} AS {self._contents(stream)}")

    def remember_streams(self, run: Run, syncs: Sequence[StreamSync]) -> None:
        """Notes how the run that ends has read its streams."""
        with self.connect(writable=True) as connection:
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {self.table(STREAM_SYNCS)}"
                " (run TIMESTAMP, name VARCHAR, rows BIGINT, began TIMESTAMP, ended TIMESTAMP, failure VARCHAR)"
            )
            for sync in syncs:
                values = [run.started.replace(tzinfo=None), *astuple(sync)]
                connection.execute(f"INSERT INTO {self.table(STREAM_SYNCS)} VALUES (?, ?, ?, ?, ?, ?)", values)

    def stream_syncs(self, run: Run) -> list[StreamSync]:
        """How a run has read its streams, in the order of the connector."""
        with self.connect() as connection:
            if not self.has_table(connection, STREAM_SYNCS):
                return []
            rows = connection.execute(
                f"SELECT * EXCLUDE (run) FROM {self.table(STREAM_SYNCS)} WHERE run = ? ORDER BY rowid",
                [run.started.replace(tzinfo=None)],
            )
            return [StreamSync(*row) for row in rows.fetchall()]

    def summaries(self, streams: Sequence[Stream]) -> list[StreamSummary]:
        """Counts for each stream."""
        with self.connect() as connection:
            connection.execute(f"ATTACH {text(str(self._before))} AS before (READ_ONLY)")
            return [self._summary(connection, stream) for stream in streams if self.has_table(connection, stream.name)]

    def totals(self, streams: Sequence[Stream]) -> list[Total]:
        """Sums for each stream and currency."""
        found = []
        with self.connect() as connection:
            for stream in streams:
                if stream.name not in COLUMNS or not self.has_table(connection, stream.name):
                    continue
                columns = COLUMNS[stream.name]
                rows = connection.execute(
                    f"SELECT {columns.currency or 'NULL'} AS currency, count(*), sum({columns.amount})"
                    f" FROM {self.table(stream.name)} GROUP BY currency ORDER BY currency"
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
        rows = count(connection, f"SELECT count(*) FROM {self.table(stream.name)}")
        new, changed = rows, 0
        if self.has_table(connection, stream.name, "before", "main"):
            old = f"before.{quoted(stream.name)}"
            compared = f"({self._contents(stream)}) AS now LEFT JOIN {old} AS old USING (key)"
            new = count(connection, f"SELECT count(*) FROM {compared} WHERE old.content IS NULL")
            changed = count(connection, f"SELECT count(*) FROM {compared} WHERE old.content <> now.content")
        opened, settled = None, None
        if stream.name in COLUMNS and (status := COLUMNS[stream.name].status):
            where = f"WHERE {status} IN ({texts(COLUMNS[stream.name].final)})"
            settled = count(connection, f"SELECT count(*) FROM {self.table(stream.name)} {where}")
            opened = rows - settled
        return StreamSummary(stream.name, rows, new, changed, opened, settled)

    def _contents(self, stream: Stream) -> str:
        """SQL for each row's key and a hash of what the provider sent, without the columns that PyAirbyte adds."""
        key = ", ".join(quoted(name) for name in stream.key)
        columns = "COLUMNS(name -> NOT starts_with(name, '_airbyte_'))"
        return f"SELECT hash({key}) AS key, hash(*{columns}) AS content FROM {self.table(stream.name)}"

    def table(self, name: str) -> str:
        """A table of this database in SQL."""
        return f"held.{self.schema}.{quoted(name)}"

    def has_table(
        self, connection: duckdb.DuckDBPyConnection, name: str, database: str = "held", schema: str | None = None
    ) -> bool:
        """Whether there is such a table."""
        found = connection.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE database_name = ? AND schema_name = ? AND table_name = ?",
            [database, schema or self.schema, name],
        ).fetchone()
        return found is not None and found[0] > 0

    @contextmanager
    def connect(self, writable: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
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


def texts(values: Iterable[str]) -> str:
    """Texts in SQL, as a list."""
    return ", ".join(text(value) for value in values)
