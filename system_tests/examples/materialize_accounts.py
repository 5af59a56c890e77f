"""Run by test_many_accounts.py, where Dagster is: evaluates the schedule and materializes each partition it asks for."""

import json
import sys
from datetime import datetime, timezone
from typing import Any

import dagster as dg
from dagster_accounts import PARTITIONS, Connector, accounts_hourly, invoices_of_accounts

_, place, folder = sys.argv
connector = Connector(accounts=place, folder=folder)
found: dict[str, Any] = {"rows": {}, "success": {}, "partitions": [], "asked_for": []}
with dg.DagsterInstance.local_temp() as instance:
    time = datetime(2026, 1, 1, tzinfo=timezone.utc)
    context = dg.build_schedule_context(instance, scheduled_execution_time=time, resources={"connector": connector})
    requests = accounts_hourly(context)
    found["partitions"] = sorted(instance.get_dynamic_partitions(PARTITIONS.name))
    for request in requests:
        found["asked_for"].append(request.partition_key)
        result = dg.materialize(
            [invoices_of_accounts],
            resources={"connector": connector},
            partition_key=request.partition_key,
            instance=instance,
            raise_on_error=False,
        )
        events = [event for event in result.all_events if event.is_step_materialization]
        found["rows"][request.partition_key] = {
            event.asset_key.to_user_string(): event.materialization.metadata["rows"].value for event in events
        }
        found["success"][request.partition_key] = result.success
print(json.dumps(found))
