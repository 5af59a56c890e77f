"""Materializes the named streams and prints the result. test_dagster.py runs it in the environment with Dagster."""

import json
import sys
from pathlib import Path

import dagster as dg
from dagster_assets import Connector, invoices

_, config, folder, *streams = sys.argv
result = dg.materialize(
    [invoices],
    resources={"connector": Connector(config=Path(config).read_text(), folder=folder)},
    selection=streams or None,
    raise_on_error=False,
)
events = [event for event in result.all_events if event.is_step_materialization]
rows = {event.asset_key.to_user_string(): event.materialization.metadata["rows"].value for event in events}
failures = [event.step_failure_data.user_failure_data.description for event in result.get_step_failure_events()]
print(json.dumps({"success": result.success, "rows": rows, "failures": failures}))
