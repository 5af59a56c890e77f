"""examples/pipes.sh, with the installed connector."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sandbox import STREAMS, Fault
from system_tests.examples.workplace import CONNECTOR_ENVIRONMENT, Accounts, Workplace

if shutil.which("jq") is None:
    pytest.skip("NOT TESTED: examples/pipes.sh needs jq", allow_module_level=True)

ROWS = "data/{}-*.jsonl"


def state(workplace: Workplace) -> dict[str, Any]:
    messages = json.loads((workplace.folder / "data" / "state.json").read_text())
    return {message["stream"]["stream_descriptor"]["name"]: message["stream"] for message in messages}


def test_a_second_run_brings_new_and_changed_invoices(workplace: Workplace, accounts: Accounts) -> None:
    assert workplace.run("./pipes.sh", "config.json", "data", *STREAMS).returncode == 0
    assert workplace.values_in(ROWS) == accounts.values()
    first = {path.name for path in workplace.folder.glob("data/*.jsonl")}

    accounts.live_on()
    assert workplace.run("./pipes.sh", "config.json", "data", *STREAMS).returncode == 0
    assert workplace.values_in(ROWS) == accounts.values()
    for stream, table in accounts.sandbox.tables.items():
        (new,) = {path.name for path in workplace.folder.glob(f"data/{stream}-*")} - first
        assert len(workplace.rows_in(f"data/{new}")) < len(table)


def test_rows_are_written_unchanged(workplace: Workplace, accounts: Accounts) -> None:
    accounts.sandbox.tables["payhubix_invoices"].add(customer={"name": 'tab\t, line\n, "quote" \\ and ü'})
    assert workplace.run("./pipes.sh", "config.json", "data", "payhubix_invoices").returncode == 0
    written = {row["link"]: row for row in workplace.rows_in("data/payhubix_invoices-*.jsonl")}
    for row in accounts.sandbox.tables["payhubix_invoices"].rows():
        sent = {name: value for name, value in row.items() if name not in ("index", "created_at") and value is not None}
        assert sent.items() <= written[row["link"]].items()


def test_a_failing_provider_fails_the_run_and_nothing_is_written(workplace: Workplace, accounts: Accounts) -> None:
    streams = ("nexudus_payout_invoices", "payhubix_invoices")
    assert workplace.run("./pipes.sh", "config.json", "data", *streams).returncode == 0
    before = {path: path.read_text() for path in (workplace.folder / "data").iterdir()}
    accounts.live_on()
    accounts.sandbox.faults.append(Fault("error_200", "payhubix_*"))
    done = workplace.run("./pipes.sh", "config.json", "data", *streams)
    assert done.returncode != 0
    assert "Payhubix, payhubix_invoices: " in done.stderr
    assert {path: path.read_text() for path in (workplace.folder / "data").iterdir()} == before

    assert workplace.run("./pipes.sh", "config.json", "data", *streams).returncode == 0
    for stream in streams:
        assert workplace.values_in(ROWS)[stream] == accounts.values()[stream]


def test_the_state_of_a_stream_that_is_not_read_is_kept(workplace: Workplace) -> None:
    workplace.run("./pipes.sh", "config.json", "data", "nexudus_payout_invoices")
    nexudus = state(workplace)
    assert workplace.run("./pipes.sh", "config.json", "data", "payhubix_invoices").returncode == 0
    assert state(workplace).keys() == {"nexudus_payout_invoices", "payhubix_invoices"}
    assert state(workplace).items() >= nexudus.items()


def test_no_state_is_saved_if_the_rows_cannot_be_saved(workplace: Workplace, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "mv").write_text('#!/bin/sh\ncase "$*" in *.jsonl*) exit 1;; esac\nexec /bin/mv "$@"\n')
    (broken / "mv").chmod(0o755)
    path = (broken, CONNECTOR_ENVIRONMENT)
    assert workplace.run("./pipes.sh", "config.json", "data", "payhubix_invoices", path=path).returncode != 0
    assert (workplace.folder / "data" / "state.json").read_text() == "[]\n"


def test_the_files_of_a_killed_run_are_removed(workplace: Workplace) -> None:
    left = workplace.folder / "data" / ".run-killed"
    left.mkdir(parents=True)
    (left / "payhubix_invoices.jsonl").write_text("half a row")
    assert workplace.run("./pipes.sh", "config.json", "data", "payhubix_invoices").returncode == 0
    assert not left.exists()


def test_an_unknown_stream_is_refused(workplace: Workplace) -> None:
    done = workplace.run("./pipes.sh", "config.json", "data", "payhubix")
    assert done.returncode != 0
    assert "payhubix, which this connector does not have" in done.stderr
