#!/usr/bin/env python3
"""A Singer tap around source-invoices, for Meltano (see meltano.yml) and every Singer target.

Needs Python 3.10 or later, invoice_files.py beside this file, and the connector. The configuration has the connector's
own as `source`, and its `executable` unless that is on the PATH. Messages leave in the order in which the connector
writes them: a state never before the rows that it stands for.

    ./tap_invoices.py --config tap.json --discover > catalog.json
    ./tap_invoices.py --config tap.json --catalog catalog.json --state state.json | target-...
"""

import argparse
import json
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from invoice_files import configured_catalog, connector


def main() -> int:
    """Returns the connector's exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=_file, required=True)
    parser.add_argument("--discover", action="store_true")
    parser.add_argument("--catalog", type=_file)
    parser.add_argument("--state", type=_file, default={})
    options = parser.parse_args()
    executable = options.config.get("executable", "source-invoices")
    files: dict[str, Any] = {"config": options.config["source"]}
    if options.discover:
        with connector(executable, "discover", **files) as process:
            for message in _messages(process.stdout or ()):
                if message["type"] == "CATALOG":
                    streams = [_entry(stream) for stream in message["catalog"]["streams"]]
                    print(json.dumps({"streams": streams}, indent=2))
            return process.wait()
    chosen = [entry for entry in options.catalog["streams"] if _is_chosen(entry)]
    bookmarks: dict[str, Any] = options.state.get("bookmarks", {})
    files["catalog"] = configured_catalog(entry["tap_stream_id"] for entry in chosen)
    files["state"] = list(bookmarks.values())
    for entry in chosen:
        _write("SCHEMA", stream=entry["tap_stream_id"], schema=entry["schema"], key_properties=entry["key_properties"])
    with connector(executable, "read", **files) as process:
        for message in _messages(process.stdout or ()):
            if message["type"] == "RECORD":
                _write("RECORD", stream=message["record"]["stream"], record=message["record"]["data"])
            elif message["type"] == "STATE":
                stream = message["state"]["stream"]
                bookmarks[stream["stream_descriptor"]["name"]] = {"type": "STREAM", "stream": stream}
                _write("STATE", value={"bookmarks": bookmarks})
        return process.wait()


def _file(path: str) -> Any:
    return json.loads(Path(path).read_text("utf-8"))


def _messages(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    """The connector's messages; its errors go to standard error."""
    for line in lines:
        message = json.loads(line)
        if message["type"] == "TRACE" and message["trace"]["type"] == "ERROR":
            print(message["trace"]["error"]["message"], file=sys.stderr)
        yield message


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
    sys.exit(main())
