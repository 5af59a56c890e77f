"""The command line of the Airbyte protocol."""

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.models import AirbyteMessage, ConnectorSpecification, Type
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_invoices.source import PROBE, SourceInvoices, config_error, load_manifest

_RECORD = '{"type":"RECORD"'
_RECORDS_IN_A_WRITE = 100
_Content = TypeVar("_Content")


class _Entrypoint(AirbyteEntrypoint):
    @staticmethod
    def validate_connection(source_spec: ConnectorSpecification, config: Mapping[str, Any]) -> None:
        """Left to SourceInvoices, which names the key."""


def run(args: list[str] | None = None) -> None:
    """The command line: `spec`, `check`, `discover` and `read` of the Airbyte protocol. Exits 1 after a failure."""
    args = sys.argv[1:] if args is None else args
    parsed = AirbyteEntrypoint.parse_args(args)
    if not parsed.command:
        sys.exit("Say what to do: source-invoices spec, check, discover or read. More with --help.")
    if parsed.command == "spec":  # needs no source
        schema = load_manifest()["spec"]["connection_specification"]
        spec = AirbyteMessage(type=Type.SPEC, spec=ConnectorSpecification(connectionSpecification=schema))
        print(AirbyteEntrypoint.airbyte_message_to_string(spec))
        return
    try:
        source = SourceInvoices(
            _from_file(SourceInvoices.read_catalog, getattr(parsed, "catalog", None), "catalog"),
            _from_file(SourceInvoices.read_config, getattr(parsed, "config", None), "config"),
            _from_file(SourceInvoices.read_state, getattr(parsed, "state", None), "state"),
            limits=PROBE if parsed.command == "check" else None,
        )
        _write(_Entrypoint(source).run(parsed))
    except AirbyteTracedException as error:
        failure = error.as_sanitized_airbyte_message()
        if failure.trace and failure.trace.error:
            failure.trace.error.stack_trace = None  # the message explains it
        print(AirbyteEntrypoint.airbyte_message_to_string(failure))
        sys.exit(1)


def _write(messages: Iterable[str]) -> None:
    """Writes lines, many records at a time: with each write another thread may take the interpreter."""
    waiting: list[str] = []
    try:
        for message in messages:
            waiting.append(message)
            if len(waiting) == _RECORDS_IN_A_WRITE or not message.startswith(_RECORD):
                _flush(waiting)
    finally:
        _flush(waiting)


def _flush(lines: list[str]) -> None:
    # One write for text and line ends: worker threads print as well.
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
    lines.clear()


def _from_file(read: Callable[[str], _Content], path: str | None, option: str) -> _Content | None:
    if path is None:
        return None
    try:
        return read(path)
    except Exception as error:
        raise config_error(f"The file given by --{option} cannot be used: {error}") from None
