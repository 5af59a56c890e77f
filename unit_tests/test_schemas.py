"""The schemas describe every documented field, and rows of the sandbox conform to them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from sandbox import Sandbox

ROOT = Path(__file__).parent.parent
SCHEMAS = {path.stem: json.loads(path.read_text()) for path in (ROOT / "schemas").glob("*.json")}
KEYS = {
    "ipxo_payout_invoices": "uuid",
    "ipxo_invoices": "uuid",
    "ipxo_ecommerce_invoices": "uuid",
    "nexudus_payout_invoices": "Id",
    "payhubix_invoices": "link",
}
TEXT_TIMES = {"placed_at", "CreatedOn", "UpdatedOn", "InvoiceCreatedOn", "created_at", "updated_at"}
# The samples in the providers' documentation, one of each form.
SAMPLES: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "documented_samples.json").read_text())


def properties(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, rule in schema.get("properties", {}).items():
        yield f"{path}{name}", rule
        yield from properties(rule, f"{path}{name}.")
        yield from properties(rule.get("items", {}), f"{path}{name}.")


def fields(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from fields(item, path)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield f"{path}{name}"
            yield from fields(inner, f"{path}{name}.")


def test_every_stream_has_a_schema() -> None:
    assert SCHEMAS.keys() == KEYS.keys() == SAMPLES.keys()


@pytest.mark.parametrize("stream", KEYS)
def test_the_schema_has_every_field_of_the_documented_samples(stream: str) -> None:
    known = {path for path, _ in properties(SCHEMAS[stream])}
    for sample in SAMPLES[stream]:
        documented = {path for path in fields(sample) if path != "index" and ".metadata." not in path}
        assert documented <= known
        Draft7Validator(SCHEMAS[stream]).validate({name: value for name, value in sample.items() if name != "index"})


@pytest.mark.parametrize("stream", KEYS)
def test_only_the_key_is_required_and_every_field_is_described(stream: str) -> None:
    schema = SCHEMAS[stream]
    assert schema["required"] == [KEYS[stream]]
    for path, rule in properties(schema):
        assert rule["description"].endswith("."), path
        assert ("null" in rule["type"]) == (path != KEYS[stream]), path
        assert "enum" not in rule, path
        if "properties" in rule:
            assert rule["additionalProperties"] is True, path
    assert schema["additionalProperties"] is True


@pytest.mark.parametrize("stream", KEYS)
def test_text_times_are_typed_as_timestamps(stream: str) -> None:
    for path, rule in properties(SCHEMAS[stream]):
        if path in TEXT_TIMES:
            assert (rule["format"], rule["airbyte_type"]) == ("date-time", "timestamp_with_timezone")
        else:
            assert "format" not in rule, path


@pytest.mark.parametrize("stream", ["ipxo_payout_invoices", "ipxo_invoices"])
def test_the_derived_field_is_described_as_derived(stream: str) -> None:
    assert "derived" in SCHEMAS[stream]["properties"]["updated_at"]["description"].lower()


@pytest.mark.parametrize("stream", KEYS)
def test_the_sandbox_s_rows_conform_to_the_schema(stream: str) -> None:
    validator = Draft7Validator(SCHEMAS[stream])
    for row in Sandbox(rows=300).tables[stream].rows():
        validator.validate({name: value for name, value in row.items() if name != "index"})
