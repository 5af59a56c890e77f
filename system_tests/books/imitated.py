"""The connector's rows in PostgreSQL, in the forms of loaders that do not run here."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, sql
from psycopg.types.json import Json, Jsonb

from system_tests.books.loaders import Loader
from system_tests.books.ways import PostgresWay, Way
from system_tests.examples.workplace import CONNECTOR_ENVIRONMENT, KEYS
from tools.plain_sql.tables import DLT, SCHEMAS, Form, same

Row = dict[str, Any]

FORMS = {
    # As Airbyte's destination-postgres 3, in its PostgresColumnUtils.kt: the provider's names, and JSON for fields of
    # several types.
    "airbyte": Form(
        same,
        {**DLT.types, "number": "numeric", "union": "jsonb"},
        {
            "_airbyte_raw_id": "varchar",
            "_airbyte_extracted_at": "timestamptz",
            "_airbyte_meta": "jsonb",
            "_airbyte_generation_id": "bigint",
        },
    ),
    # No one's, with what no loader above does: numbers as floats, times as text, JSON as json and in a text.
    "plain": Form(
        str.lower,
        {**DLT.types, "number": "double precision", "datetime": "text", "object": "json", "array": "text"},
        {},
    ),
}


class Imitated(Loader):
    """The connector as a process, and its rows in the form that the schema is called like."""

    way: PostgresWay

    def __init__(self, config: Mapping[str, Any], folder: Path, way: Way) -> None:
        super().__init__(config, folder, way)
        self._states: dict[str, Any] = {}
        self._generation = 0

    def load(self, full_refresh: bool = False) -> None:
        self._generation += full_refresh
        rows = self._read([] if full_refresh else list(self._states.values()))
        with psycopg.connect(self.way.url) as connection:
            connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(self.way.schema)))
            for stream, found in rows.items():
                self._merge(connection, stream, {row[KEYS[stream]]: row for row in found}, full_refresh)

    def _read(self, states: list[Any]) -> dict[str, list[Row]]:
        catalog = [
            {
                "stream": {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]},
                "sync_mode": "incremental",
                "destination_sync_mode": "append_dedup",
            }
            for name in SCHEMAS
        ]
        files = {"config": self.config, "catalog": {"streams": catalog}, "state": states}
        for name, content in files.items():
            (self.folder / f"{name}.json").write_text(json.dumps(content), "utf-8")
        options = [f"--{name}={self.folder / name}.json" for name in files]
        command = [str(CONNECTOR_ENVIRONMENT / "source-invoices"), "read", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows: dict[str, list[Row]] = {name: [] for name in SCHEMAS}
        for line in done.stdout.splitlines():
            message = json.loads(line)
            if message["type"] == "RECORD":
                rows[message["record"]["stream"]].append(message["record"]["data"])
            elif message["type"] == "STATE":
                stream = message["state"]["stream"]
                self._states[stream["stream_descriptor"]["name"]] = {"type": "STREAM", "stream": stream}
        return rows

    def _merge(self, connection: Connection[Any], stream: str, rows: Mapping[Any, Row], replace: bool) -> None:
        """Merges rows by their keys into the table of a stream, or replaces all rows."""
        form = FORMS[self.way.schema]
        table = sql.Identifier(self.way.schema, stream)
        columns = form.columns(stream)
        definitions = [sql.Identifier(name) + sql.SQL(f" {kind}") for name, kind in columns.items()]
        connection.execute(sql.SQL("create table if not exists {} ({})").format(table, sql.SQL(", ").join(definitions)))
        key = sql.Identifier(form.rename(KEYS[stream]))
        delete = sql.SQL("delete from {} where %s or {} = any(%s)").format(table, key)
        connection.execute(delete, [replace, list(rows)])
        fields = SCHEMAS[stream]["properties"]
        own = {"_airbyte_raw_id": "", "_airbyte_generation_id": self._generation}
        values = [
            [*(written(form, field, row.get(name)) for name, field in fields.items()), *map(own.get, form.own)]
            for row in rows.values()
        ]
        places = sql.SQL(", ").join([sql.Placeholder()] * len(columns))
        with connection.cursor() as cursor:
            cursor.executemany(sql.SQL("insert into {} values ({})").format(table, places), values)


def written(form: Form, field: Mapping[str, Any], value: object) -> object:
    """A value as the driver takes it."""
    kind = form.type_of(field)
    if value is None:
        return None
    if kind in ("json", "jsonb"):
        return Json(value) if kind == "json" else Jsonb(value)
    return json.dumps(value) if isinstance(value, (dict, list)) else value
