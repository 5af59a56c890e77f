"""An answer that shows nothing (an empty page, a 404) is no proof that there is nothing."""

from datetime import timedelta
from typing import Any

import pytest

from integration_tests.support.connector import STREAMS, Output, read
from integration_tests.support.lists import (
    BY_KEY,
    NEXUDUS,
    NOW,
    SETTLED,
    assert_said,
    assert_whole,
    keys,
    latest,
    lines,
    one_list,
    settle,
    settled,
    sync,
    unsettled,
    whole_sync,
)
from sandbox import Fault, Request, Sandbox

pytestmark = pytest.mark.usefixtures("no_limits_of_nexudus", "short_waits")

DETAILS = "ipxo_invoices"
WITH_LOOK_UP = ["ipxo_payout_invoices", "ipxo_ecommerce_invoices", "ipxo_invoices"]
DATE = {"ipxo_ecommerce_invoices": "placed_at", "payhubix_invoices": "created_at"}


def is_look_up(stream: str, key: Any) -> Any:
    """Whether a request asks for this one invoice."""
    route, parameter = BY_KEY[stream]
    if parameter is None:
        return lambda asked: asked.route == route and key in asked.path
    return lambda asked: asked.route == route and asked.value(parameter) == key


def nothing(answer: str, stream: str, key: Any, times: int | None = 1) -> Fault:
    """The look-up of one invoice answers 404 in JSON, or with an empty list."""
    route, _ = BY_KEY[stream]
    if answer == "404":
        return Fault("status", route, status=404, times=times, when=is_look_up(stream, key))
    return Fault("lagging", route, rows_behind=None, times=times, when=is_look_up(stream, key))


# Details.


@pytest.mark.parametrize("syncs", [1, 3])
def test_a_detail_that_is_not_found_while_it_is_listed_stays_owed(syncs: int) -> None:
    with one_list(DETAILS, 20, 100) as sandbox:
        settle(sandbox, DETAILS)
        key = sandbox.tables[DETAILS].keys()[-3]
        fault = Fault("status", "ipxo_invoice", status=404, times=None, when=lambda asked: str(key) in asked.path)
        sandbox.faults.append(fault)
        output: Output | None = None
        for _ in range(syncs):
            output = sync(sandbox, DETAILS, output)
            assert key not in keys(output, DETAILS)
        sandbox.faults.clear()
        assert key in keys(whole_sync(sandbox, DETAILS, output), DETAILS)


def test_a_detail_that_is_not_found_is_owed_no_more_once_the_list_does_not_show_it() -> None:
    with one_list(DETAILS, 20, 100) as sandbox:
        settle(sandbox, DETAILS)
        key = sandbox.tables[DETAILS].keys()[-3]
        fault = Fault("status", "ipxo_invoice", status=404, times=None, when=lambda asked: str(key) in asked.path)
        sandbox.faults.append(fault)
        output = whole_sync(sandbox, DETAILS)
        sandbox.tables[DETAILS].remove(key)
        output = whole_sync(sandbox, DETAILS, output)
        before = fault.seen
        whole_sync(sandbox, DETAILS, output)
        assert fault.seen == before


def test_a_detail_that_is_not_found_while_it_is_listed_is_said() -> None:
    with one_list(DETAILS, 20, 100) as sandbox:
        key = sandbox.tables[DETAILS].keys()[3]
        sandbox.faults.append(
            Fault("status", "ipxo_invoice", status=404, times=None, when=lambda asked: str(key) in asked.path)
        )
        output = sync(sandbox, DETAILS)
        assert [line for line in lines(output, "WARN") if str(key) in line]


@pytest.mark.parametrize("found", [0, 17])
def test_details_that_are_mostly_not_found_fail_the_stream(found: int) -> None:
    with one_list(DETAILS, 120, 100) as sandbox:
        sandbox.faults.append(Fault("status", "ipxo_invoice", status=404, nth=found + 1, times=None))
        output = sync(sandbox, DETAILS)
        assert_said(output, DETAILS)
        sandbox.faults.clear()
        assert_whole(whole_sync(sandbox, DETAILS, output), DETAILS, set(sandbox.tables[DETAILS].keys()))


# Look-ups of open invoices.


@pytest.mark.parametrize("answer", ["404", "empty"])
@pytest.mark.parametrize("stream", WITH_LOOK_UP)
def test_an_open_invoice_that_is_not_found_once_is_not_forgotten(stream: str, answer: str) -> None:
    with one_list(stream, 60, 5) as sandbox:
        (key,) = settle(sandbox, stream, still_open=1)
        output = whole_sync(sandbox, stream)
        fault = nothing(answer, stream, key)
        sandbox.faults.append(fault)
        unlucky = sync(sandbox, stream, output)
        sandbox.tables[stream].change(key, **settled(stream), note="paid")
        last = whole_sync(sandbox, stream, unlucky)
        assert fault.seen
        assert latest(stream, output, unlucky, last)[key].get("note") == "paid"


