"""Values leave as the provider meant them; only the field that a sync stands on may stop a stream."""

import json
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from orjson import Fragment

from integration_tests.support.connector import STREAMS, Output, call, catalog_of, command, read, start
from integration_tests.support.lists import (
    ISSUED,
    NEXUDUS,
    NOW,
    SETTLED,
    STATUS,
    assert_said,
    assert_whole,
    keys,
    lines,
    one_list,
    settle,
    sync,
    whole_sync,
)
from sandbox import Fault, Sandbox

pytestmark = pytest.mark.usefixtures("no_limits_of_nexudus", "short_waits")

EVERY_STREAM = pytest.mark.parametrize("stream", STREAMS)
AMOUNT = {
    "ipxo_payout_invoices": "total",
    "ipxo_invoices": "total_paid",
    "ipxo_ecommerce_invoices": "total",
    NEXUDUS: "Amount",
    "payhubix_invoices": "currency_amount",
}
BARE_ERROR = re.compile(r"Traceback|(Overflow|Type|Key|Attribute|Index|Recursion|Value)Error|unhashable|NoneType")


def held(sandbox: Sandbox, stream: str) -> set[Any]:
    return set(sandbox.tables[stream].keys())


def row_of(output: Output, stream: str, key: Any) -> dict[str, Any]:
    (row,) = [record for record in output.records(stream) if record[STREAMS[stream]] == key]
    return row


def warnings(output: Output, *words: str) -> list[str]:
    return [line for line in lines(output, "WARN") if all(word in line for word in words)]


def assert_no_bare_error(output: Output) -> None:
    said = [str(error["message"]) for error in output.errors()] + lines(output, "ERROR")
    assert not [message for message in said if BARE_ERROR.search(message)]
    if output.exit_code:
        assert said


# Digits as text.


def as_text(value: Any) -> Any:
    """A body whose numbers outside its rows are texts."""
    if isinstance(value, dict):
        return {
            name: item if name in ("data", "Records", "invoices", "number") else as_text(item)
            for name, item in value.items()
        }
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


@EVERY_STREAM
def test_digits_as_text_are_numbers_in_the_envelope(stream: str) -> None:
    with one_list(stream, 9, 3) as sandbox:
        sandbox.faults.append(Fault("edit", stream, times=None, edit=as_text))
        assert_whole(read(sandbox.config(), [stream]), stream, held(sandbox, stream))


@pytest.mark.parametrize("name", ["date", "date_paid"])
@pytest.mark.parametrize("stream", ["ipxo_payout_invoices", "ipxo_invoices"])
def test_digits_as_text_are_a_unix_time(stream: str, name: str) -> None:
    with one_list(stream, 9, 3) as sandbox:
        key = sandbox.tables[stream].keys()[4]
        row = sandbox.tables[stream].get(key) or {}
        seconds = row["date"] + 86_400 * (name == "date_paid")
        sandbox.tables[stream].change(key, {name: str(seconds)}, issued=None)
        output = read(sandbox.config(), [stream])
        assert_whole(output, stream, held(sandbox, stream))
        assert row_of(output, stream, key)[name] == seconds


@pytest.mark.parametrize("text", ["1e3", "0x10", "٣", "1 000", "1_0", "+5", "", "-1", "3.0"])
def test_a_text_that_is_no_plain_number_is_none_in_the_envelope(text: str) -> None:
    stream = "ipxo_payout_invoices"
    with one_list(stream, 9, 3) as sandbox:

        def edit(body: Any) -> Any:
            return {**body, "meta": {**body["meta"], "per_page": text}}

        sandbox.faults.append(Fault("edit", stream, times=None, edit=edit))
        output = read(sandbox.config(), [stream])
        assert_said(output, stream)


# Times.

UNREADABLE = ["0000-00-00 00:00:00", "2025-06-30T23:59:60Z", "0000-01-01T00:00:00Z", "soon", "2025-02-30T00:00:00Z"]
OTHER_TIMES = [(NEXUDUS, "CreatedOn"), (NEXUDUS, "InvoiceCreatedOn")]
PAID = [("ipxo_payout_invoices", "date_paid"), ("ipxo_invoices", "date_paid"), ("ipxo_invoices", "date_due")]


