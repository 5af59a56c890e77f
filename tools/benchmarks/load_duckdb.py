"""A connector's stream into a DuckDB file, with PyAirbyte.

`python -m tools.benchmarks.load_duckdb EXECUTABLE CONFIG STREAM DATABASE`.
"""

import json
import os
import sys
from pathlib import Path


def main(executable: str, config_path: str, stream: str, database: str) -> None:
    folder = Path(database).parent
    settings = {"OFFLINE_MODE": "1", "PROJECT_DIR": folder, "CACHE_ROOT": folder, "LOGGING_ROOT": folder / "logs"}
    os.environ |= {f"AIRBYTE_{name}": str(value) for name, value in settings.items()}
    os.environ |= {"DO_NOT_TRACK": "1", "NO_LIVE_PROGRESS": "1"}
    # It reads these settings when it is imported.
    import airbyte  # noqa: PLC0415
    from airbyte.caches import DuckDBCache  # noqa: PLC0415

    config = json.loads(Path(config_path).read_text())
    source = airbyte.get_source("source-invoices", config=config, local_executable=Path(executable), streams=[stream])
    source.read(cache=DuckDBCache(db_path=database), skip_validation=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
