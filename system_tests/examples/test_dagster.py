"""examples/dagster_assets.py, with Dagster."""

import json
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from sandbox import STREAMS, Fault
from system_tests.examples.workplace import ORCHESTRATORS, Accounts, Workplace

ROWS = "data/rows/{}/*.jsonl"


@dataclass
class Result:
    """The result of a materialization."""

    success: bool
    rows: dict[str, int]
    failures: list[str]


def materialize(workplace: Workplace, *streams: str) -> Result:
    shutil.copy(Path(__file__).with_name("materialize.py"), workplace.folder)
    command = ("python", "materialize.py", "config.json", "data", *streams)
    done = workplace.run(*command, path=[ORCHESTRATORS], DAGSTER_DISABLE_TELEMETRY="yes")
    assert done.returncode == 0, done.stderr
    return Result(**json.loads(done.stdout.splitlines()[-1]))


def test_each_stream_is_an_asset_and_its_second_run_brings_new_invoices(
    workplace: Workplace, accounts: Accounts
) -> None:
    first = materialize(workplace)
    assert first == Result(True, {stream: len(table) for stream, table in accounts.sandbox.tables.items()}, [])
    assert workplace.values_in(ROWS) == accounts.values()
    accounts.live_on()
    second = materialize(workplace)
    assert second.success
    assert second.rows.keys() == set(STREAMS)
    assert all(second.rows[stream] < first.rows[stream] / 2 for stream in STREAMS)
    assert workplace.values_in(ROWS) == accounts.values()


def test_a_failing_provider_fails_the_run_and_other_assets_are_materialized(
    workplace: Workplace, accounts: Accounts
) -> None:
    streams = ["nexudus_payout_invoices", "payhubix_invoices"]
    assert materialize(workplace, *streams).rows.keys() == set(streams)
    earlier = accounts.values()
    state = (workplace.folder / "data/state/payhubix_invoices.json").read_text()
    accounts.live_on()
    accounts.sandbox.payhubix.api_key = "another-api-key"
    result = materialize(workplace, *streams)
    assert not result.success
    assert result.rows.keys() == {"nexudus_payout_invoices"}
    (failure,) = result.failures
    assert failure.startswith("Payhubix, payhubix_invoices: access refused")
    assert (workplace.folder / "data/state/payhubix_invoices.json").read_text() == state
    assert workplace.values_in(ROWS)["payhubix_invoices"] == earlier["payhubix_invoices"]

    workplace.config["payhubix"]["api_key"] = accounts.sandbox.payhubix.api_key
    assert materialize(workplace, *streams).success
    assert workplace.values_in(ROWS)["payhubix_invoices"] == accounts.values()["payhubix_invoices"]


def test_a_transient_failure_is_retried_from_the_state(workplace: Workplace, accounts: Accounts) -> None:
    """Payhubix fails once. The second try does not read again what Nexudus delivered in the first."""
    example = workplace.folder / "dagster_assets.py"
    text = example.read_text()
    example.write_text(text.replace("delay=300", "delay=0"))
    assert example.read_text() != text
    accounts.sandbox.faults.append(Fault("error_200", "payhubix_*"))
    result = materialize(workplace)
    assert result.success
    assert result.rows.keys() == set(STREAMS)
    assert result.rows["nexudus_payout_invoices"] < len(accounts.sandbox.tables["nexudus_payout_invoices"])
    assert workplace.values_in(ROWS) == accounts.values()


def test_the_command_in_the_header_works(workplace: Workplace, accounts: Accounts) -> None:
    (command,) = re.findall(r"(?m)^    (dagster asset .+)$", (workplace.folder / "dagster_assets.py").read_text())

    def run() -> int:
        variables = {"SOURCE_INVOICES_CONFIG": json.dumps(workplace.config), "INVOICES_FOLDER": "data"}
        done = workplace.run(*shlex.split(command), path=[ORCHESTRATORS], DAGSTER_DISABLE_TELEMETRY="yes", **variables)
        return done.returncode

    assert run() == 0
    assert workplace.values_in(ROWS) == accounts.values()
    accounts.sandbox.payhubix.api_key = "another-api-key"
    assert run() != 0


def test_every_stream_is_materialized_each_hour(workplace: Workplace) -> None:
    """`dagster dev` loads the file without the variables that a run needs."""
    code = """
from dagster_assets import defs
(schedule,) = defs.get_repository_def().schedule_defs
print(schedule.cron_schedule)
print(*[key.to_user_string() for key in defs.resolve_job_def(schedule.job_name).asset_layer.selected_asset_keys])
"""
    done = workplace.run("python", "-c", code, path=[ORCHESTRATORS])
    schedule, assets = done.stdout.splitlines()
    assert schedule == "0 * * * *"
    assert set(assets.split()) == set(STREAMS)
