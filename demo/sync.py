"""The sync itself: PyAirbyte runs the connector and writes to DuckDB.

Import this module inside `quiet_environment` only: PyAirbyte reads its settings when it is imported.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import airbyte
from airbyte import exceptions
from airbyte._processors.sql.duckdb import DuckDBSqlProcessor
from airbyte.caches import DuckDBCache
from overrides import overrides

from demo.database import StreamSync
from demo.problem import Problem
from demo.progress import Report, StreamProgress

NAME = "source-invoices"


@dataclass(frozen=True)
class Stream:
    """A stream that the connector offers, with the columns of its primary key as they are called in the database."""

    name: str
    key: tuple[str, ...]


class _Processor(DuckDBSqlProcessor):
    """PyAirbyte's merge matches rows with those of earlier syncs only: a row that one sync delivers twice, since its
    list moved meanwhile, would stand there twice. Here the last one counts."""

    @overrides
    def _write_files_to_new_table(self, files: list[Path], stream_name: str, batch_id: str) -> str:
        table: str = super()._write_files_to_new_table(files, stream_name, batch_id)
        key = ", ".join(self._quote_identifier(name) for name in self.catalog_provider.get_primary_keys(stream_name))
        if key:
            name = self._fully_qualified(table)
            self._execute_sql(f"DELETE FROM {name} WHERE rowid NOT IN (SELECT max(rowid) FROM {name} GROUP BY {key})")
        return table


class _Cache(DuckDBCache):
    _sql_processor_class = _Processor


class Connector:
    """The connector with its configuration, run by PyAirbyte. `folder` is for its temporary files."""

    def __init__(self, executable: Path, config: dict[str, Any], folder: Path) -> None:
        self._folder = folder
        self._errors = folder / "connector-errors.txt"
        self._source = airbyte.get_source(NAME, config=config, local_executable=self._wrapper(executable))
        self.report = Report(folder / "report.jsonl")

    def check(self) -> None:
        """Tries the configuration; raises Problem with the connector's message."""
        try:
            self._source.check()
        except exceptions.AirbyteConnectorCheckFailedError as error:
            reason = (error.context or {}).get("failure_reason")
            raise Problem(f"The check of the configuration failed. {reason or self._last_words()}") from error

    def discover(self) -> list[Stream]:
        """The streams that the connector offers with this configuration."""
        try:
            streams = self._source.discovered_catalog.streams
        except exceptions.PyAirbyteError as error:
            raise Problem(f"The connector lists no streams. {self._last_words()}") from error
        return [
            Stream(
                stream.name, tuple(name.lower() for path in stream.source_defined_primary_key or [] for name in path)
            )
            for stream in streams
        ]

    def sync(self, database: Path, schema: str) -> None:
        """Reads every stream, from where the last sync ended, and merges the rows into the database.

        What a failed stream delivered is kept like the rest; the report says which streams failed.
        """
        self._source.select_all_streams()
        cache = _Cache(db_path=database, schema_name=schema, cache_dir=self._folder / "cache")
        try:
            # The connector validates its configuration itself, in better words.
            self._source.read(cache=cache, skip_validation=True)
        except exceptions.PyAirbyteError as error:
            raise Problem(f"The sync failed. {self._last_words()}") from error
        finally:
            cache.close()

    def failures(self, streams: list[Stream]) -> dict[str, str]:
        """The streams that the last sync did not complete, and why."""
        progress = self._progress(streams)
        return {name: stream.error or self._last_words() for name, stream in progress.items() if not stream.complete}

    def stream_syncs(self, streams: list[Stream]) -> list[StreamSync]:
        """How the last sync has read the streams."""
        failures = self.failures(streams)
        return [
            StreamSync(name, stream.records, time(stream.began), time(stream.ended), failures.get(name))
            for name, stream in self._progress(streams).items()
        ]

    def _progress(self, streams: list[Stream]) -> dict[str, StreamProgress]:
        self.report.refresh()
        return {stream.name: self.report.streams.get(stream.name, StreamProgress()) for stream in streams}

    def _last_words(self) -> str:
        self.report.refresh()
        errors = self._errors.read_text("utf-8", "replace").split("\n") if self._errors.exists() else []
        last_line = next((line.strip() for line in reversed(errors) if line.strip()), None)
        return self.report.error or last_line or "The connector stopped without a word."

    def _wrapper(self, executable: Path) -> Path:
        """A script that runs the connector inside `demo.connector`, which PyAirbyte takes for the connector itself."""
        script = self._folder / NAME
        command = (
            sys.executable,
            str(Path(__file__).with_name("connector.py")),
            str(executable),
            str(self._folder / "report.jsonl"),
            str(self._errors),
        )
        script.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', "utf-8")
        script.chmod(0o700)
        return script


def time(milliseconds: float | None) -> datetime | None:
    """A time that is given in milliseconds since 1970, in UTC and without a zone, as the database holds it."""
    return None if milliseconds is None else datetime(1970, 1, 1) + timedelta(milliseconds=milliseconds)
