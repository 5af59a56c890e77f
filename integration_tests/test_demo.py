"""The demo as a user runs it: `python -m demo` twice, then with a failing provider and with a bad configuration."""

import csv
import importlib.util
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from sandbox import STREAMS, Fault, Sandbox

if sys.version_info >= (3, 13):
    pytest.skip("PyAirbyte, the demo's engine, supports Python 3.10 to 3.12", allow_module_level=True)
if importlib.util.find_spec("airbyte") is None:
    pytest.skip("the demo's engine is not installed: pip install -e '.[demo]'", allow_module_level=True)

import duckdb

from demo import accounts
from demo.command_line import quiet_environment, run
from demo.database import Database
from demo.problem import Problem
from demo.progress import StreamProgress
from integration_tests.support import truth
from integration_tests.support.invoices_page import KEPT, Page, expected_bars

if TYPE_CHECKING:
    from demo.sync import Connector

HOME = Path(__file__).parent.parent
WRAPPER = (sys.executable, str(HOME / "demo" / "connector.py"))
ROWS = 120
KEYS = dict.fromkeys(STREAMS, "uuid") | {"nexudus_payout_invoices": "Id", "payhubix_invoices": "link"}

# Every Python process runs this when it starts: PyAirbyte's, the wrapper's and the connector's.
GUARD = """
import os, sys

def note(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        address = arguments
    else:
        return
    host = address[0] if isinstance(address, tuple) else address
    with open(os.environ["GUARD_FILE"], "a") as file:
        print(host, file=file)

sys.addaudithook(note)
"""


@dataclass
class Screen:
    """What a run wrote to the screen."""

    exit_code: int
    text: str
    errors: str

    def row(self, stream: str) -> list[str]:
        """The cells of a stream in the first table."""
        line = next(line for line in self.text.splitlines() if line.startswith("│") and stream in line)
        return [cell.strip() for cell in line.strip("│").split("│")]

    def answer(self, question: str) -> list[tuple[str, str, str]]:
        """Currency, number and amount in each line of an answer in the table of the books."""
        books = self.text[self.text.index("The books") : self.text.index("└")]
        _, _, found = books.partition(f"│ {question} ")
        lines = (question + found.partition("├")[0]).splitlines()
        cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if "│" in line]
        return [(line[-3], line[-2], line[-1]) for line in cells]


