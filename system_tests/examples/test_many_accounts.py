"""examples/many_accounts.py, dlt_accounts.py, airflow_accounts.py and dagster_accounts.py, each with several accounts."""

import importlib
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from sandbox import STREAMS, Request
from system_tests.examples.companies import Companies, Rows, companies, values_of
from system_tests.examples.databases import DuckDB
from system_tests.examples.test_dlt import column
from system_tests.examples.workplace import (
    CONNECTOR_ENVIRONMENT,
    EXAMPLES,
    KEYS,
    ORCHESTRATORS,
    Workplace,
    changing_field,
)

NAMES = ["east", "north", "south", "west"]
STREAM = "payhubix_invoices"


@pytest.fixture
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Companies]:
    with companies(tmp_path_factory.mktemp("accounts"), NAMES) as found:
        yield found


@pytest.fixture
def place(several: Companies, tmp_path: Path) -> Workplace:
    return Workplace(tmp_path, several["north"].config)


def in_files(place: Workplace) -> Rows:
    """What is in data/NAME/rows, each row with its account's name."""
    found: Rows = {}
    for name in NAMES:
        rows = {stream: place.rows_in(f"data/{name}/rows/{stream}/*.jsonl") for stream in STREAMS}
        assert {row["account"] for one in rows.values() for row in one} <= {name}
        found[name] = {stream: values_of(one, stream).get(name, {}) for stream, one in rows.items()}
    return found


def on_one_machine(place: Workplace, several: Companies, *options: str) -> "subprocess.CompletedProcess[str]":
    return place.run("python", "many_accounts.py", str(several.folder), "data", *options)


def test_one_machine_brings_what_is_new_and_a_refused_account_fails_alone(place: Workplace, several: Companies) -> None:
    first = on_one_machine(place, several)
    assert first.returncode == 0, first.stdout
    assert in_files(place) == several.values()
    assert first.stdout.splitlines()[-1] == "4 of 4 accounts are complete, 240 rows."
    earlier = several.values()
    several.live_on()
    several.refuse("south")
    second = on_one_machine(place, several)
    assert second.returncode == 1
    assert "\nsouth: Payhubix, payhubix_invoices: access refused" in "\n" + second.stdout
    assert re.fullmatch(r"3 of 4 accounts are complete, \d+ rows\. Failed: south\.", second.stdout.splitlines()[-1])
    expected = several.values()
    expected["south"][STREAM] = earlier["south"][STREAM]
    assert in_files(place) == expected
    several.mend("south")
    assert on_one_machine(place, several).returncode == 0
    assert in_files(place) == several.values()


def test_a_configuration_that_cannot_be_read_is_the_account_s_own_failure(place: Workplace, several: Companies) -> None:
    (several.folder / "south.json").write_text("{")
    done = on_one_machine(place, several, STREAM)
    assert done.returncode == 1
    assert f"south: {several.folder / 'south.json'} is not JSON." in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == "3 of 4 accounts are complete, 36 rows. Failed: south."


