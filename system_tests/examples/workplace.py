"""Runs the examples as their headers say, in a folder of their own, against the sandbox."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sandbox import STREAMS, Sandbox

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"
CONNECTOR_ENVIRONMENT = Path(sys.executable).parent
ORCHESTRATORS = ROOT / ".venv-examples" / "bin"

KEYS = dict.fromkeys(STREAMS, "uuid") | {"nexudus_payout_invoices": "Id", "payhubix_invoices": "link"}
# What happens to the oldest invoice of each stream: before the first sync, and after it.
BEFORE = {stream: {"status": "unpaid"} for stream in STREAMS} | {"nexudus_payout_invoices": {"Amount": 11.25}}
AFTER = {stream: {"status": "paid"} for stream in STREAMS} | {"nexudus_payout_invoices": {"Amount": 22.5}}

Values = dict[str, dict[Any, Any]]
"""For each stream, what each invoice (by its key) has in the field that changes."""


class Accounts:
    """The accounts at the providers, with changes between two syncs."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.config = sandbox.config()
        for stream, fields in BEFORE.items():
            table = sandbox.tables[stream]
            table.change(table.keys()[-1], fields)

    def live_on(self) -> None:
        """Adds an invoice to each list and changes the oldest one, which is older than any lookback."""
        for stream, fields in AFTER.items():
            table = self.sandbox.tables[stream]
            table.change(table.keys()[-1], fields)
            table.add()

    def values(self) -> Values:
        """What a destination should hold."""
        return {
            stream: {row[KEYS[stream]]: row[changing_field(stream)] for row in table.rows()}
            for stream, table in self.sandbox.tables.items()
        }


def changing_field(stream: str) -> str:
    (name,) = AFTER[stream]
    return name


class Workplace:
    """A folder with the examples, where commands are run."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self.folder = folder
        self.config = config
        shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        self._secrets = {
            config["ipxo"]["credentials"]["client_secret"],
            config["nexudus"]["credentials"]["password"],
            config["payhubix"]["api_key"],
        }

    def run(
        self, *command: str, path: Sequence[Path] = (CONNECTOR_ENVIRONMENT,), **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """Runs a command with the programs in `path` before others. It must leave no secret behind."""
        config = self.folder / "config.json"
        config.write_text(json.dumps(self.config))
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **variables, "PATH": os.pathsep.join([*map(str, path), os.environ["PATH"]])},
            capture_output=True,
            text=True,
            check=False,
        )
        config.unlink()
        files = (path.read_bytes() for path in self.folder.rglob("*") if path.is_file())
        for text in (done.stdout.encode(), done.stderr.encode(), *files):
            for secret in self._secrets:
                assert secret.encode() not in text
        return done

    def rows_in(self, pattern: str) -> list[dict[str, Any]]:
        """The rows in all JSON Lines files that match, in the order of their names."""
        return [json.loads(line) for path in sorted(self.folder.glob(pattern)) for line in path.open()]

    def values_in(self, patterns: str) -> Values:
        """What the files hold for each stream, in the form of `Accounts.values`. The last row of an invoice counts."""
        return {
            stream: {row[KEYS[stream]]: row[changing_field(stream)] for row in self.rows_in(patterns.format(stream))}
            for stream in STREAMS
        }
