"""How components read the configuration.

Values are read untouched: interpolation would turn a filter such as "[1]" into the Python literal that it resembles.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from source_invoices.times import parse_start_date

# Set by the manifest's `check.config_overrides`: one row, few attempts and short waits, because a person waits.
CHECK_LIMITS = "__check_limits"


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


def digest(value: Any) -> str:
    """Returns a short digest of settings, which a state can hold: it is salted, so that it gives no secret away."""
    return hashlib.sha256(f"source-invoices {json.dumps(value, sort_keys=True)}".encode()).hexdigest()[:12]


def is_check(config: Mapping[str, Any]) -> bool:
    """Returns whether `check` runs, which reads one page of a stream."""
    return CHECK_LIMITS in config


def check_limits(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the fields of the retry policy that `check` changes; none where it does not run."""
    return {name: value for name, value in config.get(CHECK_LIMITS, {}).items() if name != "page_size"}
