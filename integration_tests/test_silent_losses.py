"""Changes that no sync may leave out without a word: between two readings, and where another change hides them."""

from datetime import timedelta
from typing import Any

import pytest

from integration_tests.support.lists import (
    NEXUDUS,
    NOW,
    assert_said,
    latest,
    lines,
    one_list,
    settle,
    sync,
    whole_sync,
)
from sandbox import Fault, Sandbox
from sandbox.exchange import Request

pytestmark = pytest.mark.usefixtures("no_limits_of_nexudus", "short_waits")

INVOICES = "ipxo_invoices"


def shorten_or_repeat(sandbox: Sandbox, *, repeats: bool) -> None:
    """Page 2 shows the last row of page 1 first; or a row is deleted when page 2 is asked for, and page 1 read again."""
    table = sandbox.tables[INVOICES]
    size, asked = sandbox.lists[INVOICES].max_page_size, set[int | None]()

    def before(request: Request) -> None:
        if request.route == INVOICES and request.page == 2 and not asked:
            asked.add(2)
            table.remove(table.keys()[-1])

    def repeat(body: Any) -> Any:
        if len(body["data"]) == size and not asked:
            asked.add(1)
            body["data"][-1] = body["data"][0]
        return body

    if repeats:
        sandbox.faults.append(Fault("edit", INVOICES, times=None, edit=repeat))
    else:
        sandbox.on_request = before


def missing_detail(key: str) -> Fault:
    """The detail of one invoice is not there."""
    return Fault("status", "ipxo_invoice", status=404, times=None, when=lambda request: request.path.endswith(key))


def pay_between_readings(sandbox: Sandbox, key: str) -> None:
    """The list is read again until an invoice's detail has been read. Then the invoice is paid."""
    table = sandbox.tables[INVOICES]

    def pay(request: Request) -> None:
        was_read = any(one.path.endswith(key) and one.ended for one in list(sandbox.requests))
        if request.route == INVOICES and request.page == 1 and was_read:
            table.change(key, status="paid")

    def repeat_a_row(body: Any) -> Any:
        if (table.get(key) or {})["status"] != "paid" and len(body["data"]) > 1:
            body["data"][-1] = body["data"][0]
        return body

    sandbox.on_request = pay
    sandbox.faults.insert(0, Fault("edit", INVOICES, times=None, edit=repeat_a_row))


def test_a_newer_version_of_an_invoice_is_not_followed_by_an_older_one() -> None:
    """A detail leaves when it has come, although another one of its slice takes long."""
    with one_list(INVOICES, 40, 20) as sandbox:
        table = sandbox.tables[INVOICES]
        for key in table.keys():  # noqa: SIM118
            table.change(key, status="paid")
        # With ten workers these two are a slice.
        cancelled, slow = map(str, table.keys()[4:6])
        table.change(cancelled, status="unpaid")
        sandbox.faults += [
            Fault("slow", INVOICES, delay=0.5, times=1, when=lambda request: request.page == 2),
            Fault("slow", "ipxo_invoice", delay=2, times=1, when=lambda request: slow in str(request.path)),
        ]
        changed: list[Request] = []

        def before(request: Request) -> None:
            if request.route == INVOICES and request.page == 2 and not changed:
                changed.append(request)
                table.change(cancelled, status="cancelled")
                table.remove(table.keys()[12])  # the list becomes shorter, so page 1 is read again

        sandbox.on_request = before
        first = whole_sync(sandbox, INVOICES, num_workers=10, lookback_days=1)
        sandbox.on_request = None
        second = whole_sync(sandbox, INVOICES, first, num_workers=10, lookback_days=1)
        assert latest(INVOICES, first, second)[cancelled]["status"] == "cancelled"


@pytest.mark.parametrize("repeats", [False, True], ids=["the list is read again", "a page has a row twice"])
def test_each_invoice_of_a_list_is_asked_for_once(repeats: bool) -> None:
    with one_list(INVOICES, 9, 3) as sandbox:
        shorten_or_repeat(sandbox, repeats=repeats)
        output = whole_sync(sandbox, INVOICES, num_workers=4)
        assert sandbox.count("ipxo_invoice") == len(output.records(INVOICES)) == len(sandbox.tables[INVOICES].keys())


