"""The retriever: owns the page loop of a stream.

This module is here because the stock SimpleRetriever reads pages one after another, ends at what its paginator takes
for the last page, and hands over every row by itself.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from functools import partial
from typing import Any

from airbyte_cdk.sources.declarative.retrievers.retriever import Retriever
from airbyte_cdk.sources.streams.call_rate import APIBudget
from airbyte_cdk.sources.streams.concurrent.cursor import Cursor
from airbyte_cdk.sources.types import Record, StreamSlice

from source_invoices.components.http.requester import PageRequester
from source_invoices.components.http.responses import Resolutions
from source_invoices.components.incremental.cursor_limit import observe_until
from source_invoices.components.pages.page import Page, Row
from source_invoices.components.pages.plan import InvoiceKey, PageNumber, Plan, Position, Purpose, plan_of
from source_invoices.components.pages.prefetch import Prefetch
from source_invoices.components.pages.whole_page import PageRecord, newest_cursor
from source_invoices.components.records.filters import InvoiceFilter
from source_invoices.components.records.schema_check import SchemaCheck
from source_invoices.components.records.transformation import PageTransformation
from source_invoices.receipt import Receipt
from source_invoices.settings import is_check
from source_invoices.sync_context import context_of
from source_invoices.times import to_rfc3339

# What Python raises for a value of another type or size than a calculation needs.
_UNUSABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


@dataclass
class PageRetriever(Retriever):
    """Reads slices as their plans say. One instance reads all slices of a stream, several at the same time.

    provider: its key. prefetches: whether pages are fetched ahead.
    trims_look_ups: an invoice that is asked for by its key comes with more fields than in the list. Those that the
    schema does not name are left out, so that all rows have the same fields.
    name, transformations, cursor: the stream's, handed in by the CDK.
    """

    config: Mapping[str, Any]
    parameters: InitVar[Mapping[str, Any]]
    api_budget: APIBudget
    name: str
    provider: str
    requester: PageRequester
    record_filter: InvoiceFilter
    cursor: Cursor
    transformations: Sequence[PageTransformation] = field(default_factory=list)
    prefetches: bool = True
    trims_look_ups: bool = False

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self._stream = parameters["name"]
        self._context = context_of(self.api_budget)
        # The list of a stream of details is read for that stream, and none of its rows is emitted.
        self._is_emitted = self.name == self._stream
        self._resolutions = Resolutions(self.provider, self._stream)
        self._receipt = self._context.receipts.get(self._stream, Receipt)
        self._schema_check = SchemaCheck()
        self._receipt.close_with(self._schema_check.warnings)
        self._workers = self.config["num_workers"] if self.prefetches else 1
        self._latest = to_rfc3339(self._context.started)
        cursor_field = getattr(self.cursor, "cursor_field", None)
        self._cursor_field = cursor_field.cursor_field_key if cursor_field else ""
        if self._cursor_field:
            observe_until(self._latest, self.cursor, self._cursor_field)

    def read_records(
        self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None
    ) -> Iterable[Record]:
        """Reads a slice that carries a plan. Yields a PageRecord where the source takes pages, else a Record a row.

        Raises AirbyteTracedException in words for the person who must act.
        """
        plan = plan_of(stream_slice) if stream_slice else None
        if stream_slice is None or plan is None:
            raise ValueError(f"{self._stream} needs a slice with a plan")
        return self._read_or_fail(plan, stream_slice, records_schema.get("properties", {}))

    def _read_or_fail(self, plan: Plan, stream_slice: StreamSlice, fields: Mapping[str, Any]) -> Iterable[Record]:
        """Reads a slice. Fails the stream for a value that cannot be calculated with and that nothing has refused."""
        try:
            yield from self._read(plan, stream_slice, fields)
        except _UNUSABLE as error:
            logging.getLogger("airbyte").debug("%s: a value cannot be used", self._stream, exc_info=error)
            raise self._resolutions.contradiction_error("the answer has a value that cannot be used.", error) from None

    def _read(self, plan: Plan, stream_slice: StreamSlice, fields: Mapping[str, Any]) -> Iterable[Record]:
        fetch, fetch_ahead = (partial(ask, stream_slice) for ask in (self.requester.page, self.requester.page_ahead))
        prefetch = Prefetch(fetch, fetch_ahead, self._workers, is_quick=self.requester.is_quick)
        position = plan.first_position
        try:
            while position:
                self._context.backpressure.wait()
                page = prefetch.page(position)
                if self.trims_look_ups and isinstance(position, InvoiceKey):
                    _trim(page.rows, fields)
                rows = self._rows(plan, page, position)
                self._receipt.add_page(is_list=_is_read(position), emitted=len(rows) if self._is_emitted else 0)
                if fields:
                    self._schema_check.check(rows, fields)
                yield from self._records(rows, stream_slice)
                if is_check(self.config):
                    return
                position = self._next_position(plan, page, position)
                self._expect(plan, page, stream_slice)
        finally:
            prefetch.stop()
            if figures := plan.figures():
                self._receipt.add_list(figures)

    def _rows(self, plan: Plan, page: Page, position: Position) -> Sequence[Row]:
        """Returns the rows of a page that are emitted: normalised, and filtered by settings and plan.

        The plan sees every invoice since `start_date`, whatever its status.
        """
        if isinstance(position, PageNumber) and position.purpose in (Purpose.COUNT, Purpose.CHECK):
            return []
        for transformation in self.transformations:
            transformation.transform_rows(page.rows)
        rows = plan.accept(self.record_filter.issued_since(page.rows), position)
        return self.record_filter.with_status(rows)

    def _records(self, rows: Sequence[Row], stream_slice: StreamSlice) -> Iterable[Record]:
        if not self._context.whole_pages:
            yield from (Record(row, self.name, stream_slice) for row in rows)
        elif rows:
            self._context.backpressure.added(len(rows))
            yield PageRecord(rows, self.name, stream_slice, newest_cursor(rows, self._cursor_field, self._latest))

    def _next_position(self, plan: Plan, page: Page, position: Position) -> Position | None:
        try:
            return plan.next_position(page, position)
        except ValueError as error:
            raise self._resolutions.contradiction_error(f"{error}.") from None

    def _expect(self, plan: Plan, page: Page, stream_slice: StreamSlice) -> None:
        rows = plan.expected_rows(page)
        if rows is not None and not self.record_filter.is_status_filtered:
            self._context.progress.expect(self._stream, str(stream_slice.cursor_slice), rows)


def _is_read(position: Position) -> bool:
    return isinstance(position, PageNumber) and position.purpose is Purpose.READ


def _trim(rows: Sequence[Row], fields: Mapping[str, Any]) -> None:
    for row in rows:
        for name in row.keys() - fields.keys():
            del row[name]
