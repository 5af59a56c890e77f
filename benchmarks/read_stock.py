"""The same streams with the CDK's own components alone: `python -m benchmarks.read_stock CONFIG STREAM`."""

import json
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile

from airbyte_cdk.entrypoint import launch
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

from benchmarks.lists import PAGE_SIZE
from integration_tests import stock


class _Settings:
    """Stands in for a sandbox in this process."""

    def __init__(self, config: dict[str, object]) -> None:
        self._config = config

    def config(self) -> dict[str, object]:
        return self._config


def main(config_path: str, stream: str) -> None:
    config = json.loads(Path(config_path).read_text())
    manifest = stock.manifest(_Settings(config), stream, 1000 if stream.startswith("nexudus") else PAGE_SIZE)  # type: ignore[arg-type]
    manifest["spec"] = {"type": "Spec", "connection_specification": {"type": "object", "properties": {}}}
    manifest["concurrency_level"] = {"type": "ConcurrencyLevel", "default_concurrency": 20}
    catalog = {
        "streams": [
            {
                "stream": {"name": stream, "json_schema": {}, "supported_sync_modes": ["full_refresh"]},
                "sync_mode": "full_refresh",
                "destination_sync_mode": "append",
            }
        ]
    }
    with NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(catalog, file)
        file.flush()
        source = ConcurrentDeclarativeSource(
            catalog=ConfiguredAirbyteCatalogSerializer.load(catalog), config=config, state=None, source_config=manifest
        )
        launch(source, ["read", "--config", config_path, "--catalog", file.name])


if __name__ == "__main__":
    main(*sys.argv[1:])
