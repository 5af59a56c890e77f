"""`check`: one cheap request for each configured provider."""

import logging
from collections.abc import Iterable, Mapping

from airbyte_cdk.models import AirbyteConnectionStatus, Status
from airbyte_cdk.sources.streams.concurrent.abstract_stream import AbstractStream
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_invoices.components.http.responses import ACCESS_REFUSED
from source_invoices.errors import UNEXPECTED
from source_invoices.providers import PROVIDERS, provider_of


def check_streams(streams: Iterable[AbstractStream], logger: logging.Logger) -> AirbyteConnectionStatus:
    """Reads the first row of each stream. Of the two scopes of IPXO, one must be granted."""
    failures = {stream.name: _failure_to_read(stream) for stream in streams}
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


def _failure_to_read(stream: AbstractStream) -> AirbyteTracedException | None:
    try:
        for partition in stream.generate_partitions():
            for _ in partition.read():
                return None
    except AirbyteTracedException as error:
        return error
    except Exception as error:
        provider = PROVIDERS[provider_of(stream.name)]
        logging.getLogger("airbyte").error(UNEXPECTED, exc_info=error)
        return AirbyteTracedException(message=f"{provider}, {stream.name}: {UNEXPECTED}")
    return None
