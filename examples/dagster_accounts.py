"""Dagster assets, one a stream and partitioned by account, that bring the invoices of many accounts every hour.

Needs what dagster_assets.py needs, and accounts.py beside this file. Set these environment variables:

- INVOICES_ACCOUNTS: a folder with a JSON file for each account, or one file with all (see accounts.py);
- INVOICES_FOLDER: rows and states of the account NAME go to NAME in this folder, that every run sees.

Each account is a partition. The schedule adds those that are new, and asks for a run of each. How many runs there are
at a time is set in Dagster's instance, and so is, by a pool, that accounts of one Nexudus login do not run at once.
"""

from collections.abc import Iterator
from pathlib import Path

import accounts
import dagster as dg
from invoice_files import sync
from invoice_reader import STREAMS, SyncFailed

PARTITIONS = dg.DynamicPartitionsDefinition(name="accounts")


class Connector(dg.ConfigurableResource):
    """source-invoices, on the PATH or in an environment of its own."""

    accounts: str
    folder: str
    executable: str = "source-invoices"


@dg.multi_asset(
    specs=[dg.AssetSpec(name, group_name="invoices", skippable=True) for name in STREAMS],
    partitions_def=PARTITIONS,
    can_subset=True,
    # Trying again is safe: complete streams cost a request or two, the others go on from their last state.
    retry_policy=dg.RetryPolicy(max_retries=3, delay=300),
)
def invoices_of_accounts(context: dg.AssetExecutionContext, connector: Connector) -> Iterator[dg.MaterializeResult]:
    """One sync of an account. Streams of providers that it does not have are left out."""
    name, failure = context.partition_key, None
    chosen = [stream for stream in STREAMS if dg.AssetKey(stream) in context.selected_asset_keys]
    try:
        config = accounts.configuration(Path(connector.accounts), name)
        streams = accounts.streams(config, chosen)
        rows = sync(config, Path(connector.folder, name), streams, connector.executable, {"account": name})
    except SyncFailed as raised:
        rows, failure = raised.rows, raised
    for stream, number in rows.items():
        yield dg.MaterializeResult(asset_key=stream, metadata={"rows": number})
    if failure:
        raise dg.Failure(str(failure), allow_retries=failure.may_pass)


@dg.schedule(target=[invoices_of_accounts], cron_schedule="0 * * * *")
def accounts_hourly(context: dg.ScheduleEvaluationContext, connector: Connector) -> list[dg.RunRequest]:
    """A run for each account."""
    names = accounts.names(Path(connector.accounts))
    context.instance.add_dynamic_partitions(str(PARTITIONS.name), names)
    time = context.scheduled_execution_time.isoformat()
    return [dg.RunRequest(run_key=f"{name} {time}", partition_key=name) for name in names]


defs = dg.Definitions(
    assets=[invoices_of_accounts],
    schedules=[accounts_hourly],
    resources={"connector": Connector(accounts=dg.EnvVar("INVOICES_ACCOUNTS"), folder=dg.EnvVar("INVOICES_FOLDER"))},
)
