"""Companies with accounts of their own at the providers, for the jobs that read many."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sandbox import Sandbox
from system_tests.examples.workplace import KEYS, Accounts, Values, changing_field

Rows = dict[str, Values]
"""For each account what `Accounts.values` is."""


class Companies:
    """Each has a sandbox with invoices that no other has. Their configurations are files in a folder."""

    def __init__(self, folder: Path, accounts: dict[str, Accounts]) -> None:
        self.folder = folder
        self.accounts = accounts
        for name in accounts:
            self.mend(name)

    def __getitem__(self, name: str) -> Accounts:
        return self.accounts[name]

    def mend(self, name: str) -> None:
        """The account has the right key."""
        self._write(name, self.accounts[name].config)

    def refuse(self, name: str) -> None:
        """The account has a key that Payhubix refuses."""
        config = self.accounts[name].config
        self._write(name, config | {"payhubix": config["payhubix"] | {"api_key": "another-api-key"}})

    def values(self, streams: Sequence[str] = tuple(KEYS)) -> Rows:
        return {name: {stream: one.values()[stream] for stream in streams} for name, one in self.accounts.items()}

    def live_on(self) -> None:
        for one in self.accounts.values():
            one.live_on()

    def _write(self, name: str, config: dict[str, Any]) -> None:
        (self.folder / f"{name}.json").write_text(json.dumps(config))


@contextmanager
def companies(folder: Path, names: Sequence[str], rows: int = 12) -> Iterator[Companies]:
    """Those whose names are the same before a hyphen have one login at Nexudus."""
    with ExitStack() as stack:
        sandboxes = [stack.enter_context(Sandbox(rows=rows, seed=100 + number)) for number in range(len(names))]
        for name, one in zip(names, sandboxes, strict=True):
            one.nexudus.username = f"{name.split('-')[0]}@example.com"
        yield Companies(folder, {name: Accounts(one) for name, one in zip(names, sandboxes, strict=True)})


def values_of(rows: list[dict[str, Any]], stream: str) -> dict[str, dict[Any, Any]]:
    """For each account what its invoices have in the field that changes. The last row of an invoice counts."""
    found: dict[str, dict[Any, Any]] = {}
    for row in rows:
        found.setdefault(row["account"], {})[row[KEYS[stream]]] = row[changing_field(stream)]
    return found
