"""examples/spark_accounts.py and spark_views.py: three runs of twenty accounts."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest

from system_tests.examples.companies import Rows
from system_tests.examples.workplace import KEYS, changing_field
from system_tests.spark.cluster import Cluster, cluster

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
    with cluster(folders, TWENTY, java) as spark:
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
    said = second.done.stdout.splitlines()
    assert said[0].startswith(f"{REFUSED}: Payhubix, payhubix_invoices: access refused")
    assert f"Failed: {REFUSED}." in said
    assert re.findall(r"(?m)^19 of 20 accounts are complete, (\d+) rows\.$", second.done.stdout)
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
