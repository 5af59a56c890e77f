"""`make demo` in a fresh copy of the project, with each Python version: what it installs, and that it runs twice."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from system_tests.wheel.test_wheel import ROOT, VERSIONS, interpreter

# A make that another one starts names the folders that it enters.
_OF_THIS_RUN = ("PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")


def make_demo(folder: Path, python: str) -> "subprocess.CompletedProcess[str]":
    command = ["make", "demo", f"PYTHON={python}"]
    environment = {name: value for name, value in os.environ.items() if name not in _OF_THIS_RUN}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("version", VERSIONS)
def test_make_demo_installs_and_runs_with_each_python(tmp_path: Path, version: str) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} is not installed here: it is neither on the path nor known to pyenv")
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folder = tmp_path / "a copy"
    for name in filter(None, files.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)

    first = make_demo(folder, python)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("Installing what the demo needs into .venv-demo: ")
    assert re.search(r"(?m)^12,300 rows read in ", first.stdout)
    programs = {path.name for path in (folder / ".venv-demo" / "bin").iterdir()}
    assert {"python", "source-invoices"} <= programs
    assert not programs & {"pytest", "mypy", "ruff", "coverage", "pip-audit"}

    second = make_demo(folder, python)
    assert second.returncode == 0, second.stderr
    assert "Installing" not in second.stdout
    assert re.search(r"Since the last run: 17 new invoices, \d+ changed\.", second.stdout)
