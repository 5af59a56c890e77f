"""examples/dlt_pipeline.py, into DuckDB and into PostgreSQL."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from sandbox import STREAMS, Fault, Request
from system_tests.examples.databases import Database, DuckDB, PostgresDatabase, sums_in, true_sums, values_in
from system_tests.examples.workplace import CONNECTOR_ENVIRONMENT, ORCHESTRATORS, Accounts, Workplace
from system_tests.postgresql import Postgres

STREAM = "payhubix_invoices"


def column(field: str) -> str:
    """As dlt calls it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", field).lower()


@dataclass
class Pipeline:
    """The example, run as one is."""

    workplace: Workplace
    destination: str
    database: Database
    credentials: str = ""

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.workplace.run(
            *("python", "dlt_pipeline.py", "config.json", self.destination, *arguments),
            path=[ORCHESTRATORS, CONNECTOR_ENVIRONMENT],
            DLT_DATA_DIR=str(self.workplace.folder / "dlt"),
            DESTINATION__POSTGRES__CREDENTIALS=self.credentials,
        )

    def forget(self) -> None:
        """As on another machine: what dlt keeps beside the database is gone."""
        shutil.rmtree(self.workplace.folder / "dlt")


@pytest.fixture
def in_duckdb(workplace: Workplace) -> Pipeline:
    return Pipeline(workplace, "duckdb", DuckDB(workplace.folder / "invoices.duckdb"))


@pytest.fixture
def in_postgres(workplace: Workplace, postgres: Postgres) -> Pipeline:
    name = workplace.folder.name
    postgres.create(name)
    return Pipeline(workplace, "postgres", PostgresDatabase(postgres, name), postgres.url(name))


@pytest.fixture(params=["in_duckdb", "in_postgres"])
def pipeline(request: pytest.FixtureRequest) -> Iterator[Pipeline]:
    found: Pipeline = request.getfixturevalue(request.param)
    yield found


def check(pipeline: Pipeline, accounts: Accounts) -> None:
    """The tables hold what the providers hold, to the cent."""
    assert values_in(pipeline.database, "raw", column) == accounts.values()
    assert sums_in(pipeline.database, "raw", column) == true_sums(accounts.sandbox)


def test_a_second_run_brings_what_is_new_or_changed_to_the_cent(pipeline: Pipeline, accounts: Accounts) -> None:
    first = pipeline.run()
    assert first.returncode == 0, first.stderr
    check(pipeline, accounts)
    accounts.live_on()
    pipeline.forget()  # the state is in the database, with the rows
    second = pipeline.run()
    assert second.returncode == 0, second.stderr
    check(pipeline, accounts)
    read = [dict(re.findall(r"(?m)^(\w+): (\d+) rows read", done.stdout)) for done in (first, second)]
    assert read[0].keys() == read[1].keys() == set(STREAMS)
    assert all(int(read[1][stream]) < int(read[0][stream]) for stream in STREAMS)


def test_amounts_are_exact_numbers_whatever_comes_first(pipeline: Pipeline, accounts: Accounts) -> None:
    """The newest invoice, which comes first, has 0 as its amount. dlt takes it for a whole number, if it is not told."""
    table = accounts.sandbox.tables["ipxo_invoices"]
    newest, *others = table.keys()
    table.change(newest, total_paid=0)
    for key in others:
        table.change(key, total_paid=0.07)
    assert pipeline.run("ipxo_invoices").returncode == 0
    (found,) = pipeline.database.query("SELECT CAST(sum(total_paid) AS text) AS paid FROM raw.ipxo_invoices")
    assert found["paid"].rstrip("0") == "2.73"


def test_a_failing_provider_fails_the_run_and_keeps_its_state_while_others_go_on(
    pipeline: Pipeline, accounts: Accounts
) -> None:
    assert pipeline.run().returncode == 0
    earlier = accounts.values()
    accounts.live_on()
    accounts.sandbox.payhubix.api_key = "another-api-key"
    done = pipeline.run()
    assert done.returncode == 1
    assert done.stderr.startswith("Payhubix, payhubix_invoices: access refused")
    found = values_in(pipeline.database, "raw", column)
    assert found == accounts.values() | {STREAM: earlier[STREAM]}

    pipeline.workplace.config["payhubix"]["api_key"] = accounts.sandbox.payhubix.api_key
    done = pipeline.run()
    assert done.returncode == 0, done.stderr
    (read,) = re.findall(rf"(?m)^{STREAM}: (\d+) rows read", done.stdout)
    assert int(read) < len(earlier[STREAM])
    check(pipeline, accounts)


