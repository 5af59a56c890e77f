"""Payhubix: the key, parameters, paging."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from unit_tests.sandbox.client import Client

STREAM = "payhubix_invoices"
ONE = {"page": "1", "per_page": "100"}


@pytest.mark.parametrize(
    "query",
    [
        {"page": "1"},
        {"per_page": "10"},
        {"page": "x", "per_page": "10"},
        {"page": "1", "per_page": "0"},
        ONE | {"created_at": "newest"},
        ONE | {"status": "paid"},
    ],
)
def test_bad_parameters_are_refused(client: Client, query: dict[str, str]) -> None:
    answer = client.get(STREAM, query)
    assert answer.status_code == 400
    assert (answer.json()["error"], type(answer.json()["number"]), type(answer.json()["message"])) == (True, int, str)


def test_access_needs_a_valid_key_with_the_permission(client: Client) -> None:
    for headers in ({}, {"X-Api-Key": "wrong"}, {"Authorization": "Bearer sandbox-api-key"}):
        answer = client.get(STREAM, ONE, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, True)
    client.sandbox.payhubix.missing_permission = True
    answer = client.get(STREAM, ONE)
    assert (answer.status_code, answer.json()["error"]) == (403, True)


def test_a_path_without_its_final_slash_is_redirected(client: Client) -> None:
    answer = client.get(STREAM, ONE, path="/v1/invoices")
    assert (answer.status_code, answer.headers["Location"]) == (301, "/v1/invoices/?page=1&per_page=100")


@pytest.mark.parametrize("count", [0, 1, 15, 100, 101, 250])
def test_pages_have_every_row_and_the_documented_counts(start: Callable[..., Client], count: int) -> None:
    client = start(rows=count)
    pages = -(-count // 100)
    found: list[str] = []
    for page in range(1, pages + 1):
        body = client.get(STREAM, page=page, per_page=500, created_at="desc").json()
        message = body["message"]
        invoices = message.pop("invoices")
        assert message == {
            "page_count": pages,
            "page": page,
            "previous_page": page - 1,
            "next_page": page + 1 if page < pages else 0,
        }
        assert (body["error"], body["number"]) == (False, 0)
        assert [row["index"] for row in invoices] == list(range(1, len(invoices) + 1))
        found += [row["link"] for row in invoices]
    assert found == client.sandbox.tables[STREAM].keys()
    past = client.get(STREAM, page=99, per_page=100).json()["message"]
    assert (past["page_count"], past["next_page"], past["invoices"]) == (pages, 0, None)
    client.sandbox.payhubix.empty_is_null = False
    assert client.get(STREAM, page=99, per_page=100).json()["message"]["invoices"] == []


def test_invoices_are_sorted_and_filtered_as_requested(client: Client) -> None:
    rows = list(client.sandbox.tables[STREAM].rows())

    def links(**query: str) -> list[str]:
        return [row["link"] for row in client.get(STREAM, ONE | query).json()["message"]["invoices"]]

    assert links() == links(created_at="asc")[::-1] == [row["link"] for row in rows]
    assert links(status="Paid") == [row["link"] for row in rows if row["status"] == "Paid"]
    assert links(currency_symbol="EUR") == [row["link"] for row in rows if row["currency_symbol"] == "EUR"]
    client.sandbox.payhubix.ignore_sort = True
    assert links(created_at="desc") == [row["link"] for row in rows][::-1]


def test_shop_and_order_can_be_null(start: Callable[..., Client]) -> None:
    rows = list(start(rows=250).sandbox.tables[STREAM].rows())
    assert {row["shop"] is None for row in rows} == {row["order_id"] is None for row in rows} == {True, False}