class Demo:
    """Runs the demo in its own folder, without a home directory and without a terminal."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.work = folder / "work"
        self.work.mkdir()
        self.path = self.work / "tmp.duckdb"
        self.hosts = folder / "hosts.txt"
        (folder / "sitecustomize.py").write_text(GUARD)
        self.environment = environment | {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder),
            "PYTHONPATH": f"{folder}{os.pathsep}{HOME}",
            "GUARD_FILE": str(self.hosts),
        }

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Starts the demo."""
        return subprocess.Popen(
            [sys.executable, "-m", "demo", *arguments],
            cwd=self.work,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> Screen:
        """Runs the demo to its end."""
        return screen(self.start(*arguments))


def screen(process: "subprocess.Popen[str]") -> Screen:
    """Waits for a run to end."""
    text, errors = process.communicate(timeout=120)
    return Screen(process.returncode, text, errors)


@dataclass
class Runs:
    """The runs that the tests check."""

    demo: Demo
    first: Screen
    second: Screen
    failing: Screen
    failing_page: Page
    failing_folder: Path


def run_here(*arguments: str) -> Screen:
    """Runs the demo in this process, because PyAirbyte takes long to start."""
    text, errors = io.StringIO(), io.StringIO()
    with patch.dict(os.environ), redirect_stdout(text), redirect_stderr(errors):
        exit_code = run(arguments)
    return Screen(exit_code, text.getvalue(), errors.getvalue())


def run_in(folder: Path, *arguments: str) -> Screen:
    """Runs the demo in this process and in a folder."""
    earlier = Path.cwd()
    os.chdir(folder)
    try:
        return run_here(*arguments)
    finally:
        os.chdir(earlier)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Two runs, one after the other. Beside the first one runs another, with a failing provider."""
    demo = Demo(tmp_path_factory.mktemp("demo"), http_proxy="http://proxy.invalid:3128")
    arguments = ("--rows", str(ROWS), "--database", demo.path.name)
    first = demo.start(*arguments)
    folder = tmp_path_factory.mktemp("failing")
    with Sandbox(rows=9) as sandbox:
        sandbox.payhubix.max_page_size = 3
        words = {"message": "Simulated failure 404 [/red] [b]of ours[/b]"}
        fault = Fault(
            "status", "payhubix_invoices", status=404, body=words, times=None, when=lambda request: request.page == 2
        )
        sandbox.faults.append(fault)
        settings = sandbox.config()
        settings["nexudus"]["credentials"]["password"] = "not-the-password"
        config = folder / "my dir" / "it's.json"
        config.parent.mkdir()
        config.write_text(json.dumps(settings))
        failing = run_in(folder, "--config", str(config))
    failing_page = Page((folder / "invoices-it-s.html").read_text("utf-8"))
    ended = screen(first)
    for path in (demo.path, demo.work / "tmp.html", demo.work / "tmp-csv" / "invoices.csv"):
        path.chmod(0o644)  # as a version that closed less has left it
    return Runs(demo, ended, demo.run(*arguments), failing, failing_page, folder)


@pytest.fixture
def database(runs: Runs) -> Database:
    """The database after the two runs."""
    return Database(runs.demo.path, "main", "books")


@pytest.fixture
def page(runs: Runs) -> Page:
    """The page after the second run."""
    return Page((runs.demo.work / "tmp.html").read_text("utf-8"))


@pytest.mark.parametrize("stream", STREAMS)
def test_the_first_run_counts_every_row_of_the_sandbox(runs: Runs, database: Database, stream: str) -> None:
    rows = list(accounts.build_sandbox(database.runs()[:1]).tables[stream].rows())
    assert len(rows) == (ROWS // 10 if stream == "ipxo_invoices" else ROWS)
    kept = KEPT[stream]
    opened, settled = (
        ("-", "-")
        if "nexudus" in stream
        else (str(sum(map(kept.is_open, rows))), str(sum(row[kept.status] in kept.settled for row in rows)))
    )

    assert runs.first.row(stream) == [stream, str(len(rows)), str(len(rows)), "0", opened, settled]
    assert f"{stream}: {len(rows)} rows read" in runs.first.text


def test_the_first_run_succeeds(runs: Runs) -> None:
    assert (runs.first.exit_code, runs.first.errors) == (0, "")
    assert re.search(r"^492 rows read in [\d.]+ seconds: \d+ rows a second\.$", runs.first.text, re.MULTILINE)
    assert "Since the last run" not in runs.first.text
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", runs.first.text), "control characters without a terminal"


def test_the_first_run_shows_totals_by_currency(runs: Runs, database: Database) -> None:
    totals: dict[str, int] = {}
    for row in accounts.build_sandbox(database.runs()[:1]).tables["ipxo_ecommerce_invoices"].rows():
        total = row["total"]
        totals[total["currency"]] = totals.get(total["currency"], 0) + total["amount_minor"]

    for currency, minor in totals.items():
        assert re.search(rf"│ {currency} +│ +\d+ │ +{minor / 100:,.2f} │", runs.first.text)


@pytest.mark.parametrize("stream", STREAMS)
def test_the_second_run_counts_new_and_changed_rows(runs: Runs, database: Database, stream: str) -> None:
    before, after = (
        {row[KEYS[stream]]: row for row in accounts.build_sandbox(database.runs()[:count]).tables[stream].rows()}
        for count in (1, 2)
    )
    new = len(after.keys() - before.keys())
    changed = sum(after[key] != row for key, row in before.items())
    assert new > 0

    assert runs.second.row(stream)[1:4] == [str(len(after)), str(new), str(changed)]


def test_the_second_run_sums_them_up_in_one_line(runs: Runs) -> None:
    new, changed = (sum(int(runs.second.row(stream)[column]) for stream in STREAMS) for column in (2, 3))
    assert changed > 0

    assert f"Since the last run: {new} new invoices, {changed} changed.\n" in runs.second.text
    assert (runs.second.exit_code, runs.second.errors) == (0, "")


def test_the_books_on_the_screen_are_those_of_the_sandbox(runs: Runs, database: Database) -> None:
    earlier, held = (truth.rows(accounts.build_sandbox(database.runs()[:count])) for count in (1, 2))
    started = database.runs()[-1].started
    month = started.date().replace(day=1)
    opened = truth.opened(held)
    answers: dict[str, list[tuple[str | None, int, Decimal]]] = {
        "Owed to us": [(currency, *found) for (side, currency), found in opened.items() if side == "receivable"],
        "Owed by us": [(currency, *found) for (side, currency), found in opened.items() if side == "payable"],
        "Overdue": [(None, *sums(truth.overdue(held, started.date()).values()))],
    }
    for question, expected in answers.items():
        assert sorted(runs.second.answer(question)) == sorted(
            (currency or "unknown", f"{number:,}", f"{amount:,.2f}") for currency, number, amount in expected
        )
    paid = truth.paid(earlier, held, started, month)
    assert sorted(line[2] for line in runs.second.answer("Paid this month")) == sorted(
        f"{amount:,.2f}" for amount in paid.values()
    )
    changes = truth.changes(earlier, held)
    lines = runs.second.answer("Changed since the last run")
    assert sum(int(line[1]) for line in lines) == len(changes)
    assert "Changed since the last run" not in runs.first.text


def sums(amounts: Iterable[Decimal]) -> tuple[int, Decimal]:
    """How many amounts there are, and their sum."""
    found = list(amounts)
    return len(found), sum(found, Decimal(0))


@pytest.mark.parametrize(("table", "name"), [("invoices", "invoices"), ("open_invoices", "open_invoices")])
def test_each_table_of_the_books_is_a_csv_file(runs: Runs, table: str, name: str) -> None:
    with duckdb.connect(str(runs.demo.path), read_only=True) as connection:
        result = connection.execute(f"SELECT invoice_id, open_amount::VARCHAR FROM books.{table} ORDER BY ALL")
        expected = result.fetchall()
    path = runs.demo.work / "tmp-csv" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert sorted((row["invoice_id"], row["open_amount"] or None) for row in rows) == expected
    assert path.stat().st_mode & 0o077 == 0
    # Names such as =SUM(A1:A9), which a spreadsheet would run.
    names = {row["counterparty_name"] for row in rows}
    assert not [found for found in names if found.startswith(("=", "+", "-", "@"))]
    assert table != "invoices" or "'=SUM(A1:A9)" in names


@pytest.mark.parametrize("stream", STREAMS)
def test_the_database_holds_each_invoice_once(runs: Runs, database: Database, stream: str) -> None:
    with duckdb.connect(str(runs.demo.path), read_only=True) as connection:
        held = connection.execute(f"SELECT {KEYS[stream]} FROM {stream}").fetchall()

    assert sorted(key for (key,) in held) == sorted(accounts.build_sandbox(database.runs()).tables[stream].keys())


def test_the_query_that_the_demo_prints_works(runs: Runs) -> None:
    line = runs.second.text.split("Query them with:\n")[1].strip()
    result = subprocess.run(line, shell=True, cwd=runs.demo.work, capture_output=True, text=True, check=True)

    assert "receivable" in result.stdout
    assert "invoices" in result.stdout


def test_the_page_beside_the_database_shows_the_last_sync(runs: Runs, database: Database) -> None:
    html = (runs.demo.work / "tmp.html").read_text("utf-8")

    assert "\nThe invoices are in tmp.duckdb. See them in tmp.html, and as CSV in tmp-csv\n" in runs.second.text
    for sync in database.stream_syncs(database.runs()[-1]):
        assert sync.failure is None
        assert sync.began and sync.ended and sync.began <= sync.ended
        assert f"{sync.name}: {sync.rows} row{'' if sync.rows == 1 else 's'}, {sync.seconds:.1f} s" in html
        assert f"{sync.name}: {sync.rows} rows read" in runs.second.text or sync.rows == 1


@pytest.mark.parametrize("stream", STREAMS)
def test_the_pictures_on_the_page_agree_with_the_database(runs: Runs, page: Page, stream: str) -> None:
    bars = page.bars(stream)

    assert bars == expected_bars(runs.demo.path, "main", stream)
    assert len(bars["Invoices by month"]) > 2


@pytest.mark.parametrize("stream", STREAMS)
def test_the_tables_on_the_page_agree_with_the_pictures(
    runs: Runs, database: Database, page: Page, stream: str
) -> None:
    bars = expected_bars(runs.demo.path, "main", stream)
    table = page.table(stream, 0)
    assert sum(int(row[3]) for row in table) == len(accounts.build_sandbox(database.runs()).tables[stream].keys())

    said = [amount_in_words(row) for row in table if row[0] != "no date"]
    assert sorted(said) == sorted(words for title in bars if title.startswith("Amount") for words in bars[title])
    if opened := [words for title in bars if title.startswith("Open") for words in bars[title]]:
        said = [amount_in_words(row) for row in page.table(stream, 1)]
        assert sorted(said) == sorted(opened)


def amount_in_words(row: list[str]) -> str:
    """The label of the bar for this row of a table."""
    place, status, currency, _, amount = row
    status = "" if status == "\N{EN DASH}" else f", {status}"
    return f"{place}{status}: {amount}{', ' if currency == 'no currency' else ' '}{currency}"


def test_the_page_names_a_failed_stream_in_all_three_places(runs: Runs) -> None:
    root = runs.failing_page.root
    (header,), (sync,) = root.all("header"), root.all("section", id="sync")
    (article,) = root.all("article", id="payhubix_invoices")

    assert "2 of 5 streams failed in this sync: nexudus_payout_invoices, payhubix_invoices." in header.line()
    (row,) = (row for row in sync.all("tr") if "payhubix_invoices" in row.line())
    assert re.search("failed: Payhubix.*Simulated failure 404", row.line())
    assert "The last sync of this stream failed" in article.line()
    assert "it's.json" in header.line()


def test_a_database_that_the_page_would_overwrite_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["--database", "invoices.html"])
    assert "the database cannot end in .html" in capsys.readouterr().err


def test_only_the_database_the_page_and_the_csv_files_remain(runs: Runs) -> None:
    assert sorted(path.name for path in runs.demo.work.iterdir()) == ["tmp-csv", "tmp.duckdb", "tmp.html"]
    assert not Path(runs.demo.environment["HOME"]).exists()
    assert not list(runs.demo.work.parent.glob("source-invoices-demo-*"))


def test_no_connection_leaves_the_machine(runs: Runs) -> None:
    hosts = runs.demo.hosts.read_text().splitlines()

    assert len(hosts) > 20, "the guard sees the connector's requests"
    assert set(hosts) <= {"127.0.0.1", "None"}


def test_a_failing_provider_is_reported_after_the_other_streams(runs: Runs) -> None:
    assert (runs.failing.exit_code, runs.failing.errors) == (1, "")
    assert runs.failing.row("ipxo_payout_invoices")[1] == "9"
    assert runs.failing.row("payhubix_invoices")[0] == "payhubix_invoices (failed)"
    nexudus, _, payhubix = runs.failing.text.splitlines()[-3:]
    assert nexudus.startswith("nexudus_payout_invoices failed. Nexudus, sign-in: access refused, HTTP 400: ")
    assert "nexudus.credentials" in nexudus
    assert payhubix.startswith("payhubix_invoices failed. Payhubix")
    assert "Simulated failure 404 [/red] [b]of ours[/b]" in payhubix, "what a provider says is no markup"


def test_real_accounts_have_files_of_their_own(runs: Runs) -> None:
    names = {path.name for path in runs.failing_folder.iterdir()}

    assert names == {"my dir", "invoices-it-s.duckdb", "invoices-it-s.html", "invoices-it-s-csv"}
    place = (
        "The invoices are in invoices-it-s.duckdb. See them in invoices-it-s.html, and as CSV in invoices-it-s-csv\n"
    )
    assert place in runs.failing.text
    with duckdb.connect(str(runs.failing_folder / "invoices-it-s.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM ipxo_payout_invoices").fetchall() == [(9,)]


def test_other_accounts_are_not_mixed_with_those_of_a_file(runs: Runs) -> None:
    other = runs.failing_folder / "my dir" / "other.json"
    other.write_text("{}")
    database = str(runs.failing_folder / "invoices-it-s.duckdb")
    for arguments, held in (
        (("--config", str(other), "--database", str(runs.demo.path)), "the sandbox"),
        (("--config", str(other), "--database", database), str(runs.failing_folder / "my dir" / "it's.json")),
        (("--database", database), str(runs.failing_folder / "my dir" / "it's.json")),
    ):
        ended = run_here(*arguments)
        assert (ended.exit_code, ended.text) == (1, "")
        assert f" has the invoices of {held}, and accounts are not mixed. " in ended.errors
        assert len(ended.errors.splitlines()) == 1
    other.unlink()


@pytest.mark.parametrize("place", ["work", "failing"])
def test_all_that_the_demo_leaves_is_for_its_owner_alone(runs: Runs, place: str) -> None:
    folder = runs.demo.work if place == "work" else runs.failing_folder
    left = [path for path in folder.rglob("*") if "my dir" not in str(path)]

    assert len(left) > 8
    assert not [path for path in left if path.stat().st_mode & 0o077]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "The configuration my.json cannot be read: No such file or directory."),
        ("{'ipxo'", "The configuration my.json is not JSON: "),
        ("[]", "The configuration my.json is JSON, but not an object"),
    ],
)
def test_a_bad_configuration_is_reported_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("my.json").write_text(content)

    ended = run_here("--config", "my.json")

    assert ended.exit_code == 1
    assert ended.errors.startswith(sentence)
    assert len(ended.errors.splitlines()) == 1
    assert not Path("invoices.duckdb").exists()


def test_a_python_without_the_demo_s_packages_is_told_in_one_sentence() -> None:
    # -S leaves out the packages of this environment.
    command = [sys.executable, "-S", "-m", "demo"]
    ended = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr == "PyAirbyte, with which the demo syncs, is not in this environment. Run: make demo\n"


# A connector with one stream. Its configuration has its rows, and whether it crashes.
CONNECTOR = """
    #!{python}
    import json, sys

    def say(**message):
        print(json.dumps(message, separators=(",", ":")), flush=True)

    def trace(**message):
        say(type="TRACE", trace=dict(message, emitted_at=0.0))

    schema = {"type": "object", "properties": {"id": {"type": "integer"}, "status": {"type": "string"}}}
    stream = dict(name="bills", json_schema=schema, supported_sync_modes=["full_refresh", "incremental"],
                  source_defined_primary_key=[["id"]])
    config = json.load(open(sys.argv[sys.argv.index("--config") + 1]))
    if sys.argv[1] == "check":
        say(type="CONNECTION_STATUS", connectionStatus=dict(status="FAILED", message="The key is wrong."))
    elif sys.argv[1] == "discover":
        say(type="CATALOG", catalog=dict(streams=[stream]))
    else:
        trace(type="ESTIMATE", estimate=dict(name="bills", type="STREAM", row_estimate=9))
        for number, status in config["rows"]:
            say(type="RECORD", record=dict(stream="bills", data=dict(id=number, status=status), emitted_at=0))
        if config["crash"]:
            sys.exit("The disk is full.")
        trace(type="STREAM_STATUS", stream_status=dict(stream_descriptor=dict(name="bills"), status="COMPLETE"))
"""


class Bills:
    """Syncs with that connector."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.executable = folder / "bills"
        self.executable.write_text(textwrap.dedent(CONNECTOR).lstrip().replace("{python}", sys.executable))
        self.executable.chmod(0o700)
        self.database = folder / "bills.duckdb"

    def connector(self, *rows: tuple[int, str], crash: bool = False) -> "Connector":
        """The connector for one sync, which delivers these rows."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        with patch.dict(os.environ), quiet_environment(folder):
            from demo.sync import Connector  # As the demo does.

            return Connector(self.executable, {"rows": rows, "crash": crash}, folder)

    def sync(self, connector: "Connector") -> dict[str, str]:
        """Syncs, and returns what failed."""
        streams = connector.discover()
        connector.sync(self.database, "main")
        return connector.failures(streams)

    def held(self) -> list[tuple[int, str]]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute("SELECT id, status FROM bills ORDER BY id").fetchall()


@pytest.fixture
def bills(tmp_path: Path) -> Bills:
    return Bills(tmp_path)


def test_the_last_row_with_a_key_replaces_earlier_ones(bills: Bills) -> None:
    bills.sync(bills.connector((1, "open"), (2, "open"), (2, "paid")))
    assert bills.held() == [(1, "open"), (2, "paid")]

    bills.sync(bills.connector((1, "open"), (1, "paid"), (3, "open"), (3, "open")))
    assert bills.held() == [(1, "paid"), (2, "paid"), (3, "open")]


def test_estimates_and_rows_are_reported_for_each_stream(bills: Bills) -> None:
    connector = bills.connector((1, "open"), (2, "open"))

    assert bills.sync(connector) == {}
    assert connector.report.streams == {"bills": StreamProgress(records=2, estimate=9, status="COMPLETE", ended=0.0)}


def test_the_rows_and_the_last_message_of_a_crashed_connector_remain(bills: Bills) -> None:
    failures = bills.sync(bills.connector((1, "open"), crash=True))

    assert failures == {"bills": "The disk is full."}
    assert bills.held() == [(1, "open")]


def test_a_refused_configuration_has_the_connector_s_message(bills: Bills) -> None:
    with pytest.raises(Problem, match=r"^The check of the configuration failed\. The key is wrong\.$"):
        bills.connector().check()


@pytest.mark.parametrize(("command", "code"), [("check", 3), ("read", 0)])
def test_the_wrapper_passes_on_output_and_exit_code(tmp_path: Path, command: str, code: int) -> None:
    connector = tmp_path / "connector"
    connector.write_text("#!/bin/sh\nprintf 'one\\n\\ntwo'; echo trouble >&2; exit 3\n")
    connector.chmod(0o700)
    report, errors = tmp_path / "report", tmp_path / "errors"

    ended = subprocess.run([*WRAPPER, connector, report, errors, command], capture_output=True, check=False)

    assert (ended.stdout, ended.returncode) == (b"one\n\ntwo", code)
    assert errors.read_text() == "trouble\n"
    assert ("exit" in report.read_text()) == (command == "read"), "PyAirbyte drops all rows of a read that exits 3"


def test_the_wrapper_passes_on_signals(tmp_path: Path) -> None:
    command = [*WRAPPER, "/bin/sleep", str(tmp_path / "report"), str(tmp_path / "errors"), "60"]
    with subprocess.Popen(command) as process:
        while not (tmp_path / "report").exists():
            time.sleep(0.01)
        process.terminate()
        assert process.wait(10) == -signal.SIGTERM
