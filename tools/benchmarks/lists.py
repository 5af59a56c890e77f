"""What the other readers must know about the lists: address, credentials, parameters, and where the rows are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

PAGE_SIZE = 100


@dataclass(frozen=True)
class InvoiceList:
    """One list. rows, pages: the paths of the rows and of the number of pages in a response, empty if there is none."""

    base: str
    path: str
    headers: Mapping[str, str]
    parameters: Mapping[str, Any]
    rows: tuple[str, ...]
    pages: tuple[str, ...]
    key: str

    @property
    def url(self) -> str:
        return self.base + self.path

    def page_count(self, body: Any) -> int:
        count: int = at(body, self.pages) if self.pages else -(-body["meta"]["total"] // PAGE_SIZE)
        return count


def invoice_list(stream: str, config: Mapping[str, Any]) -> InvoiceList:
    """Signs in and returns the list of a stream."""
    if stream == "payhubix_invoices":
        payhubix = config["payhubix"]
        return InvoiceList(
            payhubix["api_url"],
            "/v1/invoices/",
            {"X-Api-Key": payhubix["api_key"]},
            {"per_page": PAGE_SIZE, "created_at": "desc"},
            ("message", "invoices"),
            ("message", "page_count"),
            "link",
        )
    if stream == "nexudus_payout_invoices":
        nexudus = config["nexudus"]
        form = {"grant_type": "password", **nexudus["credentials"]}
        token = requests.post(f"{nexudus['api_url']}/api/token", form, timeout=10).json()["access_token"]
        return InvoiceList(
            nexudus["api_url"],
            "/api/sys/payoutinvoices",
            {"Authorization": f"Bearer {token}"},
            {"size": 10 * PAGE_SIZE, "orderBy": "Id"},
            ("Records",),
            ("TotalPages",),
            "Id",
        )
    ipxo = config["ipxo"]
    scope, path, sort = {
        "ipxo_ecommerce_invoices": ("ecommerce", "/ecommerce/public/{}/invoices", "-placed_at"),
    }.get(stream, ("billing", "/billing/v1/{}/market/payouts_invoices", "-date,-invoice_number"))
    form = {"grant_type": "client_credentials", "scope": scope, **ipxo["credentials"]}
    token = requests.post(ipxo["token_url"], form, timeout=10).json()["access_token"]
    return InvoiceList(
        ipxo["api_url"],
        path.format(ipxo["tenant_uuid"]),
        {"Authorization": f"Bearer {token}"},
        {"per_page": PAGE_SIZE, "sort": sort},
        ("data",),
        () if stream == "ipxo_ecommerce_invoices" else ("meta", "last_page"),
        "uuid",
    )


def at(body: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        body = body[name]
    return body
