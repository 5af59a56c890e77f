"""dlt's rest_api source, its rows written as JSON lines: `python -m benchmarks.read_dlt CONFIG STREAM`."""

import json
import sys
from pathlib import Path

import orjson
from dlt.sources.rest_api import rest_api_source

from benchmarks.lists import invoice_list


def main(config_path: str, stream: str) -> None:
    invoices = invoice_list(stream, json.loads(Path(config_path).read_text()))
    paginator = {"type": "page_number", "base_page": 1, "page_param": "page", "total_path": ".".join(invoices.pages)}
    endpoint = {
        "path": invoices.path.lstrip("/"),
        "params": dict(invoices.parameters),
        "data_selector": ".".join(invoices.rows),
        "paginator": paginator,
    }
    client = {"base_url": f"{invoices.base}/", "headers": dict(invoices.headers)}
    resource = {"name": stream, "primary_key": invoices.key, "endpoint": endpoint}
    source = rest_api_source({"client": client, "resources": [resource]})  # type: ignore[typeddict-item]
    for row in source.resources[stream]:
        sys.stdout.buffer.write(orjson.dumps({"type": "RECORD", "record": {"stream": stream, "data": row}}) + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