def test_a_job_that_is_told_to_stop_ends_its_connectors_and_leaves_no_secret(
    place: Workplace, several: Companies, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    key = several["north"].config["payhubix"]["api_key"].encode()
    found: list[int] = []

    def look() -> None:
        found.append(sum(key in path.read_bytes() for path in temporary.rglob("*") if path.is_file()))

    def tell_to_stop(request: Request) -> None:
        if not found:
            look()
            job.send_signal(signal.SIGTERM)

    for name in NAMES:
        several[name].sandbox.on_request = tell_to_stop
    path = os.pathsep.join([str(CONNECTOR_ENVIRONMENT), os.environ["PATH"]])
    job = subprocess.Popen(
        ["python", "many_accounts.py", str(several.folder), "data", "--workers", "2"],
        cwd=place.folder,
        env={**os.environ, "TMPDIR": str(temporary), "PATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
    said, _ = job.communicate()
    assert job.returncode == 1
    look()
    assert found in ([1, 0], [2, 0])
    assert "Not read: 2." in said.splitlines()[-1]
    for name in NAMES:
        several[name].sandbox.on_request = None
    assert on_one_machine(place, several).returncode == 0
    assert in_files(place) == several.values()


def test_dlt_has_a_table_a_stream_with_the_account_in_its_key(place: Workplace, several: Companies) -> None:
    database = DuckDB(place.folder / "many_accounts.duckdb")

    def run() -> "subprocess.CompletedProcess[str]":
        return place.run(
            *("python", "dlt_accounts.py", str(several.folder), "duckdb", "--per-load", "3"),
            path=[ORCHESTRATORS, CONNECTOR_ENVIRONMENT],
            DLT_DATA_DIR=str(place.folder / "dlt"),
        )

    def in_tables() -> Rows:
        found: Rows = {name: {} for name in NAMES}
        for stream in STREAMS:
            fields = {"account": "account", KEYS[stream]: KEYS[stream], changing_field(stream): changing_field(stream)}
            terms = ", ".join(f'{column(field)} AS "{name}"' for name, field in fields.items())
            rows = database.query(f"SELECT {terms} FROM raw.{stream}")
            for name, values in values_of(rows, stream).items():
                found[name][stream] = {k: float(v) if stream.startswith("nexudus") else v for k, v in values.items()}
            assert len(rows) == sum(len(values.get(stream, ())) for values in found.values())
        return found

    first = run()
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[-1] == "4 of 4 accounts are complete."
    assert in_tables() == several.values()
    earlier = several.values()
    several.live_on()
    several.refuse("south")
    second = run()
    assert second.returncode == 1
    assert second.stderr.splitlines()[0].startswith("south: Payhubix, payhubix_invoices: access refused")
    assert second.stderr.splitlines()[-1] == "Failed: south."
    expected = several.values()
    expected["south"][STREAM] = earlier["south"][STREAM]
    assert in_tables() == expected
    several.mend("south")
    assert run().returncode == 0
    assert in_tables() == several.values()


def test_airflow_has_a_mapped_task_for_each_account(
    place: Workplace, several: Companies, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("airflow")
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(place.folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "0",
        "AIRFLOW_VAR_INVOICES_ACCOUNTS": str(several.folder),
        "AIRFLOW_VAR_INVOICES_FOLDER": str(place.folder / "data"),
    }
    assert place.run("airflow", "db", "migrate", path=[ORCHESTRATORS], **settings).returncode == 0

    def run() -> "subprocess.CompletedProcess[str]":
        return place.run("airflow", "dags", "test", "invoices_of_accounts", path=[ORCHESTRATORS], **settings)

    several.refuse("south")
    first = run()
    assert first.returncode == 1
    assert "AirflowFailException: Payhubix, payhubix_invoices: access refused" in first.stdout + first.stderr
    expected = several.values()
    expected["south"][STREAM] = {}
    assert in_files(place) == expected
    several.mend("south")
    several.live_on()
    assert run().returncode == 0
    assert in_files(place) == several.values()


def test_dagster_has_a_partition_for_each_account(place: Workplace, several: Companies) -> None:
    shutil.copy(Path(__file__).with_name("materialize_accounts.py"), place.folder)
    several.refuse("south")
    command = ("python", "materialize_accounts.py", str(several.folder), "data")
    done = place.run(*command, path=[ORCHESTRATORS], DAGSTER_DISABLE_TELEMETRY="yes")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["partitions"] == result["asked_for"] == NAMES
    assert result["success"] == {"east": True, "north": True, "south": False, "west": True}
    assert result["rows"]["north"] == dict.fromkeys(STREAMS, 12)
    assert result["rows"]["south"] == {stream: 12 for stream in STREAMS if stream != STREAM}
    expected = several.values()
    expected["south"][STREAM] = {}
    assert in_files(place) == expected
    several.mend("south")
    several.live_on()
    done = place.run(*command, path=[ORCHESTRATORS], DAGSTER_DISABLE_TELEMETRY="yes")
    assert all(json.loads(done.stdout.splitlines()[-1])["success"].values())
    assert in_files(place) == several.values()


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module("accounts")


def test_accounts_of_one_nexudus_login_are_read_one_after_another(accounts: ModuleType, tmp_path: Path) -> None:
    def nexudus(login: str) -> dict[str, object]:
        return {"nexudus": {"credentials": {"auth_type": "password", "username": login, "password": "secret"}}}

    token = {"nexudus": {"credentials": {"auth_type": "access_token", "access_token": "secret"}}}
    everybody = {
        "a": nexudus("x"),
        "b": {"payhubix": {"api_key": "k"}},
        "c": nexudus("y"),
        "d": nexudus("x"),
        "e": token,
    }
    (tmp_path / "accounts.json").write_text(json.dumps(everybody | {"f": token, "g": "no configuration"}))
    assert accounts.in_turn(tmp_path / "accounts.json") == [["a", "d"], ["b"], ["c"], ["e", "f"], ["g"]]
    for name, config in everybody.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(config))
    (tmp_path / "accounts.json").unlink()
    assert accounts.in_turn(tmp_path) == [["a", "d"], ["b"], ["c"], ["e"]]
    assert accounts.configuration(tmp_path, "c") == nexudus("y")


@pytest.mark.parametrize("name", ["..", "a/b", "", ".hidden"])
def test_an_account_whose_name_is_no_folder_is_refused(accounts: ModuleType, tmp_path: Path, name: str) -> None:
    (tmp_path / "accounts.json").write_text(json.dumps({name: {}}))
    with pytest.raises(accounts.SyncFailed, match="An account cannot be called"):
        accounts.names(tmp_path / "accounts.json")


def test_a_folder_without_accounts_is_refused(accounts: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(accounts.SyncFailed, match="There are no accounts in"):
        accounts.in_turn(tmp_path)
