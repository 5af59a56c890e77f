"""examples/spark_accounts.py and spark_views.py, with Spark on this machine."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from sandbox import Request
from system_tests.examples.companies import Rows
from system_tests.examples.conftest import CONNECTOR_ENVIRONMENT, KEYS, changing_field

from .conftest import ENVIRONMENT, Cluster, cluster

STREAM = "payhubix_invoices"
# The first two have one login at Nexudus.
TWENTY = ["a00-1", "a00-2", *(f"a{number:02}" for number in range(2, 20))]
REFUSED = "a07"
VIEWS = " UNION ALL ".join(
    f"SELECT '{stream}' AS stream, account, CAST({key} AS string) AS key, CAST({changing_field(stream)} AS string) AS value"
    f" FROM {stream}"
    for stream, key in KEYS.items()
)
TOTALS = f"SELECT 'total' AS stream, account, '' AS key, CAST(sum(currency_amount) AS string) AS value FROM {STREAM}"


@dataclass
class Run:
    """What came of a run, and what should be in the views after it."""

    done: "subprocess.CompletedProcess[str]"
    found: Rows
    expected: Rows


@dataclass
class Story:
    """Twenty accounts: their first run, a second one in which an account is refused, and a third one when it is mended."""

    cluster: Cluster
    runs: list[Run]
    plans: str


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, java: str) -> Iterator[Story]:
    folders = (tmp_path_factory.mktemp("spark"), tmp_path_factory.mktemp("accounts"))
    for spark in cluster(*folders, TWENTY, java):
        place = spark.place
        runs = [Run(spark.sync(), spark.rows(), place.values())]
        earlier = place.values()[REFUSED][STREAM]
        place.live_on()
        place.refuse(REFUSED)
        second = Run(spark.sync(), spark.rows(), place.values())
        second.expected[REFUSED][STREAM] = earlier
        place.mend(REFUSED)
        runs += [second, Run(spark.sync(), spark.rows(), place.values())]
        plans = "".join(path.read_text() for path in (spark.folder / "events").rglob("*") if path.is_file())
        yield Story(spark, runs, plans)


def test_a_first_run_brings_every_row_of_twenty_accounts(story: Story) -> None:
    first = story.runs[0]
    assert first.done.returncode == 0, first.done.stderr
    assert first.done.stdout.splitlines()[-1] == "20 of 20 accounts are complete, 800 rows."
    assert first.found == first.expected


def test_an_account_that_is_refused_is_named_and_the_others_are_complete(story: Story) -> None:
    second = story.runs[1]
    assert second.done.returncode == 1
    assert f"\n{REFUSED}: Payhubix, payhubix_invoices: access refused" in second.done.stderr
    assert f"\nFailed: {REFUSED}.\n" in second.done.stderr
    assert second.done.stdout.splitlines()[-1].startswith("19 of 20 accounts are complete, ")
    assert second.found == second.expected


def test_an_account_that_is_mended_goes_on_from_its_state(story: Story) -> None:
    third = story.runs[2]
    assert third.done.returncode == 0, third.done.stderr
    assert third.done.stdout.splitlines()[-1].startswith("20 of 20 accounts are complete, ")
    assert third.found == third.expected


def test_the_views_have_each_invoice_once_with_exact_amounts(story: Story) -> None:
    totals: dict[str, Decimal] = {}
    found: Rows = {name: {stream: {} for stream in KEYS} for name in TWENTY}
    for row in story.cluster.query(f"{VIEWS} UNION ALL {TOTALS} GROUP BY account"):
        if row["stream"] == "total":
            totals[row["account"]] = Decimal(row["value"])
            continue
        is_number = row["stream"] == "nexudus_payout_invoices"
        key = int(row["key"]) if is_number else row["key"]
        values = found[row["account"]][row["stream"]]
        assert key not in values
        values[key] = float(row["value"]) if is_number else row["value"]
    assert found == story.runs[2].expected
    for name, account in story.cluster.place.accounts.items():
        rows = account.sandbox.tables[STREAM].rows()
        assert totals[name] == sum(Decimal(str(row["currency_amount"])) for row in rows)


def test_no_secret_is_in_the_plans_the_event_log_or_the_table(story: Story) -> None:
    """`Cluster.sync` looks for secrets in all that a run leaves. The plans are in the event log."""
    assert "MapInArrow" in story.plans
    for secret in story.cluster.secrets():
        assert secret not in story.plans


def test_accounts_of_one_login_are_in_one_task_and_others_are_not(story: Story) -> None:
    files = [accounts for accounts in story.cluster.accounts_in_files() if accounts]
    assert len(files) == len(story.runs) * (len(TWENTY) - 1)
    assert [accounts for accounts in files if len(accounts) > 1] == [["a00-1", "a00-2"]] * len(story.runs)


@pytest.fixture
def few(tmp_path_factory: pytest.TempPathFactory, java: str) -> Iterator[Cluster]:
    yield from cluster(
        tmp_path_factory.mktemp("spark"), tmp_path_factory.mktemp("accounts"), ["a", "b", "c", "d"], java
    )


def test_nothing_is_there_if_driver_and_jvm_are_killed_before_the_commit(few: Cluster) -> None:
    """One task at a time: when the last account is read, the others are done. The next run brings all of them."""
    jobs: list[subprocess.Popen[str]] = []

    def kill(request: Request) -> None:
        if jobs:
            os.killpg(jobs.pop().pid, signal.SIGKILL)

    few.place["d"].sandbox.on_request = kill
    job = few.start("local[1]", "spark_accounts.py", *few.arguments(STREAM))
    jobs.append(job)
    job.communicate()
    assert job.returncode == -signal.SIGKILL
    assert jobs == []
    assert few.place["c-1"].sandbox.count(STREAM)
    assert few.lines() == []
    done = few.sync(STREAM)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "5 of 5 accounts are complete, 40 rows."
    assert {name: rows[STREAM] for name, rows in few.rows().items()} == expected(few)


@pytest.mark.parametrize("master", ["local[2]", "local[2,2]"], ids=["for good", "once"])
def test_a_task_that_fails_after_its_rows_leaves_neither_rows_nor_state(few: Cluster, master: str) -> None:
    """Two accounts are in one task, which is killed at the second; with `local[2,2]` Spark tries it again.

    The first one's rows, more than are handed over at once, have been written then, and its state has been read.
    """
    table = few.place["c-1"].sandbox.tables[STREAM]
    for _ in range(1200):
        table.add()
    connector = few.folder / "connector"
    port = few.place["c-2"].config["payhubix"]["api_url"].rpartition(":")[2]
    connector.write_text(
        f"""#!/bin/sh
