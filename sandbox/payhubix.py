"""Payhubix: an API key, and the list of invoices. Documented at docs.payhubix.com; its back end is written in Go."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from sandbox.exchange import Answer, Endpoint, ListSettings, Provider, Request, whole_number
from sandbox.queries import Condition, Query, Selections
from sandbox.tables import Key, Row, Table
from sandbox.timeline import Timeline
from sandbox.values import NAMES, SECOND, cents_of, fraction_text, instant, mix, uuid_text, wall_time

STREAM = "payhubix_invoices"
STATUSES = ("Created", "Pending", "Paid", "Canceled", "Partially", "PartiallyExpired", "Expired")
"""The documented statuses."""
ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTVWXYZ"
OPEN_FOR = 3 * 3600 * SECOND
"""An invoice is payable for hours (the vendor's plugins offer three at most)."""


class PayhubixSource:
    """Makes rows. `Refunding` is a status that nobody documents."""

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
            return 0
        return instant(value) if isinstance(value, str) else None

    def sort_value(self, row: Row, field: str) -> Any:
        """Times count as instants."""
        value = row.get(field)
        return instant(value) if field == "created_at" and isinstance(value, str) else value

    def row(self, index: int, time: int) -> Row:
        """The record without its `index`, which is the place on a page."""
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
            "created_at": f"{wall_time(time).replace('T', ' ')}{fraction_text(time)} +0000 UTC",
        }

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
    """What is left to pay."""
    if status == "Paid":
        return 0
    return round(amount / 2, 2) if status.startswith("Partially") else amount


class Payhubix(Provider):
    """The provider's state and its endpoint. `empty_is_null`: an empty page says null, as Go writes an empty slice."""

    def __init__(self, api_key: str, table: Table) -> None:
        super().__init__({STREAM: ListSettings(100)})
        self.api_key = api_key
        self.missing_permission = False
        self.empty_is_null = True
        self._selections = Selections(table, "link")

    def api(self) -> list[Endpoint]:
        """The endpoints of the provider's one host."""
        rows, page = ("message", "invoices"), (("message", "page"),)
        return [
            Endpoint(STREAM, "/v1/invoices/", self._list, report, rows=rows, page=page),
            Endpoint("payhubix_redirect", "/v1/invoices", self._redirect, report, data=False),
        ]

    def _redirect(self, request: Request) -> Answer:
        """Sends a path without its final slash to the documented one."""
        query = urlencode(request.query)
        return Answer(301, b"", {"Location": "/v1/invoices/" + (f"?{query}" if query else "")})

    def _list(self, request: Request) -> Answer:
        if request.headers.get("x-api-key") != self.api_key:
            return report(401, "invalid api key")
        if self.missing_permission:
            return report(403, "this api key has no permission: Invoices")
        page = whole_number(request.value("page"), None)
        size = whole_number(request.value("per_page"), None)
        if page is None or size is None:
            return report(400, f"{'page' if page is None else 'per_page'} is required and must be a positive integer")
        direction = request.value("created_at") or "desc"
        if direction not in ("asc", "desc"):
            return report(400, "created_at must be asc or desc")
        status, symbol = request.value("status"), request.value("currency_symbol")
        if status and status not in STATUSES:
            return report(400, f"status must be one of {', '.join(STATUSES)}")
        conditions = [
            Condition(name, value, lambda row, name=name, value=value: row[name] == value)  # type: ignore[misc]
            for name, value in (("status", status), ("currency_symbol", symbol))
            if value
        ]
        settings = self.lists[STREAM]
        size = min(size, settings.max_page_size)
        descending = direction == "desc" and not settings.ignore_sort
        query = Query((("created_at", descending),), tuple(conditions))
        total, rows = self._selections.page(query, (page - 1) * size, size)
        pages = -(-total // size)
        invoices = [{"index": number, **row} for number, row in enumerate(rows, 1)]
        return Answer(
            body={
                "error": False,
                "number": 0,
                "message": {
                    "page_count": pages,
                    "page": page,
                    "previous_page": page - 1,
                    "next_page": page + 1 if page < pages else 0,
                    "invoices": None if not invoices and self.empty_is_null else invoices,
                },
            }
        )


def report(status: int, text: str) -> Answer:
    """An error in the documented envelope. The catalogue of numbers is not public; here it is the status."""
    return Answer(status, {"error": True, "number": status, "message": text})
