"""The connector's rows in PostgreSQL, in the forms in which loaders leave them there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from psycopg import Connection, sql
from psycopg.types.json import Json, Jsonb

from tools.plain_sql.tables import DLT, SCHEMAS, Form, same

CONNECTOR = Path(sys.executable).parent / "source-invoices"
KEYS = dict.fromkeys(SCHEMAS, "uuid") | {"nexudus_payout_invoices": "Id", "payhubix_invoices": "link"}

Row = dict[str, Any]

FORMS = {
    # As dlt 1.31: snake case, times with a zone, JSON as jsonb.
    "dlt": DLT,
    # As MeltanoLabs' target-postgres 0.8: the provider's names, times without a zone, lists as arrays of jsonb.
    "singer": Form(
        same,
        {**DLT.types, "string": "text", "number": "numeric", "datetime": "timestamp", "array": "jsonb[]"},
        {"_sdc_extracted_at": "timestamp", "_sdc_deleted_at": "timestamp"},
    ),
    # Others: names in lower case, numbers as floats, times as text, lists as JSON in a text.
    "plain": Form(
        str.lower,
        {**DLT.types, "number": "double precision", "datetime": "text", "object": "json", "array": "text"},
        {"_airbyte_raw_id": "text"},
    ),
}


def written(form: Form, field: Mapping[str, Any], value: object) -> object:
    """A value as the driver takes it."""
    kind = form.type_of(field)
    if value is None:
        return None
    if kind == "jsonb[]":
        return [Jsonb(element) for element in value] if isinstance(value, list) else [Jsonb(value)]
    if kind in ("json", "jsonb"):
        return Json(value) if kind == "json" else Jsonb(value)
    return json.dumps(value) if isinstance(value, (dict, list)) else value


class Reader:
    """The connector as a process, with the state of its last read."""

    def __init__(self, config: Mapping[str, Any], folder: Path) -> None:
        self._folder = folder
        self._states: dict[str, Any] = {}
        (folder / "config.json").write_text(json.dumps(config), "utf-8")
        streams = [
            {
                "stream": {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]},
                "sync_mode": "incremental",
                "destination_sync_mode": "append_dedup",
            }
            for name in SCHEMAS
        ]
        (folder / "catalog.json").write_text(json.dumps({"streams": streams}), "utf-8")

    def read(self, full_refresh: bool = False) -> dict[str, list[Row]]:
        """The rows of each stream, those that are new or have changed since the last read at least."""
        state = [] if full_refresh else list(self._states.values())
        (self._folder / "state.json").write_text(json.dumps(state), "utf-8")
        options = [f"--{name}={self._folder / name}.json" for name in ("config", "catalog", "state")]
        done = subprocess.run([str(CONNECTOR), "read", *options], capture_output=True, text=True, check=True)
        rows: dict[str, list[Row]] = {name: [] for name in SCHEMAS}
        for line in done.stdout.splitlines():
            message = json.loads(line)
            if message["type"] == "RECORD":
                rows[message["record"]["stream"]].append(message["record"]["data"])
            elif message["type"] == "STATE":
                stream = message["state"]["stream"]
                self._states[stream["stream_descriptor"]["name"]] = {"type": "STREAM", "stream": stream}
        return rows


def load(
    connection: Connection, schema: str, rows: Mapping[str, list[Row]], load_id: int, replace: bool = False
) -> None:
    """Merges rows by their keys into the tables of a schema, which is called like its form; or replaces all rows."""
    form = FORMS[schema]
    connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
    for stream, found in rows.items():
        table = sql.Identifier(schema, stream)
        fields = SCHEMAS[stream]["properties"]
        columns = form.columns(stream)
        definitions = [sql.Identifier(name) + sql.SQL(f" {kind}") for name, kind in columns.items()]
        if replace:
            connection.execute(sql.SQL("drop table if exists {}").format(table))
        connection.execute(sql.SQL("create table if not exists {} ({})").format(table, sql.SQL(", ").join(definitions)))
        key = KEYS[stream]
        keys = [row[key] for row in found]
        connection.execute(
            sql.SQL("delete from {} where {} = any(%s)").format(table, sql.Identifier(form.rename(key))), [keys]
        )
        last = {row[key]: row for row in found}
        values = [
            [*(written(form, field, row.get(name)) for name, field in fields.items()), *own_values(form, load_id)]
            for row in last.values()
        ]
        places = sql.SQL(", ").join([sql.Placeholder()] * len(columns))
        with connection.cursor() as cursor:
            cursor.executemany(sql.SQL("insert into {} values ({})").format(table, places), values)
    connection.commit()


def own_values(form: Form, load_id: int) -> list[object]:
    """What the loader itself adds to a row."""
    return [str(load_id) if name in ("_dlt_load_id", "_airbyte_raw_id") else None for name in form.own]
