"""The accounts that a job reads: a folder with one JSON file each, or one JSON file with all, by name.

Needs Python 3.10 or later, and invoice_reader.py beside this file.

A name is that of the file (acme.json is the account acme) or the key, and its configuration is the connector's. Jobs
pass names around and look a configuration up where it is used. To keep configurations in a secret manager, change
`names` and `configuration`.
"""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from invoice_reader import STREAMS, SyncFailed, json_file


def names(place: Path) -> list[str]:
    """All accounts. Raises SyncFailed if there is none, or one whose name is no name for a folder."""
    found = [path.stem for path in place.glob("*.json")] if place.is_dir() else list(_json(place))
    if not found:
        raise SyncFailed(f"There are no accounts in {place}.")
    for name in found:
        if not re.fullmatch(r"[A-Za-z0-9_][\w.-]*", name):
            raise SyncFailed(
                f"An account cannot be called {name!r}: take letters, digits, -, _ and dots.", may_pass=False
            )
    return sorted(found)


def configuration(place: Path, name: str) -> dict[str, Any]:
    """An account's. Raises SyncFailed if it cannot be read."""
    found = _json(place / f"{name}.json") if place.is_dir() else _json(place).get(name)
    if not isinstance(found, dict):
        raise SyncFailed(f"The account {name} has no configuration in {place}.", may_pass=False)
    return found


def streams(config: Mapping[str, Any], chosen: list[str]) -> list[str]:
    """Of the chosen streams (all, if none is chosen) those whose provider the account has."""
    return [name for name in STREAMS if name.split("_")[0] in config and (name in chosen or not chosen)]


def number(text: str) -> int:
    """A number of accounts on a command line."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def in_turn(place: Path) -> list[list[str]]:
    """The accounts in groups, each to be read one after another: those of one Nexudus login share its limit."""
    groups: dict[Any, list[str]] = {}
    for name in names(place):
        groups.setdefault(_login(place, name) or ("account", name), []).append(name)
    return list(groups.values())


def _login(place: Path, name: str) -> Any:
    try:
        credentials = configuration(place, name)["nexudus"]["credentials"]
        return "login", credentials.get("username") or credentials["access_token"]
    except (SyncFailed, KeyError, TypeError, AttributeError):
        return None  # no Nexudus, or a configuration that whoever reads the account will refuse


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json_file(path)
    return found
