"""What a fault means for other requests, other streams and the next sync."""

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest
import requests
from airbyte_cdk.sources.streams.call_rate import APIBudget, MovingWindowCallRatePolicy

from integration_tests.support.connector import STREAMS, Output, read
from integration_tests.support.faults import ROUTES
from sandbox import Fault, Sandbox
from source_invoices.components.http.throttling import RetryPolicy

PROVIDERS = {"ipxo": "IPXO", "nexudus": "Nexudus", "payhubix": "Payhubix"}

pytestmark = pytest.mark.usefixtures("short_waits")


def read_with(sandbox: Sandbox, fault: Fault) -> Output:
    """Reads the stream under a fault."""
    sandbox.faults.append(fault)
    return read(sandbox.config(), [ROUTES[fault.route]])


def assert_complete(sandbox: Sandbox, stream: str, output: Output) -> None:
    assert (output.exit_code, output.errors()) == (0, [])
    assert_complete_rows(sandbox, stream, output)


def assert_complete_rows(sandbox: Sandbox, stream: str, output: Output) -> None:
    assert output.status(stream) == "COMPLETE"
    keys = [record[STREAMS[stream]] for record in output.records(stream)]
    assert sorted(keys) == sorted(sandbox.tables[stream].keys())


# What makes page 2 of three another one that also contradicts itself.
ANOTHER_PAGE: dict[str, tuple[str, dict[str, int]]] = {
    "ipxo_payout_invoices": ("meta", {"current_page": 4}),
    "ipxo_ecommerce_invoices": ("meta", {"current_page": 4}),
    "payhubix_invoices": ("message", {"page": 1, "next_page": 0}),
}


def assert_stopped(stream: str, output: Output, failure_type: str, *words: str) -> None:
    """INCOMPLETE and exit 1, with one error that names provider and stream and says these words."""
    assert (output.status(stream), output.exit_code) == ("INCOMPLETE", 1)
    error = output.error_of(stream)
    for word in (PROVIDERS[stream.partition("_")[0]], stream, *words):
        assert word in error["message"]
    assert error["failure_type"] == failure_type
    assert "Traceback" not in "".join(output.logs)


@pytest.mark.parametrize("stream", STREAMS)
def test_the_message_has_the_provider_s_own_words(sandbox: Sandbox, stream: str) -> None:
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
    stream = ROUTES[route]
    output = read(sandbox.config(), [stream], state=failed.state())
    assert (output.exit_code, output.status(stream)) == (0, "COMPLETE")
    # Nexudus's windows were interrupted and left no count of the list, so the list is read after them.
    assert {record[STREAMS[stream]] for record in output.records(stream)} == set(sandbox.tables[stream].keys())


def test_a_failure_is_reported_once(sandbox: Sandbox) -> None:
    output = read_with(sandbox, Fault(kind="status", status=503, route="ipxo_invoice", times=None))
    assert len([log for log in output.logs if "HTTP 503" in log and "Asking again" not in log]) == 1
    assert len([error for error in output.errors() if "HTTP 503" in error["message"]]) == 1
    assert output.errors()[-1]["message"].startswith("The sync is incomplete: ipxo_invoices failed.")
    assert output.errors()[-1]["failure_type"] == "transient_error"


def test_the_failure_of_one_stream_stops_no_other(sandbox: Sandbox) -> None:
    sandbox.faults.append(Fault(kind="status", status=403, route="ipxo_ecommerce_invoices"))
    output = read(sandbox.config())
    assert output.exit_code == 1
    assert output.status("ipxo_ecommerce_invoices") == "INCOMPLETE"
    for stream in set(STREAMS) - {"ipxo_ecommerce_invoices"}:
        assert output.status(stream) == "COMPLETE"
        assert len(output.records(stream)) == 9


def test_a_409_of_nexudus_is_retried_as_too_many_requests(sandbox: Sandbox) -> None:
    output = read_with(
        sandbox, Fault(kind="status", status=409, retry_after="0", route="nexudus_payout_invoices", nth=2)
    )
    assert_complete(sandbox, "nexudus_payout_invoices", output)


def test_requests_to_nexudus_keep_to_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
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
        # The moments at which requests were allowed, in milliseconds. On a busy machine, two may arrive together.
        (bucket,) = buckets.values()
        moments = sorted(item.timestamp for item in bucket.items)
        assert len(moments) == sandbox.count("nexudus_payout_invoices") > 1
        assert all(later - earlier >= 100 for earlier, later in pairwise(moments))


def test_a_stream_that_is_always_throttled_ends(sandbox: Sandbox) -> None:
    sandbox.faults.append(Fault(kind="status", status=429, retry_after="0", route="ipxo_payout_invoices", times=None))
    sandbox.faults.append(Fault(kind="status", status=429, retry_after="0", route="ipxo_invoices", nth=3, times=2))
    output = read(sandbox.config(), ["ipxo_payout_invoices", "ipxo_invoices"])
    assert_complete_rows(sandbox, "ipxo_invoices", output)
    assert output.status("ipxo_payout_invoices") == "INCOMPLETE"
    assert sandbox.count("ipxo_payout_invoices") <= RetryPolicy().attempts * RetryPolicy().patience


