"""Says in the log how far each running stream is, every so many seconds.

A list of a hundred thousand invoices takes many minutes. Somebody who watches must see that they pass for a reason.
"""

import logging
import threading
from collections.abc import Callable

from airbyte_cdk.models import AirbyteMessage, AirbyteStreamStatus, Type

from source_invoices.receipt import Receipt
from source_invoices.sync_context import SyncContext

_ENDED = (AirbyteStreamStatus.COMPLETE, AirbyteStreamStatus.INCOMPLETE)


class ProgressLog:
    """Watches a read from a thread of its own, which does not keep the process.

    context: returns that of the read, which is made when its streams are built. every: seconds between two lines.
    """

    def __init__(self, context: Callable[[], SyncContext], every: float, logger: logging.Logger) -> None:
        self._context, self._every, self._logger = context, every, logger
        self._running: dict[str, None] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="progress", daemon=True).start()

    def note(self, message: AirbyteMessage) -> None:
        """Notes that a stream has begun or ended."""
        status = message.trace.stream_status if message.type is Type.TRACE and message.trace else None
        if status:
            with self._lock:
                if status.status in _ENDED:
                    self._running.pop(status.stream_descriptor.name, None)
                else:
                    self._running[status.stream_descriptor.name] = None

    def stop(self) -> None:
        """Ends the thread."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            with self._lock:
                running = list(self._running)
            if running:
                self._logger.info(" ".join(map(self._how_far, running)))

    def _how_far(self, stream: str) -> str:
        context = self._context()
        read, pages = context.receipts.get(stream, Receipt).read_so_far()
        expected = context.progress.rows(stream)
        if expected is not None and read <= expected:
            return f"{stream}: {read:,} of about {expected:,} invoices read."
        return f"{stream}: {read:,} invoices read so far, in {pages:,} pages of the list."
