"""Rows of Payhubix's invoices."""

from __future__ import annotations

from typing import Any

from sandbox.tables import Key, Row
from sandbox.timeline import Timeline
from sandbox.values import NAMES, NEVER, SECOND, cents_of, fraction_text, instant, mix, uuid_text, wall_time

ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTVWXYZ"
OPEN_FOR = 3 * 3600 * SECOND
"""An invoice is payable for hours (the vendor's plugins offer three at most)."""


class PayhubixSource:
    """Makes rows. The status `Refunding` is undocumented."""

    key_field = "link"
    time_field = "created_at"
    tick = 1000
    touched_by_change = False
    large_amounts = False

    def __init__(self, seed: int, timeline: Timeline) -> None:
        self.seed = seed
        self.timeline = timeline

    def key(self, index: int) -> Key:
        """The link: the index in base 33, and a check letter."""
        return self._link(index, mix(index, self.seed))

    def index(self, key: Key) -> int | None:
        """The index of the row that may have this link."""
        digits = str(key).removeprefix("INV-")[1:]
        if not digits or any(digit not in ALPHABET for digit in digits):
            return None
        index = 0
        for digit in digits:
            index = index * len(ALPHABET) + ALPHABET.index(digit)
        return index

    def read_time(self, value: object) -> int | None:
        """The time in a text; null counts as the oldest."""
        if value is None:
            return NEVER
        return instant(value) if isinstance(value, str) else None

    def sort_value(self, row: Row, field: str) -> Any:
        """Times count as instants."""
        value = row.get(field)
        return instant(value) if field == "created_at" and isinstance(value, str) else value

    def row(self, index: int, time: int) -> Row:
        """Returns the record without `index`, which is the place on a page."""
        bits = mix(index, self.seed)
        link = self._link(index, bits)
        status = self._status(index, time)
        cents = cents_of(bits, 400_000, self.large_amounts)
        amount: float = cents // 100 if bits & 1 else cents / 100  # numbers without a fraction come as integers
        symbol, sign = (("USD", "$"), ("EUR", "€"), ("USD", "$"), ("GBP", "£"))[(bits >> 1) & 3]
        return {
            "link": link,
            "status": status,
            "transfer_fee_by": "Customer" if bits & 8 else "Merchant",
            "service_fee_by": "Customer" if bits & 16 else "Merchant",
            "currency_amount": amount,
            "remaining_currency_amount": remaining(status, amount),
            "currency_symbol": symbol,
            "currency_sign": sign,
            "order_id": f"#{bits >> 40}" if bits & 32 else None,
            "shop": self._shop(bits) if (bits >> 6) % 4 else None,
            "invoice_url": f"https://pay.payhubix.com/pay/{link}",
            "created_at": self._text(time),
        }

    def detail(self, row: Row) -> Row:
        """What one invoice's own answer says beyond its row of the list."""
        bits = mix(self.index(row["link"]) or 0, self.seed)
        created = self.read_time(row["created_at"]) or 0
        return row | {
            "service_fee_percent": 0.4,
            "customer_email": f"customer{bits % 1000}@example.com" if bits & 64 else None,
            "manual_customer_email": bool(bits & 128),
            "expire_at": self._text(max(created, 0) + OPEN_FOR),
            "pure_expire_time": "03:00",
            "order_description": NAMES[(bits >> 12) % 16] if bits & 256 else "",
        }

    def _text(self, time: int) -> str:
        return f"{wall_time(time).replace('T', ' ')}{fraction_text(time)} +0000 UTC"

    def _shop(self, bits: int) -> Row:
        number = (bits >> 12) % 16
        return {
            "name": NAMES[number],
            "website": f"shop{number}.example.com" if number % 3 else None,
            "shop_id": uuid_text(mix(number, self.seed), number),
            "transfer_fee_by": "Customer",
            "service_fee_by": "Customer",
            "logo_url": f"https://cdn.example.com/{number}.png" if number % 5 == 0 else None,
        }

    def _link(self, index: int, bits: int) -> str:
        digits = ""
        rest = index
        while rest or len(digits) < 7:
            rest, digit = divmod(rest, len(ALPHABET))
            digits = ALPHABET[digit] + digits
        return f"INV-{ALPHABET[bits % len(ALPHABET)]}{digits}"

    def _status(self, index: int, time: int) -> str:
        added = index >= self.timeline.count
        slot = (index * 7 + self.seed) % 97
        if added or self.timeline.newest - time < OPEN_FOR:
            return "Pending" if not added and slot % 3 == 0 else "Created"
        if slot < 5:
            return ("Created", "Pending", "Partially", "PartiallyExpired", "Refunding")[slot]
        return "Paid" if slot < 60 else "Expired" if slot < 85 else "Canceled"


def remaining(status: str, amount: float) -> float:
    """Returns the amount that is left to pay."""
    if status == "Paid":
        return 0
    return round(amount / 2, 2) if status.startswith("Partially") else amount
