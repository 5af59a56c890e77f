"""How many rows each stream is expected to bring, told to whoever shows the progress of a sync.

Here because the CDK emits no estimates, and hands its message repository to no custom component.
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

    emit: where the messages go; nowhere until the source says so.
    """

    def __init__(self) -> None:
        self.emit: Callable[[AirbyteMessage], None] | None = None
        self._rows: defaultdict[str, dict[Hashable, int]] = defaultdict(dict)
        self._lock = threading.Lock()

    def expect(self, stream: str, part: Hashable, rows: int) -> None:
        """part: what of the stream has so many rows, for example one of its windows."""
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
