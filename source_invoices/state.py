"""The state: what of it is handed on to the parts of the source, and how far ahead it may be."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airbyte_cdk.models import AirbyteStateMessage, ConfiguredAirbyteCatalog, SyncMode

from source_invoices.components.timestamps import parse_text_time, to_rfc3339


def hand_over(
    manifest: Mapping[str, Any], catalog: ConfiguredAirbyteCatalog | None, state: list[AirbyteStateMessage]
) -> None:
    """Gives the router of each incremental stream the state it left, which the CDK saves but does not give back."""
    streams = catalog.streams if catalog else []
    incremental = {item.stream.name for item in streams if item.sync_mode == SyncMode.incremental}
    left = {item.stream.stream_descriptor.name: item.stream.stream_state for item in state if item.stream}
    for stream in (stream for group in manifest["streams"] for stream in group["streams"]):
        router = stream["retriever"].get("partition_router", {})
        if router.get("type") == "CustomPartitionRouter" and stream["name"] in incremental & left.keys():
            router["earlier"] = getattr(left[stream["name"]], "parent_state", None) or {}


def hold_back(message: AirbyteStateMessage, now: datetime) -> None:
    """Sets a cursor that is later than now to now.

    It comes from a row that is dated ahead: the next sync would ask for what is updated after that, and see nothing of
    what is updated until then. The state of a walk has more than a cursor and sees to that itself.
    """
    state = message.stream.stream_state if message.stream else None
    for name, cursor in vars(state).items() if state else ():
        if isinstance(cursor, str) and _is_later(cursor, now):
            setattr(state, name, to_rfc3339(now))


def _is_later(cursor: str, now: datetime) -> bool:
    try:
        return parse_text_time(cursor) > now
    except ValueError:  # refused when the stream is built, in a sentence
        return False
