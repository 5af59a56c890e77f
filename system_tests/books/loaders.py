"""The ways in which the connector's rows come into a database: PyAirbyte, dlt and Singer, run as in examples/."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from system_tests.books.ways import DuckDbWay, PostgresWay, Way
from system_tests.examples.workplace import CONNECTOR_ENVIRONMENT, ORCHESTRATORS, Workplace


class Loader(ABC):
    """A loader with its database and a folder to work in."""

    def __init__(self, config: Mapping[str, Any], folder: Path, way: Way) -> None:
        self.config = dict(config)
        self.folder = folder
        self.way = way

    @abstractmethod
    def load(self, full_refresh: bool = False) -> None:
        """Brings what is new or has changed. A full refresh brings everything, and drops or marks what is gone."""

    def copy(self, folder: Path) -> Loader:
        """The same loader with a copy of the database, as on another machine. A full refresh comes next."""
        return type(self)(self.config, folder, self.way.copy(folder))


class Example(Loader):
    """A job of examples/, run as a process in a folder of its own."""

    programs: tuple[Path, ...] = (ORCHESTRATORS, CONNECTOR_ENVIRONMENT)

    def __init__(self, config: Mapping[str, Any], folder: Path, way: Way) -> None:
        super().__init__(config, folder, way)
        self.workplace = Workplace(folder / "examples", self.config)

    def run(self, *command: str, **variables: str) -> str:
        """What a command prints, which must succeed."""
        done = self.workplace.run(*command, path=self.programs, **variables)
        if done.returncode:
            raise RuntimeError(f"{command} failed. {done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done.stdout


class PyAirbyte(Example):
    """PyAirbyte, into a DuckDB file."""

    programs = (CONNECTOR_ENVIRONMENT,)
    way: DuckDbWay

    def load(self, full_refresh: bool = False) -> None:
        command = ["python", "pyairbyte_duckdb.py", "config.json", str(self.way.path)]
        self.run(
            *command, *(["--full-refresh"] if full_refresh else []), AIRBYTE_LOGGING_ROOT=str(self.folder / "logs")
        )


class Dlt(Example):
    """dlt, into either database."""

    def load(self, full_refresh: bool = False) -> None:
        command = ["python", "dlt_pipeline.py", "config.json", self.way.dbt.target, "--dataset", self.way.schema]
        self.run(
            *command,
            *(["--full-refresh"] if full_refresh else []),
            DLT_DATA_DIR=str(self.folder / "dlt"),
            **{f"DESTINATION__{self.way.dbt.target.upper()}__CREDENTIALS": self.way.url},
        )


class Singer(Example):
    """tap_invoices.py and MeltanoLabs' target-postgres."""

    way: PostgresWay

    def load(self, full_refresh: bool = False) -> None:
        self.workplace.config = {"source": self.config}
        files = self.workplace.folder
        if not (files / "catalog.json").exists():
            catalog = json.loads(self.run("python", "tap_invoices.py", "--config", "config.json", "--discover"))
            for stream in catalog["streams"]:
                stream["metadata"][0]["metadata"]["selected"] = True
            (files / "catalog.json").write_text(json.dumps(catalog))
            url = self.way.url.replace("postgresql:", "postgresql+psycopg:")
            target = {"sqlalchemy_url": url, "default_target_schema": self.way.schema, "load_method": "upsert"}
            (files / "target.json").write_text(json.dumps(target))
        state = "--state state.json" if (files / "state.json").exists() and not full_refresh else ""
        tap = f"python tap_invoices.py --config config.json --catalog catalog.json {state}"
        printed = self.run("bash", "-o", "pipefail", "-c", f"{tap} | target-postgres --config target.json")
        (files / "state.json").write_text(printed.splitlines()[-1])
