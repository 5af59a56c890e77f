"""Faults, the log, latency, and the server's life."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from sandbox import STREAMS, Fault, Sandbox
from unit_tests.sandbox.client import Client

QUERIES: dict[str, dict[str, Any]] = {
    "ipxo_payout_invoices": {"per_page": 5, "sort": "-date"},
    "ipxo_invoices": {"per_page": 5},
    "ipxo_ecommerce_invoices": {"per_page": 5, "sort": "-placed_at"},
    "nexudus_payout_invoices": {"size": 5, "orderBy": "UpdatedOn", "dir": -1},
    "payhubix_invoices": {"per_page": 5, "created_at": "desc"},
}
PLACES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    stream: (lambda body: body["data"], lambda body: body["meta"]["current_page"]) for stream in STREAMS[:3]
} | {
    "nexudus_payout_invoices": (lambda body: body["Records"], lambda body: body["CurrentPage"]),
    "payhubix_invoices": (lambda body: body["message"]["invoices"], lambda body: body["message"]["page"]),
}


def faulty(client: Client, stream: str, fault: Fault, page: int = 2) -> requests.Response:
    headers = client.headers(stream)
    client.sandbox.faults.append(fault)
    return client.get(stream, QUERIES[stream], headers=headers, page=page)


@pytest.mark.parametrize("stream", STREAMS)
def test_every_kind_of_fault_strikes_every_list(client: Client, stream: str) -> None:
    rows, number = PLACES[stream]
    good = [client.get(stream, QUERIES[stream], page=page).json() for page in (1, 2)]

    def body(kind: Any) -> Any:
        return faulty(client, stream, Fault(kind, stream)).json()

    assert body("repeat_page") == good[0]
    mixed = body("repeat_rows")
    assert (rows(mixed), number(mixed)) == (rows(good[0]), 2)
    wrong = body("wrong_page")
    assert (rows(wrong), number(wrong)) == (rows(good[1]), 3)
    assert body("no_envelope") == {"result": "ok"}
    reported = body("error_200")
    assert reported.get("error") is True or reported.get("WasSuccessful") is False or list(reported) == ["message"]
    answer = faulty(client, stream, Fault("html", stream))
    assert (answer.status_code, answer.headers["Content-Type"][:9]) == (200, "text/html")
    answer = faulty(client, stream, Fault("empty", stream))
    assert (answer.status_code, answer.content) == (200, b"")
    answer = faulty(client, stream, Fault("broken_json", stream))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    with pytest.raises(requests.ConnectionError):
        faulty(client, stream, Fault("drop", stream))
    assert client.sandbox.requests[-1].status is None
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        faulty(client, stream, Fault("half", stream))
    answer = faulty(client, stream, Fault("redirect", stream, location="http://127.0.0.1:1/"))
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://127.0.0.1:1/")
    answer = faulty(client, stream, Fault("slow", stream, delay=0.05))
    assert (answer.json() == good[1], answer.elapsed.total_seconds() >= 0.05) == (True, True)
    assert client.get(stream, QUERIES[stream], page=2).json() == good[1], "each fault struck once"


@pytest.mark.parametrize(("status", "stream"), [(503, stream) for stream in STREAMS] + [(429, STREAMS[0])])
def test_a_failing_status_has_the_provider_s_error_report(client: Client, status: int, stream: str) -> None:
    answer = faulty(client, stream, Fault("status", stream, status=status, retry_after="7"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
    assert {"message", "Message"} & set(answer.json())


def test_a_throttled_response_of_nexudus_has_no_body(client: Client) -> None:
    answer = faulty(client, STREAMS[3], Fault("status", STREAMS[3], status=409))
    assert (answer.status_code, answer.content, answer.headers["Retry-After"]) == (409, b"", "1")


def test_a_token_request_can_fail(client: Client) -> None:
    client.sandbox.faults += [Fault("status", "ipxo_token"), Fault("status", "nexudus_token", status=500)]
    for answer, status in ((client.token(), 503), (client.sign_in(), 500)):
        assert (answer.status_code, set(answer.json())) == (status, {"error", "error_description"})
    assert client.token().status_code == client.sign_in().status_code == 200


def test_a_fault_strikes_only_the_requests_that_it_counts(client: Client) -> None:
    stream = STREAMS[4]

    def statuses(pages: list[int]) -> list[int]:
        return [client.get(stream, QUERIES[stream], page=page).status_code for page in pages]

    assert statuses([1, 1]) == [200, 200]
    client.sandbox.faults.append(Fault("status", stream, nth=2, times=2))
    assert statuses([1] * 5) == [200, 503, 503, 200, 200], "counted since it was added"
    client.sandbox.faults.append(Fault("status", "payhubix_*", times=None, when=lambda request: request.page == 3))
    assert statuses([1, 2, 3, 3, 4]) == [200, 200, 503, 503, 200]


def test_the_log_has_every_request(client: Client) -> None:
    stream = STREAMS[0]
    client.get(stream, QUERIES[stream], page=2)
    client.get(stream, path="/nowhere")
    token, page, _, unknown = client.sandbox.requests
    assert (token.route, token.method, token.path, token.status) == ("ipxo_token", "POST", "/oauth2/token", 200)
    assert "grant_type=client_credentials" in token.body
    assert (page.route, page.query, page.page, page.status) == (
        stream,
        [("page", "2"), ("per_page", "5"), ("sort", "-date")],
        2,
        200,
    )
    assert page.headers["accept"] == "application/json"
    assert page.ended is not None and page.started <= page.ended
    assert token.host_port != page.host_port
    assert (unknown.route, unknown.status) == ("unknown", 404)
    assert (client.sandbox.count(stream), client.sandbox.count("ipxo_token")) == (1, 2)


def test_a_path_of_another_provider_is_not_found(client: Client) -> None:
    config = client.sandbox.config()
    assert requests.get(config["nexudus"]["api_url"] + "/v1/invoices/").status_code == 404
    assert requests.post(config["ipxo"]["api_url"] + "/oauth2/token").status_code == 404


def test_rows_can_move_between_requests(client: Client) -> None:
    stream = STREAMS[4]
    table = client.sandbox.tables[stream]
    first = table.keys()[0]
    client.sandbox.on_request = lambda request: table.remove(first) if request.page == 2 else None
    expected = table.keys()
    found = [
        row["link"]
        for page in (1, 2)
        for row in client.get(stream, QUERIES[stream], page=page).json()["message"]["invoices"]
    ]
    assert found == expected[:5] + expected[6:11]


def test_the_latency_of_parallel_requests_overlaps(start: Callable[..., Client]) -> None:
    client = start(latency=0.5)
    threads = [
        threading.Thread(target=requests.get, args=(client.sandbox.config()["payhubix"]["api_url"] + "/v1/invoices/",))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log = client.sandbox.requests
    assert all(request.ended is not None and request.ended - request.started > 0.4 for request in log)
    assert log[1].started < (log[0].ended or 0), "the second arrived while the first was waiting"


def test_an_error_inside_the_sandbox_is_raised_when_it_stops() -> None:
    sandbox = Sandbox(rows=1)
    sandbox.on_request = lambda request: sandbox.tables["payhubix_invoices"].remove("INV-unknown")
    with pytest.raises(KeyError), sandbox:
        answer = requests.get(sandbox.config()["payhubix"]["api_url"] + "/v1/invoices/")
        assert answer.status_code == 500


def test_a_sandbox_with_an_open_connection_stops_at_once() -> None:
    begun = time.monotonic()
    for _ in range(3):
        with Sandbox(rows=10) as sandbox, requests.Session() as session:
            session.get(sandbox.config()["payhubix"]["api_url"])
    assert time.monotonic() - begun < 2.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_a_signal(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "sandbox", "--rows", "payhubix_invoices=3", "--seed", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        config = json.loads(process.stdout.readline())["payhubix"]
        query = {"page": "1", "per_page": "2"}
        answer = requests.get(config["api_url"] + "/v1/invoices/", query, headers={"X-Api-Key": config["api_key"]})
        assert answer.json()["message"]["page_count"] == 2
        process.send_signal(number)
        assert process.wait(10) == 0
