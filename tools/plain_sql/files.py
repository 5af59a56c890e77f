"""Writes dbt/sql from what dbt compiles. It needs dbt and PostgreSQL."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from system_tests.postgresql import Postgres
from tools.plain_sql.dbt import PROJECT, Dbt
from tools.plain_sql.tables import DLT, PYAIRBYTE, SCHEMAS, Form, definition

FOLDER = PROJECT / "sql"
HISTORY = "invoice_history"
NOTE = """\
-- {title}
-- Made from the models of the dbt package by `make sql`. Run it after each sync, as one transaction:
--
{how}
--
-- books is the schema that is made, and {schema} that of the loader. A stream that is not synced has no table there:
-- make an empty one with {name}_streams.sql. ipxo_currency and as_of are settings of the session, see docs/books.md.
"""
STREAMS_NOTE = """\
-- {title}
-- Empty tables for the streams that are not synced, to be made in the schema of the loader. Tables that are there stay.
"""
DUCKDB_HOW = """\
--     create schema if not exists books; set search_path = 'books,main'; begin; .read dbt/sql/duckdb.sql; commit;"""
POSTGRES_HOW = """\
--     psql -1 -c 'create schema if not exists books' -c 'set search_path to books, raw' -f dbt/sql/postgres.sql"""


@dataclass(frozen=True)
class Database:
    """One of the two databases, with empty tables of a loader."""

    name: str
    title: str
    how: str
    schema: str
    form: Form
    replace: str
    """What makes a table anew, up to its name."""

    def write(self, folder: Path, dbt: Dbt, types: dict[str, str]) -> None:
        """Writes the files. `types`: those of the columns of the history."""
        note = NOTE.format(title=self.title, how=self.how, schema=self.schema, name=self.name)
        statements = [self.statement(name, sql, types) for name, sql in models(dbt)]
        (folder / f"{self.name}.sql").write_text("\n".join([note, *statements]), "utf-8")
        streams = "\n".join([STREAMS_NOTE.format(title=self.title), *(definition(name, self.form) for name in SCHEMAS)])
        (folder / f"{self.name}_streams.sql").write_text(streams, "utf-8")

    def statement(self, name: str, sql: str, types: dict[str, str]) -> str:
        """What a model does."""
        if name != HISTORY:
            return f"{self.replace.format(name=name)} as\n{sql};\n"
        columns = ",\n".join(f"    {column} {kind}" for column, kind in types.items())
        return f"create table if not exists {name} (\n{columns}\n);\n\ninsert into {name}\n{sql};\n"


DUCKDB = Database(
    "duckdb", "The books in DuckDB, from the tables of PyAirbyte.", DUCKDB_HOW, "main", PYAIRBYTE,
    "create or replace table {name}",
)  # fmt: skip
POSTGRES = Database(
    "postgres", "The books in PostgreSQL, from the tables of dlt.", POSTGRES_HOW, "raw", DLT,
    "drop table if exists {name};\n\ncreate table {name}",
)  # fmt: skip


def models(dbt: Dbt) -> list[tuple[str, str]]:
    """The models that dbt has compiled, in an order in which each comes after those that it needs. The names of tables
    are without database and schema."""
    manifest = json.loads((dbt.folder / "target" / "manifest.json").read_text("utf-8"))
    nodes: dict[str, Any] = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    done: list[str] = []
    while len(done) < len(nodes):
        done += sorted(
            key
            for key, node in nodes.items()
            if key not in done and all(need in done for need in node["depends_on"]["nodes"] if need in nodes)
        )
    compiled = dbt.compiled()
    return [(nodes[key]["name"], unqualified(compiled[nodes[key]["name"]])) for key in done]


def unqualified(sql: str) -> str:
    """SQL whose tables are found in the search path."""
    return re.sub(r'"\w+"\."\w+"\."(\w+)"', r"\1", sql).strip()


def compile_models(dbt: Dbt, **variables: str) -> None:
    """Compiles the models as they are from the second run on: then the history is there."""
    dbt.run("run", variables=variables)
    dbt.run("compile", variables=variables)


def write_duckdb(target: Path) -> None:
    """Writes the files for DuckDB into a folder."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "invoices.duckdb"
        with duckdb.connect(str(path)) as connection:
            for stream in SCHEMAS:
                connection.execute(definition(stream, PYAIRBYTE))
        dbt = Dbt("duckdb", Path(folder), INVOICES_DUCKDB=str(path))
        compile_models(dbt)
        with duckdb.connect(str(path)) as connection:
            described = connection.execute(f"describe books.{HISTORY}").fetchall()
        DUCKDB.write(target, dbt, {row[0]: row[1].lower() for row in described})


def write_postgres(target: Path, server: Postgres) -> None:
    """Writes the files for PostgreSQL into a folder."""
    with tempfile.TemporaryDirectory() as folder:
        server.create("compiled")
        server.execute("create schema raw", "compiled")
        for stream in SCHEMAS:
            server.execute("set search_path to raw; " + definition(stream, DLT), "compiled")
        dbt = Dbt("postgres", Path(folder), **server.environment("compiled"))
        compile_models(dbt, invoices_schema="raw")
        columns = server.query(
            "select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute"
            f" where attrelid = 'books.{HISTORY}'::regclass and attnum > 0 order by attnum",
            "compiled",
        )
        POSTGRES.write(target, dbt, {row["name"]: row["type"] for row in columns})


def main() -> None:
    """Writes the files."""
    FOLDER.mkdir(exist_ok=True)
    write_duckdb(FOLDER)
    with Postgres() as server:
        write_postgres(FOLDER, server)
    print(f"{FOLDER} holds the models as plain SQL.")
