"""How long the connector waits for providers, that it says so, and that it ends: with the values that it ships with.

The tests of `make test` shorten these waits. Here nothing is shortened, so they take eleven minutes, most of them at the
same time. A test that takes long stands before a short one: a process of the tests takes two at a time.
"""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integration_tests.support.connector import catalog_of, command
from sandbox import Fault, Request, Sandbox
from system_tests.waits.process import PROGRAM, Process

PAYOUTS, ECOMMERCE = "ipxo_payout_invoices", "ipxo_ecommerce_invoices"
NEXUDUS, PAYHUBIX = "nexudus_payout_invoices", "payhubix_invoices"
DETAILS = "ipxo_invoices"
PROVIDERS = {PAYOUTS: "ipxo", ECOMMERCE: "ipxo", NEXUDUS: "nexudus", PAYHUBIX: "payhubix"}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
# A byte every five seconds, without an end.
DRIBBLES = {
    "body": (HEAD + b"Content-Length: 9999\r\n\r\n", b"x"),
    "header line": (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "nothing": (),
}
ROWS = 9

Start = Callable[[Sandbox, str, str], Process]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rows=ROWS) as sandbox:
        yield sandbox


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts a command for one stream, with the configuration of its provider alone."""

    def begin(sandbox: Sandbox, verb: str, stream: str) -> Process:
        provider = PROVIDERS[stream]
        config = {"num_workers": 1, provider: sandbox.config()[provider]}
        files = {"catalog": catalog_of([stream])} if verb == "read" else {}
        return Process(command(tmp_path, verb, config=config, **files))

    return begin


def dribble(route: str, name: str) -> Fault:
    pieces = DRIBBLES[name]
    return Fault(kind="raw", route=route, pieces=pieces, endless=bool(pieces), delay=5, times=None)


def test_a_page_has_ten_minutes(sandbox: Sandbox, start: Start) -> None:
    sandbox.faults.append(dribble(PAYHUBIX, "body"))
    process = start(sandbox, "read", PAYHUBIX)
    line = process.wait_for("no whole answer within 600 seconds. Attempt 1 of 6 failed.", within=660)
    assert 600 <= line.seconds <= 620
    assert process.stop(signal.SIGTERM) <= 2
    assert (process.exit_code, process.stderr) == (128 + signal.SIGTERM, "Stopped.\n")
    assert process.longest_silence() <= 60


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_wait_of_ten_minutes_ends_within_two_seconds_of_a_signal(
    sandbox: Sandbox, start: Start, number: signal.Signals
) -> None:
    sandbox.faults.append(Fault(kind="status", status=429, retry_after="600", route=PAYHUBIX, times=None))
    process = start(sandbox, "read", PAYHUBIX)
    process.wait_for("Waiting 600 seconds.", within=60)
    assert process.stop(number) <= 2
    assert (process.exit_code, process.stderr) == (128 + number, "Stopped.\n")


@pytest.mark.parametrize(("stream", "rows"), [(NEXUDUS, 12_000), (DETAILS, 3_000)])
def test_a_read_ends_within_three_seconds_of_its_reader(tmp_path: Path, stream: str, rows: int) -> None:
    with Sandbox(rows={stream: rows}) as sandbox:
        arguments = command(tmp_path, "read", config=sandbox.config(), catalog=catalog_of([stream]))
        process = subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline()
        process.stdout.close()
        closed = time.monotonic()
        assert process.wait(60) == 128 + signal.SIGPIPE
        assert time.monotonic() - closed <= 3
        assert process.stderr.read() == b""


def test_a_sign_in_has_a_minute(sandbox: Sandbox, start: Start) -> None:
    sandbox.faults.append(dribble("nexudus_token", "body"))
    process = start(sandbox, "read", NEXUDUS).end(within=600)
    assert process.exit_code == 1
    assert "Nexudus, sign-in: no whole answer within 60 seconds." in process.error()
    assert "(Tried 6 times.)" in process.error()
    assert process.longest_silence() <= 62


@pytest.mark.parametrize(
    ("stream", "status", "hint"),
    [
        (NEXUDUS, 409, None),
        (PAYHUBIX, 429, "0"),
        (PAYOUTS, 429, "Thu, 01 Jan 2015 00:00:00 GMT"),
        (ECOMMERCE, 429, "soon"),
    ],
)
def test_throttling_is_waited_for_two_minutes_and_announced(
    sandbox: Sandbox, start: Start, stream: str, status: int, hint: str | None
) -> None:
    sandbox.faults.append(Fault(kind="status", status=status, retry_after=hint, route=stream, times=None))
    process = start(sandbox, "read", stream).end(within=300)
    assert process.exit_code == 1
    assert f"{stream}: too many requests, HTTP {status}: " in process.error()
    asked = [request.started for request in sandbox.requests if request.route == stream]
    assert asked[-1] - asked[0] >= 120
    assert process.said("Waiting ")
    assert process.longest_silence() <= 60


def test_a_limit_by_the_minute_is_outlasted(sandbox: Sandbox, start: Start) -> None:
    first: list[float] = []

    def in_the_first_minute(_: Request) -> bool:
        first.append(time.monotonic())
        return first[-1] - first[0] < 60

    sandbox.faults.append(Fault(kind="status", status=409, route=NEXUDUS, times=None, when=in_the_first_minute))
    process = start(sandbox, "read", NEXUDUS).end(within=300)
    assert (process.exit_code, process.rows()) == (0, ROWS)


@pytest.mark.parametrize("status", [429, 503])
def test_a_named_wait_is_kept_and_announced_each_minute(sandbox: Sandbox, start: Start, status: int) -> None:
    sandbox.faults.append(Fault(kind="status", status=status, retry_after="70", route=PAYHUBIX))
    process = start(sandbox, "read", PAYHUBIX).end(within=200)
    assert (process.exit_code, process.rows()) == (0, ROWS)
    first, second, *_ = [request.started for request in sandbox.requests if request.route == PAYHUBIX]
    assert second - first >= 70
    announced, again = process.said("in 70 seconds.") + process.said("Waiting ")
    assert 59 <= again.seconds - announced.seconds <= 62
    assert "Payhubix, payhubix_invoices: " in announced.log


@pytest.mark.parametrize("status", [429, 503])
def test_a_date_is_read_against_the_date_of_its_answer(sandbox: Sandbox, start: Start, status: int) -> None:
    dates = b"Date: %s\r\nRetry-After: %s\r\n" % (
        b"Thu, 01 Jan 2015 00:00:00 GMT",
        b"Thu, 01 Jan 2015 00:00:08 GMT",
    )
    answer = b"HTTP/1.1 %d No\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n" % (status, dates)
    sandbox.faults.append(Fault(kind="raw", pieces=[answer], route=PAYHUBIX))
    process = start(sandbox, "read", PAYHUBIX).end(within=120)
    assert process.exit_code == 0
    first, second, *_ = [request.started for request in sandbox.requests if request.route == PAYHUBIX]
    assert 8 <= second - first < 60
    assert process.said("8 seconds.")


def test_a_long_read_says_every_half_minute_how_far_it_is(sandbox: Sandbox, start: Start) -> None:
    sandbox.lists[PAYHUBIX].max_page_size = 1
    sandbox.latency = 8
    process = start(sandbox, "read", PAYHUBIX).end(within=300)
    assert process.exit_code == 0
    far = process.said(f" of about {ROWS} invoices read.")
    assert len(far) >= 2
    assert 29 <= far[1].seconds - far[0].seconds <= 32


@pytest.mark.parametrize("name", DRIBBLES)
@pytest.mark.parametrize(("route", "stream"), [("*", PAYHUBIX), ("nexudus_token", NEXUDUS)])
def test_check_ends_within_half_a_minute(sandbox: Sandbox, start: Start, name: str, route: str, stream: str) -> None:
    sandbox.faults.append(dribble(route, name))
    process = start(sandbox, "check", stream).end(within=120)
    # Without the start of the process, which the other tests slow down.
    assert time.monotonic() - sandbox.requests[0].started <= 28
    assert process.exit_code == 0
    status, message = process.connection_status()
    assert status == "FAILED"
    assert f"{stream}: no " in message or "sign-in: no " in message
