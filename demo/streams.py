"""What the demo knows of each stream: where its rows keep what the summary and the page are about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Columns:
    """Where a stream keeps its values, as SQL. `issued` is in UTC; `left` is the amount that is still to be paid."""

    provider: str
    title: str
    issued: str
    amount: str
    left: str | None = None
    currency: str | None = None
    status: str | None = "status"
    final: tuple[str, ...] = ()
    """The statuses that settle an invoice, as in the manifest. With any other one it is open, also with one that nobody
    knows."""


COLUMNS = {
    "ipxo_payout_invoices": Columns(
        "IPXO",
        "payout invoices",
        issued="TRY(make_timestamp(nullif(date, 0) * 1000000))",
        amount="total",
        final=("paid",),
    ),
    "ipxo_invoices": Columns(
        "IPXO",
        "billing invoices",
        issued="TRY(make_timestamp(nullif(date, 0) * 1000000))",
        amount="total",
        left="total_left_to_pay",
        final=("paid", "cancelled", "refunded"),
    ),
    "ipxo_ecommerce_invoices": Columns(
        "IPXO",
        "e-commerce invoices",
        issued="placed_at",
        amount="TRY_CAST(total ->> '$.amount' AS DECIMAL(38, 9))",
        currency="total ->> '$.currency'",
        final=("paid", "refunded"),
    ),
    "nexudus_payout_invoices": Columns(
        "Nexudus", "payout invoices", issued="createdon", amount="amount", currency="invoicecurrencycode", status=None
    ),
    "payhubix_invoices": Columns(
        "Payhubix",
        "invoices",
        issued="created_at",
        amount="currency_amount",
        left="remaining_currency_amount",
        currency="currency_symbol",
        final=("Paid", "Canceled", "PartiallyExpired", "Expired"),
    ),
}
