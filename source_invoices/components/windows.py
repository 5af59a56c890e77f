"""Windows of an updated field: closed ones, which rows can only leave, and the newest, which they enter.

Here because the manifest can cut the time into windows but cannot read one of them otherwise than the others, nor make
it wait for them: a row that is updated leaves a closed window, perhaps unread, and enters the newest, perhaps read.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from airbyte_cdk.sources.declarative.retrievers.simple_retriever import SimpleRetriever
from airbyte_cdk.sources.streams.call_rate import APIBudget
from airbyte_cdk.sources.streams.concurrent.cursor import ConcurrentCursor
from airbyte_cdk.sources.streams.core import StreamData
from airbyte_cdk.sources.types import Record, StreamSlice

from source_invoices.components.gate import shared
from source_invoices.components.open_window import OpenWindow
from source_invoices.components.timestamps import parse_text_time, to_rfc3339

# For a provider whose clock is late, or that reads the bounds of a window in its own zone: rows may still enter a
# window that has just ended.
_LATENESS = timedelta(days=1)


class ClosedWindows:
    """The closed windows of a stream that are being read."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._under_way = 0
        self._read = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """However it ends."""
        with self._condition:
            self._under_way += 1
        try:
            yield
        finally:
            with self._condition:
                self._under_way -= 1
                self._read += 1
                self._condition.notify_all()

    def count(self) -> int:
        """How many have been read, as soon as none is under way."""
        with self._condition:
            self._condition.wait_for(lambda: not self._under_way)
            return self._read


@dataclass
class WindowRetriever(SimpleRetriever):
    """Reads a closed window page by page, and the newest as an OpenWindow, which its slice then carries.

    The newest waits for the closed ones, and is read again if one of them was read meanwhile. The CDK begins the slices
    in their order, so the others are under way or done when the newest begins.

    updated_field, newest_first: see OpenWindow. cursor: of the stream, handed in by the CDK.
    """

    api_budget: APIBudget | None = None
    cursor: ConcurrentCursor | None = None
    updated_field: str = ""
    newest_first: Sequence[str] = field(default_factory=list)

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        super().__post_init__(parameters)
        if self.api_budget is None or self.cursor is None:
            raise ValueError("a WindowRetriever needs an api_budget in the manifest and a cursor")
        self._budget = self.api_budget
        self._started = shared(self._budget, "started", lambda: datetime.now(timezone.utc))
        _observe_until(self._started, self.cursor)

    def read_records(
        self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None
    ) -> Iterable[StreamData]:
        if stream_slice is None:
            raise ValueError("a WindowRetriever reads the windows of a cursor")
        closed = shared(self._budget, ("windows", self.name), ClosedWindows)
        if parse_text_time(stream_slice.cursor_slice["end_time"]) < self._started - _LATENESS:
            with closed.reading():
                yield from super().read_records(records_schema, stream_slice)
            return
        before = closed.count()
        yield from super().read_records(records_schema, self._newest(stream_slice))
        if closed.count() > before:  # one that had not quite begun
            yield from super().read_records(records_schema, self._newest(stream_slice))

    def _newest(self, stream_slice: StreamSlice) -> StreamSlice:
        window = OpenWindow(str(self.primary_key), self.updated_field, self.newest_first)
        return StreamSlice(
            partition=stream_slice.partition, cursor_slice=stream_slice.cursor_slice, extra_fields={"rule": window}
        )


def _observe_until(moment: datetime, cursor: ConcurrentCursor) -> None:
    """Makes a cursor look at no record that is dated later.

    Else a row that is dated ahead would take the state along, and the next sync would see nothing of what is updated
    until then.
    """
    observe, field_name, latest = cursor.observe, cursor.cursor_field.cursor_field_key, to_rfc3339(moment)

    def observe_if_not_later(record: Record) -> None:
        if (record.data.get(field_name) or "") <= latest:
            observe(record)

    cursor.observe = observe_if_not_later  # type: ignore[method-assign]
