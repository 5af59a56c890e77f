"""examples/airflow_dag.py, run by Airflow without a scheduler."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from sandbox import Fault
from system_tests.examples.workplace import ORCHESTRATORS, Accounts, Workplace

ROWS = "data/rows/{}/*.jsonl"


@pytest.fixture(scope="module")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Airflow with an empty database."""
    home = tmp_path_factory.mktemp("airflow")
    command = [str(ORCHESTRATORS / "airflow"), "db", "migrate"]
    subprocess.run(command, env={**os.environ, "AIRFLOW_HOME": str(home)}, check=True, capture_output=True)
    return home


class Dag:
    """The job. The folder of the examples is the folder of the DAGs."""

    def __init__(self, workplace: Workplace, home: Path) -> None:
        self._workplace = workplace
        self._home = home

    def run(self) -> "subprocess.CompletedProcess[str]":
        """Runs the job as `dag.test()` does."""
        return self._workplace.run(
            *("airflow", "dags", "test", "invoices"),
            path=[ORCHESTRATORS],
            AIRFLOW_HOME=str(self._home),
            AIRFLOW__CORE__DAGS_FOLDER=str(self._workplace.folder),
            AIRFLOW__CORE__LOAD_EXAMPLES="False",
            AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY="0",
            AIRFLOW_VAR_INVOICES_FOLDER=str(self._workplace.folder / "data"),
            AIRFLOW_CONN_SOURCE_INVOICES=json.dumps({"conn_type": "generic", "extra": self._workplace.config}),
        )


@pytest.fixture
def dag(workplace: Workplace, airflow_home: Path) -> Dag:
    return Dag(workplace, airflow_home)


def test_a_second_run_brings_new_and_changed_invoices(dag: Dag, workplace: Workplace, accounts: Accounts) -> None:
    assert dag.run().returncode == 0
    assert workplace.values_in(ROWS) == accounts.values()
    number = len(workplace.rows_in("data/rows/*/*.jsonl"))
    accounts.live_on()
    assert dag.run().returncode == 0
    assert workplace.values_in(ROWS) == accounts.values()
    assert len(workplace.rows_in("data/rows/*/*.jsonl")) < number * 1.5


def test_a_transient_failure_is_retried_from_the_state(dag: Dag, workplace: Workplace, accounts: Accounts) -> None:
    """Payhubix fails once. The second try does not read again what Nexudus delivered in the first."""
    accounts.sandbox.faults.append(Fault("error_200", "payhubix_*"))
    done = dag.run()
    assert done.returncode == 0
    assert (done.stdout + done.stderr).count("SyncFailed: Payhubix, payhubix_invoices: ") == 1
    assert workplace.values_in(ROWS) == accounts.values()
    assert len(workplace.rows_in("data/rows/nexudus_payout_invoices/*.jsonl")) < 50


def test_a_lasting_failure_fails_the_run_at_once_and_keeps_the_state(
    dag: Dag, workplace: Workplace, accounts: Accounts
) -> None:
    assert dag.run().returncode == 0
    earlier = accounts.values()
    state = (workplace.folder / "data/state/payhubix_invoices.json").read_text()
    accounts.live_on()
    accounts.sandbox.payhubix.api_key = "another-api-key"
    asked = accounts.sandbox.count("payhubix_invoices")
    done = dag.run()
    assert done.returncode == 1
    assert "AirflowFailException: Payhubix, payhubix_invoices: access refused" in done.stdout + done.stderr
    assert accounts.sandbox.count("payhubix_invoices") == asked + 1
    assert (workplace.folder / "data/state/payhubix_invoices.json").read_text() == state
    assert workplace.values_in(ROWS) == accounts.values() | {"payhubix_invoices": earlier["payhubix_invoices"]}
