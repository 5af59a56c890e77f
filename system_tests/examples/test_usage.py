"""How each script of examples/ says what it needs: its usage, and a file that is not there, each without a traceback."""

import subprocess
from pathlib import Path

import pytest

from system_tests.examples.workplace import CONNECTOR_ENVIRONMENT, EXAMPLES, ORCHESTRATORS

# What each script is run with, and arguments of which the file is not there.
SCRIPTS = {
    "dlt_accounts.py": (ORCHESTRATORS / "python", ("absent.json", "duckdb")),
    "dlt_pipeline.py": (ORCHESTRATORS / "python", ("absent.json", "duckdb")),
    "invoice_files.py": (CONNECTOR_ENVIRONMENT / "python", ("absent.json", "data", "payhubix_invoices")),
    "many_accounts.py": (CONNECTOR_ENVIRONMENT / "python", ("absent.json", "data")),
    "pipes.sh": (Path("/bin/bash"), ("absent.json", "data", "payhubix_invoices")),
    "pyairbyte_duckdb.py": (CONNECTOR_ENVIRONMENT / "python", ("absent.json", "invoices.duckdb")),
    "tap_invoices.py": (CONNECTOR_ENVIRONMENT / "python", ("--discover", "--config", "absent.json")),
}
SPARK = {"spark_accounts.py", "spark_views.py"}
"""Their tests are in system_tests/spark."""
NO_SCRIPTS = {
    *("accounts.py", "invoice_reader.py"),  # modules of the others
    *("airflow_accounts.py", "airflow_dag.py", "dagster_accounts.py", "dagster_assets.py", "meltano.yml"),
}
NO_STREAM = {"invoice_files.py": ("absent.json", "data"), "pipes.sh": ("absent.json", "data")}


def run(name: str, *arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    program, _ = SCRIPTS[name]
    command = [str(program), str(EXAMPLES / name), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_every_file_of_the_examples_is_looked_at() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.is_file()} == SCRIPTS.keys() | SPARK | NO_SCRIPTS


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_shows_the_usage(tmp_path: Path, name: str) -> None:
    done = run(name, "--help", folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ")
    assert name in done.stdout.splitlines()[0]


@pytest.mark.parametrize("name", SCRIPTS)
def test_without_arguments_the_usage_is_shown_and_the_exit_code_is_2(tmp_path: Path, name: str) -> None:
    done = run(name, folder=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", NO_STREAM)
def test_a_script_that_needs_a_stream_ends_with_2_without_one(tmp_path: Path, name: str) -> None:
    done = run(name, *NO_STREAM[name], folder=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: ")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_configuration_that_is_not_there_is_named_in_a_sentence(tmp_path: Path, name: str) -> None:
    done = run(name, *SCRIPTS[name][1], folder=tmp_path)

    assert done.returncode in (1, 2)
    assert "absent.json cannot be read" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", sorted(SCRIPTS.keys() - {"pipes.sh"}))
def test_a_configuration_that_is_not_json_is_named_in_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "absent.json").write_bytes(b"\xff{'ipxo'")
    done = run(name, *SCRIPTS[name][1], folder=tmp_path)

    assert done.returncode in (1, 2)
    assert "absent.json is not JSON." in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("workers", ["0", "-1", "all"])
@pytest.mark.parametrize("name", ["dlt_accounts.py", "many_accounts.py"])
def test_a_number_of_workers_is_refused_in_a_sentence(tmp_path: Path, name: str, workers: str) -> None:
    done = run(name, *SCRIPTS[name][1], f"--workers={workers}", folder=tmp_path)

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(f"argument --workers: '{workers}' is no number from 1 on")