@pytest.mark.parametrize(
    ("stream", "name", "text"),
    [(*place, text) for place in OTHER_TIMES for text in UNREADABLE]
    + [(*place, text) for place in PAID for text in UNREADABLE[:2]],
)
def test_an_unreadable_time_elsewhere_leaves_as_null_and_is_said_once(stream: str, name: str, text: str) -> None:
    with one_list(stream, 9, 3) as sandbox:
        chosen = sandbox.tables[stream].keys()[2:5]
        for key in chosen:
            row = sandbox.tables[stream].get(key) or {}
            issued = row[ISSUED[stream]]
            fixed = {ISSUED[stream]: issued} if stream == NEXUDUS else {}
            sandbox.tables[stream].change(key, {name: text, **fixed})
        output = read(sandbox.config(), [stream])
        assert_whole(output, stream, held(sandbox, stream))
        assert [row_of(output, stream, key).get(name) for key in chosen] == [None] * 3
        (warning,) = warnings(output, stream, text)
        assert (name in warning, "3" in warning) == (True, True)


@pytest.mark.parametrize("value", [5, 1.5, True, ["2025-01-01"], {"date": 1}], ids=repr)
@pytest.mark.parametrize(("stream", "name"), OTHER_TIMES)
def test_what_is_no_text_where_a_time_should_be_leaves_as_null(stream: str, name: str, value: Any) -> None:
    with one_list(stream, 9, 3) as sandbox:
        key = sandbox.tables[stream].keys()[2]
        sandbox.tables[stream].change(key, {name: value})
        output = read(sandbox.config(), [stream])
        assert_whole(output, stream, held(sandbox, stream))
        assert row_of(output, stream, key).get(name) is None
        assert len(warnings(output, stream, name)) == 1


@pytest.mark.parametrize(
    ("stream", "name"),
    [
        *OTHER_TIMES,
        (NEXUDUS, "UpdatedOn"),
        ("ipxo_ecommerce_invoices", "placed_at"),
        ("payhubix_invoices", "created_at"),
    ],
)
def test_a_date_alone_is_midnight_utc(stream: str, name: str) -> None:
    with one_list(stream, 9, 3) as sandbox:
        key = sandbox.tables[stream].keys()[0]
        day = (NOW - timedelta(days=2)).strftime("%Y-%m-%d")
        sandbox.tables[stream].change(key, issued=NOW - timedelta(days=2))
        sandbox.faults.append(
            Fault("edit", stream, times=None, edit=lambda body: replaced(body, stream, key, name, day))
        )
        output = read(sandbox.config(), [stream])
        assert_whole(output, stream, held(sandbox, stream))
        assert row_of(output, stream, key)[name] == f"{day}T00:00:00.000000Z"


def replaced(body: Any, stream: str, key: Any, name: str, value: Any) -> Any:
    """A body with one field of one row replaced."""
    if isinstance(body, list):
        return [replaced(item, stream, key, name, value) for item in body]
    if isinstance(body, dict):
        found = {field: replaced(item, stream, key, name, value) for field, item in body.items()}
        return found | {name: value} if body.get(STREAMS[stream]) == key else found
    return body


@pytest.mark.parametrize(
    ("stream", "name"), [*OTHER_TIMES, ("ipxo_ecommerce_invoices", "placed_at"), ("payhubix_invoices", "created_at")]
)
def test_an_empty_text_for_a_time_is_null(stream: str, name: str) -> None:
    with one_list(stream, 9, 3) as sandbox:
        key = sandbox.tables[stream].keys()[2]
        sandbox.faults.append(
            Fault("edit", stream, times=None, edit=lambda body: replaced(body, stream, key, name, ""))
        )
        output = read(sandbox.config(), [stream])
        assert_whole(output, stream, held(sandbox, stream))
        assert row_of(output, stream, key).get(name) is None


@EVERY_STREAM
def test_an_unreadable_time_in_the_field_that_a_sync_stands_on_stops_the_stream(stream: str) -> None:
    with one_list(stream, 9, 3) as sandbox:
        key = sandbox.tables[stream].keys()[2]
        edit = lambda body: replaced(body, stream, key, ISSUED[stream], "soon")  # noqa: E731
        sandbox.faults.append(Fault("edit", stream, times=None, edit=edit))
        assert_said(read(sandbox.config(), [stream]), stream)