@pytest.mark.parametrize("answer", ["404", "empty"])
@pytest.mark.parametrize("stream", WITH_LOOK_UP)
def test_the_payment_of_an_invoice_that_look_ups_never_find_arrives(stream: str, answer: str) -> None:
    with one_list(stream, 60, 5) as sandbox:
        (key,) = settle(sandbox, stream, still_open=1)
        output = whole_sync(sandbox, stream)
        sandbox.tables[stream].change(key, **settled(stream), note="paid")
        fault = nothing(answer, stream, key, times=None)
        sandbox.faults.append(fault)
        last = sync(sandbox, stream, output)
        assert fault.seen
        if stream == DETAILS:  # the list alone does not have what the detail says
            sandbox.faults.clear()
            last = whole_sync(sandbox, stream, last)
        assert latest(stream, output, last)[key].get("note") == "paid"


@pytest.mark.parametrize("stream", WITH_LOOK_UP)
def test_several_open_invoices_of_which_one_is_gone_and_one_not_found_all_end_right(stream: str) -> None:
    with one_list(stream, 60, 5) as sandbox:
        gone, hidden, kept = settle(sandbox, stream, still_open=3)
        output = whole_sync(sandbox, stream)
        sandbox.tables[stream].remove(gone)
        sandbox.faults.append(nothing("empty" if stream != DETAILS else "404", stream, hidden))
        unlucky = sync(sandbox, stream, output)
        for key in (hidden, kept):
            sandbox.tables[stream].change(key, **settled(stream), note="paid")
        last = whole_sync(sandbox, stream, unlucky)
        copy = latest(stream, output, unlucky, last)
        assert [copy[key].get("note") for key in (hidden, kept)] == ["paid"] * 2


@pytest.mark.parametrize("stream", SETTLED)
def test_an_issued_draft_does_not_hide_a_back_dated_invoice(stream: str) -> None:
    with one_list(stream, 60, 5) as sandbox:
        (draft,) = settle(sandbox, stream, still_open=1)
        output = whole_sync(sandbox, stream)
        # One leaves the old part of the list, one enters it: their number stays.
        sandbox.tables[stream].change(draft, issued=NOW, **unsettled(stream))
        back_dated = sandbox.tables[stream].add(issued=NOW - timedelta(days=300), **settled(stream))
        assert {draft, back_dated} <= keys(whole_sync(sandbox, stream, output), stream)


@pytest.mark.parametrize("stream", SETTLED)
def test_a_deleted_open_invoice_does_not_hide_a_back_dated_one(stream: str) -> None:
    with one_list(stream, 60, 5) as sandbox:
        (gone,) = settle(sandbox, stream, still_open=1)
        output = whole_sync(sandbox, stream)
        sandbox.tables[stream].remove(gone)
        back_dated = sandbox.tables[stream].add(issued=NOW - timedelta(days=300), **settled(stream))
        following = whole_sync(sandbox, stream, output)
        if stream == DETAILS:  # only the details show that the open one is gone, when the list has been read
            following = whole_sync(sandbox, stream, following)
        assert back_dated in keys(following, stream)


@pytest.mark.parametrize("stream", SETTLED)
def test_an_undated_draft_that_is_issued_does_not_hide_a_back_dated_invoice(stream: str) -> None:
    with one_list(stream, 60, 5) as sandbox:
        settle(sandbox, stream)
        draft = sandbox.tables[stream].add({DATE.get(stream, "date"): None}, **unsettled(stream))
        output = whole_sync(sandbox, stream)
        sandbox.tables[stream].change(draft, issued=NOW, **unsettled(stream))
        back_dated = sandbox.tables[stream].add(issued=NOW - timedelta(days=300), **settled(stream))
        assert {draft, back_dated} <= keys(whole_sync(sandbox, stream, output), stream)


# Invoices that are gone.


@pytest.mark.parametrize("count", [1, 12])
@pytest.mark.parametrize("stream", SETTLED)
def test_open_invoices_that_are_gone_are_named_in_one_warning(stream: str, count: int) -> None:
    with one_list(stream, 60, 5) as sandbox:
        gone = settle(sandbox, stream, still_open=count)
        output = whole_sync(sandbox, stream)
        for key in gone:
            sandbox.tables[stream].remove(key)
        last = whole_sync(sandbox, stream, output)
        warnings = [line for line in lines(last, "WARN") if stream in line]
        assert len(warnings) == 1
        assert str(count) in warnings[0]
        assert any(str(key) in warnings[0] for key in gone)
        assert "no longer in the list" in warnings[0]
        assert not [line for line in lines(last, "INFO") if any(str(key) in line for key in gone)]
        # Once said, it is not said again.
        assert not [line for line in lines(whole_sync(sandbox, stream, last), "WARN") if stream in line]


# A first sync with a start date.


