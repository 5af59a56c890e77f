"""Every fault of every stream: what can pass is asked for again, everything else stops the stream in clear words."""

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from itertools import pairwise

import pytest
import requests
from airbyte_cdk.sources.streams.call_rate import APIBudget, MovingWindowCallRatePolicy

from integration_tests.support.connector import STREAMS, Output, read
from sandbox import Fault, Sandbox
from source_invoices.components import gate

# The requests that a stream's rows come from, and the stream.
ROUTES = {**{stream: stream for stream in STREAMS}, "ipxo_invoice": "ipxo_invoices"}
# For nine rows in pages of three. A list that is read ahead is checked on page 1; Payhubix's is also counted on its last
# page, before and after. Nexudus is read in six windows.
REQUESTS = {
    "ipxo_payout_invoices": 4,
    "ipxo_invoices": 3,
    "ipxo_invoice": 9,
    "ipxo_ecommerce_invoices": 4,
    "nexudus_payout_invoices": 8,
    "payhubix_invoices": 5,
}
PROVIDERS = {"ipxo": "IPXO", "nexudus": "Nexudus", "payhubix": "Payhubix"}

pytestmark = pytest.mark.usefixtures("short_waits")


def read_with(sandbox: Sandbox, fault: Fault) -> Output:
    """Reads the stream that a fault strikes."""
    sandbox.faults.append(fault)
    return read(sandbox.config(), [ROUTES[fault.route]])


def assert_complete(sandbox: Sandbox, stream: str, output: Output) -> None:
    assert (output.exit_code, output.errors()) == (0, [])
    assert_complete_rows(sandbox, stream, output)


def assert_complete_rows(sandbox: Sandbox, stream: str, output: Output) -> None:
    assert output.status(stream) == "COMPLETE"
    keys = [record[STREAMS[stream]] for record in output.records(stream)]
    assert sorted(keys) == sorted(sandbox.tables[stream].keys())


def assert_stopped(stream: str, output: Output, failure_type: str, *words: str) -> None:
    """INCOMPLETE and exit 1, with one error that names provider and stream and says these words."""
    assert (output.status(stream), output.exit_code) == ("INCOMPLETE", 1)
    error = output.error_of(stream)
    for word in (PROVIDERS[stream.partition("_")[0]], stream, *words):
        assert word in error["message"]
    assert error["failure_type"] == failure_type
    assert "Traceback" not in "".join(output.logs)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 502},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 504},
        {"kind": "status", "status": 429},
        {"kind": "status", "status": 429, "retry_after": "0"},
        {"kind": "drop"},
        {"kind": "half"},
        {"kind": "html"},
        {"kind": "broken_json"},
        {"kind": "empty"},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
def test_what_can_pass_is_asked_for_again(sandbox: Sandbox, route: str, fault: dict[str, object]) -> None:
    output = read_with(sandbox, Fault(route=route, nth=2, times=2, **fault))  # type: ignore[arg-type]
    assert_complete(sandbox, ROUTES[route], output)
    assert sandbox.count(route) == REQUESTS[route] + 2


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "status", "status": 503}, "HTTP 503"),
        ({"kind": "status", "status": 429}, "too many requests, HTTP 429"),
        ({"kind": "drop"}, "could not be reached"),
        ({"kind": "half"}, "broke off"),
        ({"kind": "html"}, "is not JSON"),
        ({"kind": "broken_json"}, "is not JSON"),
    ],
    ids=lambda value: "-".join(str(item) for item in value.values()) if isinstance(value, dict) else "",
)
def test_what_does_not_pass_stops_the_stream(
    sandbox: Sandbox, route: str, fault: dict[str, object], words: str
) -> None:
    output = read_with(sandbox, Fault(route=route, nth=2, times=None, **fault))  # type: ignore[arg-type]
    assert_stopped(ROUTES[route], output, "transient_error", words, "(Tried ")
    assert sandbox.count(route) <= 1 + 9 * gate.ATTEMPTS


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("fault", "failure_type", "words"),
    [
        ({"kind": "status", "status": 400}, "config_error", "HTTP 400"),
        ({"kind": "status", "status": 403}, "config_error", "access refused, HTTP 403"),
        ({"kind": "status", "status": 422}, "config_error", "HTTP 422"),
        ({"kind": "error_200"}, "system_error", ""),
        ({"kind": "no_envelope"}, "system_error", "not a page of invoices"),
        ({"kind": "redirect", "location": "http://example.com/"}, "config_error", "example.com"),
    ],
    ids=lambda value: "-".join(str(item) for item in value.values()) if isinstance(value, dict) else "",
)
def test_what_cannot_pass_stops_the_stream_at_once(
    sandbox: Sandbox, route: str, fault: dict[str, object], failure_type: str, words: str
) -> None:
    output = read_with(sandbox, Fault(route=route, nth=2, times=None, **fault))  # type: ignore[arg-type]
    assert_stopped(ROUTES[route], output, failure_type, words)
    struck = [request for request in sandbox.requests if request.route == route]
    assert len({request.path + str(request.query) for request in struck}) == len(struck)  # nothing asked for twice