# Numbers.


@pytest.mark.parametrize("text", [b"1e400", b"-1e999"])
@EVERY_STREAM
def test_a_number_that_a_double_cannot_hold_is_no_null(stream: str, text: bytes) -> None:
    with one_list(stream, 9, 3) as sandbox:
        key = sandbox.tables[stream].keys()[2]
        amount = Fragment(text)
        value = {"amount": amount} if stream == "ipxo_ecommerce_invoices" else amount
        sandbox.tables[stream].change(key, {AMOUNT[stream]: value})
        output = read(sandbox.config(), [stream])
        assert_said(output, stream)
        assert "Infinity" not in output.text


NUMBERS = {
    "whole": ["9007199254740993", "18446744073709551616", "-9223372036854775809", "1" + "0" * 30 + "1"],
    "15 digits": ["0.1", "1234567890123.45", "1e15", "1.10", "-0.000123456789012345", "999999999999.999"],
    "17 digits": ["12345678901234.56", "1234567890.1234567", "0.30000000000000004", "99999999999999.99"],
}


@pytest.mark.parametrize("kind", NUMBERS)
@EVERY_STREAM
def test_numbers_leave_with_the_value_that_they_came_with(stream: str, kind: str) -> None:
    with one_list(stream, 9, 3) as sandbox:
        sent = dict(zip(sandbox.tables[stream].keys(), NUMBERS[kind], strict=False))
        for key, text in sent.items():
            amount = Fragment(text.encode())
            value = {"amount": amount} if stream == "ipxo_ecommerce_invoices" else amount
            sandbox.tables[stream].change(key, {AMOUNT[stream]: value})
        output = read(sandbox.config(), [stream])
        assert_whole(output, stream, held(sandbox, stream))
        left = {}
        for line in (line for line in output.text.splitlines() if '"RECORD"' in line):
            row = json.loads(line, parse_float=Decimal)["record"]["data"]
            value = row[AMOUNT[stream]]
            left[row[STREAMS[stream]]] = value["amount"] if isinstance(value, dict) else value
        assert {key: Decimal(left[key]) for key in sent} == {key: Decimal(text) for key, text in sent.items()}


@pytest.mark.parametrize("text", ["0.1234567890123456789012345", "12345678901234567.123456789"])
def test_a_decimal_with_more_digits_than_a_double_holds_is_said_once(text: str) -> None:
    stream = "payhubix_invoices"
    with one_list(stream, 9, 3) as sandbox:
        for key in sandbox.tables[stream].keys()[2:5]:
            sandbox.tables[stream].change(key, currency_amount=Fragment(text.encode()))
        output = read(sandbox.config(), [stream])
        assert_whole(output, stream, held(sandbox, stream))
        assert len(warnings(output, stream, "currency_amount")) == 1


# The schema.


@EVERY_STREAM
def test_a_field_that_the_schema_does_not_name_is_said_once(stream: str) -> None:
    with one_list(stream, 9, 3) as sandbox:
        for key in sandbox.tables[stream].keys()[2:6]:
            sandbox.tables[stream].change(key, {"surprise": {"a": 1}, "other_surprise": "x"})
        output = read(sandbox.config(), [stream])
        assert_whole(output, stream, held(sandbox, stream))
        (warning,) = warnings(output, stream, "surprise")
        assert re.search(r"\bsurprise\b.*object", warning)
        assert re.search(r"other_surprise.*string", warning)


@pytest.mark.parametrize("value", ["12.50", [1]], ids=repr)
@pytest.mark.parametrize("stream", [stream for stream in STREAMS if stream != "ipxo_ecommerce_invoices"])
def test_a_field_of_another_type_than_the_schema_says_is_said_once(stream: str, value: Any) -> None:
    with one_list(stream, 9, 3) as sandbox:
        for key in sandbox.tables[stream].keys()[2:6]:
            sandbox.tables[stream].change(key, {AMOUNT[stream]: value})
        output = read(sandbox.config(), [stream])
        assert_whole(output, stream, held(sandbox, stream))
        (warning,) = warnings(output, stream, AMOUNT[stream])
        kind = "string" if isinstance(value, str) else "array"
        assert kind in warning


