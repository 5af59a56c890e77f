"""Reads what the options of a command name: the configuration, the catalog, the state and the chosen streams.

A catalog may be what `discover` prints, and a state what `read` prints. Each file is opened once.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from airbyte_cdk.models import AirbyteStateMessage, ConfiguredAirbyteCatalog

from source_invoices.catalog_file import catalog_in, chosen_catalog
from source_invoices.errors import config_error
from source_invoices.json_files import parse, read_lines
from source_invoices.state_file import states_in

_Content = TypeVar("_Content")
_KINDS = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}


@dataclass(frozen=True)
class Inputs:
    """What a command was given. catalog: None where no stream was chosen."""

    config: dict[str, Any]
    catalog: ConfiguredAirbyteCatalog | None
    state: list[AirbyteStateMessage]


def read_inputs(parsed: argparse.Namespace) -> Inputs:
    """Reads the files of a command. Raises AirbyteTracedException for a file that cannot be used."""
    config = _from_file(
        "config", parsed.config, lambda path: object_in(parse(read_lines(path), unique=True), "a configuration")
    )
    path, names, state = (getattr(parsed, option, None) for option in ("catalog", "streams", "state"))
    catalog = None if path is None else _from_file("catalog", path, lambda path: catalog_in(read_lines(path)))
    if names is not None:
        catalog = chosen_catalog(names, catalog)
    states = [] if state is None else _from_file("state", state, lambda path: states_in(read_lines(path)))
    return Inputs(config or {}, catalog, states)


def object_in(value: Any, kind: str) -> dict[str, Any]:
    """Returns a value that is an object."""
    if not isinstance(value, dict):
        raise ValueError(f"holds {_KINDS.get(type(value), 'a number')}, and {kind} is an object")
    return value


def _from_file(option: str, path: str, read: Callable[[str], _Content]) -> _Content:
    try:
        return read(path)
    except ValueError as error:
        raise config_error(f"The file given by --{option} {error}.") from None
