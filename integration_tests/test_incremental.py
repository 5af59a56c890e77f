"""Incremental syncs: the state moves, and nothing new or changed goes unseen."""

from datetime import datetime, timedelta, timezone

import pytest
from connector import STREAMS, Output, read

from sandbox import Sandbox

NOW = datetime.now(timezone.utc).replace(microsecond=0)


def sync(sandbox: Sandbox, stream: str, before: Output | None = None) -> Output:
    output = read(sandbox.config(), [stream], state=before.state() if before else None)
    assert (output.status(stream), output.exit_code) == ("COMPLETE", 0)
    return output


def keys(output: Output, stream: str) -> set[object]:
    return {record[STREAMS[stream]] for record in output.records(stream)}


@pytest.mark.parametrize("stream", STREAMS)
def test_the_state_is_the_newest_cursor_and_survives_a_quiet_sync(sandbox: Sandbox, stream: str) -> None:
    first = sync(sandbox, stream)
    second = sync(sandbox, stream, first)
    cursors = [record[name] for record in first.records(stream) for name in _cursor(stream) if name in record]
    assert max(cursors) in str(first.state())
    assert max(cursors) in str(second.state())


def _cursor(stream: str) -> list[str]:
    return {
        "ipxo_ecommerce_invoices": ["placed_at"],
        "nexudus_payout_invoices": ["UpdatedOn"],
        "payhubix_invoices": ["created_at"],
    }.get(stream, ["updated_at"])


@pytest.mark.parametrize("stream", STREAMS)
def test_new_and_changed_invoices_arrive_three_syncs_deep(sandbox: Sandbox, stream: str) -> None:
    table = sandbox.tables[stream]
    output = sync(sandbox, stream)
    oldest = table.keys()[-1]
    for note in range(3):
        new = table.add()
        table.change(oldest, note=note)
        output = sync(sandbox, stream, output)
        assert {new, oldest} <= keys(output, stream)
        (record,) = [record for record in output.records(stream) if record[STREAMS[stream]] == oldest]
        assert record["note"] == note


@pytest.mark.parametrize("stream", STREAMS)
def test_a_state_without_rows_does_not_move_the_state_of_the_next_sync(stream: str) -> None:
    with Sandbox(rows=0) as sandbox:
        empty = sync(sandbox, stream, sync(sandbox, stream))
        new = sandbox.tables[stream].add(issued=NOW - timedelta(days=400))
        assert keys(sync(sandbox, stream, empty), stream) == {new}


@pytest.mark.parametrize("stream", STREAMS)
def test_an_invoice_dated_ahead_hides_nothing(sandbox: Sandbox, stream: str) -> None:
    table = sandbox.tables[stream]
    ahead = table.add(issued=NOW + timedelta(days=60))
    output = sync(sandbox, stream)
    assert ahead in keys(output, stream)
    for days in (30, 0):
        new = table.add(issued=NOW + timedelta(days=days))
        output = sync(sandbox, stream, output)
        assert new in keys(output, stream)


@pytest.mark.parametrize("hours", [-14, 0, 14])
def test_a_clock_in_another_zone_hides_nothing_from_nexudus(sandbox: Sandbox, hours: int) -> None:
    sandbox.nexudus.utc_offset = timedelta(hours=hours)
    stream = "nexudus_payout_invoices"
    output = sync(sandbox, stream)
    for _ in range(2):
        new = sandbox.tables[stream].add()
        output = sync(sandbox, stream, output)
        assert new in keys(output, stream)


def test_nexudus_is_asked_only_for_what_changed_since_a_day_before_the_state() -> None:
    with Sandbox(rows=50) as sandbox:
        stream = "nexudus_payout_invoices"
        first = sync(sandbox, stream)
        second = sync(sandbox, stream, first)
        newest = max(record["UpdatedOn"] for record in first.records(stream))
        since = datetime.fromisoformat(newest[:16]) - timedelta(days=1)
        assert sandbox.requests[-1].value("from_PayoutInvoice_UpdatedOn") == since.strftime("%Y-%m-%dT%H:%M")
        assert len(second.records(stream)) < 5


@pytest.mark.parametrize(
    "blob",
    [
        {"created_at": "garbage"},
        {"created_at": 7},
        {"created_at": None},
        {"states": [1]},
        {"state": {"created_at": []}},
    ],
)
def test_a_damaged_state_is_refused_with_a_sentence_or_starts_anew(sandbox: Sandbox, blob: dict[str, object]) -> None:
    stream = "payhubix_invoices"
    state = [{"type": "STREAM", "stream": {"stream_descriptor": {"name": stream}, "stream_state": blob}}]
    output = read(sandbox.config(), [stream], state=state)
    if output.exit_code:
        assert f"The state of {stream} cannot be used" in output.errors()[0]["message"]
        assert output.errors()[0]["failure_type"] == "config_error"
    else:
        assert len(output.records(stream)) == 9


def test_the_state_of_many_details_is_small() -> None:
    with Sandbox(rows={"ipxo_invoices": 60}) as sandbox:
        assert len(str(read(sandbox.config(), ["ipxo_invoices"]).state())) < 400


@pytest.mark.parametrize("stream", STREAMS)
def test_a_state_that_is_dropped_brings_everything_again(sandbox: Sandbox, stream: str) -> None:
    sync(sandbox, stream)
    assert keys(sync(sandbox, stream), stream) == set(sandbox.tables[stream].keys())
