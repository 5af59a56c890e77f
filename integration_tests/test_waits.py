"""Waits: how long they are, that they are said, and that they end. No answer is waited for without an end."""

import re
import threading
from collections.abc import Sequence

import pytest

from integration_tests.support import timing
from integration_tests.support.connector import Output, call, read
from sandbox import Fault, Sandbox
from source_invoices.components.http.throttling import RetryPolicy

PAYHUBIX = "payhubix_invoices"
NEXUDUS = "nexudus_payout_invoices"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
# What comes for ever, a piece at a time.
DRIBBLES = {
    "header line": (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "header lines": (b"HTTP/1.1 200 OK\r\n", b"X: x\r\n"),
    "interim answers": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "body": (HEAD + b"Content-Length: 9999\r\n\r\n", b"x"),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "body without a length": (HEAD + b"\r\n", b"x"),
    "nothing": (),
}


def dribble(route: str, name: str) -> Fault:
    pieces = DRIBBLES[name]
    return Fault(kind="raw", route=route, pieces=pieces, endless=bool(pieces), delay=0.02, times=None)


def lines(output: Output, *words: str) -> list[str]:
    """The INFO lines that have all of these words."""
    return [line for line in output.logs if line.startswith("INFO: ") and all(word in line for word in words)]


def moments(sandbox: Sandbox, route: str) -> Sequence[float]:
    return [request.started for request in sandbox.requests if request.route == route]


@pytest.mark.parametrize("status", [429, 503, 500])
def test_a_named_wait_raises_the_backoff(sandbox: Sandbox, status: int) -> None:
    sandbox.faults.append(Fault(kind="status", status=status, retry_after="1", route=PAYHUBIX))
    with timing.short_waits():
        output = read(sandbox.config(), [PAYHUBIX])
    assert output.exit_code == 0
    first, second, *_ = moments(sandbox, PAYHUBIX)
    assert second - first >= 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("hint", ["0", "Thu, 01 Jan 2015 00:00:00 GMT"])
def test_a_named_wait_does_not_shorten_the_backoff(sandbox: Sandbox, status: int, hint: str) -> None:
    sandbox.faults.append(Fault(kind="status", status=status, retry_after=hint, route=PAYHUBIX, times=3))
    with timing.policy(first_backoff=0.2, longest_backoff=60):
        assert read(sandbox.config(), [PAYHUBIX]).exit_code == 0
    first, second, third, fourth, *_ = moments(sandbox, PAYHUBIX)
    assert (second - first >= 0.1, third - second >= 0.2, fourth - third >= 0.4) == (True, True, True)


@pytest.mark.parametrize("nth", [1, 20])
def test_a_named_wait_after_a_503_holds_the_whole_provider(nth: int) -> None:
    payouts, ecommerce = "ipxo_payout_invoices", "ipxo_ecommerce_invoices"
    with Sandbox(rows={payouts: 300, ecommerce: 300}) as sandbox:
        sandbox.lists[payouts].max_page_size = sandbox.lists[ecommerce].max_page_size = 10
        sandbox.latency = 0.05
        sandbox.faults.append(Fault(kind="status", status=503, retry_after="2", route=payouts, nth=nth))
        assert read({**sandbox.config(), "num_workers": 2}, [payouts, ecommerce]).exit_code == 0
        asked = sorted(sandbox.requests, key=lambda request: request.started)
    refused = next(request for request in asked if request.status == 503)
    # Requests that were in flight when the answer came are not held.
    later = [request.started - refused.started for request in asked if request.started > refused.started]
    assert [seconds for seconds in later if 0.5 < seconds < 1.9] == []
    assert [seconds for seconds in later if seconds >= 1.9]


@pytest.mark.parametrize("hint", ["9" * 400, "86400", "Fri, 31 Dec 9999 23:59:59 GMT"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_that_is_too_long_fails_the_stream_at_once(sandbox: Sandbox, status: int, hint: str) -> None:
    sandbox.faults.append(Fault(kind="status", status=status, retry_after=hint, route=PAYHUBIX, times=None))
    output = read(sandbox.config(), [PAYHUBIX])
    assert "It asks to wait " in output.error_of(PAYHUBIX)["message"]
    assert sandbox.count(PAYHUBIX) == 1


@pytest.mark.usefixtures("no_limits_of_nexudus")
@pytest.mark.parametrize("hint", [None, "0", "soon", "Fri, 31 Dec 99999 23:59:59 GMT", "Thu, 01 Jan 2015 00:00:00 GMT"])
def test_throttling_is_outlasted(sandbox: Sandbox, hint: str | None) -> None:
    sandbox.faults.append(Fault(kind="status", status=409, retry_after=hint, route=NEXUDUS, times=None))
    with timing.policy(first_backoff=0.01, longest_backoff=0.02, outlasts=1):
        output = read(sandbox.config(), [NEXUDUS])
    assert "too many requests" in output.error_of(NEXUDUS)["message"]
    asked = moments(sandbox, NEXUDUS)
    assert asked[-1] - asked[0] >= 0.9  # the connector counts from the answers
    assert len(asked) > RetryPolicy().attempts
    assert RetryPolicy().outlasts >= 120


def test_a_stream_that_others_leave_no_room_is_throttled_for_as_long(sandbox: Sandbox) -> None:
    sandbox.faults.append(Fault(kind="status", status=429, route="ipxo_payout_invoices", times=None))
    with timing.policy(first_backoff=0.001, longest_backoff=0.001, outlasts=1, attempts=2, patience=1):
        read(sandbox.config(), ["ipxo_payout_invoices", "ipxo_invoices", "ipxo_ecommerce_invoices"])
    asked = moments(sandbox, "ipxo_payout_invoices")
    assert asked[-1] - asked[0] >= 0.9  # the connector counts from the answers


def test_a_pause_is_announced_once_whatever_number_of_threads_waits(sandbox: Sandbox) -> None:
    for stream in sandbox.lists:
        sandbox.lists[stream].max_page_size = 1
    sandbox.latency = 0.02
    sandbox.faults.append(Fault(kind="status", status=429, retry_after="1", route="ipxo_*_invoices", nth=3))
    with timing.policy(first_backoff=0.01, announces=0.5):
        output = read(sandbox.config(), ["ipxo_payout_invoices", "ipxo_invoices", "ipxo_ecommerce_invoices"])
    assert output.exit_code == 0
    (line,) = lines(output, "Waiting")
    assert re.fullmatch(
        r"INFO: IPXO, ipxo_\w+: too many requests, HTTP 429: 'Simulated failure 429.'. Waiting 1 second.", line
    )


def test_a_wait_is_announced_again_while_it_lasts(sandbox: Sandbox) -> None:
    sandbox.faults.append(Fault(kind="status", status=429, retry_after="2", route=PAYHUBIX))
    with timing.policy(announces=0.5, repeats=0.5):
        output = read(sandbox.config(), [PAYHUBIX])
    said = [line.rpartition(". ")[2] for line in lines(output, "Payhubix, payhubix_invoices", "Waiting")]
    assert said == ["Waiting 2 seconds.", "Waiting 2 seconds.", "Waiting 1 second.", "Waiting 1 second."]
    assert (RetryPolicy().announces, RetryPolicy().repeats) == (5, 60)


def test_a_short_wait_for_a_provider_s_pause_is_not_announced(sandbox: Sandbox) -> None:
    sandbox.faults.append(Fault(kind="status", status=429, retry_after="1", route=PAYHUBIX))
    assert lines(read(sandbox.config(), [PAYHUBIX]), "Waiting") == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "status", "status": 503}, "no usable answer, HTTP 503: 'Simulated failure 503.'"),
        ({"kind": "drop"}, "the provider could not be reached: Remote end closed connection without response"),
        ({"kind": "half"}, "the answer broke off half-way"),
        ({"kind": "slow", "delay": 1}, "no answer in time"),
    ],
)
def test_each_retry_is_one_line(sandbox: Sandbox, fault: dict[str, object], words: str) -> None:
    sandbox.faults.append(Fault(route=PAYHUBIX, times=2, **fault))  # type: ignore[arg-type]
    with timing.short_waits(), timing.short_timeouts():
        output = read(sandbox.config(), [PAYHUBIX])
    assert output.exit_code == 0
    assert lines(output, "Asking again") == [
        f"INFO: Payhubix, {PAYHUBIX}: {words}. Attempt {number} of 6 failed. Asking again in 1 second."
        for number in (1, 2)
    ]


