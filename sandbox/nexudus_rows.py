"""Rows of Nexudus's payout invoices, ordered by their last update."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sandbox.tables import Key, Row
from sandbox.timeline import Timeline
from sandbox.values import DAY, NAMES, NEVER, SECOND, cents_of, fraction_text, instant, mix, uuid_text, wall_time

FIRST_ID = 87_000_000
MICROSECOND = timedelta(microseconds=1)


class NexudusSource:
    """Makes rows. `utc_offset` is how far the provider's clock differs from UTC, although its times end in Z."""

    key_field = "Id"
    time_field = "UpdatedOn"
    tick = 1000
    touched_by_change = True
    large_amounts = False

    def __init__(self, seed: int, timeline: Timeline) -> None:
        self.seed = seed
        self.timeline = timeline
        self.utc_offset = timedelta()

    @property
    def offset(self) -> int:
        """`utc_offset` in nanoseconds."""
        return self.utc_offset // MICROSECOND * 1000

    def key(self, index: int) -> Key:
        """The Id of a row."""
        return FIRST_ID + index

    def index(self, key: Key) -> int | None:
        """The index of the row that may have this Id."""
        return key - FIRST_ID if isinstance(key, int) else None

    def read_time(self, value: object) -> int | None:
        """The time in a text; null counts as the oldest."""
        if value is None:
            return NEVER
        time = instant(value) if isinstance(value, str) else None
        return None if time is None else time - self.offset

    def sort_value(self, row: Row, field: str) -> Any:
        """Times count as instants, objects as text."""
        value = row.get(field)
        return instant(value) if field.endswith("On") and isinstance(value, str) else value

    def row(self, index: int, time: int) -> Row:
        """The full record; the list shows all of it."""
        bits = mix(index, self.seed)
        created = time
        if index < self.timeline.count:
            # It depends on the first update, so that a later change of the row does not change it.
            created = self.timeline.at(index) - (bits % 20 + 1) * DAY - bits % 86_400 * SECOND
        sparse = bits % 11 == 0
        cents = cents_of(bits, 800_000, self.large_amounts)
        name = NAMES[(bits >> 12) % 16]
        return {
            "InvoiceId": 500_000 + index,
            "InvoiceInvoiceNumber": None if sparse else f"NX-{index:07d}",
            "InvoiceResellerAmount": None if sparse else cents / 100,
            "InvoiceCreatedOn": None if sparse else self._text(created - created % SECOND, 0),
            "InvoiceCurrencyCode": None if sparse else ("GBP", "EUR", "USD")[bits % 3],
            "InvoiceBusinessId": None if sparse else 1000 + (bits >> 16) % 8,
            "InvoiceBusinessName": None if sparse else name,
            "ResellerPayoutId": None if (bits >> 5) % 4 == 0 else 7000 + index // 10,
            "Amount": cents / 100,
            "Id": FIRST_ID + index,
            "UpdatedOn": self._text(time, 0),
            "CreatedOn": self._text(created, (bits >> 20) % 8 if bits & 64 else 0),
            "UniqueId": uuid_text(bits, index),
            "UpdatedBy": "admin@example.com" if bits & 128 else None,
            "IsNew": bool(bits & 256),
            "SystemId": f'{{"source": "import", "row": {index}}}' if bits % 13 == 0 else None,
            "ToStringText": f"PayoutInvoice {name}",
            "LocalizationDetails": None,
            "CustomFields": None,
        }

    def _text(self, time: int, digits: int) -> str:
        time += self.offset
        return f"{wall_time(time)}{fraction_text(time, digits)}Z"