def test_an_invoice_that_comes_twice_stands_there_once_as_it_came_last(pipeline: Pipeline, accounts: Accounts) -> None:
    size = 3
    table = accounts.sandbox.tables[STREAM]
    accounts.sandbox.lists[STREAM].max_page_size = size
    last_of_page_1 = table.keys()[size - 1]

    def live_on(request: Request) -> None:
        """When page 1 has been read, its last invoice changes, and a new one moves the list, so that it is read again."""
        if request.route == STREAM and request.page == 2 and len(table) == 40:
            table.change(last_of_page_1, status="Canceled")
            table.add()

    accounts.sandbox.on_request = live_on
    done = pipeline.run(STREAM)
    assert done.returncode == 0, done.stderr
    (read,) = re.findall(rf"{STREAM}: (\d+) rows read", done.stdout)
    assert int(read) > len(table)
    found = pipeline.database.query(f"SELECT link, status FROM raw.{STREAM}")
    assert len(found) == len(table)
    assert {row["link"]: row["status"] for row in found} == accounts.values()[STREAM]
    assert accounts.values()[STREAM][last_of_page_1] == "Canceled"


def test_a_full_refresh_drops_what_is_gone_from_complete_streams(pipeline: Pipeline, accounts: Accounts) -> None:
    assert pipeline.run().returncode == 0
    earlier = accounts.values()
    gone = {stream: table.keys()[20] for stream, table in accounts.sandbox.tables.items()}
    for stream, key in gone.items():
        accounts.sandbox.tables[stream].remove(key)
    assert pipeline.run().returncode == 0
    assert values_in(pipeline.database, "raw", column) == earlier

    accounts.sandbox.faults.append(Fault("error_200", "payhubix_*"))
    done = pipeline.run("--full-refresh")
    assert done.returncode == 1
    assert values_in(pipeline.database, "raw", column) == accounts.values() | {STREAM: earlier[STREAM]}
    assert dict(re.findall(r"(?m)^(\w+): \d+ rows read, (\d+) dropped$", done.stdout)) == dict.fromkeys(
        (stream for stream in STREAMS if stream != STREAM), "1"
    )
    assert pipeline.run("--full-refresh").returncode == 0
    check(pipeline, accounts)
    accounts.live_on()
    assert pipeline.run().returncode == 0
    check(pipeline, accounts)


def test_a_state_counts_only_if_its_rows_are_loaded(
    in_postgres: Pipeline, postgres: Postgres, accounts: Accounts
) -> None:
    """The second load breaks off before its rows are merged, and the machine that ran it is gone."""
    assert in_postgres.run().returncode == 0
    name = in_postgres.workplace.folder.name
    postgres.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'out of order'; END$$;"
        f"CREATE TRIGGER refuse BEFORE INSERT ON raw.{STREAM} FOR EACH STATEMENT EXECUTE FUNCTION refuse()",
        name,
    )
    accounts.live_on()
    broken = in_postgres.run()
    assert broken.returncode == 1
    assert "out of order" in broken.stderr
    postgres.execute(f"DROP TRIGGER refuse ON raw.{STREAM}", name)
    in_postgres.forget()
    assert in_postgres.run().returncode == 0
    check(in_postgres, accounts)


def test_a_load_that_broke_off_is_finished_by_the_next_run(
    in_postgres: Pipeline, postgres: Postgres, accounts: Accounts
) -> None:
    assert in_postgres.run().returncode == 0
    name = in_postgres.workplace.folder.name
    postgres.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    accounts.live_on()
    assert in_postgres.run().returncode == 1
    postgres.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    table = accounts.sandbox.tables[STREAM]
    table.add()
    assert in_postgres.run().returncode == 0
    check(in_postgres, accounts)


def test_an_unknown_stream_is_refused(in_duckdb: Pipeline) -> None:
    done = in_duckdb.run("payhubix")
    assert done.returncode == 1
    assert done.stderr.startswith("There is no stream payhubix. This configuration has ")
