"""What the other readers need to know about the lists: address, credentials, parameters, and where the rows are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

PAGE_SIZE = 100


@dataclass(frozen=True)
class InvoiceList:
    """One list. rows, pages: the paths of the rows and of the number of pages in a response; empty if there is none."""

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
    """The list of a stream, signed in."""
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
