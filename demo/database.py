"""The DuckDB file: how it is opened, and when it was synced."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import datetime, timezone
from pathlib import Path

import duckdb

from demo.accounts import Run
from demo.problem import Problem

RUNS = "_demo_runs"
STREAM_SYNCS = "_demo_stream_syncs"


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
    """The DuckDB file. `schema` is where the tables of the streams are, and `books` where the books are."""

    def __init__(self, path: Path, schema: str, books: str) -> None:
        self.path = path
        self.schema = schema
        self.books = books

    def runs(self) -> list[Run]:
        """The runs so far, oldest first."""
        if not self.path.exists():
            return []
        with self.connect() as connection:
            if not self.has_table(connection, RUNS):
                return []
            rows = connection.execute(f"SELECT started, rows, accounts FROM {self.table(RUNS)} ORDER BY started")
            return [Run(started.replace(tzinfo=timezone.utc), *rest) for started, *rest in rows.fetchall()]

    def remember(self, run: Run) -> None:
        """Notes the run that begins."""
        with self.connect(writable=True) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS held.{self.schema}")
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {self.table(RUNS)} (started TIMESTAMP, rows BIGINT, accounts VARCHAR)"
            )
            values = [run.started.replace(tzinfo=None), run.rows, run.accounts]
            connection.execute(f"INSERT INTO {self.table(RUNS)} VALUES (?, ?, ?)", values)

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

    def query_line(self) -> str:
        """A command that queries the books, with the interpreter that runs now: DuckDB's own may not be there."""
        query = (
            "SELECT direction, currency, count(*) AS invoices, sum(open_amount) AS open"
            f" FROM {self.books}.open_invoices GROUP BY ALL ORDER BY ALL"
        )
        path = json.dumps(str(self.path))
        # A connection without a name would be closed before its rows are fetched.
        code = f"import duckdb; data = duckdb.connect({path}, read_only=True); print(data.sql({json.dumps(query)}))"
        here = f"{Path.cwd()}{os.sep}"
        return shlex.join([sys.executable.removeprefix(here), "-c", code])

    def table(self, name: str) -> str:
        """A table of this database in SQL."""
        return f"held.{self.schema}.{quoted(name)}"

    def has_table(self, connection: duckdb.DuckDBPyConnection, name: str) -> bool:
        """Whether there is such a table."""
        found = connection.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE database_name = 'held' AND schema_name = ? AND table_name = ?",
            [self.schema, name],
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


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"
