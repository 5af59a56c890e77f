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
from airbyte_cdk.sources.streams.core import StreamData
from airbyte_cdk.sources.types import StreamSlice

from source_invoices.components.gate import shared
from source_invoices.components.open_window import OpenWindow
from source_invoices.components.timestamps import parse_text_time

# For a provider whose clock is late, or that reads the bounds of a window in its own zone: rows may still enter a
# window that has just ended.
_ALLOWANCE = timedelta(days=1)


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

    updated_field, newest_first: see OpenWindow.
    """

    api_budget: APIBudget | None = None
    updated_field: str = ""
    newest_first: Sequence[str] = field(default_factory=list)

    def read_records(
        self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None
    ) -> Iterable[StreamData]:
        if self.api_budget is None or stream_slice is None:
            raise ValueError("a WindowRetriever needs an api_budget in the manifest and a cursor")
        closed = shared(self.api_budget, ("windows", self.name), ClosedWindows)
        started = shared(self.api_budget, "started", lambda: datetime.now(timezone.utc))
        if parse_text_time(stream_slice.cursor_slice["end_time"]) < started - _ALLOWANCE:
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
