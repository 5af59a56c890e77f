"""Dagster assets, one a stream, that bring new and changed invoices every hour, as JSON Lines files.

Needs Dagster 1.11 or later, and invoice_files.py and invoice_reader.py beside this file. Set these environment
variables:

- SOURCE_INVOICES_CONFIG: the connector's configuration, as JSON;
- INVOICES_FOLDER: where rows and states go, a folder that every run sees.

In the folder of this file, `dagster dev -f dagster_assets.py` shows it, and this runs it once:

    dagster asset materialize -f dagster_assets.py --select '*'
"""

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from invoice_files import sync
from invoice_reader import STREAMS, SyncFailed


class Connector(dg.ConfigurableResource):
    """source-invoices, on the PATH or in an environment of its own."""

    config: str
    folder: str
    executable: str = "source-invoices"


@dg.multi_asset(
    specs=[dg.AssetSpec(name, group_name="invoices") for name in STREAMS],
    can_subset=True,
    # Trying again is safe: complete streams cost a request or two, the others go on from their last state.
    retry_policy=dg.RetryPolicy(max_retries=3, delay=300),
)
def invoices(context: dg.AssetExecutionContext, connector: Connector) -> Iterator[dg.MaterializeResult]:
    """One sync of the chosen streams. Those that are complete count, whatever becomes of the others."""
    streams = [name for name in STREAMS if dg.AssetKey(name) in context.selected_asset_keys]
    failure = None
    try:
        rows = sync(json.loads(connector.config), Path(connector.folder), streams, connector.executable)
    except SyncFailed as raised:
        rows, failure = raised.rows, raised
    for name, number in rows.items():
        yield dg.MaterializeResult(asset_key=name, metadata={"rows": number})
    if failure:
        raise dg.Failure(str(failure), allow_retries=failure.may_pass)


defs = dg.Definitions(
    assets=[invoices],
    schedules=[dg.ScheduleDefinition("invoices_hourly", target=[invoices], cron_schedule="0 * * * *")],
    resources={"connector": Connector(config=dg.EnvVar("SOURCE_INVOICES_CONFIG"), folder=dg.EnvVar("INVOICES_FOLDER"))},
)
