"""Reads a catalog: a configured one, the one that `discover` found, or the messages that `discover` prints."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from airbyte_cdk.models import (
    AirbyteStream,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteCatalogSerializer,
    ConfiguredAirbyteStream,
    DestinationSyncMode,
    SyncMode,
)

from source_invoices.catalog import names_of
from source_invoices.errors import config_error
from source_invoices.json_files import parse, parse_text
from source_invoices.manifest_file import stream_names
from source_invoices.nearest import nearest


def catalog_in(lines: Iterable[bytes]) -> ConfiguredAirbyteCatalog:
    """Returns the catalog of a file. The streams that `discover` found are read incrementally.

    Raises ValueError, as json_files.py does.
    """
    content = list(lines)
    catalog = _from_messages(content) if _is_messages(content) else parse(content)
    if isinstance(catalog, Mapping) and "type" in catalog and "streams" not in catalog:
        catalog = _of_message(catalog)
    if not isinstance(catalog, Mapping):
        kind = "a list" if isinstance(catalog, list) else "a single value"
        raise ValueError(f"holds {kind}, and a catalog is an object with `streams`")
    if not isinstance(catalog.get("streams"), list):
        raise ValueError("is no catalog: it has no list `streams`")
    if not catalog["streams"]:
        raise ValueError("names no stream")
    return ConfiguredAirbyteCatalog([_configured(item, at) for at, item in enumerate(catalog["streams"], 1)])


def chosen_catalog(names: str, catalog: ConfiguredAirbyteCatalog | None) -> ConfiguredAirbyteCatalog:
    """Returns a catalog of the named streams: as they stand in the given one, else all incremental.

    names: with commas between them. Raises AirbyteTracedException for a name that is not known.
    """
    chosen = list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    if not chosen:
        raise config_error("--streams names no stream. Give names with commas between them, or leave it out.")
    known = stream_names()
    for name in chosen:
        if name not in known:
            raise config_error(f"--streams names {name:.80}, which is no stream; {nearest(name, known, known)}")
        if catalog and name not in names_of(catalog):
            listed = ", ".join(names_of(catalog))
            raise config_error(f"--streams names {name}, which the catalog does not name. It names {listed}.")
    if catalog is None:
        modes = [SyncMode.full_refresh, SyncMode.incremental]
        return ConfiguredAirbyteCatalog([_incremental(AirbyteStream(name, {}, modes)) for name in chosen])
    return ConfiguredAirbyteCatalog([item for item in catalog.streams if item.stream.name in chosen])


def _is_messages(content: list[bytes]) -> bool:
    """Returns whether the first line that is not blank is a message, and others follow."""
    filled = [line for line in content if line.strip()]
    try:
        return len(filled) > 1 and isinstance(json.loads(filled[0]).get("type"), str)
    except (ValueError, AttributeError, RecursionError):
        return False


def _from_messages(content: list[bytes]) -> Any:
    found = None
    for number, line in enumerate(content, 1):
        if not line.strip():
            continue
        try:
            message = parse_text(line.decode())
        except ValueError as error:
            raise ValueError(f"cannot be used. Its line {number} {error}") from None
        if isinstance(message, Mapping) and message.get("type") == "CATALOG":
            found = message
    return _of_message(found or {})


def _of_message(message: Mapping[str, Any]) -> Any:
    if message.get("type") != "CATALOG":
        raise ValueError("has no CATALOG message; `discover` prints one if it succeeds")
    return message.get("catalog")


def _configured(item: Any, at: int) -> ConfiguredAirbyteStream:
    try:
        if "stream" in item:
            (configured,) = ConfiguredAirbyteCatalogSerializer.load({"streams": [item]}).streams
            return configured
        plain = {"stream": item, "sync_mode": "incremental", "destination_sync_mode": "append_dedup"}
        (found,) = ConfiguredAirbyteCatalogSerializer.load({"streams": [plain]}).streams
        return _incremental(found.stream)
    except Exception as error:
        raise ValueError(f"cannot be used: item {at} of `streams` is no stream ({error!s:.200})") from None


def _incremental(stream: AirbyteStream) -> ConfiguredAirbyteStream:
    return ConfiguredAirbyteStream(
        stream,
        SyncMode.incremental,
        DestinationSyncMode.append_dedup,
        cursor_field=stream.default_cursor_field,
        primary_key=stream.source_defined_primary_key,
    )
