"""Databases with the connector's rows, as different loaders leave them, and with the books made of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from psycopg.rows import dict_row

from system_tests.books.loaders import Row, load
from system_tests.postgresql import Postgres
from tools.plain_sql.dbt import HOME, Dbt

PROGRAMS = Path(sys.executable).parent


class Way(ABC):
    """A database. `dbt` makes the books in it, in the schema `books`."""

    dbt: Dbt
    variables: Mapping[str, Any]

    def make(self, as_of: datetime) -> None:
        """Makes the books."""
        self.dbt.run("run", variables={**self.variables, "as_of": as_of.isoformat()})

    def build(self, as_of: datetime, unit_tests: bool = False) -> None:
        """Makes the books, and runs the package's tests of their data; those of its SQL are the same each time."""
        options = () if unit_tests else ("--exclude-resource-type=unit_test",)
        self.dbt.run("build", *options, variables={**self.variables, "as_of": as_of.isoformat()})

    @abstractmethod
    def sync(self, rows: Mapping[str, list[Row]], number: int) -> None:
        """Brings what is new or has changed."""

    @abstractmethod
    def query(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query."""

    @abstractmethod
    def month(self, sql: str) -> tuple[Any, list[dict[str, Any]]]:
        """The month that the database has now, and the rows of a query at the same time."""


class DuckDbWay(Way):
    """A DuckDB file, which PyAirbyte fills: it runs the connector itself."""

    def __init__(self, config: Mapping[str, Any], folder: Path) -> None:
        self.path = folder / "invoices.duckdb"
        self._config = folder / "config.json"
        self._config.write_text(json.dumps(config), "utf-8")
        self.dbt = Dbt("duckdb", folder, INVOICES_DUCKDB=str(self.path))
        self.variables = {}

    def sync(self, rows: Mapping[str, list[Row]], number: int) -> None:
        command = [sys.executable, str(HOME / "examples" / "pyairbyte_duckdb.py"), str(self._config), str(self.path)]
        environment = {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"}
        subprocess.run(command, env=environment, check=True, capture_output=True)

    def query(self, sql: str) -> list[dict[str, Any]]:
        with duckdb.connect(str(self.path), read_only=True) as connection:
            return rows_of(connection.execute(sql))

    def month(self, sql: str) -> tuple[Any, list[dict[str, Any]]]:
        with duckdb.connect(str(self.path), read_only=True) as connection:
            connection.execute("begin transaction")
            ((month,),) = connection.execute("select cast(date_trunc('month', current_date) as date)").fetchall()
            return month, rows_of(connection.execute(sql))

    def execute(self, sql: str) -> None:
        """Statements that change something."""
        with duckdb.connect(str(self.path)) as connection:
            connection.execute(sql)


class PostgresWay(Way):
    """A database of the server. `form` is how the loader writes, and the schema of its tables."""

    def __init__(self, server: Postgres, database: str, form: str, folder: Path) -> None:
        self.url = server.url(database)
        self.form = form
        self.dbt = Dbt("postgres", folder, **server.environment(database))
        self.variables = {"invoices_schema": form}

    def sync(self, rows: Mapping[str, list[Row]], number: int) -> None:
        with psycopg.connect(self.url) as connection:
            load(connection, self.form, rows, number)

    def replace(self, rows: Mapping[str, list[Row]], number: int) -> None:
        """A full refresh that replaces the tables."""
        with psycopg.connect(self.url) as connection:
            load(connection, self.form, rows, number, replace=True)

    def query(self, sql: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            return connection.execute(sql).fetchall()

    def month(self, sql: str) -> tuple[Any, list[dict[str, Any]]]:
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            (row,) = connection.execute("select cast(date_trunc('month', current_date) as date) as month").fetchall()
            return row["month"], connection.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        """Statements that change something."""
        with psycopg.connect(self.url) as connection:
            connection.execute(sql)


def rows_of(result: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The rows of a DuckDB query."""
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