def test_a_named_wait_after_a_503_is_announced_again(sandbox: Sandbox) -> None:
    sandbox.faults.append(Fault(kind="status", status=503, retry_after="2", route=PAYHUBIX))
    with timing.policy(repeats=0.8):
        output = read(sandbox.config(), [PAYHUBIX])
    assert [line.rpartition(". ")[2] for line in lines(output, "HTTP 503")] == [
        "Asking again in 2 seconds.",
        "Waiting 2 seconds.",
        "Waiting 1 second.",
    ]


def test_after_a_pause_nexudus_is_asked_at_its_pace_again() -> None:
    with Sandbox(rows={NEXUDUS: 9}) as sandbox:  # with the limits that it publishes
        sandbox.faults.append(Fault(kind="status", status=409, retry_after="1", route=NEXUDUS))
        assert read(sandbox.config(), [NEXUDUS]).exit_code == 0
    assert [request.status for request in sandbox.requests].count(409) == 1


def test_a_wait_for_the_budget_of_nexudus_is_announced(sandbox: Sandbox) -> None:
    config = sandbox.config()
    config["nexudus"]["requests_per_minute"] = 5

    def hurry(manifest: dict[str, dict[str, list[dict[str, list[dict[str, str]]]]]]) -> dict[str, object]:
        manifest["api_budget"]["policies"][0]["rates"][1]["interval"] = "PT2S"
        return dict(manifest)

    with timing.changed_manifest(hurry), timing.policy(announces=0.5):
        output = read(config, [NEXUDUS])
    assert output.exit_code == 0
    assert lines(output, f"Nexudus, {NEXUDUS}: as many requests were sent as the provider allows", "Waiting 2 seconds.")


