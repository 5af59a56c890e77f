"""How the scripts for Spark say what they need, before Spark is started."""

import subprocess
from pathlib import Path

import pytest

from system_tests.examples.workplace import EXAMPLES
from system_tests.spark.cluster import ENVIRONMENT

SCRIPTS = {"spark_accounts.py": ("absent.json", "table"), "spark_views.py": ("table", "absent.json", "SELECT 1")}


def run(folder: Path, name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [str(ENVIRONMENT / "python"), str(EXAMPLES / name), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_usage_is_shown_for_help_and_without_arguments(tmp_path: Path, name: str) -> None:
    asked, empty = run(tmp_path, name, "--help"), run(tmp_path, name)

    assert asked.returncode == 0
    assert asked.stdout.startswith(f"usage: {name}")
    assert (empty.returncode, empty.stdout) == (2, "")
    assert empty.stderr.startswith(f"usage: {name}")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_file_that_is_not_there_is_named_in_a_sentence(tmp_path: Path, name: str) -> None:
    done = run(tmp_path, name, *SCRIPTS[name])

    assert done.returncode == 1
    assert "absent.json" in done.stderr.splitlines()[-1]
    assert done.stderr.rstrip().endswith("No such file or directory.")
    assert "Traceback" not in done.stderr
