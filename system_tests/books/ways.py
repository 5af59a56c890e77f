"""Databases for the connector's rows, and for the books made of them."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from psycopg.rows import dict_row

from system_tests.postgresql import Postgres
from tools.plain_sql.dbt import Dbt


class Way(ABC):
    """A database. `dbt` makes the books in it, in the schema `books`."""

    dbt: Dbt
    schema: str
    """Where the loader puts its tables."""
    url: str

    def make(self, as_of: datetime, *options: str, **variables: object) -> None:
        """Makes the books."""
        self.dbt.run("run", *options, variables=self._variables(as_of, variables))

    def build(self, as_of: datetime, unit_tests: bool = False) -> None:
        """Makes the books, and runs the package's tests of their data; those of its SQL are the same each time."""
        options = () if unit_tests else ("--exclude-resource-type=unit_test",)
        self.dbt.run("build", *options, variables=self._variables(as_of, {}))

    def _variables(self, as_of: datetime, more: Mapping[str, object]) -> dict[str, object]:
        return {"invoices_schema": self.schema, "as_of": as_of.isoformat(), **more}

    @abstractmethod
    def query(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query."""

    @abstractmethod
    def month(self, sql: str) -> tuple[Any, list[dict[str, Any]]]:
        """The month that the database has now, and the rows of a query at the same time."""

    @abstractmethod
    def copy(self, folder: Path) -> Way:
        """The same database once more."""

    def columns(self, stream: str) -> dict[str, str]:
        """The type of each column of a stream's table, as the database calls it."""
        rows = self.query(
            "select column_name, case data_type when 'ARRAY' then udt_name else data_type end as type,"
            " numeric_precision, numeric_scale from information_schema.columns"
            f" where table_schema = '{self.schema}' and table_name = '{stream}'"
        )
        return {row["column_name"]: _type(row) for row in rows}


def _type(row: Mapping[str, Any]) -> str:
    kind = str(row["type"]).lower()
    is_bounded = kind == "numeric" and row["numeric_precision"] is not None
    return f"{kind}({row['numeric_precision']}, {row['numeric_scale']})" if is_bounded else kind


class DuckDbWay(Way):
    """A DuckDB file."""

    def __init__(self, folder: Path, schema: str) -> None:
        self.path = folder / "invoices.duckdb"
        self.url = f"duckdb:///{self.path}"
        self.schema = schema
        self.dbt = Dbt("duckdb", folder, INVOICES_DUCKDB=str(self.path))

    def query(self, sql: str) -> list[dict[str, Any]]:
        with duckdb.connect(str(self.path), read_only=True) as connection:
            return rows_of(connection.execute(sql))

    def month(self, sql: str) -> tuple[Any, list[dict[str, Any]]]:
        with duckdb.connect(str(self.path), read_only=True) as connection:
            connection.execute("begin transaction")
            ((month,),) = connection.execute("select cast(date_trunc('month', current_date) as date)").fetchall()
            return month, rows_of(connection.execute(sql))

    def copy(self, folder: Path) -> DuckDbWay:
        copied = DuckDbWay(folder, self.schema)
        shutil.copyfile(self.path, copied.path)
        return copied


class PostgresWay(Way):
    """A database of the server."""

    def __init__(self, server: Postgres, database: str, schema: str, folder: Path) -> None:
        self.server = server
        self.database = database
        self.schema = schema
        self.url = server.url(database)
        self.dbt = Dbt("postgres", folder, **server.environment(database))

    def query(self, sql: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            return connection.execute(sql).fetchall()

    def month(self, sql: str) -> tuple[Any, list[dict[str, Any]]]:
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            (row,) = connection.execute("select cast(date_trunc('month', current_date) as date) as month").fetchall()
            return row["month"], connection.execute(sql).fetchall()

    def copy(self, folder: Path) -> PostgresWay:
        database = f"{self.database}_{folder.name}"
        self.server.execute(f'create database "{database}" template "{self.database}"')
        return PostgresWay(self.server, database, self.schema, folder)

    def execute(self, sql: str) -> None:
        """Statements that change something."""
        with psycopg.connect(self.url) as connection:
            connection.execute(sql)


def rows_of(result: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The rows of a DuckDB query."""
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
