"""A state knows whose it is and by which rule it was written, and no part of it is later than the present."""

import copy
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from integration_tests.support import timing
from integration_tests.support.connector import STREAMS, Output, read
from integration_tests.support.lists import (
    ISSUED,
    NEXUDUS,
    NOW,
    OPEN,
    SETTLED,
    STATUS,
    assert_said,
    assert_whole,
    keys,
    latest,
    lines,
    moved,
    one_list,
    put_rows,
    rows_of,
    settle,
    settled,
    sync,
    times_in,
    unsettled,
    whole_sync,
)
from sandbox import Fault, Sandbox

pytestmark = pytest.mark.usefixtures("no_limits_of_nexudus", "short_waits")

EVERY_STREAM = pytest.mark.parametrize("stream", STREAMS)
SERVICE = "11111111-2222-4333-8444-555555555555"
OTHER_TENANT = "99999999-3c1e-4f7a-9b2d-7e61c0ffee42"


# Whose it is.


def other_rows(sandbox: Sandbox, stream: str) -> set[Any]:
    """Another account holds other invoices of the same times. Returns their keys."""
    table = sandbox.tables[stream]
    for key in table.keys():  # noqa: SIM118
        bound = table.get(key) or {}
        status = {STATUS[stream]: bound[STATUS[stream]]} if stream in STATUS else {}
        issued = bound[ISSUED[stream]]
        table.remove(key)
        table.add({ISSUED[stream]: issued}, **status)
    return set(table.keys())


def other_account(sandbox: Sandbox, stream: str) -> None:
    """The credentials of another account at the same addresses."""
    if stream == NEXUDUS:
        sandbox.nexudus.username, sandbox.nexudus.password = "other@example.com", "other-password"
    elif stream.startswith("payhubix"):
        sandbox.payhubix.api_key = "other-api-key"
    else:
        sandbox.ipxo.tenant = OTHER_TENANT
        sandbox.ipxo.client_id, sandbox.ipxo.client_secret = "other-client", "other-client-secret"


def new_secret(sandbox: Sandbox, stream: str) -> None:
    """The secret of the same account is another."""
    if stream == NEXUDUS:
        sandbox.nexudus.password = "rotated-password"
    elif stream.startswith("payhubix"):
        sandbox.payhubix.api_key = "rotated-api-key"
    else:
        sandbox.ipxo.client_id, sandbox.ipxo.client_secret = "rotated-client", "rotated-client-secret"


@EVERY_STREAM
def test_another_account_behind_the_same_source_is_read_whole(stream: str) -> None:
    with one_list(stream, 60, 20) as sandbox:
        output = whole_sync(sandbox, stream)
        held = other_rows(sandbox, stream)
        other_account(sandbox, stream)
        assert_whole(sync(sandbox, stream, output), stream, held)


@EVERY_STREAM
def test_another_account_with_more_rows_is_read_whole(stream: str) -> None:
    with one_list(stream, 60, 20) as sandbox:
        output = whole_sync(sandbox, stream)
        other_rows(sandbox, stream)
        for days in range(100, 500, 10):
            sandbox.tables[stream].add(issued=NOW - timedelta(days=days))
        other_account(sandbox, stream)
        assert_whole(sync(sandbox, stream, output), stream, set(sandbox.tables[stream].keys()))


def test_another_user_of_the_ecommerce_api_is_read_whole() -> None:
    stream = "ipxo_ecommerce_invoices"
    with one_list(stream, 60, 20) as sandbox:
        output = whole_sync(sandbox, stream)
        held = other_rows(sandbox, stream)
        sandbox.ipxo.tenant = OTHER_TENANT
        config = sandbox.config()
        config["ipxo"]["tenant_uuid"], config["ipxo"]["user_id"] = "5a9db0c5-3c1e-4f7a-9b2d-7e61c0ffee42", OTHER_TENANT
        assert_whole(read(config, [stream], state=output.state()), stream, held)


@EVERY_STREAM
def test_the_same_account_with_another_secret_goes_on(stream: str) -> None:
    with one_list(stream, 100, 10) as sandbox:
        settle(sandbox, stream)
        output = whole_sync(sandbox, stream)
        new_secret(sandbox, stream)
        new = sandbox.tables[stream].add(issued=NOW)
        arrived = keys(whole_sync(sandbox, stream, output), stream)
        assert new in arrived
        assert len(arrived) < 50


@pytest.mark.parametrize("secret", ["client-secret", "api-key", "password", "reader@example.com"])
def test_the_state_tells_nobody_who_was_asked(secret: str) -> None:
    with Sandbox(rows=9) as sandbox:
        sandbox.nexudus.limits = None
        assert secret not in str(read(sandbox.config()).state())