@pytest.mark.parametrize("stream", STREAMS)
def test_a_list_that_is_not_there_stops_the_stream(sandbox: Sandbox, stream: str) -> None:
    output = read_with(sandbox, Fault(kind="status", status=404, route=stream, nth=2, times=None))
    assert_stopped(stream, output, "config_error", "HTTP 404")


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("repeat_page", "was asked for, page"),
        ("wrong_page", "was asked for, page"),
        ("repeat_rows", "repeats"),
    ],
)
def test_pages_that_contradict_each_other_stop_the_stream(sandbox: Sandbox, stream: str, kind: str, words: str) -> None:
    output = read_with(sandbox, Fault(kind=kind, route=stream, nth=2, times=None))
    assert_stopped(stream, output, "system_error", words)
    assert sandbox.count(stream) < 60  # Nexudus reads two windows of several pages


@pytest.mark.parametrize("stream", STREAMS)
def test_the_provider_s_own_words_are_passed_on(sandbox: Sandbox, stream: str) -> None:
    for name in ("message", "Message", "detail", "error_description"):
        body = {name: "The moon is\nin the way"}
        sandbox.faults[:] = [Fault(kind="status", status=403, route=stream, body=body)]
        output = read(sandbox.config(), [stream])
        assert_stopped(stream, output, "config_error", "'The moon is in the way'")


@pytest.mark.parametrize("route", ROUTES)
def test_the_sync_after_a_failure_is_complete(sandbox: Sandbox, route: str) -> None:
    fault = Fault(kind="status", status=403, route=route, nth=2, times=None)
    failed = read_with(sandbox, fault)
    assert failed.exit_code == 1
    sandbox.faults.clear()
    assert_complete(sandbox, ROUTES[route], read(sandbox.config(), [ROUTES[route]], state=failed.state()))


def test_a_failure_is_reported_once_and_ends_its_stream(sandbox: Sandbox) -> None:
    output = read_with(sandbox, Fault(kind="status", status=503, route="ipxo_invoice", times=None))
    assert len([log for log in output.logs if "HTTP 503" in log]) == 1
    assert len([error for error in output.errors() if "HTTP 503" in error["message"]]) == 1
    assert output.errors()[-1]["message"].startswith("The sync is incomplete: ipxo_invoices failed.")
    assert output.errors()[-1]["failure_type"] == "transient_error"


def test_one_stream_s_failure_leaves_the_others_running(sandbox: Sandbox) -> None:
    sandbox.faults.append(Fault(kind="status", status=403, route="ipxo_ecommerce_invoices"))
    output = read(sandbox.config())
    assert output.exit_code == 1
    assert output.status("ipxo_ecommerce_invoices") == "INCOMPLETE"
    for stream in set(STREAMS) - {"ipxo_ecommerce_invoices"}:
        assert output.status(stream) == "COMPLETE"
        assert len(output.records(stream)) == 9


@pytest.mark.parametrize("stream", STREAMS)
def test_a_slow_answer_is_given_up_and_asked_for_again(sandbox: Sandbox, stream: str, short_timeouts: None) -> None:
    output = read_with(sandbox, Fault(kind="slow", delay=3, route=stream, nth=2))
    assert_complete(sandbox, stream, output)
    assert sandbox.count(stream) == REQUESTS[stream] + 1


