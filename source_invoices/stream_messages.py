"""What the source adds to the messages of a stream, and what it leaves out."""

import logging

from airbyte_cdk.models import AirbyteErrorTraceMessage, AirbyteMessage, AirbyteStreamStatus, Type

from source_invoices.components.incremental.window_state import STATE_KEY
from source_invoices.receipt import Receipt
from source_invoices.sync_context import SyncContext


def is_first_failure(message: AirbyteMessage, failures: dict[str, AirbyteErrorTraceMessage]) -> bool:
    """Returns False for a further failure of a stream: every slice that is being read reports the one that ended it.

    failures: the first one of each stream, to which this one is added.
    """
    error = message.trace.error if message.type is Type.TRACE and message.trace else None
    if not error or not error.stream_descriptor:
        return True
    name = error.stream_descriptor.name
    if name in failures:
        return False
    failures[name] = error
    return True


def log_receipt(message: AirbyteMessage, context: SyncContext, logger: logging.Logger) -> None:
    """Says at the end of a stream what was counted and read, and what is worth a warning."""
    status = message.trace.stream_status if message.type is Type.TRACE and message.trace else None
    if not status or status.status not in (AirbyteStreamStatus.COMPLETE, AirbyteStreamStatus.INCOMPLETE):
        return
    name = status.stream_descriptor.name
    receipt = context.receipts.get(name, Receipt)
    for warning in receipt.warnings(name):
        logger.warning(warning)
    logger.info(receipt.line(name))


def add_window_state(message: AirbyteMessage, context: SyncContext) -> None:
    """Adds to a state what the windows of its stream leave, which the CDK's cursor of windows cannot hold."""
    stream = message.state.stream if message.type is Type.STATE and message.state else None
    windows = context.window_state(stream.stream_descriptor.name) if stream else None
    if stream and stream.stream_state and windows:
        setattr(stream.stream_state, STATE_KEY, windows)
