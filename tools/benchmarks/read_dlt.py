"""dlt's rest_api source: `python -m tools.benchmarks.read_dlt CONFIG STREAM [DATABASE]`.

The rows are written as JSON lines, or loaded into a DuckDB file.
"""

import json
import sys
from pathlib import Path

import dlt
import orjson
from dlt.sources.rest_api import rest_api_source

from tools.benchmarks.lists import invoice_list


def main(config_path: str, stream: str, database: str = "") -> None:
    invoices = invoice_list(stream, json.loads(Path(config_path).read_text()))
    # Without a number of pages, it reads until a page is empty.
    total_path = ".".join(invoices.pages) or None
    paginator = {"type": "page_number", "base_page": 1, "page_param": "page", "total_path": total_path}
    endpoint = {
        "path": invoices.path.lstrip("/"),
        "params": dict(invoices.parameters),
        "data_selector": ".".join(invoices.rows),
        "paginator": paginator,
    }
    client = {"base_url": f"{invoices.base}/", "headers": dict(invoices.headers)}
    resource = {"name": stream, "primary_key": invoices.key, "endpoint": endpoint}
    source = rest_api_source({"client": client, "resources": [resource]})
    if database:
        destination = dlt.destinations.duckdb(database)
        pipeline = dlt.pipeline("invoices", pipelines_dir=f"{database}-pipelines", destination=destination)
        pipeline.run(source)
        return
    for row in source.resources[stream]:
        sys.stdout.buffer.write(orjson.dumps({"type": "RECORD", "record": {"stream": stream, "data": row}}) + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
