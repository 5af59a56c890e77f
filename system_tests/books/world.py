"""The databases that the tests ask, and the loaders that fill them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from integration_tests.support import truth
from sandbox import Sandbox
from system_tests.books.imitated import Imitated
from system_tests.books.loaders import Dlt, Loader, PyAirbyte, Singer
from system_tests.books.ways import DuckDbWay, PostgresWay, Way
from system_tests.postgresql import Postgres

KINDS: dict[str, tuple[type[Loader], str, str]] = {
    "pyairbyte": (PyAirbyte, "duckdb", "main"),
    "dlt-duckdb": (Dlt, "duckdb", "raw"),
    "dlt-postgres": (Dlt, "postgres", "raw"),
    "singer": (Singer, "postgres", "raw"),
    "airbyte": (Imitated, "postgres", "airbyte"),
    "plain": (Imitated, "postgres", "plain"),
}
"""For each loader its database, and the schema of its tables."""
AT_ONCE = 2
"""How many databases are worked on at the same time: one for each processor."""


@dataclass(frozen=True)
class World:
    """The databases, and what the sandbox held at each sync."""

    sandbox: Sandbox
    loaders: dict[str, Loader]
    first: datetime
    second: datetime
    earlier: truth.Rows
    now: truth.Rows

    @property
    def ways(self) -> dict[str, Way]:
        return {name: loader.way for name, loader in self.loaders.items()}


def loader(kind: str, sandbox: Sandbox, postgres: Postgres, folder: Path) -> Loader:
    """A loader with an empty database."""
    of_kind, database, schema = KINDS[kind]
    if database == "duckdb":
        return of_kind(sandbox.config(), folder, DuckDbWay(folder, schema))
    postgres.create(kind)
    return of_kind(sandbox.config(), folder, PostgresWay(postgres, kind, schema, folder))


def each(do: Callable[[str], None], kinds: Iterable[str]) -> None:
    """Does the same for each kind of loader."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in threads.map(do, kinds):
            pass
