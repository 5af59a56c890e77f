"""The first failure of a stream, which ends everything that is done for it."""

import threading
from typing import NoReturn

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException


class StreamFailure:
    """Whether a stream has failed. Every request and wait for the stream ends with its first failure."""

    def __init__(self) -> None:
        self._failed = threading.Event()
        self._lock = threading.Lock()
        self._message: str | None = None
        self._failure_type = FailureType.system_error

    def fail(self, message: str, failure_type: FailureType) -> NoReturn:
        """Raises AirbyteTracedException with the stream's first failure, which is this one or an earlier one."""
        with self._lock:
            if not self._failed.is_set():
                self._message, self._failure_type = message, failure_type
                self._failed.set()
        raise self._error()

    def wait(self, seconds: float) -> None:
        """Waits. Raises AirbyteTracedException as soon as the stream has failed."""
        if self._failed.wait(seconds):
            raise self._error()

    def _error(self) -> AirbyteTracedException:
        return AirbyteTracedException(message=self._message, failure_type=self._failure_type)