def test_the_log_says_how_far_each_running_stream_is(sandbox: Sandbox) -> None:
    sandbox.latency = 0.2
    with timing.policy(progress=0.05):
        output = read({**sandbox.config(), "num_workers": 1}, [PAYHUBIX, "ipxo_payout_invoices"])
    assert lines(output, f"{PAYHUBIX}: 3 of about 9 invoices read.")
    assert lines(output, "ipxo_payout_invoices: 6 of about 9 invoices read.")
    assert lines(output, f"{PAYHUBIX}: ", "ipxo_payout_invoices: ", "invoices read")
    assert not [thread for thread in threading.enumerate() if thread.name == "progress" and not thread.daemon]
    assert RetryPolicy().progress == 30


def test_a_stream_without_an_estimate_says_what_it_has_read(sandbox: Sandbox) -> None:
    sandbox.latency = 0.2
    config = sandbox.config()
    config["payhubix"]["filters"] = {"status": "Paid"}
    with timing.policy(progress=0.05):
        assert lines(read(config, [PAYHUBIX]), f"{PAYHUBIX}: ", "invoices read so far, in 1 pages of the list.")


def test_no_line_of_progress_comes_after_a_read(sandbox: Sandbox) -> None:
    with timing.policy(progress=0.01):
        read(sandbox.config(), [PAYHUBIX])
    for thread in threading.enumerate():
        if thread.name == "progress":
            thread.join(60)
    assert not [thread for thread in threading.enumerate() if thread.name == "progress"]


@pytest.mark.parametrize("name", DRIBBLES)
@pytest.mark.parametrize("route", [PAYHUBIX, "nexudus_token"])
def test_a_request_ends_at_its_deadline(sandbox: Sandbox, route: str, name: str) -> None:
    stream = PAYHUBIX if route == PAYHUBIX else NEXUDUS
    sandbox.faults.append(dribble(route, name))
    with timing.policy(first_backoff=0.01, attempts=2, deadline=0.4, sign_in_deadline=0.5):
        output = read(sandbox.config(), [stream])
    seconds = "0.4" if route == PAYHUBIX else "0.5"
    assert f"no whole answer within {seconds} seconds." in output.error_of(stream)["message"]
    assert "(Tried 2 times.)" in output.error_of(stream)["message"]
    assert sandbox.count(route) == 2
    assert (RetryPolicy().deadline, RetryPolicy().sign_in_deadline) == (600, 60)


def test_an_interim_answer_is_skipped(sandbox: Sandbox) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    answer = HEAD + b"Content-Length: 14\r\n\r\n" + b'{"error":true}'
    sandbox.faults.append(Fault(kind="raw", route=PAYHUBIX, pieces=[interim, interim, answer], times=None))
    assert "the provider reports an error" in read(sandbox.config(), [PAYHUBIX]).error_of(PAYHUBIX)["message"]


@pytest.mark.parametrize("route", ["*", "*_token"])
@pytest.mark.parametrize("name", ["nothing", "header line", "body"])
def test_check_ends_when_no_provider_answers(sandbox: Sandbox, route: str, name: str) -> None:
    sandbox.faults.append(dribble(route, name))
    with timing.policy(whole_check=1):
        output = call("check", config=sandbox.config())
    message = output.connection_status()["message"]
    assert "IPXO, ipxo_payout_invoices: no usable answer within 1 seconds." in message
    assert "Nexudus, nexudus_payout_invoices: no usable answer within 1 seconds." in message
    assert ("Payhubix" in message) == (route == "*")
    assert RetryPolicy().whole_check <= 20


@pytest.mark.parametrize("hint", [None, "0", "10"])
def test_check_does_not_outlast_throttling(sandbox: Sandbox, hint: str | None) -> None:
    sandbox.faults.append(Fault(kind="status", status=429, retry_after=hint, route="*", times=None))
    with timing.policy(first_backoff=0.01, whole_check=1 if hint == "10" else 20):
        message = call("check", config=sandbox.config()).connection_status()["message"]
    assert "Payhubix" in message
    assert ("too many requests" in message) == (hint != "10")
