"""Loads the manifest from the installed package or from a checkout, without the CDK."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

# PyYAML's parser in C is six times as fast. A build without libyaml lacks it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_manifest() -> dict[str, Any]:
    """Returns the manifest with its references resolved and the schemas in it."""
    home = _home()
    manifest = yaml.load((home / "manifest.yaml").read_text("utf-8"), _LOADER)  # noqa: S506  (a safe loader)
    schemas = sorted((home / "schemas").glob("*.json"))
    manifest["schemas"] = {path.stem: json.loads(path.read_text("utf-8")) for path in schemas}
    definitions = ("definitions", "schemas")
    resolved = {name: _resolved(part, manifest) for name, part in manifest.items() if name not in definitions}
    return {**resolved, "schemas": manifest["schemas"]}


def load_specification() -> dict[str, Any]:
    """Returns the JSON schema of the configuration."""
    manifest = yaml.load((_home() / "manifest.yaml").read_text("utf-8"), _LOADER)  # noqa: S506  (a safe loader)
    specification: dict[str, Any] = _resolved(manifest["spec"]["connection_specification"], manifest)
    return specification


def stream_names() -> list[str]:
    """Returns the names of all streams: each has a schema."""
    return sorted(path.stem for path in (_home() / "schemas").glob("*.json"))


def _home() -> Path:
    """Returns the folder of the manifest: the installed package, or the checkout that it is in.

    It is never the working directory, where another connector's manifest may be.
    """
    package = Path(__file__).parent
    return package if (package / "manifest.yaml").exists() else package.parent


def _resolved(node: Any, manifest: Mapping[str, Any]) -> Any:
    """Returns a node with each `$ref` replaced by what it names. Keys beside a `$ref` win, as in the CDK."""
    if isinstance(node, list):
        return [_resolved(item, manifest) for item in node]
    if not isinstance(node, Mapping):
        return node
    fields = {name: _resolved(value, manifest) for name, value in node.items() if name != "$ref"}
    if not isinstance(node.get("$ref"), str):
        return fields
    target: Any = manifest
    for name in node["$ref"].removeprefix("#/").split("/"):
        target = target[name]
    target = _resolved(target, manifest)
    return {**target, **fields} if isinstance(target, Mapping) else target