# By which rule it was written.


def with_values(node: Any, name: str, change: Callable[[Any], Any]) -> Any:
    """A manifest with each value of this name changed."""
    if isinstance(node, list):
        return [with_values(item, name, change) for item in node]
    if isinstance(node, dict):
        return {key: change(value) if key == name else with_values(value, name, change) for key, value in node.items()}
    return node


@pytest.mark.parametrize("stream", SETTLED)
def test_an_upgrade_that_changes_the_final_statuses_reads_again(stream: str) -> None:
    def widen(final: Any) -> Any:
        return [*final, OPEN[stream]] if isinstance(final, list) else final

    with one_list(stream, 60, 10) as sandbox:
        (key,) = settle(sandbox, stream, still_open=1)
        with timing.changed_manifest(lambda manifest: dict(with_values(manifest, "final", widen))):
            output = whole_sync(sandbox, stream)
        sandbox.tables[stream].change(key, **settled(stream), note="paid")
        last = whole_sync(sandbox, stream, output)
        assert latest(stream, output, last)[key].get("note") == "paid"


# The settings of Nexudus.


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"invoice_currency_code": "GBP"}, {"invoice_currency_code": "EUR"}),
        ({"invoice_currency_code": "GBP"}, {}),
        ({"min_amount": 4000}, {"min_amount": 10}),
        ({"from_created_on": (NOW - timedelta(days=100)).strftime("%Y-%m-%dT%H:%M")}, {}),
    ],
)
def test_a_changed_filter_of_nexudus_reads_history_again(before: dict[str, Any], after: dict[str, Any]) -> None:
    with one_list(NEXUDUS, 100, 100) as sandbox:
        config = sandbox.config()
        config["nexudus"]["filters"] = before
        output = read(config, [NEXUDUS])
        config["nexudus"]["filters"] = after
        held = keys(read(config, [NEXUDUS]), NEXUDUS)
        assert len(held) > 20
        assert_whole(read(config, [NEXUDUS], state=output.state()), NEXUDUS, held)


@pytest.mark.parametrize("days", [600, None])
@EVERY_STREAM
def test_an_earlier_start_date_or_none_reads_history_again(stream: str, days: int | None) -> None:
    with one_list(stream, 100, 100) as sandbox:
        recent: dict[str, Any] = {"start_date": (NOW - timedelta(days=100)).strftime("%Y-%m-%d")}
        earlier: dict[str, Any] = {"start_date": (NOW - timedelta(days=days)).strftime("%Y-%m-%d")} if days else {}
        output = whole_sync(sandbox, stream, **recent)
        held = keys(whole_sync(sandbox, stream, **earlier), stream)
        last = whole_sync(sandbox, stream, output, **earlier)
        assert held <= keys(output, stream) | keys(last, stream)


# What windows cannot see.


@pytest.mark.parametrize("times", [1, 2])
def test_a_closed_window_of_nexudus_that_came_back_empty_is_noticed(times: int) -> None:
    with one_list(NEXUDUS, 120, 1000) as sandbox:
        read(sandbox.config(), [NEXUDUS])
        ends = [str(request.value("to_PayoutInvoice_UpdatedOn")) for request in sandbox.requests if request.page]
        latest_end = max(end for end in ends if end != "None")
        empty = Fault(
            "lagging",
            NEXUDUS,
            rows_behind=None,
            times=times,
            when=lambda asked: asked.value("to_PayoutInvoice_UpdatedOn") == latest_end,
        )
        sandbox.faults.append(empty)
        output = sync(sandbox, NEXUDUS)
        assert empty.seen
        last = whole_sync(sandbox, NEXUDUS, output)
        last = whole_sync(sandbox, NEXUDUS, last) if times > 1 else last
        assert set(sandbox.tables[NEXUDUS].keys()) <= set(latest(NEXUDUS, output, last))


@pytest.mark.parametrize("count", [1, 5])
def test_rows_of_nexudus_imported_with_an_old_updated_time_arrive(count: int) -> None:
    with one_list(NEXUDUS, 60, 1000) as sandbox:
        output = whole_sync(sandbox, NEXUDUS)
        imported = {sandbox.tables[NEXUDUS].add(issued=NOW - timedelta(days=400 + day)) for day in range(count)}
        assert imported <= keys(whole_sync(sandbox, NEXUDUS, output), NEXUDUS)


