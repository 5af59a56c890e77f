"""The databases that the tests ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from integration_tests.support import truth
from system_tests.books.ways import Way

DUCKDB = "pyairbyte"


@dataclass(frozen=True)
class World:
    """The databases, and what the sandbox held at each sync."""

    ways: dict[str, Way]
    first: datetime
    second: datetime
    earlier: truth.Rows
    now: truth.Rows
