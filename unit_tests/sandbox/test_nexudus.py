"""Nexudus: tokens, filters, direction, clock, limits, paging."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import requests

from sandbox import values
from unit_tests.sandbox.client import NEWEST, Client

STREAM = "nexudus_payout_invoices"


def instant(text: str) -> int:
    """A time in nanoseconds since 1970."""
    found = values.instant(text)
    assert found is not None, text
    return found


def ids(answer: requests.Response) -> list[int]:
    return [row["Id"] for row in answer.json()["Records"]]


def test_a_token_request_needs_password_and_one_time_code(client: Client) -> None:
    answer = client.sign_in().json()
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 604799)
    wrong = client.sign_in(password="wrong")
    assert (wrong.status_code, wrong.json()) == (
        400,
        {"error": "invalid_grant", "error_description": "The user name or password is incorrect."},
    )
    address = client.sandbox.config()["nexudus"]["api_url"] + "/api/token"
    answer = requests.post(address, json={"grant_type": "password"})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
    client.sandbox.nexudus.totp = "123456"
    assert client.sign_in().status_code == 400
    assert client.sign_in(totp="123456").status_code == 200


def test_a_refresh_token_can_be_used_once(client: Client) -> None:
    own = {"client_id": "one"}

    def refresh(token: str, headers: dict[str, str] | None = None) -> requests.Response:
        return client.sign_in(headers, grant_type="refresh_token", refresh_token=token)

    other = client.sign_in({"client_id": "two"}).json()["refresh_token"]
    first = client.sign_in(own).json()
    second = refresh(first["refresh_token"], own)
    assert second.status_code == 200
    assert refresh(first["refresh_token"], own).status_code == 400, "used up"
    assert refresh(second.json()["refresh_token"]).status_code == 400, "no client_id"
    third = client.sign_in(own).json()["refresh_token"]
    fourth = client.sign_in(own).json()["refresh_token"]
    assert refresh(third, own).json()["error"] == "invalid_grant", "ended by the next sign-in"
    assert refresh(fourth, own).status_code == refresh(other, {"client_id": "two"}).status_code == 200
    headers = {"Authorization": f"Bearer {first['access_token']}"}
    assert client.get(STREAM, headers=headers).status_code == 200, "access tokens stay good"


def test_access_needs_a_valid_token_and_the_role(client: Client) -> None:
    pair = base64.b64encode(b"reader@example.com:sandbox-password").decode()
    basic = {"Authorization": f"Basic {pair}"}
    assert client.get(STREAM, headers=basic).status_code == 200
    client.sandbox.nexudus.totp = "1"
    assert client.get(STREAM, headers=basic).status_code == 401
    client.sandbox.nexudus.totp = None
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}):
        assert client.get(STREAM, headers=headers).status_code == 401
    good = client.headers(STREAM)
    client.sandbox.nexudus.missing_role = True
    answer = client.get(STREAM, headers=good)
    assert (answer.status_code, list(answer.json())) == (401, ["Message"])
    client.sandbox.nexudus.missing_role = False
    client.sandbox.nexudus.revoke_tokens()
    assert client.get(STREAM, headers=good).status_code == 401


@pytest.mark.parametrize("count", [0, 1, 15, 100, 101, 250])
def test_pages_have_every_row_and_the_documented_counts(start: Callable[..., Client], count: int) -> None:
    client = start(rows=count)
    headers = client.headers(STREAM)
    found: list[int] = []
    pages = -(-count // 100)
    for page in range(1, max(1, pages) + 1):
        answer = client.get(STREAM, headers=headers, page=page, size=100, orderBy="UpdatedOn", dir=-1)
        records = ids(answer)
        assert {name: value for name, value in answer.json().items() if name != "Records"} == {
            "CurrentPageSize": 100,
            "CurrentPage": page,
            "CurrentOrderField": "UpdatedOn",
            "CurrentSortDirection": -1,
            "FirstItem": page * 100 - 99,
            "HasNextPage": page < pages,
            "HasPreviousPage": page > 1,
            "LastItem": page * 100 - 100 + len(records),
            "PageNumber": page,
            "PageSize": 100,
            "TotalItems": count,
            "TotalPages": pages,
        }
        found += records
    assert found == client.sandbox.tables[STREAM].keys()
    past = client.get(STREAM, headers=headers, page=99).json()
    assert (past["Records"], past["HasNextPage"], past["PageSize"]) == ([], False, 25)
    assert client.get(STREAM, headers=headers, size=5000).json()["PageSize"] == 1000


@pytest.mark.parametrize(
    "query",
    [
        {"orderBy": "Colour"},
        {"page": "0"},
        {"size": "x"},
        {"from_PayoutInvoice_UpdatedOn": "2025-01-01T00:00:00Z"},
        {"to_PayoutInvoice_UpdatedOn": "2025-01-01"},
        {"from_PayoutInvoice_CreatedOn": "2025-13-01T00:00"},
        {"from_PayoutInvoice_Amount": "much"},
    ],
)
def test_bad_parameters_are_refused_and_quoted(client: Client, query: dict[str, str]) -> None:
    answer = client.get(STREAM, query)
    assert (answer.status_code, answer.json()["Value"], answer.json()["WasSuccessful"]) == (400, None, False)
    assert [error["AttemptedValue"] for error in answer.json()["Errors"]] == list(query.values())


def test_equality_and_range_filters_choose_their_rows(client: Client) -> None:
    rows = list(client.sandbox.tables[STREAM].rows())
    headers = client.headers(STREAM)
    row = next(row for row in rows if row["InvoiceBusinessId"] and row["ResellerPayoutId"])

    def same(name: str, value: Any, field: str) -> None:
        answer = client.get(STREAM, {name: value}, headers=headers, size=100, orderBy="Id")
        assert ids(answer) == sorted(other["Id"] for other in rows if other[field] == row[field]), name

    same("PayoutInvoice_Invoice_InvoiceNumber", row["InvoiceInvoiceNumber"], "InvoiceInvoiceNumber")
    same("PayoutInvoice_Invoice_ResellerAmount", row["InvoiceResellerAmount"], "InvoiceResellerAmount")
    same("PayoutInvoice_Invoice_CreatedOn", row["InvoiceCreatedOn"][:16], "InvoiceCreatedOn")
    same("PayoutInvoice_Invoice_Currency_Code", row["InvoiceCurrencyCode"], "InvoiceCurrencyCode")
    same("PayoutInvoice_Invoice_Business_Id", row["InvoiceBusinessId"], "InvoiceBusinessId")
    same("PayoutInvoice_Invoice_Business_Name", row["InvoiceBusinessName"], "InvoiceBusinessName")
    same("PayoutInvoice_ResellerPayout", row["ResellerPayoutId"], "ResellerPayoutId")
    for suffix, field in (
        ("InvoiceResellerAmount", "InvoiceResellerAmount"),
        ("InvoiceBusinessId", "InvoiceBusinessId"),
        ("Amount", "Amount"),
    ):
        bounds = {f"{side}_PayoutInvoice_{suffix}": row[field] for side in ("from", "to")}
        answer = client.get(STREAM, bounds, headers=headers, size=100, orderBy="Id")
        assert ids(answer) == sorted(other["Id"] for other in rows if other[field] == row[field])
    answer = client.get(STREAM, headers=headers, size=100, PayoutInvoice_Colour="red")
    assert len(ids(answer)) == len(rows), "unknown names are ignored"


@pytest.mark.parametrize("field", ["UpdatedOn", "CreatedOn"])
def test_time_filters_are_inclusive_and_exact(client: Client, field: str) -> None:
    table = client.sandbox.tables[STREAM]
    minute = datetime(2025, 3, 1, 10, 30, tzinfo=timezone.utc)
    keys = [table.add(issued=minute + timedelta(seconds=second)) for second in (-1, 0, 1)]
    text = "2025-03-01T10:30"
    headers = client.headers(STREAM)
    for bound, expected in (("from", keys[1:]), ("to", keys[:2])):
        answer = client.get(STREAM, {f"{bound}_PayoutInvoice_{field}": text}, headers=headers, size=100)
        assert sorted(set(ids(answer)) & set(keys)) == expected
        rows = answer.json()["Records"]
        assert all((instant(row[field]) >= instant(text)) is (bound == "from") or row["Id"] in keys for row in rows)


@pytest.mark.parametrize(
    ("reading", "descending", "ascending"),
    [
        ("signed", ["-1"], ["1", "0", "Descending", None]),
        ("flag", ["1"], ["0", "-1", "Descending", None]),
        ("word", ["Descending"], ["Ascending", "1", "-1", None]),
    ],
)
def test_the_direction_can_be_read_in_three_ways(
    client: Client, reading: str, descending: list[str], ascending: list[str | None]
) -> None:
    client.sandbox.nexudus.direction_reading = reading
    headers = client.headers(STREAM)
    newest_first = client.sandbox.tables[STREAM].keys()
    for field in ("UpdatedOn", "Id"):
        for text in descending + ascending:
            answer = client.get(STREAM, headers=headers, size=100, orderBy=field, dir=text)
            assert ids(answer) == newest_first[:: 1 if text in descending else -1], (field, text)
    client.sandbox.nexudus.ignore_sort = True
    assert ids(client.get(STREAM, headers=headers, size=100, dir=descending[0])) == newest_first[::-1]


def test_rows_are_ordered_by_another_field(client: Client) -> None:
    rows = list(client.sandbox.tables[STREAM].rows())
    answer = client.get(STREAM, size=100, orderBy="CreatedOn", dir=-1)
    created = [instant(row["CreatedOn"]) for row in answer.json()["Records"]]
    assert created == sorted((instant(row["CreatedOn"]) for row in rows), reverse=True)


def test_local_times_can_be_marked_as_utc(client: Client) -> None:
    client.sandbox.nexudus.utc_offset = timedelta(hours=-5)
    table = client.sandbox.tables[STREAM]
    assert next(table.rows())["UpdatedOn"] == f"{NEWEST - timedelta(hours=5):%Y-%m-%dT%H:%M:%S}Z"
    local = {"from_PayoutInvoice_UpdatedOn": f"{NEWEST - timedelta(hours=5):%Y-%m-%dT%H:%M}"}
    assert ids(client.get(STREAM, local)) == table.keys()[:1]


def test_requests_beyond_the_limits_are_refused(client: Client) -> None:
    client.sandbox.nexudus.limits = ((3, 60.0),)
    headers = client.headers(STREAM)
    answers = [client.get(STREAM, headers=headers) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 409, 409]
    assert (answers[-1].headers["Retry-After"], answers[-1].content) == ("1", b"")