def test_every_retry_counts_for_the_budget(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    acquired: list[str] = []
    acquire = APIBudget.acquire_call

    def count(budget: APIBudget, request: requests.PreparedRequest, **kwargs: object) -> None:
        acquired.append(str(request.url))
        acquire(budget, request)

    monkeypatch.setattr(APIBudget, "acquire_call", count)
    output = read_with(sandbox, Fault(kind="status", status=503, route="nexudus_payout_invoices", nth=2, times=2))
    assert_complete(sandbox, "nexudus_payout_invoices", output)
    assert len(acquired) == sandbox.count("nexudus_payout_invoices") == 12


def test_another_invoice_than_the_requested_one_stops_the_stream(sandbox: Sandbox) -> None:
    body = {"uuid": "00000000-0000-0000-0000-000000000000"}
    output = read_with(sandbox, Fault(kind="no_envelope", body=body, route="ipxo_invoice", nth=2))
    assert_stopped("ipxo_invoices", output, "system_error", "was asked for, invoice '00000000")


def test_a_404_that_is_not_the_api_s_is_no_missing_invoice(sandbox: Sandbox) -> None:
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
def test_a_named_wait_pauses_all_streams_of_its_provider(form: str) -> None:
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
        paused = next(request.ended or 0.0 for request in sandbox.requests if request.status == 429)
        assert paused
        after = [request for request in sandbox.requests if request.started > paused]
        others = [request for request in after if request.route == "ipxo_ecommerce_invoices"]
        # Requests for the provider's other stream may have been in flight.
        assert [request for request in others if request.started - paused > 1.5]
        assert len([request for request in others if request.started - paused < 1.5]) <= 20
        # Requests to another provider continue.
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


def test_a_provider_that_asks_for_hours_fails_the_stream_at_once(sandbox: Sandbox) -> None:
    output = read_with(sandbox, Fault(kind="status", status=429, retry_after="86400", route="payhubix_invoices", nth=2))
    assert_stopped("payhubix_invoices", output, "transient_error", "86400 seconds")


@pytest.mark.parametrize(
    ("stream", "field", "value"),
    [
        ("ipxo_payout_invoices", "date", "last week"),
        ("ipxo_payout_invoices", "date", 1e300),
        ("ipxo_payout_invoices", "date", True),
        ("ipxo_invoices", "date", [1]),
        ("ipxo_ecommerce_invoices", "placed_at", "2025-02-30T00:00:00Z"),
        ("nexudus_payout_invoices", "UpdatedOn", "yesterday"),
        ("payhubix_invoices", "created_at", "2025-01"),
    ],
)
def test_an_unreadable_time_stops_the_stream(sandbox: Sandbox, stream: str, field: str, value: object) -> None:
    key = sandbox.tables[stream].keys()[4]
    sandbox.tables[stream].change(key, {field: value})
    output = read(sandbox.config(), [stream])
    assert (output.status(stream), output.exit_code) == ("INCOMPLETE", 1)
    message = output.error_of(stream)["message"]
    assert f"`{field}`" in message
    assert str(key) in message


@pytest.mark.parametrize("stream", STREAMS)
def test_unusual_values_arrive_unchanged(sandbox: Sandbox, stream: str) -> None:
    odd = {
        "a_new_field": {"nested": [None, True, "\U0001f600 \u0000 {{ 7*7 }} '; drop table", 0.1, -1]},
        "huge": 123456789012345678901234567890,
        "empty": [],
        "status": "a status nobody has heard of",
    }
    key = sandbox.tables[stream].keys()[0]
    sandbox.tables[stream].change(key, odd)
    output = read(sandbox.config(), [stream])
    assert output.exit_code == 0
    (record,) = [record for record in output.records(stream) if record[STREAMS[stream]] == key]
    assert {name: record.get(name) for name in odd} == odd


@pytest.mark.parametrize("stream", ANOTHER_PAGE)
def test_another_page_that_contradicts_itself_is_not_asked_for_again(stream: str) -> None:
    part, numbers = ANOTHER_PAGE[stream]
    with Sandbox(rows={stream: 9}) as sandbox:
        sandbox.lists[stream].max_page_size = 3

        def renumber(body: Any) -> Any:
            body[part] |= numbers
            return body

        output = read_with(
            sandbox, Fault("edit", stream, times=None, edit=renumber, when=lambda request: request.page == 2)
        )
        came = numbers.get("current_page", 1)
        assert_stopped(stream, output, "system_error", f"page 2 was asked for, page {came} came")
        # Page 2 is asked for once, or twice where it was also fetched ahead.
        assert len([request for request in sandbox.requests if request.page == 2]) <= 2
