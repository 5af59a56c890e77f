"""dbt as a process, on one database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HOME = Path(__file__).parents[2]
PROJECT = HOME / "dbt"


class Dbt:
    """The package with the profile that comes with it. `folder` is for what dbt leaves."""

    def __init__(self, target: str, folder: Path, **environment: str) -> None:
        self.target = target
        self.folder = folder
        self._environment = {**os.environ, **environment, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}

    def run(self, *command: str, variables: Mapping[str, Any] | None = None) -> None:
        """Runs a command. A warning is a failure too."""
        done = subprocess.run(
            [
                str(Path(sys.executable).parent / "dbt"),
                "--no-use-colors",
                "--warn-error",
                *command,
                f"--project-dir={PROJECT}",
                f"--profiles-dir={PROJECT}",
                f"--target={self.target}",
                f"--target-path={self.folder / 'target'}",
                f"--log-path={self.folder / 'logs'}",
                f"--vars={json.dumps(variables or {})}",
            ],
            env=self._environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"dbt {command[0]} failed. {done.stdout[-4000:]}{done.stderr[-4000:]}")

    def compiled(self, kind: str = "models") -> dict[str, str]:
        """The SQL of each model that the last command compiled, by its name."""
        folder = self.folder / "target" / "compiled" / "source_invoices" / kind
        return {path.stem: path.read_text("utf-8") for path in sorted(folder.rglob("*.sql"))}