@pytest.mark.parametrize("repeats", [False, True], ids=["the list is read again", "a page has a row twice"])
def test_a_list_of_which_no_detail_is_there_fails(repeats: bool) -> None:
    with one_list(INVOICES, 4, 2) as sandbox:
        shorten_or_repeat(sandbox, repeats=repeats)
        sandbox.faults.append(Fault("status", "ipxo_invoice", status=404, times=None))
        output = sync(sandbox, INVOICES, num_workers=4)
        assert (output.status(INVOICES), output.exit_code) == ("INCOMPLETE", 1)
        assert "that the list shows have no detail" in output.error_of(INVOICES)["message"]


def test_a_list_without_details_fails_also_if_one_is_asked_for_again() -> None:
    with one_list(INVOICES, 4, 2) as sandbox:
        table, changed = sandbox.tables[INVOICES], list[Request]()

        def before(request: Request) -> None:
            if request.route == INVOICES and request.page == 2 and not changed:
                changed.append(request)
                table.change(table.keys()[0], status="cancelled")
                table.remove(table.keys()[-1])  # the list becomes shorter, so page 1 is read again

        sandbox.on_request = before
        sandbox.faults.append(Fault("status", "ipxo_invoice", status=404, times=None))
        output = sync(sandbox, INVOICES, num_workers=4)
        assert (output.status(INVOICES), output.exit_code) == ("INCOMPLETE", 1)


def test_an_invoice_paid_between_two_readings_is_asked_for_again() -> None:
    with one_list(INVOICES, 40, 3) as sandbox:
        settle(sandbox, INVOICES)
        key = str(sandbox.tables[INVOICES].keys()[0])
        sandbox.tables[INVOICES].change(key, status="unpaid")
        pay_between_readings(sandbox, key)
        first = whole_sync(sandbox, INVOICES)
        second = whole_sync(sandbox, INVOICES, first)
        assert latest(INVOICES, first, second)[key]["status"] == "paid"


def test_an_old_settled_invoice_without_a_detail_stays_owed() -> None:
    with one_list(INVOICES, 30, 10) as sandbox:
        settle(sandbox, INVOICES)
        key = str(sandbox.tables[INVOICES].keys()[10])
        fault = missing_detail(key)
        sandbox.faults.insert(0, fault)
        outputs = [whole_sync(sandbox, INVOICES)]
        outputs.append(whole_sync(sandbox, INVOICES, outputs[-1]))
        assert not [line for line in lines(outputs[-1], "WARN") if "no longer in the list" in line]
        sandbox.faults.remove(fault)
        outputs.append(whole_sync(sandbox, INVOICES, outputs[-1]))
        assert key in latest(INVOICES, *outputs)


@pytest.mark.parametrize("times", [{"UpdatedOn": None}, {"UpdatedOn": NOW - timedelta(days=100)}])
def test_updates_of_old_invoices_hide_no_import(times: dict[str, Any]) -> None:
    with one_list(NEXUDUS, 60, 20) as sandbox:
        settle(sandbox, NEXUDUS)
        outputs = [whole_sync(sandbox, NEXUDUS)]
        table = sandbox.tables[NEXUDUS]
        for key in table.keys()[5:8]:
            table.change(key, Amount=1.5)
        imported = table.add(times)
        outputs.append(whole_sync(sandbox, NEXUDUS, outputs[-1]))
        assert imported in latest(NEXUDUS, *outputs)


def test_a_page_that_says_it_is_the_last_is_not_believed_for_ever() -> None:
    stream = "payhubix_invoices"

    def end(body: Any) -> Any:
        body["message"] |= {"next_page": 0, "page_count": 2}
        return body

    with one_list(stream, 12, 3) as sandbox:
        fault = Fault("edit", stream, times=None, edit=end, when=lambda request: request.page == 2)
        sandbox.faults.insert(0, fault)
        output = sync(sandbox, stream)
        assert_said(output, stream)
        sandbox.faults.remove(fault)
        assert len(latest(stream, output, whole_sync(sandbox, stream, output))) == 12
