"""Estimates of the number of rows of each stream, for programs that show the progress of a sync.

This module is here because the CDK emits no estimates, and passes its message repository to no custom component.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable

from airbyte_cdk.models import (
    AirbyteEstimateTraceMessage,
    AirbyteMessage,
    AirbyteTraceMessage,
    EstimateType,
    TraceType,
    Type,
)


class Progress:
    """Emits an estimate when a stream's number of rows becomes known or changes.

    emit: sends a message. The source sets it; until then no message is sent.
    """

    def __init__(self) -> None:
        self.emit: Callable[[AirbyteMessage], None] | None = None
        self._rows: defaultdict[str, dict[Hashable, int]] = defaultdict(dict)
        self._lock = threading.Lock()

    def rows(self, stream: str) -> int | None:
        """Returns the number of rows of a stream; None while it is not known."""
        with self._lock:
            return sum(self._rows[stream].values()) if stream in self._rows else None

    def expect(self, stream: str, part: Hashable, rows: int) -> None:
        """Notes the number of rows of a part of a stream, such as one of its windows."""
        with self._lock:
            parts = self._rows[stream]
            if parts.get(part) == rows:
                return
            parts[part] = rows
            estimate = AirbyteEstimateTraceMessage(
                name=stream, type=EstimateType.STREAM, row_estimate=sum(parts.values())
            )
        trace = AirbyteTraceMessage(type=TraceType.ESTIMATE, emitted_at=time.time() * 1000, estimate=estimate)
        if self.emit:
            self.emit(AirbyteMessage(type=Type.TRACE, trace=trace))
