"""The tables that loaders make of the streams, from the schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = Path(__file__).parents[2]
SCHEMAS: dict[str, Any] = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted((HOME / "schemas").glob("*.json"))
}


def snake_case(name: str) -> str:
    """`InvoiceCurrencyCode` as `invoice_currency_code`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def same(name: str) -> str:
    """The provider's own name."""
    return name


@dataclass(frozen=True)
class Form:
    """How a loader writes: the names of the columns, the type for each kind of field, and its own columns."""

    rename: Callable[[str], str]
    types: Mapping[str, str]
    own: Mapping[str, str]

    def type_of(self, field: Mapping[str, Any]) -> str:
        """The type of a field's column. A field of several types has one of its own, or is text where a string is among
        them."""
        kinds = (
            [field["type"]] if isinstance(field["type"], str) else [kind for kind in field["type"] if kind != "null"]
        )
        if len(kinds) > 1 and "union" in self.types:
            return self.types["union"]
        if "string" in kinds:
            return self.types["datetime" if field.get("format") == "date-time" else "string"]
        return self.types[kinds[0]]

    def columns(self, stream: str) -> dict[str, str]:
        """The type of each column of a stream's table."""
        fields = SCHEMAS[stream]["properties"]
        return {self.rename(name): self.type_of(field) for name, field in fields.items()} | dict(self.own)


PYAIRBYTE = Form(
    str.lower,
    {
        "string": "varchar",
        "number": "decimal(38, 9)",
        "integer": "bigint",
        "boolean": "boolean",
        "datetime": "timestamp",
        "object": "json",
        "array": "json",
    },
    {"_airbyte_raw_id": "varchar", "_airbyte_extracted_at": "timestamp", "_airbyte_meta": "json"},
)
DLT = Form(
    snake_case,
    {
        "string": "varchar",
        "number": "numeric(38, 9)",
        "integer": "bigint",
        "boolean": "boolean",
        "datetime": "timestamptz",
        "object": "jsonb",
        "array": "jsonb",
    },
    {"_airbyte_extracted_at": "timestamptz", "_place": "bigint", "_dlt_load_id": "varchar", "_dlt_id": "varchar"},
)


def definition(stream: str, form: Form) -> str:
    """SQL that makes an empty table for a stream where there is none."""
    columns = ",\n".join(f'    "{name}" {kind}' for name, kind in form.columns(stream).items())
    return f"create table if not exists {stream} (\n{columns}\n);\n"
