"""Where texts leave the connector, and how each of them passes the filter of secrets: messages, failures, log lines."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from airbyte_cdk.models import (
    AirbyteConnectionStatus,
    AirbyteErrorTraceMessage,
    AirbyteLogMessage,
    AirbyteMessage,
    AirbyteStateBlob,
    AirbyteStateMessage,
)
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_invoices.errors import UNEXPECTED
from source_invoices.secrets import mask

# The loggers of the CDK and of what sends its requests, with all below them.
_LOGGERS = ("airbyte", "airbyte_cdk", "urllib3", "requests")
_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({})))
_formatter = logging.Formatter()
# No escape and no mark of HTML goes across it, so it hides no secret.
_BETWEEN = "\n<\n"


def secrets_of(config: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Yields the values of a configuration that its specification marks as secret, also where they are not valid."""
    if schema.get("airbyte_secret") and isinstance(config, str | int | float):
        yield str(config)
    for alternative in schema.get("oneOf", ()):
        yield from secrets_of(config, alternative)
    if isinstance(config, Mapping):
        for name, rule in schema.get("properties", {}).items():
            yield from secrets_of(config.get(name), rule)


def mask_message(message: AirbyteMessage) -> None:
    """Masks the secrets in a message. A record stays as it is.

    Short secrets stay in a state: parts of its times and keys could look like one, and the next sync needs them.
    """
    if message.state:
        _mask_state(message.state)
    if message.log:
        _mask_fields(message.log)
    if message.connectionStatus:
        _mask_fields(message.connectionStatus)
    if message.trace and message.trace.error:
        _mask_fields(message.trace.error)


def mask_status(status: AirbyteConnectionStatus) -> AirbyteConnectionStatus:
    """Masks the secrets in the answer of `check`, and returns it."""
    _mask_fields(status)
    return status


@contextmanager
def masked_failures() -> Iterator[None]:
    """Raises what fails here as an AirbyteTracedException without secrets, and without the exceptions before it."""
    failure = None
    try:
        yield
    except AirbyteTracedException as error:
        failure = _masked(error, error.message)
    except Exception as error:
        logging.getLogger("airbyte").error(UNEXPECTED, exc_info=error)
        failure = _masked(AirbyteTracedException(internal_message=str(error)), UNEXPECTED)
    if failure:
        try:
            raise failure
        finally:
            failure.__context__ = None  # what the caller's `with` handles, which Python puts there with its secrets


class SecretFilter(logging.Filter):
    """Masks the secrets in a log record: its message, its traceback and its further fields."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if (masked := mask(said)) != said:
            record.msg, record.args = masked, ()
        trace = record.exc_text or (_formatter.formatException(record.exc_info) if record.exc_info else "")
        if (masked := mask(trace)) != trace:
            record.exc_text, record.exc_info = masked, None
        for name, value in list(vars(record).items()):
            if name not in _OWN_FIELDS and (masked := mask(str(value))) != str(value):
                setattr(record, name, masked)
        return True


_secret_filter = SecretFilter()


def mask_logs() -> None:
    """Lets every log record of the CDK, of the connector and of what sends their requests pass the filter of secrets.

    Records of a logger that is made later pass it in the handlers. The filter stays, and does nothing where no source
    is in use.
    """
    loggers = [logging.getLogger(), *map(logging.getLogger, _LOGGERS)]
    loggers += [logging.getLogger(name) for name in list(logging.root.manager.loggerDict) if name.startswith(_LOGGERS)]
    for logger in loggers:
        if logger is not logging.root:
            logger.addFilter(_secret_filter)
        for handler in logger.handlers:
            handler.addFilter(_secret_filter)


def _masked(error: AirbyteTracedException, message: str | None) -> AirbyteTracedException:
    return AirbyteTracedException(
        message=mask(message) if message else message,
        internal_message=mask(error.internal_message) if error.internal_message else error.internal_message,
        failure_type=error.failure_type,
        stream_descriptor=error._stream_descriptor,
    )


def _mask_fields(part: AirbyteLogMessage | AirbyteConnectionStatus | AirbyteErrorTraceMessage) -> None:
    for name in ("message", "internal_message", "stack_trace"):
        if text := getattr(part, name, None):
            setattr(part, name, mask(text))


def _mask_state(state: AirbyteStateMessage) -> None:
    blob = state.stream.stream_state if state.stream else None
    # A state may have thousands of keys, and a look at all of them together takes a third of the time.
    together = _BETWEEN.join(_texts(vars(blob))) if blob else ""
    if state.stream and blob and mask(together, short=False) != together:
        state.stream.stream_state = AirbyteStateBlob(**_masked_values(vars(blob)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for item in items:
        yield from _texts(item)


def _masked_values(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value, short=False)
    if isinstance(value, Mapping):
        return {name: _masked_values(inner) for name, inner in value.items()}
    return list(map(_masked_values, value)) if isinstance(value, list) else value
