"""How components read the configuration.

Values are read untouched: interpolation would turn a filter such as "[1]" into the Python literal that it resembles.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from source_invoices.json_files import is_deep
from source_invoices.times import parse_start_date

# Set by the manifest's `check.config_overrides`: one row, few attempts and short waits, because a person waits.
CHECK_LIMITS = "__check_limits"
_CHOOSE_NO_ROWS = {"credentials", "api_key", "api_url", "token_url", "requests_per_minute", "invoice_uuids"}


def without_injected_keys(value: Any) -> Any:
    """Returns a configuration without the keys that a platform puts in, at every depth.

    They begin with `__`, and the CDK obeys them: it runs `__injected_components_py` as code. The Connector Builder puts
    in `__injected_declarative_manifest`, `__injected_components_py`, `__injected_components_py_checksums`, `__command`,
    `__test_read_config`, `__should_migrate` and `__should_normalize` (airbyte_cdk/connector_builder and
    parsers/custom_code_compiler.py; the platform's ConfigInjector writes the first three). CDK 7.39.1 names them.
    A configuration that is too deep is returned as it is: it is refused.
    """
    return value if is_deep(value) else _without_injected_keys(value)


def _without_injected_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _without_injected_keys(item)
            for name, item in value.items()
            if not (isinstance(name, str) and name.startswith("__"))
        }
    return list(map(_without_injected_keys, value)) if isinstance(value, list) else value


def setting(config: Mapping[str, Any], path: Sequence[str]) -> Any:
    """Returns the value of a setting as it was given, or None."""
    value: Any = config
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def start_date(config: Mapping[str, Any]) -> datetime | None:
    """Returns the instant of the `start_date` setting, or None."""
    text = config.get("start_date")
    return parse_start_date(text) if text else None


def settings_of_rows(config: Mapping[str, Any], provider: str) -> dict[str, Any]:
    """Returns the settings of a provider that choose rows."""
    return {name: value for name, value in config[provider].items() if name not in _CHOOSE_NO_ROWS}


def digest(value: Any) -> str:
    """Returns a short digest of settings for a state. It is salted, so that it reveals no secret."""
    return hashlib.sha256(f"source-invoices {json.dumps(value, sort_keys=True)}".encode()).hexdigest()[:12]


def is_check(config: Mapping[str, Any]) -> bool:
    """Returns whether `check` runs, which reads one page of a stream."""
    return CHECK_LIMITS in config


def check_limits(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the fields of the retry policy that `check` changes; none where it does not run."""
    return {name: value for name, value in config.get(CHECK_LIMITS, {}).items() if name != "page_size"}
