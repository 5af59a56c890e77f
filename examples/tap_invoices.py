#!/usr/bin/env python3
"""A Singer tap around source-invoices, for Meltano (see meltano.yml) and every Singer target.

Needs Python 3.10 or later, invoice_reader.py beside this file, and the connector. The configuration has the connector's
own as `source`, and its `executable` unless that is on the PATH. Messages leave in the order in which the connector
writes them: a state never before the rows that it stands for.

A stream without a state is read whole. When it is complete, an ACTIVATE_VERSION message lets the target drop, or mark
as deleted, what has not come.

    ./tap_invoices.py --config tap.json --discover > catalog.json
    ./tap_invoices.py --config tap.json --catalog catalog.json --state state.json | target-...
"""

import argparse
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from invoice_reader import Row, SyncFailed, discover, json_file, read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=_file, required=True)
    parser.add_argument("--discover", action="store_true")
    parser.add_argument("--catalog", type=_file)
    parser.add_argument("--state", type=_file, default={})
    options = parser.parse_args()
    if not options.discover and options.catalog is None:
        parser.error("one of --discover and --catalog is needed")
    if not isinstance(options.config, dict) or "source" not in options.config:
        parser.error("the configuration has no key `source` with that of the connector")
    executable = options.config.get("executable", "source-invoices")
    config = options.config["source"]
    try:
        if options.discover:
            streams = [_entry(stream) for stream in discover(config, executable)]
            print(json.dumps({"streams": streams}, indent=2))
        else:
            _read(config, options.catalog, options.state.get("bookmarks", {}), executable)
    except SyncFailed as failure:
        sys.exit(str(failure))


def _read(config: dict[str, Any], catalog: dict[str, Any], bookmarks: dict[str, Any], executable: str) -> None:
    chosen = [entry for entry in catalog["streams"] if _is_chosen(entry)]
    streams = [entry["tap_stream_id"] for entry in chosen]
    version = time.time_ns() // 1_000_000
    whole = {name: {"version": version} for name in streams if name not in bookmarks}
    failure: SyncFailed | None = None
    for entry in chosen:
        _write("SCHEMA", stream=entry["tap_stream_id"], schema=entry["schema"], key_properties=entry["key_properties"])
    try:
        for item in read(config, streams, list(bookmarks.values()), executable):
            if isinstance(item, Row):
                sent = item.sent.isoformat()
                _write(
                    "RECORD", stream=item.stream, record=item.data, time_extracted=sent, **whole.get(item.stream, {})
                )
            else:
                bookmarks[item.stream] = item.content
                _write("STATE", value={"bookmarks": bookmarks})
    except SyncFailed as raised:
        failure = raised
    for name in failure.rows if failure else streams:
        if name in whole:
            _write("ACTIVATE_VERSION", stream=name, version=version)
    if failure:
        raise failure


def _file(path: str) -> Any:
    try:
        return json_file(Path(path))
    except SyncFailed as failure:
        raise argparse.ArgumentTypeError(str(failure)) from None


def _entry(stream: dict[str, Any]) -> dict[str, Any]:
    """A stream as a Singer catalog has it."""
    keys = [name for path in stream["source_defined_primary_key"] for name in path]
    return {
        "tap_stream_id": stream["name"],
        "stream": stream["name"],
        "schema": stream["json_schema"],
        "key_properties": keys,
        "metadata": [{"breadcrumb": [], "metadata": {"inclusion": "available", "table-key-properties": keys}}],
    }


def _is_chosen(entry: dict[str, Any]) -> bool:
    (metadata,) = [item["metadata"] for item in entry["metadata"] if not item["breadcrumb"]]
    return bool(metadata.get("selected"))


def _write(kind: str, **content: Any) -> None:
    print(json.dumps({"type": kind, **content}), flush=kind == "STATE")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))  # clears away the files with the configuration
    main()
