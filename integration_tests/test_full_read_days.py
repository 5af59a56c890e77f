"""What no rule can see is seen by the next whole reading, and quiet syncs cost no more than what has changed."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from integration_tests.support.connector import STREAMS, Output, call, read
from integration_tests.support.lists import (
    ISSUED,
    NEXUDUS,
    NOW,
    OPEN,
    SETTLED,
    keys,
    latest,
    moved,
    one_list,
    settle,
    settled,
    sync,
    whole_sync,
)
from sandbox import Fault, Sandbox
from source_invoices.times import parse_text_time, parse_unix_time

pytestmark = pytest.mark.usefixtures("no_limits_of_nexudus", "short_waits")

EVERY_STREAM = pytest.mark.parametrize("stream", STREAMS)
PAYHUBIX = "payhubix_invoices"


def aged(output: Output, days: int) -> list[dict[str, Any]]:
    """The state of a sync that was so many days ago. Its times of rows, all older than an hour, stay."""
    return moved(output.state(), timedelta(days=-days), since=datetime.now(timezone.utc) - timedelta(hours=1))


def note_unseen(sandbox: Sandbox, stream: str) -> Any:
    """Changes a settled invoice far below the lookback, in a way that no rule can see. Returns its key."""
    table = sandbox.tables[stream]
    key = table.keys()[-3]
    issued = (table.get(key) or {})[ISSUED[stream]]
    moment = parse_unix_time(issued) if isinstance(issued, int) else parse_text_time(issued)
    table.change(key, issued=moment, note="unseen")
    return key


@pytest.mark.parametrize(
    ("settings", "days", "is_whole"),
    [
        ({}, 31, True),
        ({}, 28, False),
        ({"full_read_days": 7}, 8, True),
        ({"full_read_days": 7}, 5, False),
        ({"full_read_days": 0}, 10_000, False),
    ],
)
@EVERY_STREAM
def test_everything_is_read_again_once_the_last_whole_reading_is_too_old(
    stream: str, settings: dict[str, Any], days: int, is_whole: bool
) -> None:
    with one_list(stream, 100, 10) as sandbox:
        settle(sandbox, stream)
        output = whole_sync(sandbox, stream, **settings)
        key = note_unseen(sandbox, stream)
        last = read({**sandbox.config(), **settings}, [stream], state=aged(output, days))
        assert (last.status(stream), last.exit_code) == ("COMPLETE", 0), last.errors()
        assert (key in keys(last, stream)) == is_whole
        assert (len(keys(last, stream)) == len(sandbox.tables[stream])) == is_whole


@EVERY_STREAM
def test_a_quiet_sync_does_not_make_the_last_whole_reading_younger(stream: str) -> None:
    with one_list(stream, 60, 10) as sandbox:
        settle(sandbox, stream)
        first = whole_sync(sandbox, stream)
        quiet = read(sandbox.config(), [stream], state=aged(first, 20))
        key = note_unseen(sandbox, stream)
        # Twenty days and a quiet sync later it is eleven days more: all that is twenty days old moves on with them.
        later = moved(quiet.state(), timedelta(days=-11), since=datetime.now(timezone.utc) - timedelta(days=21))
        assert key in keys(read(sandbox.config(), [stream], state=later), stream)


@EVERY_STREAM
def test_one_deleted_and_one_back_dated_are_seen_by_the_next_whole_reading(stream: str) -> None:
    with one_list(stream, 60, 10) as sandbox:
        settle(sandbox, stream)
        output = whole_sync(sandbox, stream)
        table = sandbox.tables[stream]
        table.remove(table.keys()[-1])
        status = settled(stream)
        hidden = table.add(issued=NOW - timedelta(days=400), **status)
        quiet = whole_sync(sandbox, stream, output)
        last = read(sandbox.config(), [stream], state=aged(quiet, 31))
        assert hidden in set(latest(stream, quiet, last))


@pytest.mark.parametrize("value", [-1, 1.5, "30", True, None])
def test_an_odd_full_read_days_is_refused_in_a_sentence(value: Any) -> None:
    with Sandbox(rows=3) as sandbox:
        output = call("check", config={**sandbox.config(), "full_read_days": value})
        status = output.connection_status()
        assert status["status"] == "FAILED"
        assert "`full_read_days` must be" in status["message"]


def test_the_specification_says_what_full_read_days_is() -> None:
    (message,) = call("spec").of_type("SPEC")
    rule = message["connectionSpecification"]["properties"]["full_read_days"]
    assert (rule["type"], rule["minimum"], rule["default"]) == ("integer", 0, 30)


# The cost of quiet syncs.


@pytest.mark.parametrize("stream", SETTLED)
def test_a_list_that_does_not_follow_the_sort_emits_little_on_a_quiet_sync(stream: str) -> None:
    with one_list(stream, 200, 50) as sandbox:
        sandbox.lists[stream].ignore_sort = True
        (still_open,) = settle(sandbox, stream, still_open=1)
        output = whole_sync(sandbox, stream)
        details = sandbox.count("ipxo_invoice")
        new = sandbox.tables[stream].add(issued=NOW, **settled(stream))
        quiet = whole_sync(sandbox, stream, output)
        assert {still_open, new} <= keys(quiet, stream)
        assert len(keys(quiet, stream)) < 20
        assert sandbox.count("ipxo_invoice") - details < 20


@pytest.mark.parametrize("still_open", [1, 3])
def test_invoices_of_payhubix_that_stay_open_for_ever_make_no_sync_long(still_open: int) -> None:
    with one_list(PAYHUBIX, 1500, 100) as sandbox:
        settle(sandbox, PAYHUBIX, still_open=still_open)
        output = whole_sync(sandbox, PAYHUBIX)
        before = len(sandbox.requests)
        output = whole_sync(sandbox, PAYHUBIX, output)
        assert len(sandbox.requests) - before <= 4 + still_open
        assert sandbox.count("payhubix_redirect") == 0


def test_the_payment_of_an_old_open_invoice_of_payhubix_arrives_as_in_the_list() -> None:
    with one_list(PAYHUBIX, 600, 100) as sandbox:
        (key,) = settle(sandbox, PAYHUBIX, still_open=1)
        output = whole_sync(sandbox, PAYHUBIX)
        sandbox.tables[PAYHUBIX].change(key, status="Paid", remaining_currency_amount=0)
        last = whole_sync(sandbox, PAYHUBIX, output)
        (row,) = [record for record in last.records(PAYHUBIX) if record["link"] == key]
        assert (row["status"], row["remaining_currency_amount"]) == ("Paid", 0)
        assert set(row) <= set(output.records(PAYHUBIX)[0]) | {"order_id", "shop"}


@pytest.mark.parametrize(("status", "rows_behind"), [(404, None), (403, None)])
def test_an_old_open_invoice_of_payhubix_that_has_no_detail_is_met_in_the_list(
    status: int, rows_behind: int | None
) -> None:
    with one_list(PAYHUBIX, 600, 100) as sandbox:
        (key,) = settle(sandbox, PAYHUBIX, still_open=1)
        output = whole_sync(sandbox, PAYHUBIX)
        sandbox.faults.append(Fault("status", "payhubix_invoice", status=status, times=None))
        sandbox.tables[PAYHUBIX].change(key, status="Paid", note="paid")
        last = sync(sandbox, PAYHUBIX, output)
        if last.status(PAYHUBIX) == "COMPLETE":
            assert latest(PAYHUBIX, output, last)[key].get("note") == "paid"
        else:
            assert status == 403
            assert "HTTP 403" in last.error_of(PAYHUBIX)["message"]


@EVERY_STREAM
def test_a_quiet_sync_costs_few_requests(stream: str) -> None:
    with one_list(stream, 500, 100) as sandbox:
        settle(sandbox, stream)
        output = whole_sync(sandbox, stream)
        before = sandbox.count(stream)
        output = whole_sync(sandbox, stream, output)
        assert sandbox.count(stream) - before <= (4 if stream == NEXUDUS else 3)


def test_every_status_of_payhubix_that_is_not_final_is_followed() -> None:
    with one_list(PAYHUBIX, 60, 10) as sandbox:
        settle(sandbox, PAYHUBIX)
        table = sandbox.tables[PAYHUBIX]
        chosen = table.keys()[-4:]
        for key, status in zip(chosen, ("Created", "Pending", OPEN[PAYHUBIX], "Refunding"), strict=True):
            table.change(key, status=status)
        output = whole_sync(sandbox, PAYHUBIX)
        for key in chosen:
            table.change(key, status="Paid")
        last = whole_sync(sandbox, PAYHUBIX, output)
        assert [latest(PAYHUBIX, output, last)[key]["status"] for key in chosen] == ["Paid"] * 4
