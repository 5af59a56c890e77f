"""Times of rows: text becomes RFC 3339 in UTC, and a cursor is derived from integer times.

This module is here because the manifest cannot parse the providers' times (see times.py), and because Jinja for each
record costs more than the rest of the read.
"""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any, TypeVar

from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.streams.call_rate import APIBudget
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_invoices.components.records.transformation import PageTransformation
from source_invoices.receipt import Receipt
from source_invoices.secrets import quoted
from source_invoices.sync_context import context_of
from source_invoices.times import YEAR_10000, normalize, unix_to_rfc3339, whole_seconds

_Time = TypeVar("_Time")


@dataclass
class Timestamps(PageTransformation):
    """Normalizes text times and derives the cursor.

    A time that cannot be read fails the stream where the cursor or the scan stands on it: where the stock AddFields
    fails, the CDK keeps the record and silently stops moving the state. In any other field it becomes null, with a
    warning.

    key: the primary key, for messages. text_times: fields that hold a time as text. issued, cursor_field: the fields
    that the scan and the cursor stand on. unix_times: fields that hold seconds since 1970, as a number or as digits.
    latest_of: those of them of which the latest becomes `derived`; null and 0 mean "not yet". It is
    never less than the cursor of the last sync: where a payment is reversed, a destination that keeps the row of the
    greatest cursor would keep the old one.
    """

    parameters: InitVar[Mapping[str, Any]]
    api_budget: APIBudget
    key: str
    issued: str
    cursor_field: str
    text_times: Sequence[str] = field(default_factory=list)
    unix_times: Sequence[str] = field(default_factory=list)
    latest_of: Sequence[str] = field(default_factory=list)
    derived: str = ""

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self._stream = parameters["name"]
        context = context_of(self.api_budget)
        self._saved_cursors = context.saved_cursors
        self._receipt = context.receipts.get(self._stream, Receipt)

    def transform_rows(self, rows: Sequence[MutableMapping[str, Any]]) -> None:
        for name in self.text_times:
            for row in rows:
                text = row.get(name)
                try:
                    if text is not None:
                        row[name] = normalize(text) if text else None
                except (ValueError, TypeError):
                    row[name] = self._read(row, name, normalize)
        for name in self.unix_times:
            for row in rows:
                value = row.get(name)
                if value is not None and (type(value) is not int or not 0 <= value < YEAR_10000):
                    row[name] = self._read(row, name, whole_seconds) if value else None
        if self.derived:
            saved = self._saved_cursors.get(self._stream, "")
            for row in rows:
                latest = None
                for name in self.latest_of:
                    time = row.get(name)
                    if time and (latest is None or time > latest):
                        latest = time
                row[self.derived] = None if latest is None else max(unix_to_rfc3339(latest), saved)

    def _read(self, row: Mapping[str, Any], name: str, read: Callable[[Any], _Time]) -> _Time | None:
        try:
            return read(row[name])
        except (ValueError, TypeError) as error:
            if name in (self.issued, self.cursor_field):
                raise self._unreadable(row, name, error) from error
        self._receipt.warn(f"the time in `{name}` cannot be read and is left out", row.get(self.key), quoted(row[name]))
        return None

    def _unreadable(self, row: Mapping[str, Any], name: str, error: Exception) -> AirbyteTracedException:
        return AirbyteTracedException(
            message=f"{self._stream}: the time in `{name}` of invoice {quoted(row.get(self.key))} cannot be read: "
            f"{quoted(row[name])}. The stream stops here: later syncs would miss an invoice without a time. "
            "Please report this value to the connector's maintainers.",
            internal_message=str(error),
            failure_type=FailureType.system_error,
        )
