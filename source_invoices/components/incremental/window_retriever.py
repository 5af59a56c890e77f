"""Windows of an updated field: closed ones, which rows can only leave, and the current one, which they enter.

This module is here because the manifest can cut the time into windows but cannot read one of them differently from the
others, nor make it wait for them: a row that is updated leaves a closed window, perhaps unread, and enters the current
one, perhaps read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from airbyte_cdk.sources.types import Record, StreamSlice

from source_invoices.components.incremental.closed_windows import ClosedWindows
from source_invoices.components.incremental.current_window import CurrentWindow
from source_invoices.components.incremental.list_plan import ListPlan
from source_invoices.components.incremental.window_state import begin_windows
from source_invoices.components.pages.page import Page, Row
from source_invoices.components.pages.plan import PageNumber, Plan, Position, Purpose, with_plan
from source_invoices.components.pages.retriever import PageRetriever
from source_invoices.settings import is_check, start_date
from source_invoices.times import earlier, parse_text_time, to_rfc3339

# For a provider whose clock is late, or that reads the bounds of a window in its own zone: rows may still enter a
# window that has just ended.
_LATENESS = timedelta(days=1)

# As in the manifest: the next sync asks again for what was updated a day before the cursor.
_LOOKBACK = timedelta(days=1)


@dataclass
class WindowRetriever(PageRetriever):
    """Reads a closed window as a list, and the current one as a CurrentWindow. The slice's `window` says which it is.

    The current window waits for the closed ones, and is read again if one of them was read meanwhile. The CDK begins
    the slices in their order, so the others are being read or done when the current one begins. Then the windows are
    compared with a count of the whole list. If rows are missing, the list is read without windows.

    primary_key, cursor_field, newest_first: see CurrentWindow.
    """

    primary_key: str = ""
    cursor_field: str = ""
    newest_first: Sequence[str] = field(default_factory=list)

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        super().__post_init__(parameters)
        begin = partial(begin_windows, self.config, self.provider, self._context.started)
        self._sync = self._context.window_syncs.get(self.name, begin)
        self._receipt.close_with(self._sync.warnings)
        self._fields: Mapping[str, Any] = {}

    def read_records(
        self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None
    ) -> Iterable[Record]:
        if stream_slice is None:
            raise ValueError("a WindowRetriever reads the windows of a cursor")
        self._fields = records_schema.get("properties", {})
        windows = self._context.closed_windows.get(self.name, ClosedWindows)
        if parse_text_time(stream_slice.cursor_slice["end_time"]) < self._context.started - _LATENESS:
            with windows.reading():
                yield from self._read_window(ListPlan(), "closed", stream_slice)
            return
        before = windows.count()
        since = stream_slice.cursor_slice["start_time"] if self._sync.goes_on else ""
        yield from self._read_window(self._current(since), "current", stream_slice)
        if windows.count() > before:  # one that had not begun yet
            yield from self._read_window(self._current(since), "current", stream_slice)
        if not is_check(self.config):
            yield from self._read_what_windows_lack(stream_slice)

    def _current(self, since: str) -> CurrentWindow:
        return CurrentWindow(self.primary_key, self.cursor_field, self.newest_first, since=since)

    def _read_window(self, plan: ListPlan | CurrentWindow, window: str, stream_slice: StreamSlice) -> Iterable[Record]:
        return self._read_or_fail(
            plan, with_plan(plan, stream_slice.partition, stream_slice.cursor_slice, window=window), self._fields
        )

    def _rows(self, plan: Plan, page: Page, position: Position) -> Sequence[Row]:
        rows = super()._rows(plan, page, position)
        self._sync.meet(page.keys, page.rows, self.cursor_field)
        return rows

    def _read_what_windows_lack(self, stream_slice: StreamSlice) -> Iterable[Record]:
        """Counts the whole list, and reads it where the windows have shown too few rows."""
        total = self._sync.total = self._count("all", stream_slice.cursor_slice)
        if since := start_date(self.config):
            total -= self._count("before", {"end_time": to_rfc3339(since - _LOOKBACK)})
        lacks_rows = self._sync.missing(total)
        if lacks_rows:
            yield from self._read_window(ListPlan(), "all", stream_slice)
        self._receipt.settle(counted=total, distinct=self._sync.distinct(), is_whole=lacks_rows)
        newest = self._sync.newest or stream_slice.cursor_slice["start_time"]
        self._sync.rows = total
        recent = {"start_time": to_rfc3339(earlier(parse_text_time(newest), _LOOKBACK))}
        self._sync.older_rows = max(0, total - self._count("current", recent))

    def _count(self, window: str, bounds: Mapping[str, Any]) -> int:
        """Returns how many rows a window has, by a page of one row."""
        position = PageNumber(purpose=Purpose.COUNT, size=1)
        return self.requester.page(with_plan(ListPlan(), {}, bounds, window=window), position).total or 0
