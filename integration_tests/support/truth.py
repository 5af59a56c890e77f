"""What the books must say, from the sandbox's rows, by other means than SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from sandbox import Sandbox

Row = dict[str, Any]
Rows = Mapping[str, Mapping[str, Row]]
"""For each stream its rows by their keys."""
Sums = dict[tuple[Any, ...], Decimal]

KEYS = {
    "ipxo_payout_invoices": "uuid",
    "ipxo_invoices": "uuid",
    "ipxo_ecommerce_invoices": "uuid",
    "nexudus_payout_invoices": "Id",
    "payhubix_invoices": "link",
}
VOLATILE = {"UpdatedOn", "UpdatedBy", "IsNew"}
PAYABLE = {"ipxo_invoices", "ipxo_ecommerce_invoices"}
SETTLED = {
    "ipxo_payout_invoices": {"paid"},
    "ipxo_invoices": {"paid", "cancelled", "refunded"},
    "ipxo_ecommerce_invoices": {"paid", "refunded", "written_off"},
    "nexudus_payout_invoices": set(),
    "payhubix_invoices": {"Paid", "Canceled", "Expired", "PartiallyExpired"},
}


@dataclass(frozen=True)
class Invoice:
    """What the questions ask of an invoice. `paid` is None where nobody knows."""

    stream: str
    number: str | None
    currency: str | None
    issued: datetime | None
    due: datetime | None
    paid_at: datetime | None
    open: Decimal | None
    paid: Decimal | None
    settled: bool
    refunded: bool

    @property
    def direction(self) -> str:
        """Who owes whom."""
        return "payable" if self.stream in PAYABLE else "receivable"


def rows(sandbox: Sandbox) -> dict[str, dict[str, Row]]:
    """What the sandbox holds now."""
    return {name: {str(row[KEYS[name]]): row for row in table.rows()} for name, table in sandbox.tables.items()}


def invoices(held: Rows) -> dict[tuple[str, str], Invoice]:
    """The rows as invoices."""
    return {(stream, key): READ[stream](row) for stream, found in held.items() for key, row in found.items()}


def exact(value: object) -> Decimal | None:
    """A number as it is written."""
    return None if value is None else Decimal(str(value))


def seconds(value: int | None) -> datetime | None:
    """A Unix time; 0 is none."""
    return datetime.fromtimestamp(value, timezone.utc) if value else None


def moment(text: str | None) -> datetime | None:
    """The time in a provider's text, to the second."""
    return datetime.fromisoformat(text[:19].replace(" ", "T") + "+00:00") if text else None


def payout(row: Row) -> Invoice:
    total, status = exact(row["total"]), row["status"]
    paid = {"paid": total, "unpaid": Decimal(0)}.get(status)
    left = Decimal(0) if status == "paid" else total
    times = seconds(row["date"]), None, seconds(row["date_paid"])
    return Invoice("ipxo_payout_invoices", row["invoice_number"], None, *times, left, paid, status == "paid", False)


def billing(row: Row) -> Invoice:
    status = row["status"]
    settled = status in SETTLED["ipxo_invoices"]
    left = Decimal(0) if settled or status == "draft" else exact(row["total_left_to_pay"])
    times = seconds(row["date"]), seconds(row["date_due"]), seconds(row["date_paid"])
    paid, refunded = exact(row["total_paid"]), status == "refunded"
    return Invoice("ipxo_invoices", row["invoice_number"], None, *times, left, paid, settled, refunded)


def ecommerce(row: Row) -> Invoice:
    status, total = row["status"], exact(row["total"]["amount"])
    settled = status in SETTLED["ipxo_ecommerce_invoices"]
    left = Decimal(0) if settled or status == "draft" else total
    paid = total if status == "paid" else Decimal(0) if status in ("draft", "sent", "unpaid") else None
    times = moment(row["placed_at"]), None, None
    currency, refunded = row["total"]["currency"], status == "refunded"
    return Invoice("ipxo_ecommerce_invoices", row["reference"], currency, *times, left, paid, settled, refunded)


