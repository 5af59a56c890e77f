"""The RECORD lines of a page are those that the CDK writes row by row."""

from typing import Any

import pytest
from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.models import AirbyteMessage, AirbyteRecordMessage, Type

from source_invoices.components.pages.whole_page import RecordPage
from source_invoices.entrypoint import record_lines

ORDINARY: dict[str, Any] = {"uuid": "1", "total": 10.1, "status": "paid", "note": 'Żółć "quick" \u2028 \x00 </script>'}
ROWS: dict[str, dict[str, Any]] = {
    "ordinary": ORDINARY,
    "null at the top": {"uuid": "1", "date_paid": None, "status": "paid", "last": None},
    "only nulls": {"uuid": None},
    "nested null": {"uuid": "1", "shop": {"logo": None, "items": [None, {"a": None}]}},
    "null as text": {"uuid": "1", "note": '{"a":null}'},
    "empty": {},
    "infinite": {"uuid": "1", "total": float("inf"), "items": [float("-inf"), float("nan")]},
    "64 bits": {"uuid": "1", "total": 2**64 - 1, "least": -(2**63)},
    "more than 64 bits": {"uuid": "1", "total": 2**64, "least": -(2**63) - 1, "date_paid": None},
    "nested and more than 64 bits": {"uuid": "1", "items": [{"amount": 10**40}, None], "note": "ż"},
    "half of a character": {"uuid": "1", "note": "\ud800", "date_paid": None, "items": [None]},
    "half of a character in a name": {"uuid": "1", "\udfff": 1},
    "decimals": {"uuid": "1", "items": [1e22, 1e-7, 0.1, -0.0, 12345678.123456789, 5e-324, 1.0]},
    "of other kinds": {"uuid": 1, "a": True, "b": False, "c": [], "d": {}, "e": "", "f": 0},
}


def line_of_the_cdk(row: dict[str, Any], emitted_at: int) -> bytes:
    record = AirbyteRecordMessage("ipxo_invoices", dict(row), emitted_at)
    text = AirbyteEntrypoint.airbyte_message_to_string(AirbyteMessage(type=Type.RECORD, record=record))
    return f"{text}\n".encode()


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_written_as_the_cdk_writes_it(name: str) -> None:
    page = RecordPage("ipxo_invoices", [dict(ROWS[name])], 1_767_225_600_000)
    assert record_lines(page) == line_of_the_cdk(ROWS[name], 1_767_225_600_000)


@pytest.mark.parametrize("name", ROWS)
def test_an_odd_row_changes_no_other_row_of_its_page(name: str) -> None:
    rows = [ORDINARY, ROWS[name], ORDINARY]
    page = RecordPage("ipxo_invoices", list(map(dict, rows)), 1)
    assert record_lines(page) == b"".join(line_of_the_cdk(row, 1) for row in rows)


def test_all_odd_rows_together_are_written_as_the_cdk_writes_them() -> None:
    rows = list(ROWS.values())
    page = RecordPage("ipxo_invoices", list(map(dict, rows)), 1)
    assert record_lines(page) == b"".join(line_of_the_cdk(row, 1) for row in rows)
