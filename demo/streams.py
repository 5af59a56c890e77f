"""What the demo calls each stream. What its columns mean, the books say: dbt/ and docs/books.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Title:
    """The words for a stream."""

    provider: str
    title: str


TITLES = {
    "ipxo_payout_invoices": Title("IPXO", "payout invoices"),
    "ipxo_invoices": Title("IPXO", "billing invoices"),
    "ipxo_ecommerce_invoices": Title("IPXO", "e-commerce invoices"),
    "nexudus_payout_invoices": Title("Nexudus", "payout invoices"),
    "payhubix_invoices": Title("Payhubix", "invoices"),
}
