"""Times of rows: text becomes RFC 3339 in UTC, and a cursor is derived from integer times.

This module is here because the manifest cannot parse the providers' times (see times.py), and because Jinja for each
record costs more than the rest of the read.
"""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_invoices.components.records.transformation import PageTransformation
from source_invoices.times import normalize, unix_to_rfc3339, whole_seconds


@dataclass
class Timestamps(PageTransformation):
    """Normalizes text times and derives the cursor. A time that cannot be read fails the stream.

    Where the stock AddFields fails, the CDK keeps the record and silently stops moving the state.

    key: the primary key, for messages. text_times: fields that hold a time as text; null and "" are left as they are.
    latest_of: fields that hold seconds since 1970. The latest becomes `derived`; null and 0 mean "not yet".
    """

    parameters: InitVar[Mapping[str, Any]]
    key: str
    text_times: Sequence[str] = field(default_factory=list)
    latest_of: Sequence[str] = field(default_factory=list)
    derived: str = ""

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self._stream = parameters["name"]

    def transform_rows(self, rows: Iterable[MutableMapping[str, Any]]) -> None:
        for row in rows:
            self._normalize(row)
            if self.derived:
                row[self.derived] = self._latest(row)

    def _normalize(self, row: MutableMapping[str, Any]) -> None:
        for name in self.text_times:
            text = row.get(name)
            if text:
                try:
                    row[name] = normalize(text)
                except (ValueError, TypeError) as error:
                    raise self._unreadable(row, name, error) from error

    def _latest(self, row: Mapping[str, Any]) -> str | None:
        latest = None
        for name in self.latest_of:
            value = row.get(name)
            if value:
                try:
                    seconds = whole_seconds(value)
                except (ValueError, TypeError) as error:
                    raise self._unreadable(row, name, error) from error
                latest = seconds if latest is None or seconds > latest else latest
        return None if latest is None else unix_to_rfc3339(latest)

    def _unreadable(self, row: Mapping[str, Any], name: str, error: Exception) -> AirbyteTracedException:
        return AirbyteTracedException(
            message=f"{self._stream}: the time in `{name}` of invoice {row.get(self.key)!r} cannot be read: "
            f"{row[name]!r:.100}. The stream stops here: later syncs would miss an invoice without a time. "
            "Please report this value to the connector's maintainers.",
            internal_message=str(error),
            failure_type=FailureType.system_error,
        )
