"""Fields that the schema does not describe, said once: destinations drop or refuse them.

It looks at the names of all rows, and at the types of one row of each page. A look at every value would cost a tenth.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from source_invoices.components.pages.page import Row

_JSON_TYPES: Mapping[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


class SchemaCheck:
    """Compares the rows of one stream with its schema. Several threads may check pages."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shapes: set[tuple[str, ...]] = set()
        self._surprises: dict[str, str] = {}

    def check(self, rows: Sequence[Row], properties: Mapping[str, Any]) -> None:
        """Notes fields that the schema does not name, and values of another type than it says."""
        shapes = {tuple(row): row for row in rows}
        new = [shape for shape in shapes if shape not in self._shapes]
        with self._lock:
            self._shapes.update(new)
            for row in (*(shapes[shape] for shape in new), *rows[:1]):
                self._compare(row, properties)

    def warnings(self) -> Iterable[str]:
        """Returns a sentence if there is something to say."""
        if not self._surprises:
            return []
        fields = ", ".join(f"{name} ({kind})" for name, kind in sorted(self._surprises.items()))
        return [
            f"these fields are not as the schema says, and destinations may drop or refuse them: {fields}. Please report "
            "them to the connector's maintainers."
        ]

    def _compare(self, row: Row, properties: Mapping[str, Any]) -> None:
        for name, value in row.items():
            if value is None or name in self._surprises:
                continue
            kind = _JSON_TYPES.get(type(value), "number")
            allowed = properties[name].get("type") if name in properties else ()
            if allowed is not None and not _is_allowed(kind, allowed):
                self._surprises[name] = kind


def _is_allowed(kind: str, allowed: str | Sequence[str]) -> bool:
    kinds = {allowed} if isinstance(allowed, str) else set(allowed)
    return kind in kinds or (kind == "integer" and "number" in kinds)
