"""examples/spark_accounts.py when something breaks: the driver, a task, a value."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import Request
from system_tests.examples.workplace import CONNECTOR_ENVIRONMENT
from system_tests.spark.cluster import ENVIRONMENT, Cluster, cluster

STREAM = "payhubix_invoices"


@pytest.fixture
def few(tmp_path_factory: pytest.TempPathFactory, java: str) -> Iterator[Cluster]:
    names = ["a", "b", "c-1", "c-2", "d"]
    with cluster((tmp_path_factory.mktemp("spark"), tmp_path_factory.mktemp("accounts")), names, java) as found:
        yield found


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
    few.clear()
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
    first = few.sync_with_a_kill(STREAM, master=master)
    few.clear()
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
    """Spark by itself makes such an amount null, or 1250."""
    row = {"link": "INV-1", "currency_amount": "12,50"}
    line = {"account": "a", "run": "1", "place": 0, "stream": STREAM, "kind": "record", "data": json.dumps(row)}
    code = "import json, sys, pandas; pandas.DataFrame([json.loads(sys.argv[1])]).to_parquet(sys.argv[2])"
    few.table.mkdir()
    command = [str(ENVIRONMENT / "python"), "-c", code, json.dumps(line), str(few.table / "part-0.parquet")]
    subprocess.run(command, check=True)
    with pytest.raises(RuntimeError, match="CAST_INVALID_INPUT"):
        few.query(f"SELECT sum(currency_amount) FROM {STREAM}")