def test_nexudus_says_409_for_too_many_requests(sandbox: Sandbox) -> None:
    output = read_with(
        sandbox, Fault(kind="status", status=409, retry_after="0", route="nexudus_payout_invoices", nth=2)
    )
    assert_complete(sandbox, "nexudus_payout_invoices", output)


def test_a_conflict_elsewhere_is_not_waited_for(sandbox: Sandbox) -> None:
    output = read_with(sandbox, Fault(kind="status", status=409, route="payhubix_invoices"))
    assert_stopped("payhubix_invoices", output, "config_error", "HTTP 409")


def test_the_stream_is_complete_under_the_limits_of_nexudus(monkeypatch: pytest.MonkeyPatch) -> None:
    buckets = {}
    acquire = MovingWindowCallRatePolicy.try_acquire

    def note(policy: MovingWindowCallRatePolicy, request: requests.PreparedRequest, weight: int) -> None:
        buckets[id(policy)] = policy._bucket
        acquire(policy, request, weight)

    monkeypatch.setattr(MovingWindowCallRatePolicy, "try_acquire", note)
    with Sandbox(rows=9) as sandbox:
        sandbox.lists["nexudus_payout_invoices"].max_page_size = 3
        output = read(sandbox.config(), ["nexudus_payout_invoices"])
        assert_complete(sandbox, "nexudus_payout_invoices", output)
        # When they were let go, in milliseconds. A busy machine may hold one back until the next has caught up.
        (bucket,) = buckets.values()
        moments = sorted(item.timestamp for item in bucket.items)
        assert len(moments) == sandbox.count("nexudus_payout_invoices") > 1
        assert all(later - earlier >= 100 for earlier, later in pairwise(moments))


def test_a_stream_that_is_throttled_for_ever_ends_though_its_provider_answers_others(sandbox: Sandbox) -> None:
    sandbox.faults.append(Fault(kind="status", status=429, retry_after="0", route="ipxo_payout_invoices", times=None))
    sandbox.faults.append(Fault(kind="status", status=429, retry_after="0", route="ipxo_invoices", nth=3, times=2))
    output = read(sandbox.config(), ["ipxo_payout_invoices", "ipxo_invoices"])
    assert_complete_rows(sandbox, "ipxo_invoices", output)
    assert output.status("ipxo_payout_invoices") == "INCOMPLETE"
    assert sandbox.count("ipxo_payout_invoices") <= gate.ATTEMPTS * gate._PATIENCE


def test_every_repetition_counts_for_the_budget(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    acquired: list[str] = []
    acquire = APIBudget.acquire_call

    def count(budget: APIBudget, request: requests.PreparedRequest, **kwargs: object) -> None:
        acquired.append(str(request.url))
        acquire(budget, request)

    monkeypatch.setattr(APIBudget, "acquire_call", count)
    output = read_with(sandbox, Fault(kind="status", status=503, route="nexudus_payout_invoices", nth=2, times=2))
    assert_complete(sandbox, "nexudus_payout_invoices", output)
    assert len(acquired) == sandbox.count("nexudus_payout_invoices") == 10


def test_another_invoice_than_asked_for_stops_the_stream(sandbox: Sandbox) -> None:
    body = {"uuid": "00000000-0000-0000-0000-000000000000"}
    output = read_with(sandbox, Fault(kind="no_envelope", body=body, route="ipxo_invoice", nth=2))
    assert_stopped("ipxo_invoices", output, "system_error", "was asked for, invoice 00000000")


def test_a_404_that_does_not_come_from_the_api_is_not_taken_for_a_missing_invoice(sandbox: Sandbox) -> None:
    fault = Fault(kind="status", status=404, body=b"<html>no such site</html>", route="ipxo_invoice", times=None)
    output = read_with(sandbox, fault)
    assert_stopped("ipxo_invoices", output, "config_error", "HTTP 404")


def test_an_unreadable_time_is_reported_before_a_filter_drops_its_row(sandbox: Sandbox) -> None:
    table = sandbox.tables["payhubix_invoices"]
    table.change(table.keys()[4], created_at="yesterday", status="Pending")
    config = sandbox.config()
    config["payhubix"]["filters"] = {"status": "Paid"}
    assert read(config, ["payhubix_invoices"]).status("payhubix_invoices") == "INCOMPLETE"


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_the_wait_that_the_provider_names_is_kept_by_its_whole_provider(form: str) -> None:
    with Sandbox(
        rows={"ipxo_payout_invoices": 200, "ipxo_ecommerce_invoices": 200, "payhubix_invoices": 200}
    ) as sandbox:
        sandbox.latency = 0.02
        for stream in sandbox.lists:
            sandbox.lists[stream].max_page_size = 2
        moment = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=5), usegmt=True)
        retry_after = "2" if form == "seconds" else moment
        fault = Fault(kind="status", status=429, retry_after=retry_after, route="ipxo_payout_invoices", nth=20)
        sandbox.faults.append(fault)
        output = read(sandbox.config(), ["ipxo_payout_invoices", "ipxo_ecommerce_invoices", "payhubix_invoices"])
        assert output.exit_code == 0
        throttled = next(request for request in sandbox.requests if request.status == 429)
        after = [request for request in sandbox.requests if request.started > throttled.ended]
        others = [request for request in after if request.route == "ipxo_ecommerce_invoices"]
        # Of the provider's other stream, requests may have been under way.
        assert [request for request in others if request.started - throttled.ended > 1.5]
        assert len([request for request in others if request.started - throttled.ended < 1.5]) <= 20
        # Another provider goes on.
        assert len([request for request in after if request.route == "payhubix_invoices"]) > 2


