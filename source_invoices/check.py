"""`check`: one cheap request for each configured provider."""

import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence

from airbyte_cdk.models import AirbyteConnectionStatus, Status
from airbyte_cdk.sources.streams.concurrent.abstract_stream import AbstractStream
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_invoices.components.http.responses import ACCESS_REFUSED, LONGEST_QUOTE, TRY_LATER
from source_invoices.providers import PROVIDERS, provider_of
from source_invoices.secrets import excerpt


def check_streams(streams: Iterable[AbstractStream], logger: logging.Logger, limit: float) -> AirbyteConnectionStatus:
    """Reads the first row of each stream. Of the two scopes of IPXO, one must be granted.

    limit: seconds for all streams together. They are read at the same time, so that a silent one takes no other's time.
    """
    failures = _failures(list(streams), limit)
    fatal: list[str] = []
    for name, failure in failures.items():
        if failure is None:
            continue
        message = str(failure.message)
        if ACCESS_REFUSED in message and _has_working_sibling(name, failures):
            logger.warning(f"The stream {name} cannot be read with this configuration. {message}")
        elif message not in fatal:
            fatal.append(message)
    status = Status.FAILED if fatal else Status.SUCCEEDED
    return AirbyteConnectionStatus(status=status, message=" ".join(fatal) or None)


def _has_working_sibling(name: str, failures: Mapping[str, AirbyteTracedException | None]) -> bool:
    return any(provider_of(name) == provider_of(other) and not failures[other] for other in failures)


def _failures(streams: Sequence[AbstractStream], limit: float) -> Mapping[str, AirbyteTracedException | None]:
    """Returns the failure of each stream, None for one that can be read. Leaves nothing that keeps the process."""
    silence = f"no usable answer within {limit:g} seconds. {TRY_LATER}"
    failures = {stream.name: _failure(stream, silence) for stream in streams}
    found: dict[str, AirbyteTracedException | None] = {}
    threads = [threading.Thread(target=_note, args=(stream, found), daemon=True) for stream in streams]
    end = time.monotonic() + limit
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return failures | found


def _note(stream: AbstractStream, found: dict[str, AirbyteTracedException | None]) -> None:
    found[stream.name] = _failure_to_read(stream)


def _failure_to_read(stream: AbstractStream) -> AirbyteTracedException | None:
    try:
        for partition in stream.generate_partitions():
            for _ in partition.read():
                return None
    except AirbyteTracedException as error:
        return error
    except Exception as error:
        words = ": ".join(filter(None, (type(error).__name__, excerpt(str(error), LONGEST_QUOTE).rstrip("."))))
        return _failure(stream, f"unexpected failure, {words}.")
    return None


def _failure(stream: AbstractStream, what: str) -> AirbyteTracedException:
    return AirbyteTracedException(message=f"{PROVIDERS[provider_of(stream.name)]}, {stream.name}: {what}")
