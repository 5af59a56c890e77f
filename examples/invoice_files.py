"""Syncs streams into JSON Lines files: at first everything, later what is new or has changed.

Needs Linux or macOS, Python 3.10 or later, and the connector, in this environment or in one of its own. The other jobs
import this module, and it runs by itself:

    python invoice_files.py config.json data payhubix_invoices nexudus_payout_invoices

Rows appear in data/rows/<stream>/ as whole files, and after them the state that stands for them, in
data/state/<stream>.json. So wherever a sync breaks off, the next one goes on without a gap, and no stream waits for
another. A row may come twice; the last one counts, in the order of the files' names.
"""

import argparse
import fcntl
import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TextIO

from invoice_reader import Row, SyncFailed, json_file, read


def sync(
    config: Mapping[str, Any],
    folder: Path,
    streams: Iterable[str],
    executable: str = "source-invoices",
    added: Mapping[str, Any] | None = None,
) -> dict[str, int]:
    """Returns how many rows came of each stream. Raises SyncFailed, in the connector's words.

    added: what every row gets beside its own fields, such as the name of the account.
    """
    outputs = {name: _Output(folder, name) for name in streams}
    with _only_one(folder):
        states = [state for output in outputs.values() for state in output.state()]
        for item in read(config, outputs, states, executable):
            if isinstance(item, Row):
                outputs[item.stream].add({**item.data, **(added or {})})
            else:
                outputs[item.stream].save(item.content)
    return {name: output.rows for name, output in outputs.items()}


class _Output:
    """The files of one stream. Rows that no state stands for yet are in one that nobody takes for a result."""

    def __init__(self, folder: Path, stream: str) -> None:
        self.rows = 0
        self._folder = folder / "rows" / stream
        self._state = folder / "state" / f"{stream}.json"
        self._unfinished: TextIO | None = None

    def state(self) -> list[Any]:
        """The last state, if there is one."""
        return [json.loads(self._state.read_text("utf-8"))] if self._state.exists() else []

    def add(self, row: Mapping[str, Any]) -> None:
        if self._unfinished is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._unfinished = (self._folder / "unfinished").open("w", encoding="utf-8")
        self._unfinished.write(json.dumps(row) + "\n")
        self.rows += 1

    def save(self, state: Mapping[str, Any]) -> None:
        """First the rows, then the state: the other way round, a crash in between would lose them."""
        if self._unfinished is not None:
            self._unfinished.close()
            self._unfinished = None
            name = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S%fZ}.jsonl"
            move_durably(self._folder / "unfinished", self._folder / name)
        self._state.parent.mkdir(parents=True, exist_ok=True)
        new = self._state.with_suffix(".new")
        new.write_text(json.dumps(state), "utf-8")
        move_durably(new, self._state)


def move_durably(source: Path, target: Path) -> None:
    """The target has all of the content or is not there, even if the power fails."""
    with source.open("rb") as file:
        os.fsync(file.fileno())
    source.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Two syncs that share a state would undo each other's."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SyncFailed(f"Another sync is writing to {folder}.") from None
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path, help="the connector's configuration, a JSON file")
    parser.add_argument("folder", type=Path, help="where rows and states go")
    parser.add_argument("streams", nargs="+", help="those to read, such as payhubix_invoices")
    options = parser.parse_args()
    try:
        for name, number in sync(json_file(options.config), options.folder, options.streams).items():
            print(f"{name}: {number} rows")
    except SyncFailed as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))  # clears away the files with the configuration
    main()