def nexudus(row: Row) -> Invoice:
    times = moment(row["InvoiceCreatedOn"] or row["CreatedOn"]), None, None
    number, currency = row["InvoiceInvoiceNumber"], row["InvoiceCurrencyCode"]
    return Invoice("nexudus_payout_invoices", number, currency, *times, None, None, False, False)


def payhubix(row: Row) -> Invoice:
    settled = row["status"] in SETTLED["payhubix_invoices"]
    total, left = exact(row["currency_amount"]), exact(row["remaining_currency_amount"])
    assert total is not None and left is not None
    times = moment(row["created_at"]), None, None
    open_amount = Decimal(0) if settled else left
    return Invoice(
        "payhubix_invoices", row["link"], row["currency_symbol"], *times, open_amount, total - left, settled, False
    )


READ: dict[str, Callable[[Row], Invoice]] = {
    "ipxo_payout_invoices": payout,
    "ipxo_invoices": billing,
    "ipxo_ecommerce_invoices": ecommerce,
    "nexudus_payout_invoices": nexudus,
    "payhubix_invoices": payhubix,
}


def month(time: datetime | None) -> date | None:
    """The first day of a month in UTC."""
    return time.date().replace(day=1) if time else None


def owed(held: Rows) -> Sums:
    """By month and currency, what is open of receivables."""
    sums: Sums = defaultdict(Decimal)
    for invoice in invoices(held).values():
        if invoice.direction == "receivable" and invoice.open:
            sums[month(invoice.issued), invoice.currency] += invoice.open
    return {key: value for key, value in sums.items() if value}


def opened(held: Rows) -> dict[tuple[str, str | None], tuple[int, Decimal]]:
    """By direction and currency, how many invoices are open, and with how much."""
    found: dict[tuple[str, str | None], tuple[int, Decimal]] = {}
    for invoice in invoices(held).values():
        if invoice.open:
            number, sum_ = found.get((invoice.direction, invoice.currency), (0, Decimal(0)))
            found[invoice.direction, invoice.currency] = number + 1, sum_ + invoice.open
    return found


def overdue(held: Rows, today: date) -> Sums:
    """By number and days, what is open of invoices that were due before today."""
    return {
        (invoice.direction, invoice.number, (today - invoice.due.date()).days): invoice.open
        for invoice in invoices(held).values()
        if invoice.open and invoice.due and invoice.due.date() < today
    }


def paid(earlier: Rows, held: Rows, seen: datetime, in_month: date) -> Sums:
    """By direction and currency, what was paid in a month; what no provider dates when the second run saw it."""
    before = invoices(earlier)
    sums: Sums = defaultdict(Decimal)
    for key, invoice in invoices(held).items():
        if not invoice.paid or invoice.refunded:
            continue
        newly_settled = invoice.settled and not (key in before and before[key].settled)
        if month(invoice.paid_at or (seen if newly_settled else None)) == in_month:
            sums[invoice.direction, invoice.currency] += invoice.paid
    return dict(sums)


def changes(earlier: Rows, held: Rows) -> dict[tuple[str, str], str]:
    """What happened to each invoice between two syncs."""
    found = {}
    for stream in KEYS:
        before, after = earlier[stream], held[stream]
        for key in before.keys() | after.keys():
            if key not in before:
                found[stream, key] = "new"
            elif key not in after:
                found[stream, key] = "deleted"
            elif content(before[key]) != content(after[key]):
                found[stream, key] = "changed"
    return found


def content(row: Row) -> Row:
    """A row without what changes by itself."""
    return {name: value for name, value in row.items() if name not in VOLATILE}


def last_month(now: datetime) -> datetime:
    """A time in the month before, so that the first sync is before the close."""
    return now.replace(day=1, hour=12, minute=0, second=0, microsecond=0) - timedelta(days=9)
