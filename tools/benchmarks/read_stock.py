"""One of the streams with the CDK's own components alone, for the sandbox of a configuration.

`python -m tools.benchmarks.read_stock CONFIG STREAM read ...`, with the arguments of the Airbyte protocol. It is
incremental by the date of issue, as far as the CDK can be: it misses later changes, and times with more than six digits
of a second move no state. With a state, reading stops at the first older invoice.
"""

import json
import sys
from pathlib import Path

from airbyte_cdk.entrypoint import AirbyteEntrypoint, launch
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

from integration_tests.support import stock
from tools.benchmarks.lists import PAGE_SIZE

SCHEMAS = Path(__file__).parent.parent.parent / "schemas"
# The field with the time of issue, and its forms.
CURSORS = {
    "ipxo_payout_invoices": ("date", ["%s"]),
    "ipxo_ecommerce_invoices": ("placed_at", ["%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z"]),
    "payhubix_invoices": ("created_at", ["%Y-%m-%d %H:%M:%S.%f +0000 UTC", "%Y-%m-%d %H:%M:%S +0000 UTC"]),
}


def _cursor(stream: str) -> dict[str, object]:
    field, forms = CURSORS[stream]
    beginning = {"type": "MinMaxDatetime", "datetime": "1970-01-01T00:00:00Z", "datetime_format": "%Y-%m-%dT%H:%M:%SZ"}
    return {
        "type": "DatetimeBasedCursor",
        "cursor_field": field,
        "cursor_datetime_formats": forms,
        "datetime_format": forms[0],
        "start_datetime": beginning,
        "is_data_feed": True,
    }


def main(config_path: str, stream: str, *arguments: str) -> None:
    config = json.loads(Path(config_path).read_text())
    manifest = stock.manifest(config, stream, PAGE_SIZE)
    schema = json.loads((SCHEMAS / f"{stream}.json").read_text())
    manifest["streams"][0]["schema_loader"]["schema"] = schema
    if stream in CURSORS:
        manifest["streams"][0]["incremental_sync"] = _cursor(stream)
    manifest["spec"] = {"type": "Spec", "connection_specification": {"type": "object", "properties": {}}}
    manifest["concurrency_level"] = {"type": "ConcurrencyLevel", "default_concurrency": 20}
    parsed = vars(AirbyteEntrypoint.parse_args(list(arguments)))
    catalog, state = parsed.get("catalog"), parsed.get("state")
    source = ConcurrentDeclarativeSource(
        catalog=ConcurrentDeclarativeSource.read_catalog(catalog) if catalog else None,
        config=config,
        state=ConcurrentDeclarativeSource.read_state(state) if state else None,
        source_config=manifest,
    )
    launch(source, list(arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
