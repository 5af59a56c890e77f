"""An Airflow job that brings new and changed invoices every hour, as JSON Lines files.

Needs Airflow 3.2 or later. Put this file, invoice_files.py and invoice_reader.py into the folder of your DAGs,
and set:

- the connection `source_invoices`, of type generic, with the connector's configuration as its extra;
- the variable `invoices_folder`, where rows and states go: a folder that every worker sees;
- the variable `source_invoices_executable`, if the connector is in an environment of its own.

To run it once without a scheduler: `airflow dags test invoices`.
"""

from datetime import datetime, timezone
from pathlib import Path

from airflow.sdk import Connection, Variable, dag, task
from airflow.sdk.exceptions import AirflowFailException
from invoice_files import sync
from invoice_reader import STREAMS, SyncFailed


@dag(
    schedule="@hourly",
    start_date=datetime(2025, 1, 1, tzinfo=timezone.utc),
    catchup=False,  # the state knows what is missing: no run has to be made up for
    max_active_runs=1,
)
def invoices() -> None:
    # Trying again is safe: complete streams cost a request or two, the others go on from their last state.
    @task(retries=3)
    def bring_invoices() -> dict[str, int]:
        """Returns how many rows came of each stream."""
        config = Connection.get("source_invoices").extra_dejson
        executable = Variable.get("source_invoices_executable", "source-invoices")
        try:
            return sync(config, Path(Variable.get("invoices_folder")), STREAMS, executable)
        except SyncFailed as failure:
            if failure.may_pass:
                raise
            raise AirflowFailException(str(failure)) from None  # to try again would change nothing

    bring_invoices()


invoices()