def test_a_deleted_or_updated_row_of_nexudus_makes_no_sync_read_history_again() -> None:
    with one_list(NEXUDUS, 100, 1000) as sandbox:
        output = whole_sync(sandbox, NEXUDUS)
        old = sandbox.tables[NEXUDUS].keys()[-1]
        sandbox.tables[NEXUDUS].change(old, note="changed")
        last = whole_sync(sandbox, NEXUDUS, output)
        assert old in keys(last, NEXUDUS)
        assert len(keys(last, NEXUDUS)) < 10
        before = sandbox.count(NEXUDUS)
        whole_sync(sandbox, NEXUDUS, last)
        assert sandbox.count(NEXUDUS) - before <= 4


# Rows that leave a filter.


@pytest.mark.parametrize(
    ("stream", "filters", "leaves"),
    [
        ("ipxo_payout_invoices", {"payout_filters": {"service_uuid": SERVICE}}, {"items": []}),
        ("ipxo_payout_invoices", {"payout_filters": {"total": 12.5}}, {"total": 13.5}),
        ("ipxo_ecommerce_invoices", {"ecommerce_filters": {"invoicable_type": "order"}}, {"invoicable_type": "plan"}),
        ("payhubix_invoices", {"filters": {"currency_symbol": "XYZ"}}, {"currency_symbol": "USD"}),
        (NEXUDUS, {"filters": {"invoice_currency_code": "XYZ"}}, {"InvoiceCurrencyCode": "GBP"}),
    ],
)
def test_an_open_invoice_that_leaves_a_filter_arrives_or_is_named(
    stream: str, filters: dict[str, Any], leaves: dict[str, Any]
) -> None:
    matching = {
        "payout_filters": {"items": [{"service_uuid": SERVICE}]} if "items" in leaves else {"total": 12.5},
        "ecommerce_filters": {"invoicable_type": "order"},
        "filters": {"currency_symbol": "XYZ"} if stream != NEXUDUS else {"InvoiceCurrencyCode": "XYZ"},
    }
    with one_list(stream, 30, 10) as sandbox:
        table = sandbox.tables[stream]
        status: dict[str, Any] = unsettled(stream)
        row: dict[str, Any] = matching[next(iter(filters))]
        key = table.add(row, issued=NOW - timedelta(days=3), **status)
        config = sandbox.config()
        config[stream.partition("_")[0]] |= filters
        output = read(config, [stream])
        assert key in keys(output, stream)
        paid: dict[str, Any] = settled(stream)
        table.change(key, leaves, note="paid", **paid)
        last = read(config, [stream], state=output.state())
        arrived = latest(stream, output, last)[key].get("note") == "paid"
        # Nexudus's list cannot be asked for a row that no longer matches: the count alone shows that one has left.
        said = str(key) if stream != NEXUDUS else "no longer match the filters"
        named = [line for line in lines(last, "WARN") if said in line]
        assert arrived or len(named) == 1


# A cursor that never falls.


@pytest.mark.parametrize("date_paid", [None, 0, "earlier"])
@pytest.mark.parametrize("stream", ["ipxo_payout_invoices", "ipxo_invoices"])
def test_the_updated_time_of_an_invoice_never_falls(stream: str, date_paid: Any) -> None:
    with one_list(stream, 30, 10) as sandbox:
        paid = int(NOW.timestamp())
        key = sandbox.tables[stream].add(issued=NOW - timedelta(days=9), status="paid", date_paid=paid)
        output = whole_sync(sandbox, stream)
        corrected = paid - 4 * 86_400 if date_paid == "earlier" else date_paid
        status = "paid" if date_paid == "earlier" else "unpaid"
        sandbox.tables[stream].change(key, status=status, date_paid=corrected, note="corrected")
        last = whole_sync(sandbox, stream, output)
        before, after = latest(stream, output)[key], latest(stream, last)[key]
        assert after["note"] == "corrected"
        assert after["updated_at"] >= before["updated_at"]
        # And not in a later sync either.
        sandbox.tables[stream].change(key, note="again")
        assert latest(stream, whole_sync(sandbox, stream, last))[key]["updated_at"] >= before["updated_at"]


# Times past the present.


def never(stream: str) -> Any:
    """The usual "never", as the provider writes times."""
    if stream in ("ipxo_payout_invoices", "ipxo_invoices"):
        return 253_402_300_799
    return {
        "ipxo_ecommerce_invoices": "9999-12-31T23:59:59+00:00",
        NEXUDUS: "9999-12-31T23:59:59Z",
        "payhubix_invoices": "9999-12-31 23:59:59 +0000 UTC",
    }[stream]


@EVERY_STREAM
def test_a_row_dated_never_hides_no_new_invoice(stream: str) -> None:
    with one_list(stream, 30, 10) as sandbox:
        table = sandbox.tables[stream]
        status: dict[str, Any] = settled(stream)
        table.add({ISSUED[stream]: never(stream)}, **status)
        output = whole_sync(sandbox, stream)
        new = {table.add(issued=datetime.now(timezone.utc), **status) for _ in range(3)}
        last = whole_sync(sandbox, stream, output)
        assert new <= keys(last, stream)
        new = {table.add(issued=datetime.now(timezone.utc), **status) for _ in range(3)}
        assert new <= keys(whole_sync(sandbox, stream, last), stream)