@EVERY_STREAM
def test_rows_as_the_schema_says_are_no_reason_to_warn(stream: str) -> None:
    with one_list(stream, 100, 50) as sandbox:
        output = read(sandbox.config(), [stream])
        assert_whole(output, stream, held(sandbox, stream))
        assert lines(output, "WARN") == []


# Odd settings.


@pytest.mark.parametrize("days", [36_501, 1_000_000, 10**9, 10**30])
def test_a_lookback_beyond_the_maximum_is_refused_by_check(days: int) -> None:
    with Sandbox(rows=3) as sandbox:
        status = call("check", config={**sandbox.config(), "lookback_days": days}).connection_status()
        assert status["status"] == "FAILED"
        assert "`lookback_days` must be at most 36500" in status["message"]


@pytest.mark.parametrize("days", [0, 36_500])
@EVERY_STREAM
def test_the_least_and_the_greatest_lookback_are_read_with(stream: str, days: int) -> None:
    with one_list(stream, 9, 3) as sandbox:
        settings: dict[str, Any] = {"lookback_days": days}
        output = whole_sync(sandbox, stream, **settings)
        whole_sync(sandbox, stream, output, **settings)
        assert_whole(output, stream, held(sandbox, stream))


@pytest.mark.parametrize("date", ["0001-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31", "9999-12-31T23:59:59-12:00"])
@EVERY_STREAM
def test_a_start_date_at_the_end_of_time_ends_in_no_bare_error(stream: str, date: str) -> None:
    with one_list(stream, 9, 3) as sandbox:
        output = read({**sandbox.config(), "start_date": date}, [stream])
        assert_no_bare_error(output)
        if date.startswith("0001") and not output.exit_code:
            assert_whole(output, stream, held(sandbox, stream))


ODD_SETTINGS: list[dict[str, Any]] = [
    {"num_workers": 10**30},
    {"num_workers": True},
    {"start_date": "0000-01-01"},
    {"start_date": "10000-01-01"},
    {"start_date": "2025-01-31T24:00:00Z"},
    {"start_date": 20250131},
    {"lookback_days": -1},
    {"lookback_days": float("1e300")},
    {"nexudus": {"requests_per_minute": 10**30}},
    {"nexudus": {"filters": {"min_amount": 10**400}}},
    {"nexudus": {"filters": {"from_created_on": "0000-00-00T00:00"}}},
    {"nexudus": {"filters": {"invoice_business_id": 10**30}}},
    {"ipxo": {"payout_filters": {"total": 10**400}}},
    {"ipxo": {"invoice_uuids": [[]]}},
    {"ipxo": {"invoice_uuids": {}}},
    {"payhubix": {"filters": {"status": []}}},
    {"payhubix": {"filters": {"status": {}}}},
    {"payhubix": []},
]


@pytest.mark.parametrize("odd", ODD_SETTINGS, ids=lambda odd: json.dumps(odd)[:40])
def test_an_odd_setting_ends_in_no_bare_error(odd: dict[str, Any]) -> None:
    with Sandbox(rows=3) as sandbox:
        sandbox.nexudus.limits = None
        config = sandbox.config()
        for name, value in odd.items():
            config[name] = {**config[name], **value} if isinstance(value, dict) else value
        output = call("check", config=config)
        assert not BARE_ERROR.search(str(output.connection_status().get("message")))


# Odd rows.


def first_of_year_1(stream: str) -> Any:
    if stream in ("ipxo_payout_invoices", "ipxo_invoices"):
        return -62_135_596_800
    return {
        "ipxo_ecommerce_invoices": "0001-01-01T00:00:00+00:00",
        NEXUDUS: "0001-01-01T00:00:00",
        "payhubix_invoices": "0001-01-01 00:00:00 +0000 UTC",
    }[stream]


@pytest.mark.parametrize("rows", [1, 9])
@EVERY_STREAM
def test_a_list_whose_dates_are_all_in_year_1_is_read(stream: str, rows: int) -> None:
    with one_list(stream, rows, 3) as sandbox:
        for key in held(sandbox, stream):
            sandbox.tables[stream].change(key, {ISSUED[stream]: first_of_year_1(stream)})
        output = sync(sandbox, stream)
        assert_no_bare_error(output)
        assert_whole(output, stream, held(sandbox, stream))
        again = sync(sandbox, stream, output)
        assert_no_bare_error(again)
        assert (again.status(stream), again.exit_code) == ("COMPLETE", 0)


