"""Failures in words: how they are raised, summed up and logged."""

import logging
from collections.abc import Mapping

from airbyte_cdk.models import AirbyteErrorTraceMessage, FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_invoices.secrets import mask

UNEXPECTED = (
    "The connector has met something that it is not prepared for, and stops. This is a fault of the connector: please "
    "report it to its maintainers, with the log."
)
"""The message of a failure that nothing else explains."""
# It repeats every failure in its Python form. `read` ends in a summary of its own.
_CDK_SUMMARY = "During the sync, the following streams did not sync successfully"
# In the order in which a person must act on them.
_FAILURE_TYPES = (FailureType.config_error, FailureType.system_error, FailureType.transient_error)


def config_error(message: str) -> AirbyteTracedException:
    """Returns a failure that the configuration, catalog or state must be changed for."""
    return AirbyteTracedException(message=message, failure_type=FailureType.config_error)


def summary(failures: Mapping[str, AirbyteErrorTraceMessage]) -> AirbyteTracedException:
    """Returns the failure that ends a read in which streams failed. failures: by stream."""
    types = {failure.failure_type for failure in failures.values()}
    names = ", ".join(sorted(failures))
    return AirbyteTracedException(
        message=f"The sync is incomplete: {names} failed. The message of each stream says why and what to do.",
        failure_type=next(item for item in _FAILURE_TYPES if item in types),
    )


class FailureLog(logging.Filter):
    """Logs a failure that its message explains once and without a traceback. A traceback is for the unexpected."""

    def __init__(self) -> None:
        super().__init__()
        self._logged: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, AirbyteTracedException):
            text = f"{record.getMessage()}: {mask(str(error.message))}"
            record.msg, record.args, record.exc_info = text, (), None
            if text in self._logged:
                return False
            self._logged.add(text)
        return not record.getMessage().startswith(_CDK_SUMMARY)
