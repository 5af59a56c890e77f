"""What a list may do that its documentation does not exclude: ties, totals, orders, replicas, edited bodies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
from orjson import Fragment

from sandbox import STREAMS, Fault
from unit_tests.sandbox.client import NEWEST, Client
from unit_tests.sandbox.test_faults import PLACES, QUERIES

# Where the order that is asked for leaves nothing open, there are no ties.
WITH_TIES = [stream for stream in STREAMS if stream != "ipxo_payout_invoices"]
KEYS = dict(zip(STREAMS, ("uuid", "uuid", "uuid", "Id", "link"), strict=True))


def keys_on(client: Client, stream: str, page: int = 1, size: int = 5) -> list[Any]:
    query = {**QUERIES[stream], "size" if stream.startswith("nexudus") else "per_page": size}
    rows, _ = PLACES[stream]
    body = client.get(stream, page=page, **query).json()
    return [row[KEYS[stream]] for row in rows(body) or []]


def total_of(client: Client, stream: str) -> int:
    body = client.get(stream, page=1, **QUERIES[stream]).json()
    if stream.startswith("payhubix"):
        return int(body["message"]["page_count"]) * 5
    return int(body["TotalItems"] if stream.startswith("nexudus") else body["meta"]["total"])


def tie(client: Client, stream: str, moment: datetime) -> set[Any]:
    """Gives all rows one time."""
    table = client.sandbox.tables[stream]
    keys = table.keys()
    for key in keys:
        table.change(key, issued=moment)
    return set(keys)


@pytest.mark.parametrize("stream", WITH_TIES)
def test_rows_with_one_time_come_in_another_order_each_time_and_all_are_there(client: Client, stream: str) -> None:
    everything = tie(client, stream, NEWEST)
    settled = [keys_on(client, stream, size=30) for _ in range(2)]
    assert settled[0] == settled[1]
    client.sandbox.lists[stream].unstable_ties = "by_request"
    unsettled = [keys_on(client, stream, size=30) for _ in range(2)]
    assert unsettled[0] != unsettled[1]
    assert [set(keys) for keys in unsettled] == [everything] * 2


@pytest.mark.parametrize("stream", WITH_TIES)
def test_rows_with_one_time_may_come_in_an_order_of_each_page(client: Client, stream: str) -> None:
    everything = tie(client, stream, NEWEST)
    client.sandbox.lists[stream].unstable_ties = "by_page"
    pages = [keys_on(client, stream, page=page, size=10) for page in (1, 2, 3)]
    assert pages == [keys_on(client, stream, page=page, size=10) for page in (1, 2, 3)]
    assert {key for keys in pages for key in keys} < everything


@pytest.mark.parametrize("stream", STREAMS)
def test_unstable_ties_leave_rows_of_different_times_in_their_order(client: Client, stream: str) -> None:
    settled = keys_on(client, stream)
    client.sandbox.lists[stream].unstable_ties = "by_request"
    assert keys_on(client, stream) == settled


def test_a_second_sort_key_breaks_ties(client: Client) -> None:
    stream = "ipxo_payout_invoices"
    tie(client, stream, NEWEST)
    client.sandbox.lists[stream].unstable_ties = "by_request"
    bodies = [client.get(stream, sort="-date,-invoice_number", per_page=30).json() for _ in range(2)]
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("stream", STREAMS)
def test_pages_state_the_total_that_a_test_gives(client: Client, stream: str) -> None:
    assert total_of(client, stream) == 30
    client.sandbox.lists[stream].stated_total = 50
    assert total_of(client, stream) == 50
    client.sandbox.lists[stream].stated_total = None
    client.sandbox.tables[stream].add()
    assert total_of(client, stream) in (31, 35)


@pytest.mark.parametrize("stream", STREAMS)
def test_a_lagging_server_lacks_the_newest_rows_only(client: Client, stream: str) -> None:
    newest = keys_on(client, stream, size=30)
    client.sandbox.faults.append(Fault("lagging", stream, rows_behind=2))
    assert keys_on(client, stream, size=30) == newest[2:]
    client.sandbox.faults.append(Fault("lagging", stream, rows_behind=None))
    assert keys_on(client, stream, size=30) == []
    assert keys_on(client, stream, size=30) == newest


@pytest.mark.parametrize(
    ("stream", "parameter"), [("ipxo_payout_invoices", "uuid"), ("ipxo_ecommerce_invoices", "filter[uuid]")]
)
def test_a_lagging_server_does_not_find_its_missing_rows_by_key(client: Client, stream: str, parameter: str) -> None:
    first, second = client.sandbox.tables[stream].keys()[:2]
    client.sandbox.faults.append(Fault("lagging", stream, times=None))
    queries: list[dict[str, Any]] = [{parameter: first}, {parameter: second}]
    assert [len(client.get(stream, **query).json()["data"]) for query in queries] == [0, 1]


@pytest.mark.parametrize(
    ("stream", "route", "path"),
    [
        ("ipxo_invoices", "ipxo_invoice", "/billing/v1/{{tenant}}/invoices/{key}"),
        ("payhubix_invoices", "payhubix_invoice", "/v1/invoices/{key}/"),
    ],
)
def test_a_lagging_server_has_no_detail_of_its_missing_rows(client: Client, stream: str, route: str, path: str) -> None:
    client.sandbox.faults.append(Fault("lagging", route, times=None))
    statuses = [
        client.get(stream, path=path.format(key=key)).status_code for key in client.sandbox.tables[stream].keys()[:2]
    ]
    assert statuses == [404, 200]


@pytest.mark.parametrize("stream", STREAMS)
def test_a_list_in_the_order_of_another_field(client: Client, stream: str) -> None:
    table = client.sandbox.tables[stream]
    oldest = table.keys()[-1]
    field = {"nexudus_payout_invoices": "Id", "payhubix_invoices": "link", "ipxo_ecommerce_invoices": "uuid"}
    name = field.get(stream, "invoice_number")
    client.sandbox.lists[stream].sorted_by = name

    def listed() -> list[Any]:
        return [(table.get(key) or {})[name] for key in keys_on(client, stream, size=30)]

    before = listed()
    assert before == sorted(before, reverse=True)
    table.change(oldest, issued=NEWEST + timedelta(days=1))
    assert table.keys()[0] == oldest
    assert listed() == before


@pytest.mark.parametrize("stream", STREAMS)
def test_a_body_is_what_a_test_makes_of_it(client: Client, stream: str) -> None:
    good = client.get(stream, page=1, **QUERIES[stream]).json()
    client.sandbox.faults.append(Fault("edit", stream, edit=lambda body: {**body, "extra": len(body)}))
    assert client.get(stream, page=1, **QUERIES[stream]).json() == {**good, "extra": len(good)}
    assert client.get(stream, page=1, **QUERIES[stream]).json() == good


def test_a_number_leaves_as_it_is_written(client: Client) -> None:
    key = client.sandbox.tables["payhubix_invoices"].keys()[0]
    client.sandbox.tables["payhubix_invoices"].change(key, currency_amount=Fragment(b"1e400"))
    assert b'"currency_amount":1e400,' in client.get("payhubix_invoices", page=1, per_page=1).content


def test_bare_arrays_of_pages_and_of_the_first_page(start: Callable[..., Client]) -> None:
    client = start(rows=25)

    def page(number: int) -> list[Any]:
        answer: requests.Response = client.get("ipxo_invoices", page=number, per_page=10)
        return [row["uuid"] for row in answer.json()]

    everything = client.sandbox.tables["ipxo_invoices"].keys()
    client.sandbox.ipxo.list_as_bare_array = "pages"
    assert [page(number) for number in (1, 3, 4)] == [everything[:10], everything[20:], []]
    client.sandbox.ipxo.list_as_bare_array = "first_page"
    assert [page(number) for number in (1, 3)] == [everything[:10]] * 2


def test_a_row_of_nexudus_that_was_never_updated_lies_within_no_bounds(client: Client) -> None:
    stream = "nexudus_payout_invoices"
    key = client.sandbox.tables[stream].add({"UpdatedOn": None})
    everything = client.get(stream, size=100).json()
    assert [row["UpdatedOn"] for row in everything["Records"] if row["Id"] == key] == [None]
    for side, bound in (("from", "1970-01-01T00:00"), ("to", "2100-01-01T00:00")):
        query: dict[str, Any] = {f"{side}_PayoutInvoice_UpdatedOn": bound}
        bounded = client.get(stream, size=100, **query).json()
        assert key not in [row["Id"] for row in bounded["Records"]]
        assert bounded["TotalItems"] == 30
