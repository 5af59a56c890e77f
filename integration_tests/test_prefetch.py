"""Pages are fetched ahead: as many at a time as there are workers. Few are not needed, and no row is lost."""

import random
import threading
from datetime import timedelta
from typing import Any

import pytest
from urllib3 import HTTPResponse

from integration_tests.support.connector import STREAMS, read
from integration_tests.support.lists import settled
from sandbox import Fault, Request, Sandbox
from source_invoices.components.http import requester

LISTS = ["ipxo_payout_invoices", "ipxo_ecommerce_invoices", "payhubix_invoices"]


def most_in_flight(requests: list[Request]) -> int:
    moments = sorted([(request.started, 1) for request in requests] + [(request.ended, -1) for request in requests])
    in_flight = most = 0
    for _, change in moments:
        in_flight += change
        most = max(most, in_flight)
    return most


def each_slower(stream: str, number: int, step: float) -> list[Fault]:
    """Each response takes longer than the one before. The reader always waits, so more pages are fetched ahead."""
    return [Fault(kind="slow", route=stream, delay=step * nth, nth=nth) for nth in range(1, number + 1)]


@pytest.mark.parametrize("stream", LISTS)
@pytest.mark.parametrize("workers", [1, 4, 10])
def test_as_many_pages_are_in_flight_as_there_are_workers(stream: str, workers: int) -> None:
    with Sandbox(rows={stream: 60}) as sandbox:
        sandbox.lists[stream].max_page_size = 2
        sandbox.faults += each_slower(stream, 30 if workers > 1 else 0, step=0.02)
        output = read({**sandbox.config(), "num_workers": workers}, [stream])
        assert output.status(stream) == "COMPLETE"
        keys = [record[STREAMS[stream]] for record in output.records(stream)]
        assert sorted(keys) == sorted(sandbox.tables[stream].keys())
        requests = [request for request in sandbox.requests if request.route == stream]
        assert workers / 2 <= most_in_flight(requests) <= workers
        checks = 1 if workers > 1 else 0
        if stream == "payhubix_invoices":  # only the last page shows its length, and page 1 is always checked
            checks = 2
        assert len(requests) == 30 + checks
        assert threads() == []


@pytest.mark.parametrize("stream", LISTS)
@pytest.mark.parametrize("workers", [1, 10])
def test_one_page_is_fetched_ahead_from_a_quick_provider(
    monkeypatch: pytest.MonkeyPatch, stream: str, workers: int
) -> None:
    monkeypatch.setattr(requester, "_QUICK", 60)
    with Sandbox(rows={stream: 60}) as sandbox:
        sandbox.lists[stream].max_page_size = 2
        sandbox.latency = 0.01
        output = read({**sandbox.config(), "num_workers": workers}, [stream])
        keys = [record[STREAMS[stream]] for record in output.records(stream)]
        assert keys == sandbox.tables[stream].keys()
        requests = [request for request in sandbox.requests if request.route == stream]
        assert most_in_flight(requests) == min(2, workers)
        assert len(requests) <= 32
        assert threads() == []


