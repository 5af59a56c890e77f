"""Incremental syncs: the state moves, and every new or changed invoice arrives."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from integration_tests.support.connector import STREAMS, Output, read
from integration_tests.support.lists import SETTLED, settled, unsettled
from sandbox import Fault, Request, Sandbox
from source_invoices.times import parse_text_time, to_rfc3339

NOW = datetime.now(timezone.utc).replace(microsecond=0)


def sync(sandbox: Sandbox, stream: str, before: Output | None = None) -> Output:
    output = read(sandbox.config(), [stream], state=before.state() if before else None)
    assert (output.status(stream), output.exit_code) == ("COMPLETE", 0)
    return output


def keys(output: Output, stream: str) -> set[object]:
    return {record[STREAMS[stream]] for record in output.records(stream)}


@pytest.mark.parametrize("stream", STREAMS)
def test_the_state_has_the_newest_cursor_and_a_quiet_sync_keeps_it(sandbox: Sandbox, stream: str) -> None:
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
def test_new_and_changed_invoices_arrive_in_each_of_three_syncs(sandbox: Sandbox, stream: str) -> None:
    table = sandbox.tables[stream]
    oldest = table.keys()[-1]
    table.change(oldest, **unsettled(stream))
    output = sync(sandbox, stream)
    # Payhubix's look-up of an invoice shows few fields.
    field = "currency_amount" if stream == "payhubix_invoices" else "note"
    for value in range(3):
        new = table.add()
        table.change(oldest, {field: value})
        output = sync(sandbox, stream, output)
        assert {new, oldest} <= keys(output, stream)
        (record,) = [record for record in output.records(stream) if record[STREAMS[stream]] == oldest]
        assert record[field] == value


@pytest.mark.usefixtures("no_limits_of_nexudus")
@pytest.mark.parametrize("stream", STREAMS)
def test_after_syncs_without_rows_an_old_invoice_still_arrives(stream: str) -> None:
    with Sandbox(rows=0) as sandbox:
        sandbox.nexudus.limits = None
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


def test_an_invoice_dated_ahead_does_not_move_nexudus_past_the_present(sandbox: Sandbox) -> None:
    stream = "nexudus_payout_invoices"
    sandbox.tables[stream].add(issued=NOW + timedelta(days=60))
    (state,) = sync(sandbox, stream).state()
    assert state["stream"]["stream_state"]["UpdatedOn"] <= to_rfc3339(datetime.now(timezone.utc))
    # A state can also be ahead because the clock of the machine was.
    state["stream"]["stream_state"]["UpdatedOn"] = to_rfc3339(NOW + timedelta(days=60))
    new = sandbox.tables[stream].add()
    assert new in keys(read(sandbox.config(), [stream], state=[state]), stream)


@pytest.mark.usefixtures("no_limits_of_nexudus")
@pytest.mark.parametrize("second", [-61, -60, -59, -30, -1, 0, 1, 59, 60])
def test_the_last_minute_of_a_window_is_read(second: int) -> None:
    stream = "nexudus_payout_invoices"
    with Sandbox(rows={stream: 0}) as sandbox:
        sandbox.nexudus.limits = None
        sync(sandbox, stream)
        ends = {request.value("to_PayoutInvoice_UpdatedOn") for request in sandbox.requests} - {None}
        assert len(ends) == 5
        rows = {
            sandbox.tables[stream].add(issued=parse_text_time(str(end)) + timedelta(seconds=second)) for end in ends
        }
        assert keys(sync(sandbox, stream), stream) == rows


@pytest.mark.usefixtures("no_limits_of_nexudus")
def test_an_interrupted_history_continues_after_its_last_closed_window() -> None:
    stream = "nexudus_payout_invoices"
    with Sandbox(rows={stream: 90}) as sandbox:
        sandbox.lists[stream].max_page_size = 10
        sandbox.nexudus.limits = None
        sync(sandbox, stream)
        newest = max(str(request.value("from_PayoutInvoice_UpdatedOn") or "") for request in sandbox.requests)
        refused = Fault(
            kind="status",
            status=403,
            route=stream,
            when=lambda asked: asked.value("from_PayoutInvoice_UpdatedOn") == newest,
        )
        sandbox.faults.append(refused)
        failed = read(sandbox.config(), [stream])
        assert failed.exit_code == 1
        sandbox.faults.clear()
        asked = len(sandbox.requests)
        again = sync(sandbox, stream, failed)
        assert keys(failed, stream) | keys(again, stream) == set(sandbox.tables[stream].keys())
        (state,) = failed.state()
        since = parse_text_time(state["stream"]["stream_state"]["UpdatedOn"]) - timedelta(days=1)
        starts = [request.value("from_PayoutInvoice_UpdatedOn") for request in sandbox.requests[asked:]]
        assert next(filter(None, starts)) == since.strftime("%Y-%m-%dT%H:%M")


def test_an_update_of_nexudus_that_appears_a_day_late_arrives(sandbox: Sandbox) -> None:
    stream = "nexudus_payout_invoices"
    output = sync(sandbox, stream)
    late = sandbox.tables[stream].add(issued=NOW - timedelta(hours=23))
    assert late in keys(sync(sandbox, stream, output), stream)


@pytest.mark.parametrize("hours", [-24, -14, 0, 14, 24])
def test_a_clock_in_another_zone_hides_nothing_from_nexudus(sandbox: Sandbox, hours: int) -> None:
    sandbox.nexudus.utc_offset = timedelta(hours=hours)
    stream = "nexudus_payout_invoices"
    output = sync(sandbox, stream)
    for _ in range(2):
        new = sandbox.tables[stream].add()
        output = sync(sandbox, stream, output)
        assert new in keys(output, stream)


def test_nexudus_is_read_from_a_day_before_the_state() -> None:
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
def test_a_damaged_state_is_refused_or_everything_is_read_again(sandbox: Sandbox, blob: dict[str, object]) -> None:
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
        output = read(sandbox.config(), ["ipxo_invoices"])
        still_open = [
            record for record in output.records("ipxo_invoices") if record["status"] in ("unpaid", "draft", "in_review")
        ]
        assert len(json.dumps(output.state())) < 1000 + 45 * len(still_open)


@pytest.mark.parametrize("stream", STREAMS)
def test_a_full_refresh_ignores_the_state(sandbox: Sandbox, stream: str) -> None:
    first = sync(sandbox, stream)
    assert len(first.records(stream)) > len(sync(sandbox, stream, first).records(stream))
    output = read(sandbox.config(), [stream], state=first.state(), sync_mode="full_refresh")
    assert keys(output, stream) == set(sandbox.tables[stream].keys())


@pytest.mark.parametrize("stream", STREAMS)
def test_without_its_state_a_sync_brings_everything_again(sandbox: Sandbox, stream: str) -> None:
    sync(sandbox, stream)
    assert keys(sync(sandbox, stream), stream) == set(sandbox.tables[stream].keys())


def settle(sandbox: Sandbox, stream: str, still_open: int) -> list[str]:
    """Settles every invoice older than forty days and removes younger ones. Some stay open; their keys are returned."""
    table = sandbox.tables[stream]
    for key in [key for key in list(table.keys()) if _is_younger(table.get(key) or {}, timedelta(days=40))]:
        table.remove(key)
    for key in list(table.keys()):
        table.change(key, **settled(stream))
    keys = [str(key) for key in table.keys()[-still_open:]] if still_open else []
    for key in keys:
        table.change(key, **unsettled(stream))
    return keys


def _is_younger(row: dict[str, object], age: timedelta) -> bool:
    issued = row.get("date") or row.get("placed_at") or row.get("created_at")
    if isinstance(issued, str):
        issued = datetime.fromisoformat(issued.replace(" ", "T")[:19] + "+00:00").timestamp()
    return not issued or float(str(issued)) > (NOW - age).timestamp()


@pytest.mark.parametrize("still_open", [0, 1])
@pytest.mark.parametrize("stream", [stream for stream in SETTLED if stream != "ipxo_invoices"])
def test_a_quiet_sync_of_a_thousand_paid_invoices_takes_3_requests(stream: str, still_open: int) -> None:
    with Sandbox(rows={stream: 1000}) as sandbox:
        settle(sandbox, stream, still_open)
        first = sync(sandbox, stream)
        before = sandbox.count(stream)
        sync(sandbox, stream, first)
        assert sandbox.count(stream) - before <= 3


def test_the_details_of_a_settled_invoice_are_not_fetched_again() -> None:
    with Sandbox(rows={"ipxo_invoices": 500}) as sandbox:
        still_open = settle(sandbox, "ipxo_invoices", 7)
        # Only the newest invoice is within its lookback.
        newest = sandbox.tables["ipxo_invoices"].add(status="paid")
        output = sync(sandbox, "ipxo_invoices")
        lists, details = sandbox.count("ipxo_invoices"), sandbox.count("ipxo_invoice")
        sandbox.tables["ipxo_invoices"].change(still_open[0], status="paid", date_paid=int(NOW.timestamp()))
        output = sync(sandbox, "ipxo_invoices", output)
        assert sandbox.count("ipxo_invoices") - lists <= 3
        assert sandbox.count("ipxo_invoice") - details <= 10
        assert keys(output, "ipxo_invoices") == {*still_open, newest}
        details = sandbox.count("ipxo_invoice")
        assert still_open[0] not in keys(sync(sandbox, "ipxo_invoices", output), "ipxo_invoices")
        assert sandbox.count("ipxo_invoice") - details == 7


@pytest.mark.parametrize("stream", SETTLED)
def test_a_back_dated_invoice_arrives(stream: str) -> None:
    with Sandbox(rows={stream: 30}) as sandbox:
        settle(sandbox, stream, 1)
        output = sync(sandbox, stream)
        new = sandbox.tables[stream].add(issued=NOW - timedelta(days=365), **settled(stream))
        assert new in keys(sync(sandbox, stream, output), stream)


@pytest.mark.parametrize("stream", SETTLED)
def test_an_unsorted_list_is_read_to_the_end(sandbox: Sandbox, stream: str) -> None:
    sandbox.lists[stream].ignore_sort = True
    output = sync(sandbox, stream)
    new = sandbox.tables[stream].add(**settled(stream))
    assert new in keys(sync(sandbox, stream, output), stream)


@pytest.mark.parametrize("stream", SETTLED)
def test_an_unsorted_list_is_read_to_the_end_with_a_start_date_too(stream: str) -> None:
    with Sandbox(rows={stream: 30}) as sandbox:
        sandbox.lists[stream].max_page_size = 3
        sandbox.lists[stream].ignore_sort = True
        config = {**sandbox.config(), "start_date": (NOW - timedelta(days=300)).strftime("%Y-%m-%d")}
        first = read(config, [stream])
        assert 5 < len(keys(first, stream)) < 25
        new = sandbox.tables[stream].add(**settled(stream))
        assert new in keys(read(config, [stream], state=first.state()), stream)


@pytest.mark.parametrize("workers", [1, 10])
@pytest.mark.parametrize("stream", SETTLED)
def test_an_invoice_added_during_a_sync_hides_no_back_dated_one(stream: str, workers: int) -> None:
    with Sandbox(rows={stream: 30}) as sandbox:
        sandbox.lists[stream].max_page_size = 3
        settle(sandbox, stream, 0)
        config = {**sandbox.config(), "num_workers": workers}
        added: list[str | int] = []

        def before(request: Request) -> None:
            if request.route == stream and request.page == 6 and not added:
                added.append(sandbox.tables[stream].add(**settled(stream)))

        sandbox.on_request = before
        first = read(config, [stream])
        assert added
        back_dated = sandbox.tables[stream].add(issued=NOW - timedelta(days=365), **settled(stream))
        assert back_dated in keys(read(config, [stream], state=first.state()), stream)


@pytest.mark.parametrize("stream", SETTLED)
def test_a_failed_page_leaves_the_scan_s_state_unchanged(sandbox: Sandbox, stream: str) -> None:
    first = sync(sandbox, stream)
    sandbox.tables[stream].add(status="unpaid")
    sandbox.faults.append(Fault(kind="status", status=403, route=stream))
    failed = read(sandbox.config(), [stream], state=first.state())
    assert failed.exit_code == 1
    assert _scan(failed) == _scan(first)


def test_a_failed_detail_leaves_the_scan_s_state_unchanged(sandbox: Sandbox) -> None:
    first = sync(sandbox, "ipxo_invoices")
    sandbox.tables["ipxo_invoices"].add(status="unpaid")
    sandbox.faults.append(Fault(kind="status", status=403, route="ipxo_invoice", nth=2))
    failed = read(sandbox.config(), ["ipxo_invoices"], state=first.state())
    assert failed.exit_code == 1
    assert _scan(failed) == _scan(first)


def _scan(output: Output) -> object:
    (state,) = output.state()
    return state["stream"]["stream_state"]["parent_state"]["scan"]


def test_a_scan_s_state_that_was_changed_by_hand_is_refused(sandbox: Sandbox) -> None:
    state = sync(sandbox, "payhubix_invoices").state()
    state[0]["stream"]["stream_state"]["parent_state"]["scan"]["lookback_start"] = "then"
    output = read(sandbox.config(), ["payhubix_invoices"], state=state)
    assert output.exit_code == 1
    assert "The state of payhubix_invoices cannot be used" in output.errors()[0]["message"]
    assert output.errors()[0]["failure_type"] == "config_error"
