"""The command line, and the order of things."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
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
from demo.private import close_to_others, private_files
from demo.problem import Problem
from demo.progress import ProgressDisplay, working
from demo.summary import book_table, print_summary
from demo.words import plain

LOOPBACK = "127.0.0.1"
WIDTH = 120
"""Of the output where there is no terminal."""
SCHEMA, BOOKS = "main", "books"
"""Where the tables are, and the books that are made of them."""


@dataclass(frozen=True)
class Arguments:
    """What the command line asks for."""

    config: Path | None
    database: Path
    rows: int
    ipxo_currency: str | None

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
    parser.add_argument(
        "--database",
        type=Path,
        metavar="FILE",
        help="invoices.duckdb, and invoices-NAME.duckdb for accounts in NAME.json",
    )
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
    database = parsed.database or default_database(parsed.config)
    if database.name.split(".")[0] == BOOKS:
        parser.error(f"the database cannot be called {BOOKS}: one of its schemas is")
    if database.suffix == ".html":
        parser.error("the database cannot end in .html: the page with the pictures does")
    return Arguments(parsed.config, database, parsed.rows, parsed.ipxo_currency)


def default_database(config: Path | None) -> Path:
    """A file of its own for each configuration, and for the sandbox, so that their invoices never mix."""
    if config is None:
        return Path("invoices.duckdb")
    # PyAirbyte and DuckDB make a name in SQL of it.
    return Path(f"invoices-{re.sub(r'[^A-Za-z0-9_-]+', '-', config.stem).strip('-') or 'accounts'}.duckdb")


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
    database = Database(arguments.database, SCHEMA, BOOKS)
    close_to_others(arguments.database, arguments.page, arguments.csv)
    runs = database.runs()
    run = next_run(runs, arguments.rows, arguments.accounts)
    refuse_other_accounts(arguments, runs)
    if arguments.config is None:
        bypass_proxy()
        accounts: AbstractContextManager[Any] = build_sandbox([*runs, run])
        config = None
        console.print("The sandbox stands in for IPXO, Nexudus and Payhubix.")
    else:
        accounts = nullcontext()
        config = read_config(arguments.config)
    with accounts as sandbox, quiet_environment(folder):
        with working(console, "Starting PyAirbyte"):
            from demo.sync import Connector  # noqa: PLC0415  # PyAirbyte reads the environment when it is imported.

            connector = Connector(executable, sandbox.config() if config is None else config, folder)
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
    console.print(f"{read:,} rows read in {seconds:.1f} seconds: {read / seconds:,.0f} rows a second.")
    return report(arguments, console, database, failures, unwritten)


def refuse_other_accounts(arguments: Arguments, runs: Sequence[Run]) -> None:
    """Raises Problem where the file has the invoices of others. A configuration that is gone was moved or renamed."""
    earlier = runs[-1].accounts if runs else arguments.accounts
    if earlier != arguments.accounts and (SANDBOX in (earlier, arguments.accounts) or Path(earlier).exists()):
        others = "the sandbox" if earlier == SANDBOX else plain(earlier)
        raise Problem(
            f"{arguments.database} has the invoices of {others}, and accounts are not mixed."
            f" Run {Path(sys.executable).name} -m demo with another --database."
        )


def report(
    arguments: Arguments, console: Console, database: Database, failures: Mapping[str, str], unwritten: str | None
) -> int:
    """Says where all is and what has failed. Returns the exit code."""
    written = f"The invoices are in {arguments.database}. See them in {arguments.page}, and as CSV in {arguments.csv}"
    console.print(f"\n{unwritten or written}", soft_wrap=True)
    console.print("\nQuery them with:")
    console.print(database.query_line(), soft_wrap=True)
    for name, message in failures.items():
        console.print(f"\n{name} failed. {plain(message)}", soft_wrap=True)
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
    # Bound to this stdout: while PyAirbyte works, what others print goes to a file. Nothing that is printed is markup.
    width = None if sys.stdout.isatty() else WIDTH
    console = Console(file=sys.stdout, width=width, markup=False, emoji=False, highlight=False)
    with private_files(), tempfile.TemporaryDirectory(prefix="source-invoices-demo-") as folder:
        try:
            return demonstrate(parsed, console, Path(folder))
        except Problem as problem:
            print(plain(str(problem)), file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("Stopped.", file=sys.stderr)
            return 130
