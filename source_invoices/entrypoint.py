"""The commands that need the CDK: `check`, `discover` and `read`."""

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteRecordMessage,
    ConnectorSpecification,
    Type,
)
from airbyte_cdk.sources import Source
from airbyte_cdk.sources.connector_state_manager import HashableStreamDescriptor
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_invoices.catalog import names_of
from source_invoices.components.http.json_body import encode_all
from source_invoices.components.pages.page import Row
from source_invoices.components.pages.whole_page import RecordPage
from source_invoices.input_files import Inputs, read_inputs
from source_invoices.masking import mask_message, masked_failures
from source_invoices.source import CHECK_LIMITS, SourceInvoices
from source_invoices.terminal import ProgressLines


def run(parsed: argparse.Namespace, make_source: Callable[..., SourceInvoices] | None = None) -> None:
    """Runs a command and writes its messages. Exits 1 after a failure.

    make_source: builds another source than SourceInvoices, from catalog, configuration, state and limits.
    """
    try:
        with masked_failures():
            inputs = read_inputs(parsed)
            limits = CHECK_LIMITS if parsed.command == "check" else None
            source = (make_source or SourceInvoices)(inputs.catalog, inputs.config, inputs.state, limits=limits)
            source.hands_over_pages = True
            for line in _Entrypoint(source, inputs).run(parsed):
                _write(f"{line}\n".encode())
    except AirbyteTracedException as error:
        failure = error.as_sanitized_airbyte_message()
        if failure.trace and failure.trace.error:
            failure.trace.error.stack_trace = None  # the message explains it
        _write(f"{AirbyteEntrypoint.airbyte_message_to_string(failure)}\n".encode())
        sys.exit(1)


class _Entrypoint(AirbyteEntrypoint):
    """The CDK's entrypoint, for a source that hands over pages."""

    def __init__(self, source: SourceInvoices, inputs: Inputs) -> None:
        super().__init__(source)
        # The CDK would open the files again, which a pipe does not allow.
        source.read_config = lambda _: inputs.config  # type: ignore[method-assign,assignment]
        source.read_catalog = lambda _: inputs.catalog  # type: ignore[method-assign,assignment]
        source.read_state = lambda _: inputs.state  # type: ignore[method-assign,assignment]
        self._quiet = False

    def run(self, parsed_args: argparse.Namespace) -> Iterable[str]:
        self._quiet = getattr(parsed_args, "quiet", False)
        return super().run(parsed_args)

    @staticmethod
    def validate_connection(source_spec: ConnectorSpecification, config: Mapping[str, Any]) -> None:
        """Does nothing: SourceInvoices validates, and names the key."""

    @staticmethod
    def set_up_secret_filter(config: Any, connection_specification: Mapping[str, Any]) -> None:
        """Does nothing: SourceInvoices masks. The CDK would also mask parts of words, where a secret is short."""

    def _emit_queued_messages(self, source: Source) -> Iterable[AirbyteMessage]:
        for message in super()._emit_queued_messages(source):
            mask_message(message)
            yield message

    def read(
        self, source_spec: ConnectorSpecification, config: Any, catalog: Any, state: list[Any]
    ) -> Iterable[AirbyteMessage]:
        """Writes pages, and yields all other messages. Each of them is written before the next one is asked for."""
        progress = ProgressLines.at_the_terminal(names_of(catalog), quiet=self._quiet)
        for message in super().read(source_spec, config, catalog, state):
            progress.note(message)
            if isinstance(message, RecordPage):
                _write(record_lines(message))
            else:
                yield message

    @staticmethod
    def handle_record_counts(
        message: AirbyteMessage, stream_message_count: defaultdict[HashableStreamDescriptor, float]
    ) -> AirbyteMessage:
        """Counts the rows of a page as records, for the record counts of the states."""
        if isinstance(message, RecordPage):
            descriptor = HashableStreamDescriptor(name=message.stream, namespace=None)
            stream_message_count[descriptor] += len(message.rows)
            return message
        return AirbyteEntrypoint.handle_record_counts(message, stream_message_count)


def record_lines(page: RecordPage) -> bytes:
    """Returns the RECORD messages of a page as the CDK writes them.

    Removes the null fields at the top of its rows, which costs less than to copy the rows without them. The thread that
    has read the page may still look at a row, by `get`.
    """
    for row in page.rows:
        if None in row.values():
            _remove_nulls(row)
    before = f'{{"type":"RECORD","record":{{"stream":"{page.stream}","data":'.encode()
    after = f',"emitted_at":{page.emitted_at}}}}}\n'.encode()
    try:
        return before + (after + before).join(encode_all(page.rows)) + after
    except TypeError:  # a number of more than 64 bits, or half of a character
        return b"".join(_record_line(page, row) for row in page.rows)


def _remove_nulls(row: Row) -> None:
    for name in [name for name, value in row.items() if value is None]:
        del row[name]


def _record_line(page: RecordPage, row: Row) -> bytes:
    record = AirbyteRecordMessage(page.stream, dict(row), page.emitted_at)
    message = AirbyteMessage(type=Type.RECORD, record=record)
    return f"{AirbyteEntrypoint.airbyte_message_to_string(message)}\n".encode()


def _write(lines: bytes) -> None:
    """Writes whole lines at once, since worker threads write log lines too."""
    if hasattr(sys.stdout, "buffer"):
        sys.stdout.flush()
        sys.stdout.buffer.write(lines)
    else:
        sys.stdout.write(lines.decode())
    sys.stdout.flush()