@pytest.mark.parametrize("workers", [1, 3])
def test_no_more_requests_are_in_flight_than_there_are_workers(workers: int) -> None:
    with Sandbox(rows=30) as sandbox:
        sandbox.latency = 0.02
        sandbox.nexudus.limits = None
        output = read({**sandbox.config(), "num_workers": workers})
        assert output.exit_code == 0
        data = [request for request in sandbox.requests if not request.route.endswith("_token")]
        moments = sorted([(request.started, 1) for request in data] + [(request.ended, -1) for request in data])
        in_flight = most = 0
        for _, change in moments:
            in_flight += change
            most = max(most, in_flight)
        assert most == workers


def test_a_wait_of_hours_is_not_waited_for(sandbox: Sandbox) -> None:
    output = read_with(sandbox, Fault(kind="status", status=429, retry_after="86400", route="payhubix_invoices", nth=2))
    assert_stopped("payhubix_invoices", output, "transient_error", "86400 seconds")


@pytest.mark.parametrize(
    ("stream", "field", "value"),
    [
        ("ipxo_payout_invoices", "date", "last week"),
        ("ipxo_payout_invoices", "date_paid", 1e300),
        ("ipxo_payout_invoices", "date", True),
        ("ipxo_invoices", "date", [1]),
        ("ipxo_ecommerce_invoices", "placed_at", "2025-02-30T00:00:00Z"),
        ("nexudus_payout_invoices", "UpdatedOn", "yesterday"),
        ("nexudus_payout_invoices", "CreatedOn", 7),
        ("payhubix_invoices", "created_at", "2025-01-05"),
    ],
)
def test_an_unreadable_time_stops_the_stream(sandbox: Sandbox, stream: str, field: str, value: object) -> None:
    key = sandbox.tables[stream].keys()[4]
    sandbox.tables[stream].change(key, **{field: value})
    output = read(sandbox.config(), [stream])
    assert (output.status(stream), output.exit_code) == ("INCOMPLETE", 1)
    message = output.error_of(stream)["message"]
    assert f"`{field}`" in message
    assert str(key) in message


@pytest.mark.parametrize("stream", STREAMS)
def test_odd_values_arrive_as_they_are(sandbox: Sandbox, stream: str) -> None:
    odd = {
        "a_new_field": {"nested": [None, True, "\U0001f600 \u0000 {{ 7*7 }} '; drop table", 0.1, -1]},
        "huge": 123456789012345678901234567890,
        "empty": [],
        "status": "a status nobody has heard of",
    }
    key = sandbox.tables[stream].keys()[0]
    sandbox.tables[stream].change(key, **odd)
    output = read(sandbox.config(), [stream])
    assert output.exit_code == 0
    (record,) = [record for record in output.records(stream) if record[STREAMS[stream]] == key]
    assert {name: record.get(name) for name in odd} == odd