@pytest.mark.parametrize("status", [[], {}, ["paid"]], ids=repr)
@pytest.mark.parametrize("stream", SETTLED)
def test_a_status_that_cannot_be_hashed_ends_in_no_bare_error(stream: str, status: Any) -> None:
    with one_list(stream, 9, 3) as sandbox:
        key = sandbox.tables[stream].keys()[4]
        sandbox.tables[stream].change(key, {STATUS[stream]: status})
        output = sync(sandbox, stream)
        assert_no_bare_error(output)
        assert_whole(output, stream, held(sandbox, stream))
        assert key in keys(whole_sync(sandbox, stream, output), stream)


@pytest.mark.parametrize("status", [5, True, None], ids=repr)
@pytest.mark.parametrize("stream", SETTLED)
def test_a_status_that_is_no_text_counts_as_open(stream: str, status: Any) -> None:
    with one_list(stream, 9, 3) as sandbox:
        key = sandbox.tables[stream].keys()[4]
        sandbox.tables[stream].change(key, {STATUS[stream]: status})
        output = sync(sandbox, stream)
        assert_no_bare_error(output)
        assert_whole(output, stream, held(sandbox, stream))
        assert key in keys(whole_sync(sandbox, stream, output), stream)


# Odd states.

ODD_STATES: list[Any] = [
    [{"type": "GLOBAL", "global": {"shared_state": {}, "stream_states": []}}],
    [{"type": "LEGACY", "data": {"payhubix_invoices": {"created_at": "2025-01-01T00:00:00.000000Z"}}}],
    {"payhubix_invoices": {"created_at": "2025-01-01T00:00:00.000000Z"}},
    [{"type": "STREAM"}],
    [{"type": "STREAM", "stream": {}}],
    [{"type": "STREAM", "stream": {"stream_descriptor": {}}}],
    [{"stream_state": {}}],
    [7],
    7,
    "state",
    [None],
]


def assert_refused_or_whole(output: Output, sandbox: Sandbox) -> None:
    """An odd state is refused in a sentence about states, or has no effect."""
    assert_no_bare_error(output)
    if output.exit_code:
        assert [error["failure_type"] for error in output.errors()] == ["config_error"]
        assert "state" in output.errors()[0]["message"]
    else:
        assert keys(output, "payhubix_invoices") == held(sandbox, "payhubix_invoices")


@pytest.mark.parametrize("state", ODD_STATES, ids=lambda state: json.dumps(state)[:30])
def test_a_state_of_another_kind_ends_in_no_bare_error(state: Any) -> None:
    with one_list("payhubix_invoices", 9, 3) as sandbox:
        catalog = catalog_of(["payhubix_invoices"])
        output = call("read", config=sandbox.config(), catalog=catalog, state=json.dumps(state))
        assert_refused_or_whole(output, sandbox)


@pytest.mark.parametrize("state", ODD_STATES[:2], ids=["GLOBAL", "LEGACY"])
def test_a_state_of_another_type_prints_no_traceback(state: Any, tmp_path: Path) -> None:
    with one_list("payhubix_invoices", 9, 3) as sandbox:
        catalog = catalog_of(["payhubix_invoices"])
        arguments = command(tmp_path, "read", config=sandbox.config(), catalog=catalog, state=json.dumps(state))
        output = start(arguments)
        assert "Traceback" not in output.text
        assert_refused_or_whole(output, sandbox)


def test_days_of_settled_invoices_are_counted_where_statuses_are_odd() -> None:
    """A negative control: a settled list with plain statuses is quiet."""
    with one_list("ipxo_payout_invoices", 60, 10) as sandbox:
        settle(sandbox, "ipxo_payout_invoices")
        output = whole_sync(sandbox, "ipxo_payout_invoices")
        assert len(keys(whole_sync(sandbox, "ipxo_payout_invoices", output), "ipxo_payout_invoices")) < 20
