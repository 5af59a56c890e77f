"""The filters that Nexudus documents for payout invoices. Names are compared in lower case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from sandbox.queries import Condition
from sandbox.tables import Row
from sandbox.values import SECOND, instant, nanoseconds

PREFIX = "payoutinvoice_"
TEXTS = {
    "invoice_invoicenumber": "InvoiceInvoiceNumber",
    "invoice_currency_code": "InvoiceCurrencyCode",
    "invoice_business_name": "InvoiceBusinessName",
}
NUMBERS = {
    "invoice_reselleramount": "InvoiceResellerAmount",
    "invoice_business_id": "InvoiceBusinessId",
    "resellerpayout": "ResellerPayoutId",
}
RANGES = {
    "invoicereselleramount": "InvoiceResellerAmount",
    "invoicebusinessid": "InvoiceBusinessId",
    "amount": "Amount",
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)
NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
MINUTE = 60 * SECOND


class BadFilter(ValueError):
    """A parameter with a value that cannot be read."""

    def __init__(self, name: str, value: str, text: str) -> None:
        super().__init__(text)
        self.name = name
        self.value = value


def moment(given: Mapping[str, str], name: str, offset: int) -> int | None:
    """Returns the time of a parameter, by the provider's clock. Only YYYY-MM-DDTHH:mm is allowed (documented)."""
    text = given.get(name)
    if text is None:
        return None
    try:
        if TIME.fullmatch(text):
            return nanoseconds(datetime.fromisoformat(text)) - offset
    except ValueError:
        pass  # a day or an hour that does not exist
    raise BadFilter(name, text, "The value is not a time of the form YYYY-MM-DDTHH:mm.")


def number(given: Mapping[str, str], name: str) -> float | None:
    """Returns the number of a parameter."""
    text = given.get(name)
    if text is None:
        return None
    if not NUMBER.fullmatch(text):
        raise BadFilter(name, text, "The value is not a number.")
    return float(text)


def conditions(given: Mapping[str, str], offset: int) -> tuple[Condition, ...]:
    """Returns all filters except those on the time of the last update. Unknown parameters are ignored (inferred)."""
    found: list[Condition] = []
    for suffix, field in TEXTS.items():
        name = PREFIX + suffix
        if name in given:
            found.append(equality(name, field, given[name]))
    for suffix, field in NUMBERS.items():
        wanted = number(given, PREFIX + suffix)
        if wanted is not None:
            found.append(equality(PREFIX + suffix, field, wanted))
    name = f"{PREFIX}invoice_createdon"
    minute = moment(given, name, offset)
    if minute is not None:
        found.append(within(name, "InvoiceCreatedOn", minute, minute + MINUTE - 1, offset))
    low, high = (moment(given, f"{side}_{PREFIX}createdon", offset) for side in ("from", "to"))
    if low is not None or high is not None:
        found.append(within("createdon", "CreatedOn", low, high, offset))
    for suffix, field in RANGES.items():
        least, most = (number(given, f"{side}_{PREFIX}{suffix}") for side in ("from", "to"))
        if least is not None or most is not None:
            found.append(between(suffix, field, least, most))
    return tuple(found)


def equality(name: str, field: str, wanted: str | float) -> Condition:
    """Returns the filter for rows whose field has this value."""
    return Condition(name, wanted, lambda row: bool(row[field] == wanted))


def between(name: str, field: str, least: float | None, most: float | None) -> Condition:
    """Returns the filter for rows whose number is within bounds, both inclusive. Null never matches."""

    def test(row: Row) -> bool:
        value = row[field]
        return value is not None and (least is None or value >= least) and (most is None or value <= most)

    return Condition(name, (least, most), test)


def within(name: str, field: str, low: int | None, high: int | None, offset: int) -> Condition:
    """Returns the filter for rows whose time is within bounds, both inclusive. Null never matches."""

    def test(row: Row) -> bool:
        time = instant(row[field]) if isinstance(row[field], str) else None
        return time is not None and (low is None or time - offset >= low) and (high is None or time - offset <= high)

    return Condition(name, (low, high, offset), test)
