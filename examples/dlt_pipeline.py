"""Brings invoices into a database or warehouse with dlt: at first everything, later what is new or has changed.

Needs Python 3.10 or later, `pip install 'dlt[duckdb]'` or another destination of dlt's, invoice_reader.py beside
this file, and the connector, in this environment or in one of its own (--executable).

    python dlt_pipeline.py config.json duckdb
    DESTINATION__POSTGRES__CREDENTIALS=postgresql://... python dlt_pipeline.py config.json postgres
    python dlt_pipeline.py config.json duckdb --full-refresh

Each stream is a table of the dataset, with one row an invoice. Rows and the state that stands for them are in one load,
and a state counts only if its load is whole. --full-refresh reads everything again and drops what the provider no
longer has, from the tables of the streams that are complete.
"""

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dlt
from dlt.pipeline.exceptions import PipelineStepFailed
from invoice_reader import Row, State, SyncFailed, discover, json_file, read

BATCH = 1000
"""How many rows are handed to dlt at once."""
DECIMAL = {"data_type": "decimal", "precision": 38, "scale": 9}
"""For every number: dlt would take the first one, which may be 0, for the type of all."""
ADDED = {
    "_airbyte_extracted_at": {"data_type": "timestamp"},
    # A sync may bring an invoice twice. The last one counts.
    "_place": {"data_type": "bigint", "dedup_sort": "desc"},
}
"""What a table has beside the fields of the provider: when the row was read, and as the how many-th of its sync."""


@dataclass
class Reading:
    """One sync: what it reads with, and what came of it."""

    config: dict[str, Any]
    executable: str
    streams: list[dict[str, Any]]
    anew: bool
    failure: SyncFailed | None = None

    @property
    def complete(self) -> list[str]:
        names = [stream["name"] for stream in self.streams]
        return names if self.failure is None else [name for name in names if name in self.failure.rows]


def resources(reading: Reading) -> list[Any]:
    """Each stream as dlt has it. One process reads them all, and each takes its part."""
    messages = dlt.resource(batches, name="messages", selected=False)(reading)
    return [messages | resource(stream) for stream in reading.streams]


def batches(reading: Reading) -> Iterator[list[tuple[int, Row | State]]]:
    """What the connector sends, numbered."""
    names = [stream["name"] for stream in reading.streams]
    states = [dlt.current.resource_state(name).get("airbyte") for name in names]
    earlier = [] if reading.anew else list(filter(None, states))
    batch: list[tuple[int, Row | State]] = []
    try:
        for numbered in enumerate(read(reading.config, names, earlier, reading.executable)):
            batch.append(numbered)
            if len(batch) == BATCH:
                yield batch
                batch = []
    except SyncFailed as failure:
        reading.failure = failure
    yield batch


def resource(stream: Mapping[str, Any]) -> Any:
    """The part of a stream: its rows, and its state in dlt's state of the resource, which is loaded with them.

    Rows that no state stands for come again with the next sync, so a stream that fails keeps what it has brought.
    """

    def rows(batch: list[tuple[int, Row | State]]) -> Iterator[list[dict[str, Any]]]:
        found = []
        for place, item in batch:
            if item.stream != stream["name"]:
                continue
            if isinstance(item, Row):
                found.append({**item.data, "_airbyte_extracted_at": item.sent, "_place": place})
            else:
                dlt.current.resource_state()["airbyte"] = item.content
        yield found

    return dlt.transformer(rows, name=stream["name"], **hints(stream))


def hints(stream: Mapping[str, Any], **added: Mapping[str, Any]) -> dict[str, Any]:
    """What dlt is told of a stream. added: columns that belong to its key, beside the provider's."""
    columns = {name: column(schema) for name, schema in stream["json_schema"]["properties"].items()}
    return {
        "columns": {**columns, **added, **deepcopy(ADDED)},
        "primary_key": [*added, *(name for path in stream["source_defined_primary_key"] for name in path)],
        "write_disposition": "merge",
        "max_table_nesting": 0,  # objects and lists stay what they are, as JSON
    }


def column(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A field's column."""
    types = {schema["type"]} if isinstance(schema["type"], str) else set(schema["type"])
    if "string" in types:  # which holds objects and lists too, as JSON
        return {"data_type": "timestamp" if schema.get("format") == "date-time" else "text"}
    if types & {"object", "array"}:
        return {"data_type": "json"}
    if "number" in types:
        return dict(DECIMAL)  # dlt writes into what it is given
    return {"data_type": "bigint" if "integer" in types else "bool"}


def drop_vanished(pipeline: Any, table: str, load: str) -> int:
    """Drops the rows that the load has not brought. Returns how many."""
    with pipeline.sql_client() as client:
        name = client.make_qualified_table_name(table)
        vanished = f"FROM {name} WHERE _dlt_load_id <> %s"
        ((number,),) = client.execute_sql(f"SELECT count(*) {vanished}", load)
        client.execute_sql(f"DELETE {vanished}", load)
    return int(number)


def sync(pipeline: Any, reading: Reading) -> None:
    """Loads the streams, and says of each what came of it."""
    if pipeline.has_pending_data:
        pipeline.run()  # what an earlier run has left, which dlt loads before anything else
    load = pipeline.run(resources(reading))
    rows_read = pipeline.last_trace.last_normalize_info.row_counts
    for name in reading.complete:
        dropped = drop_vanished(pipeline, name, load.loads_ids[0]) if reading.anew else 0
        print(f"{name}: {rows_read.get(name, 0)} rows read, {dropped} dropped")
    if reading.failure:
        raise reading.failure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path, help="the connector's configuration, a JSON file")
    parser.add_argument("destination", help="duckdb, postgres, or another destination of dlt's")
    parser.add_argument("streams", nargs="*", help="those to read; all if none is named")
    parser.add_argument("--dataset", default="raw", help="the schema or dataset for the tables")
    parser.add_argument("--full-refresh", action="store_true", help="read everything, and drop what is gone")
    parser.add_argument("--executable", default="source-invoices", help="the connector, if it is not on the PATH")
    options = parser.parse_args()

    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    pipeline = dlt.pipeline("invoices", destination=options.destination, dataset_name=options.dataset)
    try:
        config = json_file(options.config)
        found = {stream["name"]: stream for stream in discover(config, options.executable)}
        if unknown := set(options.streams) - found.keys():
            raise SyncFailed(f"There is no stream {unknown.pop()}. This configuration has {', '.join(found)}.")
        streams = [found[name] for name in options.streams or found]
        sync(pipeline, Reading(config, options.executable, streams, options.full_refresh))
    except (SyncFailed, PipelineStepFailed) as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))  # clears away the files with the configuration
    main()
