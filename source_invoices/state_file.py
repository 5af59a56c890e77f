"""Reads a state: a list of states, one state, or the messages that `read` prints, of which the last one counts."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import orjson
from airbyte_cdk.models import AirbyteStateMessage, AirbyteStateMessageSerializer, AirbyteStateType

from source_invoices.json_files import parse

_LOGGER = logging.getLogger("airbyte")


def states_in(lines: Iterable[bytes]) -> list[AirbyteStateMessage]:
    """Returns the states of a file, the last one of each stream. Lines are read one by one: `read` prints many.

    Raises ValueError, as json_files.py does.
    """
    ahead = iter(lines)
    begin = _up_to_a_filled_line(ahead)
    more = _up_to_a_filled_line(ahead)
    found = _object(begin[-1]) if begin else None
    everything = chain(begin, more, ahead)
    if found is not None and (b"".join(more).strip() or _is_other_message(found)):
        items = list(_from_messages(everything))
    else:
        value = parse(everything)
        if value and not isinstance(value, (list, dict)):
            raise ValueError("is no state, which is a list or an object")
        items = list(_states(value if isinstance(value, list) else [value] if value else [], "item"))
    last: dict[Any, AirbyteStateMessage] = {}
    for at, state in enumerate(items):
        last[state.stream.stream_descriptor.name if state.stream else at] = state
    return list(last.values())


def _up_to_a_filled_line(lines: Iterator[bytes]) -> list[bytes]:
    """Takes lines up to the first one that is not blank."""
    taken = []
    for line in lines:
        taken.append(line)
        if line.strip():
            break
    return taken


def _from_messages(lines: Iterable[bytes]) -> Iterator[AirbyteStateMessage]:
    has_state = False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        value = _object(line)
        if value is None:
            if not line.endswith(b"\n"):
                _LOGGER.warning("The last line of the file given by --state is a half one. It is ignored.")
                continue
            raise ValueError(f"cannot be used: line {number} is not a message. Take it out, if nothing is lost with it")
        for state in _states([value], "line", number):
            has_state = True
            yield state
    if not has_state:
        _LOGGER.info("The file given by --state has no STATE message. Everything is read.")


def _states(items: Iterable[Any], place: str, start: int = 1) -> Iterator[AirbyteStateMessage]:
    """Yields the states among messages and bare states."""
    for number, item in enumerate(items, start):
        wrong = f"cannot be used: {place} {number} is no state"
        if not isinstance(item, Mapping):
            raise ValueError(wrong)
        if _is_other_message(item) and item["type"] != "STATE":
            continue
        state = item.get("state") if item.get("type") == "STATE" else item
        if not isinstance(state, Mapping):
            raise ValueError(wrong)
        kind = state.get("type", "STREAM" if _has_descriptor(state) else "LEGACY")
        if kind in ("LEGACY", "GLOBAL"):
            # The words that refuse both types are those of catalog.py.
            yield AirbyteStateMessage(AirbyteStateType[kind])
            continue
        try:
            loaded = AirbyteStateMessageSerializer.load({**state, "type": kind})
            if not loaded.stream or not isinstance(loaded.stream.stream_descriptor.name, str):
                raise ValueError(wrong)
            if not isinstance(state["stream"].get("stream_state") or {}, Mapping):
                raise ValueError(wrong)
        except Exception:
            raise ValueError(wrong) from None
        yield loaded


def _has_descriptor(state: Mapping[str, Any]) -> bool:
    stream = state.get("stream")
    return isinstance(stream, Mapping) and "stream_descriptor" in stream


_MESSAGES = {"RECORD", "STATE", "LOG", "TRACE", "SPEC", "CONTROL", "CATALOG", "CONNECTION_STATUS"}


def _is_other_message(item: Mapping[str, Any]) -> bool:
    """Returns whether an object is a message of the protocol, and not a bare state."""
    kind = item.get("type")
    return isinstance(kind, str) and kind in _MESSAGES


def _object(line: bytes) -> dict[str, Any] | None:
    """Returns the object that a line holds; None for anything else."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
