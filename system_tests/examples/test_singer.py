"""examples/tap_invoices.py into PostgreSQL, with Meltano and MeltanoLabs' target-postgres."""

import json
import subprocess

import pytest

from sandbox import Fault
from system_tests.examples.databases import PostgresDatabase, sums_in, true_sums, values_in
from system_tests.examples.workplace import ORCHESTRATORS, Accounts, Workplace
from system_tests.postgresql import Postgres

STREAM = "payhubix_invoices"
LOADER = """
  loaders:
  - name: target-postgres
    namespace: target_postgres
    executable: target-postgres
    settings:
    - name: sqlalchemy_url
      sensitive: true
    - name: default_target_schema
      value: raw
    - name: load_method
      value: upsert
"""


class Job:
    """The project of the example, with a loader, and its database."""

    def __init__(self, workplace: Workplace, postgres: Postgres) -> None:
        self.workplace = workplace
        name = workplace.folder.name
        postgres.create(name)
        self.database = PostgresDatabase(postgres, name)
        self._url = postgres.url(name).replace("postgresql:", "postgresql+psycopg:")
        with (workplace.folder / "meltano.yml").open("a") as file:
            file.write(LOADER)

    def run(self, *options: str) -> "subprocess.CompletedProcess[str]":
        return self.workplace.run(
            *("meltano", "run", *options, "tap-invoices", "target-postgres"),
            path=[ORCHESTRATORS],
            TAP_INVOICES_SOURCE=json.dumps(self.workplace.config),
            TARGET_POSTGRES_SQLALCHEMY_URL=self._url,
            MELTANO_SEND_ANONYMOUS_USAGE_STATS="false",
        )

    def deleted(self, stream: str, key: str) -> list[object]:
        """The keys of the invoices that are marked as deleted."""
        rows = self.database.query(f'SELECT "{key}" AS key FROM raw.{stream} WHERE _sdc_deleted_at IS NOT NULL')
        return [row["key"] for row in rows]


def column(field: str) -> str:
    """As the target calls it."""
    return f'"{field}"'


@pytest.fixture
def job(workplace: Workplace, postgres: Postgres) -> Job:
    return Job(workplace, postgres)


def check(job: Job, accounts: Accounts) -> None:
    """The tables hold what the providers hold, to the cent."""
    assert values_in(job.database, "raw", column) == accounts.values()
    assert sums_in(job.database, "raw", column) == true_sums(accounts.sandbox)


def test_a_second_run_brings_what_is_new_or_changed_to_the_cent(job: Job, accounts: Accounts) -> None:
    first = job.run()
    assert first.returncode == 0, first.stderr
    check(job, accounts)
    accounts.live_on()
    second = job.run()
    assert second.returncode == 0, second.stderr
    check(job, accounts)


def test_a_failing_provider_fails_the_run_and_keeps_its_state_while_others_go_on(job: Job, accounts: Accounts) -> None:
    assert job.run().returncode == 0
    earlier = accounts.values()
    accounts.live_on()
    accounts.sandbox.payhubix.api_key = "another-api-key"
    done = job.run()
    assert done.returncode != 0
    assert "Payhubix, payhubix_invoices: access refused" in done.stdout + done.stderr
    assert values_in(job.database, "raw", column) == accounts.values() | {STREAM: earlier[STREAM]}
    job.workplace.config["payhubix"]["api_key"] = accounts.sandbox.payhubix.api_key
    assert job.run().returncode == 0
    check(job, accounts)


def test_a_full_refresh_marks_what_is_gone_from_complete_streams(job: Job, accounts: Accounts) -> None:
    assert job.run().returncode == 0
    stream = "nexudus_payout_invoices"
    gone = {name: accounts.sandbox.tables[name].keys()[20] for name in (stream, STREAM)}
    for name, key in gone.items():
        accounts.sandbox.tables[name].remove(key)
    accounts.sandbox.faults.append(Fault("error_200", "payhubix_*"))
    assert job.run("--full-refresh").returncode != 0
    assert job.deleted(stream, "Id") == [gone[stream]]
    assert job.deleted(STREAM, "link") == []
    assert job.run("--full-refresh").returncode == 0
    assert job.deleted(STREAM, "link") == [gone[STREAM]]
    accounts.live_on()
    assert job.run().returncode == 0
    for name, key in gone.items():
        found = values_in(job.database, "raw", column)[name]
        assert found.pop(key)
        assert found == accounts.values()[name]
