"""The same streams with the CDK's own components alone: `python -m benchmarks.read_stock CONFIG STREAM [STATE]`.

Incremental by the date of issue, as far as the CDK can: it sees no later change, and times with more than six digits
of a second move no state. With a state, reading stops at the first invoice that is older.
"""

import json
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile

from airbyte_cdk.entrypoint import launch
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

from benchmarks.lists import PAGE_SIZE
from integration_tests import stock

# Where a row has its time of issue, and in which forms.
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


class _Settings:
    """Stands in for a sandbox in this process."""

    def __init__(self, config: dict[str, object]) -> None:
        self._config = config

    def config(self) -> dict[str, object]:
        return self._config


def main(config_path: str, stream: str, state_path: str = "") -> None:
    config = json.loads(Path(config_path).read_text())
    manifest = stock.manifest(_Settings(config), stream, 1000 if stream.startswith("nexudus") else PAGE_SIZE)  # type: ignore[arg-type]
    if stream in CURSORS:
        manifest["streams"][0]["incremental_sync"] = _cursor(stream)
    manifest["spec"] = {"type": "Spec", "connection_specification": {"type": "object", "properties": {}}}
    manifest["concurrency_level"] = {"type": "ConcurrencyLevel", "default_concurrency": 20}
    catalog = {
        "streams": [
            {
                "stream": {"name": stream, "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]},
                "sync_mode": "incremental",
                "destination_sync_mode": "append",
            }
        ]
    }
    with NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(catalog, file)
        file.flush()
        source = ConcurrentDeclarativeSource(
            catalog=ConfiguredAirbyteCatalogSerializer.load(catalog),
            config=config,
            state=ConcurrentDeclarativeSource.read_state(state_path) if state_path else None,
            source_config=manifest,
        )
        state = ["--state", state_path] if state_path else []
        launch(source, ["read", "--config", config_path, "--catalog", file.name, *state])


if __name__ == "__main__":
    main(*sys.argv[1:])
