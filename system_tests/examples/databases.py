"""Databases that examples write to, asked in SQL, and what they should hold to the cent."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from sandbox import Sandbox
from system_tests.examples.workplace import KEYS, ORCHESTRATORS, ROOT, Values, changing_field
from system_tests.postgresql import Postgres

Sums = dict[str, dict[str, Decimal]]
"""For each stream, what each amount adds up to."""

DUCKDB = """
import duckdb, json, sys
found = duckdb.connect(sys.argv[1], read_only=True).execute(sys.argv[2])
names = [column[0] for column in found.description]
print(json.dumps([dict(zip(names, row)) for row in found.fetchall()], default=str))
"""


def amounts(stream: str) -> list[str]:
    """The fields of a stream that are amounts of money: numbers, or objects that have one as text."""
    fields = json.loads((ROOT / "schemas" / f"{stream}.json").read_text())["properties"]
    return [
        name
        for name, schema in fields.items()
        if "number" in schema["type"] or "amount" in schema.get("properties", ())
    ]


def true_sums(sandbox: Sandbox) -> Sums:
    """What the amounts of all invoices add up to at the providers."""

    def amount(value: Any) -> Decimal:
        return Decimal(str((value["amount"] if isinstance(value, dict) else value) or 0))

    return {
        stream: {name: sum((amount(row[name]) for row in table.rows()), Decimal(0)) for name in amounts(stream)}
        for stream, table in sandbox.tables.items()
    }


class Database(Protocol):
    """Something that can be asked."""

    def query(self, sql: str) -> list[dict[str, Any]]: ...


@dataclass
class DuckDB:
    """A file, opened by the DuckDB of the examples' environment."""

    file: Path

    def query(self, sql: str) -> list[dict[str, Any]]:
        command = [str(ORCHESTRATORS / "python"), "-c", DUCKDB, str(self.file), sql]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return rows


@dataclass
class PostgresDatabase:
    """A database of a server."""

    server: Postgres
    name: str

    def query(self, sql: str) -> list[dict[str, Any]]:
        return self.server.query(sql, self.name)


def sums_in(database: Database, schema: str, column: Callable[[str], str]) -> Sums:
    """What the amounts add up to in the tables. column: what a field's column is called."""
    found: Sums = {}
    for stream in KEYS:
        objects = {name for name in amounts(stream) if stream == "ipxo_ecommerce_invoices"}
        terms = [
            f"CAST(sum(CAST({column(name)}{'->>' + repr('amount') if name in objects else ''} AS decimal(38, 9)))"
            f' AS text) AS "{name}"'
            for name in amounts(stream)
        ]
        (row,) = database.query(f"SELECT {', '.join(terms)} FROM {schema}.{stream}")
        found[stream] = {name: Decimal(row[name]) for name in amounts(stream)}
    return found


def values_in(database: Database, schema: str, column: Callable[[str], str]) -> Values:
    """What each invoice has in the field that changes, as `Accounts.values`; each invoice stands there once."""
    found: Values = {}
    for stream, key in KEYS.items():
        field = changing_field(stream)
        rows = database.query(f'SELECT {column(key)} AS "key", {column(field)} AS "value" FROM {schema}.{stream}')
        is_number = stream == "nexudus_payout_invoices"
        found[stream] = {row["key"]: float(row["value"]) if is_number else row["value"] for row in rows}
        assert len(rows) == len(found[stream])
    return found
