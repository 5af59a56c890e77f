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
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dlt
from dlt.pipeline.exceptions import PipelineStepFailed
from invoice_reader import Row, SyncFailed, discover, read

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
    """One sync: what it reads with, and which streams fail."""

    config: dict[str, Any]
    executable: str
    anew: bool
    failures: dict[str, str] = field(default_factory=dict)


def rows(stream: str, reading: Reading) -> Iterator[dict[str, Any]]:
    """The rows of a stream. The state is in dlt's state of the resource, which is loaded with them.

    Rows that no state stands for come again with the next sync, so a stream that fails keeps what it has brought.
    """
    state = dlt.current.resource_state()
    earlier = [state["airbyte"]] if "airbyte" in state and not reading.anew else []
    try:
        for place, item in enumerate(read(reading.config, [stream], earlier, reading.executable)):
            if isinstance(item, Row):
                yield {**item.data, "_airbyte_extracted_at": item.sent, "_place": place}
            else:
                state["airbyte"] = item.content
    except SyncFailed as failure:
        reading.failures[stream] = str(failure)


def resource(stream: Mapping[str, Any], reading: Reading) -> Any:
    """A stream as dlt has it."""
    keys = [name for path in stream["source_defined_primary_key"] for name in path]
    columns = {name: column(schema) for name, schema in stream["json_schema"]["properties"].items()}
    return dlt.resource(
        rows,
        name=stream["name"],
        columns={**columns, **deepcopy(ADDED)},
        primary_key=keys,
        write_disposition="merge",
        max_table_nesting=0,  # objects and lists stay what they are, as JSON
        parallelized=True,  # no stream waits for another
    )(stream["name"], reading)


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


def sync(pipeline: Any, streams: Sequence[Mapping[str, Any]], reading: Reading) -> None:
    """Loads the streams, and says of each what came of it."""
    if pipeline.has_pending_data:
        pipeline.run()  # what an earlier run has left, which dlt loads before anything else
    load = pipeline.run([resource(stream, reading) for stream in streams])
    rows_read = pipeline.last_trace.last_normalize_info.row_counts
    for name in (stream["name"] for stream in streams):
        if name in reading.failures:
            print(reading.failures[name], file=sys.stderr)
            continue
        dropped = drop_vanished(pipeline, name, load.loads_ids[0]) if reading.anew else 0
        print(f"{name}: {rows_read.get(name, 0)} rows read, {dropped} dropped")


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
    config = json.loads(options.config.read_text("utf-8"))
    reading = Reading(config, options.executable, options.full_refresh)
    pipeline = dlt.pipeline("invoices", destination=options.destination, dataset_name=options.dataset)
    try:
        found = {stream["name"]: stream for stream in discover(config, options.executable)}
        sync(pipeline, [found[name] for name in options.streams or found], reading)
    except KeyError as unknown:
        sys.exit(f"There is no stream {unknown} with this configuration. There are {', '.join(found)}.")
    except (SyncFailed, PipelineStepFailed) as failure:
        sys.exit(str(failure))
    sys.exit("Run again to go on from the last state." if reading.failures else 0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))  # clears away the files with the configuration
    main()
