"""Everything that touches private names of the CDK. Each was read in airbyte-cdk 7.39.1.

unit_tests/test_cdk_internals.py names what breaks when the CDK changes one of them.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from airbyte_cdk.models import AirbyteMessage, Type
from airbyte_cdk.sources.concurrent_source.concurrent_read_processor import ConcurrentReadProcessor
from airbyte_cdk.sources.concurrent_source.concurrent_source import ConcurrentSource
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
from airbyte_cdk.sources.declarative.incremental.concurrent_partition_cursor import (
    ConcurrentCursorFactory,
    ConcurrentPerPartitionCursor,
)
from airbyte_cdk.sources.streams.concurrent.abstract_stream import AbstractStream
from airbyte_cdk.sources.streams.concurrent.cursor import ConcurrentCursor, Cursor
from airbyte_cdk.sources.streams.concurrent.partitions.types import QueueItem

from source_invoices.components.pages.whole_page import PageRecord, RecordPage
from source_invoices.sync_context import SyncContext, bind_context


class BoundSource(ConcurrentDeclarativeSource):
    """A declarative source that binds a context to each build of its streams, and lets pages through as they are.

    Private names: `_prepare_for_stream_build`, `_constructor._api_budget`, `_message_repository`, `_concurrent_source`.
    """

    def new_context(self) -> SyncContext:
        """Returns the context of the next build of streams."""
        return SyncContext()

    def _prepare_for_stream_build(self) -> None:
        super()._prepare_for_stream_build()
        self.context = self.new_context()
        self.context.progress.emit = self._message_repository.emit_message
        if budget := self._constructor._api_budget:
            bind_context(budget, self.context)

    def streams(self, config: Mapping[str, Any]) -> list[AbstractStream]:
        streams = super().streams(config)
        for stream in streams:
            share_cursor(stream.cursor)
        return streams

    def let_pages_through(self) -> None:
        """Replaces the CDK's reader of the record queue by one that knows pages."""
        stock = self._concurrent_source
        if not isinstance(stock, PageSource):
            self._concurrent_source = PageSource(
                stock._threadpool,
                stock._logger,
                stock._slice_logger,
                stock._queue,
                stock._message_repository,
                stock._initial_number_partitions_to_generate,
            )


class PageSource(ConcurrentSource):
    """Hands over a PageRecord as one RecordPage, and counts its rows as records.

    Private names: `_handle_item`, the processor's `_record_counter`, and the fields that `let_pages_through` passes on.
    """

    def _handle_item(
        self, queue_item: QueueItem, concurrent_stream_processor: ConcurrentReadProcessor
    ) -> Iterable[AirbyteMessage]:
        if not isinstance(queue_item, PageRecord):
            yield from super()._handle_item(queue_item, concurrent_stream_processor)
            return
        counter, stream = concurrent_stream_processor._record_counter, queue_item.stream_name
        page = RecordPage(stream, queue_item.rows, time.time_ns() // 1_000_000)
        if counter[stream]:
            counter[stream] += len(page.rows)
            yield page  # type: ignore[misc]
            yield from self._message_repository.consume_queue()
            return
        # At the first record the CDK says that the stream is RUNNING. It counts a record before it yields its message.
        for message in super()._handle_item(queue_item, concurrent_stream_processor):
            if message.type is Type.RECORD:
                counter[stream] += len(page.rows) - 1
                yield page  # type: ignore[misc]
            else:
                yield message


def share_cursor(stream_cursor: Cursor) -> None:
    """Lets all partitions of a stream share one cursor where the stream's own cursor keeps the state of all.

    The partitions' cursors then only say which slices there are, which are the same ones for each partition. The CDK
    would build a cursor and calculate the slices for each partition, which takes a fifth of the time of a detail.
    Private names: the stream cursor's `_use_global_cursor` and `_cursor_factory`.
    """
    if not isinstance(stream_cursor, ConcurrentPerPartitionCursor) or not stream_cursor._use_global_cursor:
        return
    stock, made = stream_cursor._cursor_factory, list[ConcurrentCursor]()

    def create(**arguments: Any) -> ConcurrentCursor:
        if not made:
            made.append(cursor := stock.create(**arguments))
            slices = list(cursor.stream_slices())
            cursor.stream_slices = lambda: slices  # type: ignore[method-assign]
        return made[0]

    stream_cursor._cursor_factory = ConcurrentCursorFactory(create)
