"""Rows on their way through the CDK: a page as one queue entry.

This module is here because the CDK does more for each record than the rest of a read: a record, a queue entry, a cursor
update, a message and its serialization. A page that travels as one costs half (tools/benchmarks).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from airbyte_cdk.sources.types import Record, StreamSlice

from source_invoices.components.pages.page import Row

EARLIEST = "1970-01-01"
"""A cursor is not earlier: the CDK writes years before 1000 in a form that it cannot read."""


class PageRecord(Record):
    """The rows of a page as one record of the CDK, whose data is the newest cursor value of them."""

    def __init__(
        self, rows: Sequence[Row], stream_name: str, stream_slice: StreamSlice, cursor: dict[str, Any]
    ) -> None:
        super().__init__(cursor, stream_name, stream_slice)
        self.rows = rows

    def __bool__(self) -> bool:
        """True, also without a cursor value: the CDK takes a false queue entry for the end of the sync."""
        return True


@dataclass(frozen=True)
class RecordPage:
    """The records of a page, as the source hands them over. emitted_at: milliseconds since 1970."""

    stream: str
    rows: Sequence[Row]
    emitted_at: int


def newest_cursor(rows: Iterable[Row], field: str, latest: str) -> dict[str, Any]:
    """Returns the greatest value of the cursor field that is not later than `latest`; empty if there is none."""
    newest = ""
    for row in rows:
        value = row.get(field)
        if value and newest < value <= latest:
            newest = value
    return {field: newest} if newest >= EARLIEST else {}
