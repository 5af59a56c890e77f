"""Syncs every stream into a DuckDB file with PyAirbyte: at first everything, later what is new or has changed.

Needs Python 3.10 to 3.12, `pip install airbyte`, and the connector: either installed, so that `source-invoices` is on
the PATH, or as an image for Docker (for podman, see docs/running.md).

    python pyairbyte_duckdb.py config.json invoices.duckdb
    python pyairbyte_duckdb.py config.json invoices.duckdb --full-refresh
    python pyairbyte_duckdb.py config.json invoices.duckdb --image localhost/airbyte/source-invoices:0.1.0
"""

import argparse
import json
import os
import signal
import sys
import tempfile
from itertools import groupby
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path, help="the connector's configuration, a JSON file")
    parser.add_argument("database", type=Path, help="the DuckDB file, made if it does not exist")
    parser.add_argument("--full-refresh", action="store_true", help="read everything, and drop what is gone")
    parser.add_argument("--image", help="run the connector in a container of this image")
    parser.add_argument("--host-network", action="store_true", help="let the container reach servers on this machine")
    options = parser.parse_args()
    try:
        config = json.loads(options.config.read_text("utf-8"))
    except OSError as error:
        sys.exit(f"{options.config} cannot be read: {error.strerror}.")
    except ValueError:
        sys.exit(f"{options.config} is not JSON.")

    with tempfile.TemporaryDirectory() as closed:
        # PyAirbyte hands the configuration over in files that everybody may read. Here, only who may enter the outer
        # folder can reach them, and the container, which is given the inner one.
        shared = Path(closed, "shared")
        shared.mkdir()
        shared.chmod(0o755)
        os.environ |= {"AIRBYTE_TEMP_DIR": str(shared), "AIRBYTE_PROJECT_DIR": closed}
        # No look-ups in Airbyte's registry, and no usage reports.
        os.environ |= {"AIRBYTE_OFFLINE_MODE": "1", "DO_NOT_TRACK": "1"}
        import airbyte as ab  # noqa: PLC0415  # It reads these settings when it is imported.

        source = ab.get_source(
            "source-invoices",
            config=config,
            **(
                {"docker_image": options.image, "use_host_network": options.host_network}
                if options.image
                else {"local_executable": "source-invoices"}
            ),
        )
        cache = ab.caches.DuckDBCache(db_path=options.database, cache_dir=Path(closed, "cache"))
        keys = {stream.name: stream.source_defined_primary_key for stream in source.discovered_catalog.streams}
        # PyAirbyte replaces a table only when the read is whole, so a provider that fails keeps what it had.
        how = {"write_strategy": "replace", "force_full_refresh": True} if options.full_refresh else {}
        failed = []
        # PyAirbyte keeps nothing of a read that fails, and the state stays. So each provider is read by itself.
        for provider, streams in groupby(keys, lambda name: name.split("_")[0]):
            try:
                result = source.read(cache=cache, streams=list(streams), **{"write_strategy": "append", **how})
            except ab.exceptions.PyAirbyteError as error:
                print(error, file=sys.stderr)
                failed.append(provider)
                continue
            # One sync may bring a row twice, which PyAirbyte's own merging does not expect. The last one counts.
            for name in result.streams:
                key = ", ".join(f'"{column.lower()}"' for path in keys[name] for column in path)
                cache.execute_sql(
                    f"DELETE FROM {name} WHERE rowid NOT IN (SELECT max(rowid) FROM {name} GROUP BY {key})"
                )
            print(f"{provider}: {result.processed_records} rows read")
    sys.exit(f"Failed: {', '.join(failed)}. Run again to go on from the last state." if failed else 0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))  # clears away the files with the configuration
    main()
