"""Syncs many accounts on one machine into JSON Lines files, some at a time.

Needs what invoice_files.py needs, and that file, invoice_reader.py and accounts.py beside this one.

    python many_accounts.py ACCOUNTS FOLDER
    python many_accounts.py ACCOUNTS FOLDER payhubix_invoices --workers 16

ACCOUNTS is a folder with a JSON file for each account, or one file with all (see accounts.py). Rows and states of the
account NAME are in FOLDER/NAME, as invoice_files.py writes them, and each row has the name as its `account`. A failure
is the account's own: the others go on. The last line says which accounts failed, and the exit code is 1 if there are
any. Run it again after a failure, or after it was stopped: every account goes on from its own state.
"""

import argparse
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import accounts
from invoice_files import sync
from invoice_reader import SyncFailed, stop


@dataclass
class Job:
    """What is to be done, and what has been."""

    place: Path
    folder: Path
    streams: list[str]
    executable: str
    rows: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    is_stopped: threading.Event = field(default_factory=threading.Event)

    def bring(self, names: list[str]) -> list[str]:
        """Syncs these accounts one after another. Returns what came of each, in a line."""
        return [self._bring_one(name) for name in names if not self.is_stopped.is_set()]

    def _bring_one(self, name: str) -> str:
        try:
            config = accounts.configuration(self.place, name)
            chosen = accounts.streams(config, self.streams)
            rows = sum(sync(config, self.folder / name, chosen, self.executable, {"account": name}).values())
        except Exception as failure:  # whatever it is, it is this account's
            self.failures[name] = str(failure)
            return f"{name}: {failure}"
        self.rows[name] = rows
        return f"{name}: {rows} rows"

    def summary(self, names: list[str]) -> str:
        """The last line."""
        rows = f"{len(self.rows)} of {len(names)} accounts are complete, {sum(self.rows.values())} rows."
        failed = f" Failed: {', '.join(sorted(self.failures))}." if self.failures else ""
        unread = len(names) - len(self.rows) - len(self.failures)
        return rows + failed + (f" Not read: {unread}." if unread else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("accounts", type=Path, help="a folder with a JSON file for each account, or one file with all")
    parser.add_argument("folder", type=Path, help="where rows and states go")
    parser.add_argument("streams", nargs="*", help="those to read; all if none is named")
    parser.add_argument(
        "--workers", type=accounts.number, default=4 * (os.cpu_count() or 1), help="how many accounts at a time"
    )
    parser.add_argument("--executable", default="source-invoices", help="the connector, if it is not on the PATH")
    options = parser.parse_args()
    job = Job(options.accounts, options.folder, options.streams, options.executable)

    def end(*_: object) -> None:
        """The connectors that run are stopped, which clears away the files with their configurations."""
        job.is_stopped.set()
        stop()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        groups = accounts.in_turn(options.accounts)
    except SyncFailed as failure:
        sys.exit(str(failure))
    with ThreadPoolExecutor(options.workers) as pool:
        for done in as_completed([pool.submit(job.bring, group) for group in groups]):
            print(*done.result(), sep="\n", flush=True)
    names = [name for group in groups for name in group]
    print(job.summary(names))
    sys.exit(0 if len(job.rows) == len(names) else 1)


if __name__ == "__main__":
    main()