@pytest.mark.parametrize("stream", LISTS)
def test_a_quick_provider_that_pauses_for_a_moment_still_counts_as_quick(
    monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    monkeypatch.setattr(requester, "_QUICK", 0.1)
    with Sandbox(rows={stream: 60}) as sandbox:
        sandbox.lists[stream].max_page_size = 2
        sandbox.faults += [Fault(kind="slow", route=stream, delay=0.2, times=1, nth=nth) for nth in range(6, 14)]
        output = read(sandbox.config(), [stream])
        keys = [record[STREAMS[stream]] for record in output.records(stream)]
        assert keys == sandbox.tables[stream].keys()
        assert most_in_flight([request for request in sandbox.requests if request.route == stream]) <= 2


@pytest.mark.parametrize("stream", LISTS)
def test_rows_leave_in_page_order_when_pages_arrive_out_of_order(stream: str) -> None:
    with Sandbox(rows={stream: 60}) as sandbox:
        sandbox.lists[stream].max_page_size = 2
        delays = random.Random(7)
        sandbox.faults += [
            Fault(kind="slow", route=stream, delay=delays.random() / 5, nth=number, times=1) for number in range(1, 31)
        ]
        output = read(sandbox.config(), [stream])
        keys = [record[STREAMS[stream]] for record in output.records(stream)]
        assert keys == sandbox.tables[stream].keys()


@pytest.mark.parametrize("stream", LISTS)
def test_page_1_is_requested_again_after_all_pages_have_arrived(stream: str) -> None:
    with Sandbox(rows={stream: 60}, latency=0.05) as sandbox:
        sandbox.lists[stream].max_page_size = 2
        last_but_one = Fault(kind="slow", route=stream, delay=0.5, times=1, when=lambda asked: asked.page == 29)
        sandbox.faults.append(last_but_one)
        output = read(sandbox.config(), [stream])
        assert output.status(stream) == "COMPLETE"
        *pages, first_again = [request for request in sandbox.requests if request.route == stream]
        assert first_again.page == 1
        assert all(page.ended and page.ended <= first_again.started for page in pages)
        if (
            stream == "payhubix_invoices"
        ):  # its last page is requested again, to count its rows, when all others have arrived
            *pages, last = pages
            assert last.page == 30
            assert all(page.ended and page.ended <= last.started for page in pages)


@pytest.mark.parametrize("stream", LISTS)
def test_a_short_scan_fetches_few_pages_that_it_does_not_need(stream: str) -> None:
    with Sandbox(rows={stream: 400}) as sandbox:
        table = sandbox.tables[stream]
        for key in list(table.keys()):
            table.change(key, **settled(stream))
        sandbox.lists[stream].max_page_size = 50
        first = read(sandbox.config(), [stream])
        before = sandbox.count(stream)
        second = read(sandbox.config(), [stream], state=first.state())
        counted = stream == "payhubix_invoices"
        assert sandbox.count(stream) - before == 1 + counted
        # Now the scan ends on its third page.
        for _ in range(100):
            table.add(**settled(stream))
        before = sandbox.count(stream)
        read(sandbox.config(), [stream], state=second.state())
        # Two pages that are not needed, and the check.
        assert sandbox.count(stream) - before <= 3 + 2 + 1 + 2 * counted


@pytest.mark.parametrize("stream", LISTS)
def test_pages_fetched_ahead_are_fetched_again_if_rows_have_moved(stream: str) -> None:
    with Sandbox(rows={stream: 60}, latency=0.01) as sandbox:
        sandbox.lists[stream].max_page_size = 2
        moved = threading.Event()
        table = sandbox.tables[stream]
        throughout = set(table.keys()) - {table.keys()[0]}

        def before(request: Request) -> None:
            # One row is removed and one is added, so the length stays the same.
            if request.page == 9 and not moved.is_set():
                moved.set()
                table.remove(table.keys()[0])
                table.add()

        sandbox.on_request = before
        output = read(sandbox.config(), [stream])
        assert output.status(stream) == "COMPLETE"
        assert throughout <= {record[STREAMS[stream]] for record in output.records(stream)}
        assert 60 < sandbox.count(stream) < 70


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 403}, {"status": 429, "retry_after": "0"}], ids=str)
def test_a_failed_prefetch_is_repeated_and_fails_no_stream(fault: dict[str, object], short_waits: None) -> None:
    stream = "ipxo_payout_invoices"
    with Sandbox(rows={stream: 60}, latency=0.01) as sandbox:
        sandbox.lists[stream].max_page_size = 2
        sandbox.faults.append(
            Fault(kind="status", route=stream, when=lambda asked: asked.page == 12, **fault)  # type: ignore[arg-type]
        )
        output = read(sandbox.config(), [stream])
        assert output.exit_code == 0
        assert len(output.records(stream)) == 60
        assert len([request for request in sandbox.requests if request.page == 12]) == 2


def test_a_response_body_is_read_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page has 80 kB. In pieces of 10 kB, each thread would wait eight times for the others."""
    read_piece = HTTPResponse.read
    pieces = 0

    def counted(*args: Any, **kwargs: Any) -> bytes:
        nonlocal pieces
        piece = read_piece(*args, **kwargs)
        pieces += bool(piece)
        return piece

    monkeypatch.setattr(HTTPResponse, "read", counted)
    stream = "ipxo_payout_invoices"
    with Sandbox(rows={stream: 100}) as sandbox:
        assert len(read(sandbox.config(), [stream]).records(stream)) == 100
        assert pieces == len(sandbox.requests)


def test_open_invoices_are_looked_up_at_the_same_time() -> None:
    stream = "ipxo_payout_invoices"
    with Sandbox(rows={stream: 2000}) as sandbox:
        table = sandbox.tables[stream]
        for number, key in enumerate(table.keys()):
            table.change(key, status="unpaid" if number % 190 == 189 else "paid")
        first = read(sandbox.config(), [stream])
        before = len(sandbox.requests)
        sandbox.faults += each_slower(stream, 20, step=0.04)
        second = read(sandbox.config(), [stream], state=first.state())
        asked = [request for request in sandbox.requests[before:] if request.value("uuid")]
        assert len(asked) == 10
        assert most_in_flight(asked) >= 4
        assert len({record["uuid"] for record in second.records(stream) if record["status"] == "unpaid"}) == 10


def test_the_list_of_details_is_read_page_by_page() -> None:
    """Its rows may move while details are fetched. With prefetch, all details would then be fetched again."""
    with Sandbox(rows={"ipxo_invoices": 30}, span=timedelta(days=30)) as sandbox:
        sandbox.lists["ipxo_invoices"].max_page_size = 3
        output = read(sandbox.config(), ["ipxo_invoices"])
        assert output.exit_code == 0
        assert (sandbox.count("ipxo_invoices"), sandbox.count("ipxo_invoice")) == (10, 30)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("prefetch")]


def test_a_failure_leaves_no_thread_behind() -> None:
    stream = "ipxo_payout_invoices"
    for fault in (None, "wrong_page", "no_envelope"):
        with Sandbox(rows={stream: 60}, latency=0.01) as sandbox:
            sandbox.lists[stream].max_page_size = 2
            if fault:
                sandbox.faults.append(Fault(kind=fault, route=stream, times=None, when=lambda asked: asked.page == 12))
            else:
                sandbox.tables[stream].change(sandbox.tables[stream].keys()[24], date="yesterday")
            assert read(sandbox.config(), [stream]).status(stream) == "INCOMPLETE"
            assert threads() == []