@pytest.mark.parametrize("stream", SETTLED)
def test_an_undated_draft_at_the_end_of_the_list_arrives_with_a_start_date(stream: str) -> None:
    with one_list(stream, 60, 5) as sandbox:
        settle(sandbox, stream)
        draft = sandbox.tables[stream].add({DATE.get(stream, "date"): None}, **unsettled(stream))
        assert sandbox.tables[stream].keys()[-1] == draft
        start_date = (NOW - timedelta(days=200)).strftime("%Y-%m-%d")
        output = whole_sync(sandbox, stream, start_date=start_date)
        assert draft in keys(output, stream)
        assert 5 < len(keys(output, stream)) < 40


@pytest.mark.parametrize(
    ("stream", "order"),
    [
        ("ipxo_payout_invoices", "invoice_number"),
        ("ipxo_invoices", "invoice_number"),
        ("ipxo_ecommerce_invoices", "reference"),
    ],
)
def test_an_invoice_listed_in_another_order_than_by_date_arrives_with_a_start_date(stream: str, order: str) -> None:
    with one_list(stream, 60, 5) as sandbox:
        settle(sandbox, stream)
        sandbox.lists[stream].sorted_by = order
        last = sandbox.tables[stream].keys()[-1]
        sandbox.tables[stream].change(last, issued=NOW - timedelta(days=50))
        start_date = (NOW - timedelta(days=200)).strftime("%Y-%m-%d")
        output = whole_sync(sandbox, stream, start_date=start_date)
        assert last in keys(output, stream)


def test_details_are_asked_for_only_where_due_though_the_list_is_read_to_its_end() -> None:
    with one_list(DETAILS, 100, 10) as sandbox:
        settle(sandbox, DETAILS)
        start_date = (NOW - timedelta(days=200)).strftime("%Y-%m-%d")
        output = whole_sync(sandbox, DETAILS, start_date=start_date)
        assert sandbox.count("ipxo_invoice") <= len(keys(output, DETAILS)) + 1
        assert len(keys(output, DETAILS)) < 40


# Rows that were never updated.


@pytest.mark.parametrize("sync_mode", ["incremental", "full_refresh"])
def test_rows_of_nexudus_without_an_updated_time_arrive_in_both_modes(sync_mode: str) -> None:
    with one_list(NEXUDUS, 20, 10) as sandbox:
        for _ in range(3):
            sandbox.tables[NEXUDUS].add({"UpdatedOn": None})
        output = read(sandbox.config(), [NEXUDUS], sync_mode=sync_mode)
        assert_whole(output, NEXUDUS, set(sandbox.tables[NEXUDUS].keys()))


def test_a_row_of_nexudus_without_an_updated_time_that_is_new_arrives() -> None:
    with one_list(NEXUDUS, 20, 10) as sandbox:
        output = whole_sync(sandbox, NEXUDUS)
        new = sandbox.tables[NEXUDUS].add({"UpdatedOn": None})
        assert new in keys(whole_sync(sandbox, NEXUDUS, output), NEXUDUS)


# An empty list where there was a full one.


@pytest.mark.parametrize("stream", STREAMS)
def test_a_list_that_came_back_empty_once_loses_nothing(stream: str) -> None:
    with one_list(stream, 20, 10) as sandbox:
        sandbox.faults.append(Fault("lagging", stream, rows_behind=None, times=None, when=_is_list))
        empty = sync(sandbox, stream)
        sandbox.faults.clear()
        last = whole_sync(sandbox, stream, empty)
        assert set(sandbox.tables[stream].keys()) <= keys(empty, stream) | keys(last, stream)


@pytest.mark.parametrize("stream", SETTLED)
def test_a_quiet_sync_to_which_the_list_was_empty_forgets_no_open_invoice(stream: str) -> None:
    with one_list(stream, 20, 10) as sandbox:
        (key,) = settle(sandbox, stream, still_open=1)
        output = whole_sync(sandbox, stream)
        sandbox.faults.append(Fault("lagging", "*", rows_behind=None, times=None))
        unlucky = sync(sandbox, stream, output)
        sandbox.faults.clear()
        sandbox.tables[stream].change(key, **settled(stream), note="paid")
        last = whole_sync(sandbox, stream, unlucky)
        assert latest(stream, output, unlucky, last)[key].get("note") == "paid"


def _is_list(request: Request) -> bool:
    return request.page is not None


def test_the_sandbox_answers_a_look_up_of_what_it_holds() -> None:
    """So that the tests above cannot pass for want of a look-up."""
    with one_list("ipxo_payout_invoices", 60, 5) as sandbox:
        (key,) = settle(sandbox, "ipxo_payout_invoices", still_open=1)
        output = whole_sync(sandbox, "ipxo_payout_invoices")
        before = len(sandbox.requests)
        whole_sync(sandbox, "ipxo_payout_invoices", output)
        assert looked_up(sandbox, before) == [key]


def looked_up(sandbox: Sandbox, since: int) -> list[str | None]:
    return [request.value("uuid") for request in sandbox.requests[since:] if request.value("uuid")]
