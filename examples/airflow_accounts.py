"""An Airflow job that brings the invoices of many accounts every hour, each in a task of its own.

Needs what airflow_dag.py needs, and accounts.py beside this file. Set:

- the variable `invoices_accounts`: a folder with a JSON file for each account, or one file with all, that every worker
  sees (see accounts.py);
- the variable `invoices_folder`: rows and states of the account NAME go to NAME in this folder, that every worker sees.

To run it once without a scheduler: `airflow dags test invoices_of_accounts`.
"""

from datetime import datetime, timezone
from pathlib import Path

import accounts
from airflow.sdk import Variable, dag, task
from airflow.sdk.exceptions import AirflowFailException
from invoice_files import sync
from invoice_reader import SyncFailed


@dag(schedule="@hourly", start_date=datetime(2025, 1, 1, tzinfo=timezone.utc), catchup=False, max_active_runs=1)
def invoices_of_accounts() -> None:
    @task
    def names() -> list[list[str]]:
        """Accounts that share a limit are in one task."""
        return accounts.in_turn(Path(Variable.get("invoices_accounts")))

    # Accounts mostly wait for their provider, so a worker may have more of these tasks than cores.
    @task(retries=3, max_active_tis_per_dagrun=16, map_index_template="{{ ', '.join(task.op_kwargs['group']) }}")
    def bring_invoices(group: list[str]) -> dict[str, dict[str, int]]:
        """Returns how many rows came of each account and stream. One account that fails fails only its own task."""
        rows, failures = {}, []
        for name in group:
            try:
                config = accounts.configuration(Path(Variable.get("invoices_accounts")), name)
                folder = Path(Variable.get("invoices_folder"), name)
                executable = Variable.get("source_invoices_executable", "source-invoices")
                rows[name] = sync(config, folder, accounts.streams(config, []), executable, {"account": name})
            except SyncFailed as failure:
                failures.append(failure)
        if any(failure.may_pass for failure in failures):
            raise SyncFailed("\n".join(map(str, failures)))
        if failures:
            raise AirflowFailException("\n".join(map(str, failures)))  # to try again would change nothing
        return rows

    bring_invoices.expand(group=names())


invoices_of_accounts()
