"""The configured catalog: which streams it names, and what is wrong with it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from airbyte_cdk.models import AirbyteStateMessage, ConfiguredAirbyteCatalog, SyncMode
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_invoices.errors import config_error
from source_invoices.nearest import nearest
from source_invoices.providers import PROVIDERS, provider_of


def names_of(catalog: ConfiguredAirbyteCatalog) -> list[str]:
    """Returns the names of the catalog's streams."""
    return [configured.stream.name for configured in catalog.streams]


def only_named(names: Collection[str], group: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a group of the manifest's streams with those that are named. Building all is a tenth of the start-up."""
    return {**group, "streams": [stream for stream in group["streams"] if stream["$parameters"]["name"] in names]}


def refuse_a_bad_catalog(names: Sequence[str], known: Collection[str], config: Mapping[str, Any]) -> None:
    """Raises AirbyteTracedException for a stream that is named twice, is not known or whose provider is missing."""
    for name in names:
        if names.count(name) > 1:
            raise config_error(f"The catalog names the stream {name} more than once.")
        if name not in known:
            hint = nearest(name, known, known)
            raise config_error(f"The catalog names the stream {name:.80}, which this connector does not have; {hint}")
        key = provider_of(name)
        if not config.get(key):
            raise config_error(
                f"The catalog names the stream {name}, but {PROVIDERS[key]} is not configured. Fill in `{key}` in the "
                "configuration, or take the stream out of the catalog."
            )


def refuse_a_bad_state(state: Iterable[AirbyteStateMessage]) -> None:
    """Raises AirbyteTracedException for a state that is not one of a stream."""
    for item in state:
        if item.stream is None:
            kind = item.type.value if item.type else "LEGACY"
            raise config_error(
                f"The state is of type {kind}, which this connector does not write. Hand back states of type STREAM, "
                "or none to read everything."
            )


def unusable_state(state: Iterable[AirbyteStateMessage], error: Exception) -> AirbyteTracedException:
    """Returns the failure that a state was changed and cannot be read. error: what was met in it."""
    names = ", ".join(item.stream.stream_descriptor.name for item in state if item.stream)
    return config_error(
        f"The state of {names} cannot be used: {error}. Reset the stream whose state was changed by hand, or hand back "
        "the state that the connector last wrote."
    )


def of_incremental_streams(
    state: list[AirbyteStateMessage], catalog: ConfiguredAirbyteCatalog | None
) -> list[AirbyteStateMessage]:
    """Returns the state without streams that are read in full, from which the CDK would go on all the same."""
    configured = catalog.streams if catalog else []
    in_full = {item.stream.name for item in configured if item.sync_mode == SyncMode.full_refresh}
    return [item for item in state if item.stream and item.stream.stream_descriptor.name not in in_full]
