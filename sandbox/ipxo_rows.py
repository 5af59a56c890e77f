"""Rows of the three IPXO lists."""

from __future__ import annotations

from typing import Any

from sandbox.tables import Key, Row
from sandbox.timeline import Timeline
from sandbox.values import (
    DAY,
    NAMES,
    NEVER,
    SECOND,
    cents_of,
    fraction_text,
    instant,
    mix,
    related_uuid,
    uuid_index,
    uuid_text,
    wall_time,
)

GATEWAY = "12345678-90ab-4cde-af01-000000000001"


class BillingSource:
    """What both billing lists share: times as integers in whole seconds, and a UUID as the key."""

    key_field = "uuid"
    time_field = "date"
    tick = SECOND
    touched_by_change = False
    large_amounts = False

    def __init__(self, seed: int, tenant: str, timeline: Timeline) -> None:
        self.seed = seed
        self.tenant = tenant
        self.timeline = timeline

    def key(self, index: int) -> Key:
        """The UUID of a row."""
        return uuid_text(mix(index, self.seed), index)

    def index(self, key: Key) -> int | None:
        """The index of the row that may have this UUID."""
        return uuid_index(str(key))

    def read_time(self, value: object) -> int | None:
        """`date` is in seconds; null counts as the oldest."""
        if value is None:
            return NEVER
        return value * SECOND if isinstance(value, int) else None

    def sort_value(self, row: Row, field: str) -> Any:
        """Returns the value to sort by. For a field of the line items it is the value of the first item."""
        if field in row:
            return row[field]
        items = row.get("items") or [{}]
        return items[0].get(field)

    def _paid(self, date: int, days: int) -> int:
        """Returns a day of payment that is not in the future; in seconds, like `date`."""
        return max(date, min(date + 86_400 * days, self.timeline.newest // SECOND))

    def age(self, index: int, time: int) -> int:
        """Returns the age in whole days, compared with the newest generated row; -1 for an added row."""
        return (self.timeline.newest - time) // DAY if index < self.timeline.count else -1


class PayoutSource(BillingSource):
    """Payout invoices. The statuses paid and unpaid are documented; `processing` is not."""

    def row(self, index: int, time: int) -> Row:
        """The full record."""
        bits = mix(index, self.seed)
        date = time // SECOND
        status = self._status(index, time)
        cents = cents_of(bits, 500_000, self.large_amounts)
        paid = status == "paid"
        uuid = uuid_text(bits, index)
        return {
            "uuid": uuid,
            "invoice_number": f"PO-{index:08d}",
            "tenant_uuid": self.tenant,
            "total": cents / 100,
            "fees": cents // 20 / 100,
            "status": status,
            "date": date,
            "date_paid": self._paid(date, 1 + bits % 40) if paid else (0 if bits & 4 else None),
            "payment_confirmation_uuid": related_uuid(uuid, 0x5BD1E995) if paid else None,
            "items": [
                self._item(bits, uuid, number, part, date)
                for number, part in enumerate(parts(cents, 1 + (bits >> 5) % 2))
            ],
        }

    def _item(self, bits: int, uuid: str, number: int, cents: int, date: int) -> Row:
        start = date - 30 * 86_400
        return {
            "uuid": related_uuid(uuid, 0xA5A50000 + number),
            "type": "payout",
            "description": f"Lease of a subnet, {NAMES[(bits >> 12) % 16]}",
            "period_start": start,
            "period_end": date,
            "amount": cents / 100,
            "cidr": 22 + (bits >> 3) % 3,
            "address": f"10.{bits >> 24 & 255}.{bits >> 32 & 255}.{number * 64}",
            "service_uuid": related_uuid(uuid, 0xC3C3C3C3),
            "start": start,
            "end": date,
        }

    def _status(self, index: int, time: int) -> str:
        age = self.age(index, time)
        slot = (index * 7 + self.seed) % 97
        if slot == 0:
            return "processing"
        if age < 15:
            return "paid" if age >= 0 and slot < 20 else "unpaid"
        return "unpaid" if slot < (20 if age < 60 else 3) else "paid"


INVOICE_STATUSES = ("paid", "unpaid", "cancelled", "refunded", "draft", "in_review")
"""The statuses that the list's filter documents."""


class InvoiceSource(BillingSource):
    """Billing invoices in full. The list shows only some of their fields. The status `disputed` is undocumented."""

    def row(self, index: int, time: int) -> Row:
        """The detail object."""
        bits = mix(index, self.seed)
        date = time // SECOND
        status = self._status(index, time)
        cents = (bits >> 8) % 900_000 + 100
        tax = cents * 21 // 100 if bits & 16 else 0
        paid = status in ("paid", "refunded")
        uuid = uuid_text(bits, index)
        items = [
            self._item(bits, uuid, number, part, date) for number, part in enumerate(parts(cents, 1 + (bits >> 6) % 3))
        ]
        paid_on = self._paid(date, bits % 14)
        return {
            "uuid": uuid,
            "tenant_uuid": self.tenant,
            "invoice_number": f"INV-{index:08d}",
            "date": date,
            "date_due": date + 14 * 86_400,
            "date_paid": paid_on if paid else (0 if bits & 4 else None),
            "subtotal": cents / 100,
            "subtotal_with_taxes": (cents + tax) / 100,
            "total": (cents + tax) / 100,
            "total_left_to_pay": 0 if paid else (cents + tax) / 100,
            "total_paid": (cents + tax) / 100 if paid else 0,
            "total_tax": tax / 100,
            "status": status,
            "items_count": len(items),
            "items": items,
            "taxes": [{"description": "VAT 21%", "percentage": 21.0, "amount": tax / 100, "order": 0, "stacks": 0}]
            if tax
            else [],
            "transactions": [self._transaction(bits, index, uuid, items[0], paid_on)] if paid else [],
        }

    def _item(self, bits: int, uuid: str, number: int, cents: int, date: int) -> Row:
        """Returns a line item, with what the documentation suggests.

        Keys may be integers, an empty map is `[]`, and a flag is a number or a boolean.
        """
        return {
            "invoice_uuid": uuid if bits & 1 else bits >> 40,
            "service_uuid": related_uuid(uuid, 0x13570000 + number) if bits & 2 else (bits >> 44) + number,
            "description": f"IPv4 lease, {NAMES[(bits >> 12) % 16]}",
            "amount": cents / 100,
            "taxed": bool(bits & 16) if bits & 32 else (bits >> 4) & 1,
            "period_start": date,
            "period_end": date + 30 * 86_400,
            "type": "service",
            "metadata": {"subnet": "10.0.0.0/24", "months": 1, "rate": 0.5, "tags": ["a"]} if bits & 8 else [],
        }

    def _transaction(self, bits: int, index: int, uuid: str, item: Row, date: int) -> Row:
        """Returns a payment: in the form of an item (documented here), or of the vendor's own transaction schema."""
        if bits & 64:
            return item
        return {
            "uuid": related_uuid(uuid, 0x77777777),
            "invoice_uuid": uuid,
            "invoice_number": f"INV-{index:08d}",
            "gateway_uuid": GATEWAY,
            "date": date,
            "description": "Card payment",
            "amount": item["amount"],
            "type": "payment",
        }

    def _status(self, index: int, time: int) -> str:
        age = self.age(index, time)
        slot = (index * 11 + self.seed) % 97
        if slot < 6:
            return ("unpaid", "draft", "in_review", "cancelled", "refunded", "disputed")[slot]
        if age < 30:
            return "unpaid" if age < 0 or slot < 70 else "paid"
        return ("cancelled", "refunded")[slot & 1] if slot < 14 else "paid"


class EcommerceSource(BillingSource):
    """E-commerce invoices. Statuses documented or in public clients: sent, paid, unpaid, refunded.

    `placed_at` has seven fraction digits or none (documented), and sometimes another number of them. The oldest rows
    are drafts without `placed_at`. In a list sorted newest first they are at the end, like nulls in MySQL.
    """

    time_field = "placed_at"
    tick = 1000

    def read_time(self, value: object) -> int | None:
        """The time in a text; null counts as the oldest."""
        if value is None:
            return NEVER
        return instant(value) if isinstance(value, str) else None

    def sort_value(self, row: Row, field: str) -> Any:
        """Times count as instants."""
        value = row.get(field)
        return instant(value) if field == "placed_at" and isinstance(value, str) else value

    def row(self, index: int, time: int) -> Row:
        """The full record."""
        bits = mix(index, self.seed)
        draft = index < min(self.timeline.count // 50, 20) and time == self.timeline.at(index)
        minor = (bits >> 8) % 900_000 + 100
        discount = minor // 10 if bits & 2 else 0
        tax = (minor - discount) * 21 // 100 if bits & 4 else 0
        currency = ("USD", "EUR", "USD", "GBP")[(bits >> 3) & 3]
        uuid = uuid_text(bits, index)
        return {
            "uuid": uuid,
            "reference": f"INV{index:06d}{'abcdefgh'[bits & 7]}v",
            "status": "draft" if draft else self._status(index, time),
            "placed_at": None if draft else f"{wall_time(time)}{fraction_text(time, 7 if bits & 1 else 0)}+00:00",
            "sub_total": money(currency, minor),
            "discount_total": money(currency, discount),
            "tax_total": money(currency, tax),
            "credits_total": money(currency, 0),
            "total": money(currency, minor - discount + tax),
            "total_before_tax": money(currency, minor - discount),
            "invoicable_id": related_uuid(uuid, bits >> 32 ^ 0x99999999) if bits % 23 else None,
            "invoicable_type": "order" if bits % 23 else None,
        }

    def _status(self, index: int, time: int) -> str:
        age = self.age(index, time)
        slot = (index * 13 + self.seed) % 97
        if slot < 5:
            return ("sent", "unpaid", "refunded", "paid", "written_off")[slot]
        if age < 20:
            return "sent" if age < 0 or slot < 60 else "paid"
        return "refunded" if slot < 8 else "paid"


def money(currency: str, minor: int) -> Row:
    """Returns an amount as documented: text with two decimals, and a whole number of minor units."""
    return {"currency": currency, "amount": f"{minor // 100}.{minor % 100:02d}", "amount_minor": minor}


def parts(cents: int, count: int) -> list[int]:
    """Splits an amount over line items. They add up to it."""
    share = cents // count
    return [share] * (count - 1) + [cents - share * (count - 1)]