@pytest.mark.parametrize("days", [60, 36_500])
@EVERY_STREAM
def test_no_date_of_a_row_takes_any_part_of_the_state_past_the_present(stream: str, days: int) -> None:
    with one_list(stream, 30, 10) as sandbox:
        sandbox.tables[stream].add(issued=NOW + timedelta(days=days))
        output = whole_sync(sandbox, stream)
        assert max(times_in(output.state())) <= datetime.now(timezone.utc)
        assert max(times_in(whole_sync(sandbox, stream, output).state())) <= datetime.now(timezone.utc)


@pytest.mark.parametrize("days", [1, 4000])
@EVERY_STREAM
def test_a_state_of_a_machine_whose_clock_was_ahead_hides_nothing(stream: str, days: int) -> None:
    with one_list(stream, 60, 10) as sandbox:
        settle(sandbox, stream)
        recent = sandbox.tables[stream].add(issued=NOW - timedelta(days=5))
        output = whole_sync(sandbox, stream)
        state = moved(output.state(), timedelta(days=days))
        new = sandbox.tables[stream].add(issued=NOW - timedelta(hours=1))
        sandbox.tables[stream].change(recent, note="changed")
        last = read(sandbox.config(), [stream], state=state)
        assert (last.status(stream), last.exit_code) == ("COMPLETE", 0), last.errors()
        assert new in keys(last, stream)
        assert latest(stream, output, last)[recent].get("note") == "changed"
        assert max(times_in(last.state())) <= datetime.now(timezone.utc)


# Keys.


@pytest.mark.parametrize("key", ["", False, True, [], {}, 1.5], ids=repr)
@EVERY_STREAM
def test_a_primary_key_that_is_no_key_fails_the_page(stream: str, key: Any) -> None:
    with one_list(stream, 9, 3) as sandbox:

        def edit(body: Any) -> Any:
            rows = rows_of(stream, body)
            return put_rows(stream, body, [*rows[:1], {**rows[1], STREAMS[stream]: key}, *rows[2:]]) if rows else body

        sandbox.faults.append(Fault("edit", stream, times=None, edit=edit))
        output = read(sandbox.config(), [stream])
        assert_said(output, stream)
        assert key not in [record.get(STREAMS[stream]) for record in output.records(stream)]


@pytest.mark.parametrize(
    "key",
    [
        "../../../../oauth2/x?y=1",
        "..",
        "a/b",
        "%2e%2e/x",
        "x?y=1",
        "x#y",
        "x y",
        "x\r\nX-A: b",
        "\u0000",
        "é",
        "a" * 5000,
    ],
    ids=lambda key: repr(key)[:12],
)
def test_a_listed_uuid_leads_to_no_other_path(key: str) -> None:
    stream = "ipxo_invoices"
    with one_list(stream, 9, 3) as sandbox:

        def edit(body: Any) -> Any:
            rows = rows_of(stream, body)
            return put_rows(stream, body, [{**rows[0], "uuid": key}, *rows[1:]])

        sandbox.faults.append(Fault("edit", stream, times=None, edit=edit, when=lambda asked: asked.page == 2))
        output = read(sandbox.config(), [stream])
        details = [request.path for request in sandbox.requests if request.route not in (stream, "ipxo_token")]
        listed = {str(key) for key in sandbox.tables[stream].keys()}  # noqa: SIM118
        assert {path.rsplit("/", 1)[-1] for path in details} <= listed
        assert_said(output, stream)


def test_an_open_key_in_a_state_leads_to_no_other_path() -> None:
    stream = "ipxo_invoices"
    with one_list(stream, 60, 10) as sandbox:
        (key,) = settle(sandbox, stream, still_open=1)
        output = whole_sync(sandbox, stream)
        tampered: Output = copy.deepcopy(output)
        text = "../../../../oauth2/x?y=1"
        for message in tampered.messages:
            if message["type"] == "STATE":
                message["state"] = _replaced(message["state"], str(key), text)
        before = len(sandbox.requests)
        sync(sandbox, stream, tampered)
        assert "unknown" not in {request.route for request in sandbox.requests[before:]}


def _replaced(node: Any, old: str, new: str) -> Any:
    if isinstance(node, list):
        return [_replaced(item, old, new) for item in node]
    if isinstance(node, dict):
        return {_replaced(key, old, new): _replaced(value, old, new) for key, value in node.items()}
    return new if node == old else node