if grep -q "{port}" "$3" && mkdir "{few.folder}/failed"; then kill -9 $PPID; exit 1; fi
exec "{CONNECTOR_ENVIRONMENT}/source-invoices" "$@"
"""
    )
    connector.chmod(0o755)
    few.executable = str(connector)
    first = few.sync(STREAM, master=master)
    few.executable = str(CONNECTOR_ENVIRONMENT / "source-invoices")
    assert (few.folder / "failed").is_dir()
    if master == "local[2]":
        assert first.returncode == 1
        assert few.lines() == []
        first = few.sync(STREAM)
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[-1] == "5 of 5 accounts are complete, 1240 rows."
    assert {name: rows[STREAM] for name, rows in few.rows().items()} == expected(few)


def expected(few: Cluster) -> dict[str, dict[Any, Any]]:
    return {name: rows[STREAM] for name, rows in few.place.values([STREAM]).items()}


def test_a_value_that_does_not_fit_its_type_fails_the_query(few: Cluster) -> None:
    """An amount as text, which Spark makes null by itself."""
    row = {"link": "INV-1", "currency_amount": "12.50"}
    line = {"account": "a", "run": "1", "place": 0, "stream": STREAM, "kind": "record", "data": json.dumps(row)}
    code = "import json, sys, pandas; pandas.DataFrame([json.loads(sys.argv[1])]).to_parquet(sys.argv[2])"
    few.table.mkdir()
    command = [ENVIRONMENT / "python", "-c", code, json.dumps(line), few.table / "part-0.parquet"]
    subprocess.run(command, check=True)
    with pytest.raises(RuntimeError, match="MALFORMED_RECORD_IN_PARSING"):
        few.query(f"{TOTALS} GROUP BY account")
