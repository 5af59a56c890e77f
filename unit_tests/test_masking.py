"""Where texts leave the connector: each of these places filters secrets by itself, whatever was masked before."""

import json
import logging
import sys
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import pytest
from airbyte_cdk.models import (
    AirbyteConnectionStatus,
    AirbyteErrorTraceMessage,
    AirbyteLogMessage,
    AirbyteMessage,
    AirbyteMessageSerializer,
    AirbyteRecordMessage,
    AirbyteStateBlob,
    AirbyteStateMessage,
    AirbyteStateType,
    AirbyteStreamState,
    AirbyteTraceMessage,
    Level,
    Status,
    StreamDescriptor,
    TraceType,
    Type,
)
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_invoices import secrets
from source_invoices.masking import SecretFilter, mask_logs, mask_message, mask_status, masked_failures
from source_invoices.secrets import Secrets

SECRET = "Cs3cret-of-ours"
SHORT = "paid"


@pytest.fixture(autouse=True)
def holder(monkeypatch: pytest.MonkeyPatch) -> Secrets:
    """The only secrets in use."""
    monkeypatch.setattr(secrets, "IN_USE", WeakSet[Secrets]())
    return Secrets([SECRET, SHORT])


def log() -> AirbyteMessage:
    words = AirbyteLogMessage(Level.INFO, f"It said {SECRET}.", stack_trace=f"raise {SECRET}")
    return AirbyteMessage(Type.LOG, log=words)


def status() -> AirbyteMessage:
    return AirbyteMessage(Type.CONNECTION_STATUS, connectionStatus=AirbyteConnectionStatus(Status.FAILED, SECRET))


def trace() -> AirbyteMessage:
    error = AirbyteErrorTraceMessage(SECRET, internal_message=SECRET, stack_trace=SECRET)
    return AirbyteMessage(Type.TRACE, trace=AirbyteTraceMessage(TraceType.ERROR, 0.0, error=error))


def state(value: Any) -> AirbyteMessage:
    stream = AirbyteStreamState(StreamDescriptor("payhubix_invoices"), AirbyteStateBlob(open_keys=value))
    return AirbyteMessage(Type.STATE, state=AirbyteStateMessage(AirbyteStateType.STREAM, stream))


def text_of(message: AirbyteMessage) -> str:
    return json.dumps(AirbyteMessageSerializer.dump(message))


MESSAGES: dict[str, Callable[[], AirbyteMessage]] = {
    "a log line": log,
    "a connection status": status,
    "a failure": trace,
    "a state": lambda: state([SECRET]),
    "a state of states": lambda: state({"parent": {"earlier": [f"key-{SECRET}"]}}),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_each_kind_of_message_is_masked(name: str) -> None:
    message = MESSAGES[name]()
    assert SECRET in text_of(message)
    mask_message(message)
    assert SECRET not in text_of(message)
    assert "****" in text_of(message)


def test_the_answer_of_check_is_masked() -> None:
    assert mask_status(AirbyteConnectionStatus(Status.FAILED, f"No {SECRET}")).message == "No ****"


def test_a_short_secret_stays_in_a_state_which_the_next_sync_needs() -> None:
    message = state({"status": SHORT})
    mask_message(message)
    assert SHORT in text_of(message)


def test_a_record_is_left_as_it_is() -> None:
    row = {"number": SECRET}
    message = AirbyteMessage(Type.RECORD, record=AirbyteRecordMessage("payhubix_invoices", row, 0))
    mask_message(message)
    assert message.record
    assert message.record.data == {"number": SECRET}


def failure() -> Any:
    try:
        raise ValueError(SECRET)
    except ValueError:
        return sys.exc_info()


@pytest.mark.parametrize(
    "record",
    [
        logging.makeLogRecord({"msg": f"It said {SECRET}"}),
        logging.makeLogRecord({"msg": "It said %s", "args": (SECRET,)}),
        logging.makeLogRecord({"msg": "It failed", "exc_text": f"ValueError: {SECRET}"}),
        logging.makeLogRecord({"msg": "It failed", "exc_info": failure()}),
        logging.makeLogRecord({"msg": "It said so", "answer": {"client_secret": SECRET}}),
    ],
    ids=["words", "arguments", "text of an exception", "exception", "further field"],
)
def test_each_part_of_a_log_record_is_masked(record: logging.LogRecord) -> None:
    assert SecretFilter().filter(record)
    shown = logging.Formatter().format(record) + str(vars(record).get("answer"))
    assert SECRET not in shown
    assert "****" in shown


@pytest.mark.parametrize("error", [AirbyteTracedException(SECRET, SECRET), ValueError(SECRET)])
def test_a_failure_is_raised_without_secrets_and_without_its_causes(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    mask_logs()
    with pytest.raises(AirbyteTracedException) as raised, masked_failures():
        raise error
    assert SECRET not in f"{raised.value.message} {raised.value.internal_message} {raised.value!r} {caplog.text}"
    assert "****" in str(raised.value.internal_message)
    assert raised.value.__context__ is None
