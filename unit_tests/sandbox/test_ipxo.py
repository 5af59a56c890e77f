"""IPXO: tokens, scopes, validation, filters, paging."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from sandbox import STREAMS
from unit_tests.sandbox.client import Client

IPXO = STREAMS[:3]
JSON = {"Accept": "application/json"}


def test_a_token_request_returns_a_token_of_its_scope(client: Client) -> None:
    answer = client.token(scopes="ignored")
    assert answer.status_code == 200
    assert {**answer.json(), "access_token": ""} == {
        "access_token": "",
        "expires_in": 86399,
        "scope": "billing ecommerce",
        "token_type": "bearer",
    }


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "billing credits"}, 400, "invalid_scope"),
    ],
)
def test_a_wrong_token_request_is_refused(client: Client, fields: dict[str, str], status: int, code: str) -> None:
    answer = client.token(**{"scope": "billing", **fields})
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert answer.json()["error_description"]


def test_a_token_request_must_be_a_posted_form(client: Client) -> None:
    address = client.sandbox.config()["ipxo"]["token_url"]
    answer = requests.post(address, json={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert requests.get(address).status_code == 405


def test_a_scope_opens_only_its_own_api(client: Client) -> None:
    for scope, statuses in ((None, [403] * 3), ("billing", [200, 200, 403]), ("ecommerce", [403, 403, 200])):
        headers = {"Authorization": f"Bearer {client.token(scope=scope).json()['access_token']}", **JSON}
        assert [client.get(stream, headers=headers).status_code for stream in IPXO] == statuses
    assert "message" in client.get(IPXO[0], headers=headers).json()


@pytest.mark.parametrize("end", ["expired", "revoked", "unknown", "missing"])
def test_a_bad_token_is_refused(client: Client, end: str) -> None:
    client.sandbox.ipxo.token_lifetime = 0 if end == "expired" else 100
    headers = {"missing": JSON, "unknown": {"Authorization": "Bearer x", **JSON}}.get(end, client.headers(IPXO[0]))
    if end == "revoked":
        assert client.get(IPXO[0], headers=headers).status_code == 200
        client.sandbox.ipxo.revoke_tokens()
    for stream in IPXO:
        answer = client.get(stream, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated."})


def test_without_an_accept_header_a_bad_token_redirects_to_a_login_page(client: Client) -> None:
    answer = client.get(IPXO[0], headers={"Accept": "*/*"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login")
    page = client.get(IPXO[0], path=answer.headers["Location"], headers={})
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("path", ["/billing/v1/{}", "/billing/v1/{}/invoices", "/ecommerce/public/{}/invoices"])
def test_a_foreign_tenant_is_refused(client: Client, path: str) -> None:
    answer = client.get(IPXO[0], path=path.format("0" * 8 + "-0000-4000-a000-" + "0" * 12))
    assert (answer.status_code, list(answer.json())) == (403, ["message"])


def test_the_tenants_are_listed(client: Client) -> None:
    listed = client.get(IPXO[0], path="/billing/v1").json()["data"]
    assert [set(tenant) for tenant in listed] == [{"uuid", "title", "email", "status", "code"}]
    assert client.get(IPXO[0], path="/billing/v1/{tenant}").json() == listed[0]


@pytest.mark.parametrize(
    ("stream", "query"),
    [
        (IPXO[0], {"page": "0"}),
        (IPXO[0], {"page": "x"}),
        (IPXO[0], {"per_page": "-1"}),
        (IPXO[0], {"sort": "-date,uuid"}),
        (IPXO[0], {"status": "processing"}),
        (IPXO[0], {"total": "much"}),
        (IPXO[0], {"start": "2025-01-01"}),
        (IPXO[0], {"end": "1.5"}),
        (IPXO[1], {"direction": "DESC"}),
        (IPXO[1], {"statuses": "paid"}),
        (IPXO[1], {"statuses[0]": "disputed"}),
        (IPXO[1], {"page": "1.0"}),
        (IPXO[2], {"per_page": "ten"}),
    ],
)
def test_a_bad_parameter_is_refused_and_named(client: Client, stream: str, query: dict[str, str]) -> None:
    answer = client.get(stream, query)
    assert (answer.status_code, answer.json()["message"]) == (422, "The given data was invalid.")
    field = next(iter(query)).replace("[", ".").replace("]", "")
    assert list(answer.json()["errors"]) == [field]


@pytest.mark.parametrize("count", [0, 1, 15, 100, 101, 250])
@pytest.mark.parametrize(("stream", "default"), [(IPXO[0], 15), (IPXO[1], 15), (IPXO[2], 10)])
def test_pages_have_every_row_and_the_documented_counts(
    start: Callable[..., Client], stream: str, default: int, count: int
) -> None:
    client = start(rows=count)
    order: dict[str, Any] = {"sort": {IPXO[0]: "-date,-invoice_number", IPXO[2]: "-placed_at"}.get(stream, "date")}
    headers = client.headers(stream)
    found: list[str] = []
    last = max(1, -(-count // 100))
    for page in range(1, last + 1):
        body = client.get(stream, order, headers=headers, per_page=500, page=page).json()
        expected: dict[str, int | None] = {"current_page": page, "per_page": 100, "total": count}
        if stream != IPXO[2]:
            size = len(body["data"])
            first = (page - 1) * 100 + 1 if size else None
            expected |= {"last_page": last, "from": first, "to": first + size - 1 if first else None}
        assert body["meta"] == expected
        found += [row["uuid"] for row in body["data"]]
    assert found == client.sandbox.tables[stream].keys()
    past = client.get(stream, headers=headers, page=99).json()
    assert (past["data"], past["meta"]["current_page"], past["meta"]["per_page"]) == ([], 99, default)
    if stream != IPXO[2]:
        assert (past["meta"]["from"], past["meta"]["to"]) == (None, None)


def test_every_payout_filter_chooses_its_rows(client: Client) -> None:
    rows = list(client.sandbox.tables[IPXO[0]].rows())
    headers = client.headers(IPXO[0])
    row = rows[7]
    item = row["items"][0]
    for query in (
        {"uuid": row["uuid"]},
        {"invoice_number": row["invoice_number"]},
        {"service_uuid": item["service_uuid"]},
        {"subnet": item["address"]},
        {"subnet": f"{item['address']}/{item['cidr']}"},
        {"total": row["total"]},
        {"start": item["period_start"], "end": item["period_end"]},
    ):
        assert client.get(IPXO[0], query, headers=headers).json()["data"] == [row], query
    answer = client.get(
        IPXO[0], headers=headers, uuid=row["uuid"], status="unpaid" if row["status"] == "paid" else "paid"
    )
    assert (answer.json()["data"], answer.json()["meta"]["total"]) == ([], 0)
    paid = [row["uuid"] for row in reversed(rows) if row["status"] == "paid"]
    answer = client.get(IPXO[0], headers=headers, status="paid", per_page=100)
    assert [row["uuid"] for row in answer.json()["data"]] == paid


def test_payouts_are_sorted_as_requested(client: Client) -> None:
    rows = list(client.sandbox.tables[IPXO[0]].rows())
    answer = client.get(IPXO[0], sort="status,-total", per_page=100).json()["data"]
    assert answer == sorted(rows, key=lambda row: (row["status"], -row["total"]))
    assert client.get(IPXO[0], per_page=100).json()["data"] == rows[::-1], "oldest first, unless asked otherwise"
    client.sandbox.lists[IPXO[0]].ignore_sort = True
    assert client.get(IPXO[0], sort="-date", per_page=100).json()["data"] == rows[::-1]


def test_invoices_have_a_list_and_details(client: Client) -> None:
    rows = list(client.sandbox.tables[IPXO[1]].rows())
    headers = client.headers(IPXO[1])
    listed = client.get(IPXO[1], headers=headers, per_page=100).json()["data"]
    fields = ("uuid", "invoice_number", "date", "date_due", "subtotal_with_taxes", "status", "items_count")
    assert listed == [{name: row[name] for name in fields} for row in rows]
    path = f"/billing/v1/{{tenant}}/invoices/{rows[3]['uuid']}"
    assert client.get(IPXO[1], path=path, headers=headers).json() == rows[3]
    answer = client.get(IPXO[1], path=path[:-1] + "~", headers=headers)
    assert (answer.status_code, list(answer.json())) == (404, ["message"])

    def numbers(**query: Any) -> list[str]:
        return [row["invoice_number"] for row in client.get(IPXO[1], query, headers=headers).json()["data"]]

    second, fifth = rows[2], rows[5]
    assert numbers(invoice_number=second["invoice_number"]) == [second["invoice_number"]]
    bulk = {"invoice_number_bulk[]": [fifth["invoice_number"], second["invoice_number"]]}
    assert numbers(**bulk) == [second["invoice_number"], fifth["invoice_number"]]
    assert numbers(period_start=fifth["date"], period_end=second["date"]) == [r["invoice_number"] for r in rows[2:6]]
    chosen = [row["invoice_number"] for row in reversed(rows) if row["status"] in ("paid", "draft")]
    assert numbers(**{"statuses[0]": "paid", "statuses[1]": "draft"}, direction="asc", per_page=100) == chosen
    client.sandbox.ipxo.list_as_bare_array = True
    assert client.get(IPXO[1], headers=headers).json() == listed


def test_the_invoice_list_has_its_documented_peculiarities(start: Callable[..., Client]) -> None:
    rows = list(start(rows=250).sandbox.tables[IPXO[1]].rows())
    items = [item for row in rows for item in row["items"]]
    assert (
        {type(item["invoice_uuid"]) for item in items} == {type(item["service_uuid"]) for item in items} == {str, int}
    )
    assert {type(item["metadata"]) for item in items} == {dict, list}
    assert {"gateway_uuid" in entry for row in rows for entry in row["transactions"]} == {True, False}
    assert {row["date_paid"] for row in rows if row["status"] == "unpaid"} == {None, 0}


def test_ecommerce_invoices_are_filtered_and_sorted_as_requested(client: Client) -> None:
    stream = IPXO[2]
    rows = list(client.sandbox.tables[stream].rows())
    headers = client.headers(stream)
    row = rows[4]
    for name in ("uuid", "placed_at", "invoicable_id"):
        assert client.get(stream, {f"filter[{name}]": row[name]}, headers=headers).json()["data"] == [row]
    answer = client.get(stream, {"filter[status]": "sent,unpaid"}, headers=headers, per_page=100).json()
    assert answer["data"] == [row for row in reversed(rows) if row["status"] in ("sent", "unpaid")]
    for query in ({"sort": "status"}, {"sort": "-placed_at,uuid"}, {"filter[reference]": "INV1"}, {"filter[]": "x"}):
        answer = client.get(stream, query, headers=headers)
        assert (answer.status_code, list(answer.json())) == (400, ["message"]), query


def test_drafts_come_last(start: Callable[..., Client]) -> None:
    placed = [row["placed_at"] for row in start(rows=250).sandbox.tables[IPXO[2]].rows()]
    assert (placed[-5:], None in placed[:-5]) == ([None] * 5, False)
