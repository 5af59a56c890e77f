"""The command line, and the order of things."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from demo.accounts import ROWS, SANDBOX, Run, build_sandbox, next_run
from demo.books import make_books, open_books
from demo.csv_files import write_csv
from demo.database import Database
from demo.page import write_page
from demo.problem import Problem
from demo.progress import ProgressDisplay, working
from demo.summary import book_table, print_summary

LOOPBACK = "127.0.0.1"
WIDTH = 120
"""Of the output where there is no terminal."""
SANDBOX_SCHEMA, LIVE_SCHEMA = "main", "live"
"""Where the tables are, of the sandbox and of real accounts: one file can hold both."""
BOOKS = {SANDBOX_SCHEMA: "books", LIVE_SCHEMA: "live_books"}
"""Where the books are that are made of them."""


@dataclass(frozen=True)
class Arguments:
    """What the command line asks for."""

    config: Path | None
    database: Path
    rows: int
    ipxo_currency: str | None

    @property
    def schema(self) -> str:
        """The schema of the database that holds the tables."""
        return SANDBOX_SCHEMA if self.config is None else LIVE_SCHEMA

    @property
    def page(self) -> Path:
        """Where the page with the pictures goes."""
        return self.database.with_suffix(".html")

    @property
    def csv(self) -> Path:
        """Where the books go as CSV."""
        return self.database.with_name(f"{self.database.stem}-csv")

    @property
    def accounts(self) -> str:
        """What tells these accounts from others."""
        return SANDBOX if self.config is None else str(self.config.resolve())


def parse(arguments: Sequence[str] | None) -> Arguments:
    """Reads the command line; ends the process with a sentence if it makes no sense."""
    parser = argparse.ArgumentParser("demo", description="Syncs invoices into a DuckDB file and shows a summary.")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the connector's configuration, for real accounts (else the sandbox)",
    )
    parser.add_argument("--database", type=Path, metavar="FILE", default=Path("invoices.duckdb"))
    parser.add_argument(
        "--rows",
        type=int,
        default=ROWS,
        help="how many rows each list of a new sandbox holds, and ipxo_invoices a tenth of it (%(default)s)",
    )
    parser.add_argument(
        "--ipxo-currency", metavar="CODE", help="the currency of IPXO's billing API, which names none, such as USD"
    )
    parsed = parser.parse_args(arguments)
    if parsed.rows < 1:
        parser.error("--rows must be at least 1")
    if (name := parsed.database.name.split(".")[0]) in (LIVE_SCHEMA, *BOOKS.values()):
        parser.error(f"the database cannot be called {name}: one of its schemas is")
    if parsed.database.suffix == ".html":
        parser.error("the database cannot end in .html: the page with the pictures does")
    return Arguments(parsed.config, parsed.database, parsed.rows, parsed.ipxo_currency)


def connector_executable() -> Path:
    """The connector of this Python environment, never another one from the PATH."""
    executable = Path(sys.executable).parent / "source-invoices"
    if not executable.exists():
        raise Problem(f"The connector is not installed in {executable.parent}. Run: make demo")
    return executable


def read_config(path: Path) -> dict[str, Any]:
    """The configuration in a file."""
    try:
        config = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Problem(f"The configuration {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise Problem(f"The configuration {path} is not JSON: {error}.") from error
    if not isinstance(config, dict):
        raise Problem(f"The configuration {path} is JSON, but not an object: it must begin with {{.")
    return config


@contextmanager
def quiet_environment(folder: Path) -> Iterator[None]:
    """Keeps PyAirbyte off the network, off the screen and out of the working directory.

    To be entered before PyAirbyte is imported: it reads these settings then. It writes the configuration to temporary
    files that everybody may read, so their folder must be closed to others, as that of `tempfile` is.
    """
    os.environ |= {
        "AIRBYTE_OFFLINE_MODE": "1",
        "DO_NOT_TRACK": "1",
        "NO_LIVE_PROGRESS": "1",
        "AIRBYTE_PROJECT_DIR": str(folder),
        "AIRBYTE_CACHE_ROOT": str(folder / "cache"),
        "AIRBYTE_LOGGING_ROOT": str(folder / "logs"),
        "AIRBYTE_TEMP_DIR": str(folder),
    }
    with (folder / "pyairbyte.txt").open("w", encoding="utf-8") as file, redirect_stdout(file), redirect_stderr(file):
        yield


def bypass_proxy() -> None:
    """Sends requests to the sandbox straight to it, also where others go through a proxy."""
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), LOOPBACK)))


def demonstrate(arguments: Arguments, console: Console, folder: Path) -> int:
    """Runs the demo and returns the exit code."""
    executable = connector_executable()
    database = Database(arguments.database, arguments.schema, BOOKS[arguments.schema])
    runs = database.runs()
    run = next_run(runs, arguments.rows, arguments.accounts)
    if arguments.config is None:
        bypass_proxy()
        accounts: AbstractContextManager[Any] = build_sandbox([*runs, run])
        config = None
        console.print("The sandbox stands in for IPXO, Nexudus and Payhubix.")
    else:
        accounts = nullcontext()
        config = read_config(arguments.config)
        if runs and runs[-1].accounts != run.accounts:
            note = f"The last run read {runs[-1].accounts}. For other accounts, use another --database."
            console.print(note, soft_wrap=True, markup=False, highlight=False)
    with accounts as sandbox, quiet_environment(folder):
        with working(console, "Starting PyAirbyte"):
            from demo.sync import Connector  # noqa: PLC0415  # PyAirbyte reads the environment when it is imported.

            connector = Connector(executable, sandbox.config() if config is None else config, folder)
        if config is not None:
            with working(console, "Checking the configuration"):
                connector.check()
        with working(console, "Listing the streams"):
            streams = connector.discover()
        database.remember(run)
        began = time.monotonic()
        with ProgressDisplay(console, [stream.name for stream in streams], connector.report) as display:
            connector.sync(database.path, database.schema)
        seconds = time.monotonic() - began
        failures = connector.failures(streams)
        database.remember_streams(run, connector.stream_syncs(streams))
    with working(console, "Making the books"):
        make_books(database, run, arguments.ipxo_currency)
        unwritten = draw(database, run, arguments)
        with open_books(database) as books:
            headline, counts, totals = books.headline(), books.counts(), books.totals()
    console.print()
    console.print(book_table(headline, first=not runs))
    print_summary(console, [stream.name for stream in streams], counts, totals, list(failures), first=not runs)
    read = sum(stream.records for stream in display.report.streams.values())
    console.print(f"{read:,} rows read in {seconds:.1f} seconds: {read / seconds:,.0f} rows a second.", highlight=False)
    written = f"See it in {arguments.page}, and as CSV in {arguments.csv}"
    console.print(f"\n{unwritten or written}", soft_wrap=True, markup=False, highlight=False)
    console.print("\nQuery it with:", highlight=False)
    console.print(database.query_line(), soft_wrap=True, markup=False, highlight=False)
    for name, message in failures.items():
        console.print(f"\n{name} failed. {message}", soft_wrap=True, markup=False, highlight=False)
    return 1 if failures or unwritten else 0


def draw(database: Database, run: Run, arguments: Arguments) -> str | None:
    """Writes the page and the CSV files; returns what came in its way."""
    try:
        write_page(database, run, arguments.page)
        write_csv(database, arguments.csv)
    except OSError as error:
        return f"{error.filename or arguments.page} cannot be written: {error.strerror}."
    return None


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parsed = parse(arguments)
    # Bound to this stdout: while PyAirbyte works, what others print goes to a file.
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDTH)
    with tempfile.TemporaryDirectory(prefix="source-invoices-demo-") as folder:
        try:
            return demonstrate(parsed, console, Path(folder))
        except Problem as problem:
            print(problem, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("Stopped.", file=sys.stderr)
            return 130
