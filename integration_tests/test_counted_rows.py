"""A list is read whole when as many invoices were read as it holds: neither totals nor page 1 can tell."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Literal

import pytest

from integration_tests.support.connector import STREAMS, read
from integration_tests.support.lists import (
    NEXUDUS,
    NOW,
    SETTLED,
    assert_no_silent_loss,
    assert_said,
    assert_whole,
    one_list,
    put_rows,
    rows_of,
    settled,
)
from sandbox import Fault, Request, Sandbox

pytestmark = pytest.mark.usefixtures("no_limits_of_nexudus", "short_waits")

WORKERS = pytest.mark.parametrize("workers", [1, 20])
EVERY_STREAM = pytest.mark.parametrize("stream", STREAMS)
STATES_TOTALS = [stream for stream in STREAMS if stream != "payhubix_invoices"]


def keys_of(sandbox: Sandbox, stream: str) -> list[Any]:
    return list(sandbox.tables[stream].keys())


def is_page(stream: str, number: int) -> Callable[[Request], bool]:
    """Whether a request asks for this page, of Nexudus in a window without an end."""
    return lambda asked: (
        asked.route == stream and asked.page == number and asked.value("to_PayoutInvoice_UpdatedOn") is None
    )


def once_before(sandbox: Sandbox, stream: str, page: int, act: Callable[[], object]) -> None:
    """Does something once, just before this page is answered."""
    done: list[object] = []

    def before(request: Request) -> None:
        if is_page(stream, page)(request) and not done:
            done.append(act())

    sandbox.on_request = before


def in_one_window(stream: str) -> dict[str, Any]:
    """Nexudus has all rows in its newest window, which is read by the time of the last update."""
    return {"span": timedelta(hours=20)} if stream == NEXUDUS else {}


# Ties: what SQL does with an ORDER BY that leaves the order open, and LIMIT.


@WORKERS
@EVERY_STREAM
def test_rows_of_one_time_whose_order_never_settles_are_not_lost_in_silence(stream: str, workers: int) -> None:
    with one_list(stream, 260, 100) as sandbox:
        for key in keys_of(sandbox, stream):
            sandbox.tables[stream].change(key, issued=NOW - timedelta(hours=1))
        sandbox.lists[stream].unstable_ties = "by_request"
        output = read({**sandbox.config(), "num_workers": workers}, [stream])
        assert_no_silent_loss(output, stream, set(keys_of(sandbox, stream)))


@EVERY_STREAM
def test_rows_of_one_time_in_an_order_of_each_page_are_not_lost_in_silence(stream: str) -> None:
    with one_list(stream, 260, 100) as sandbox:
        for key in keys_of(sandbox, stream):
            sandbox.tables[stream].change(key, issued=NOW - timedelta(hours=1))
        sandbox.lists[stream].unstable_ties = "by_page"
        output = read(sandbox.config(), [stream])
        assert_no_silent_loss(output, stream, set(keys_of(sandbox, stream)))


@pytest.mark.parametrize("ties", ["by_request", "by_page"])
@EVERY_STREAM
def test_pairs_of_one_time_on_every_page_boundary_are_not_lost_in_silence(
    stream: str, ties: Literal["by_request", "by_page"]
) -> None:
    with one_list(stream, 60, 3, **in_one_window(stream)) as sandbox:
        tie_pairs(sandbox, stream, range(3, 60, 3))
        sandbox.lists[stream].unstable_ties = ties
        output = read(sandbox.config(), [stream])
        assert_no_silent_loss(output, stream, set(keys_of(sandbox, stream)))


@pytest.mark.parametrize("place", [10, 20, 30, 40, 50])
@EVERY_STREAM
def test_a_pair_of_one_time_on_one_page_boundary_arrives(stream: str, place: int) -> None:
    with one_list(stream, 60, 10, **in_one_window(stream)) as sandbox:
        tie_pairs(sandbox, stream, [place])
        sandbox.lists[stream].unstable_ties = "by_page"
        output = read(sandbox.config(), [stream])
        assert_whole(output, stream, set(keys_of(sandbox, stream)))


def tie_pairs(sandbox: Sandbox, stream: str, places: Iterable[int]) -> None:
    """Gives the rows at these places of the list the time of the row before them; all others are a minute apart."""
    for place, key in enumerate(keys_of(sandbox, stream)):
        sandbox.tables[stream].change(key, issued=NOW - timedelta(minutes=place + (place not in places)))


@EVERY_STREAM
def test_undated_rows_in_no_settled_order_are_not_lost_in_silence(stream: str) -> None:
    with one_list(stream, 40, 10) as sandbox:
        name = {"ipxo_ecommerce_invoices": "placed_at", "payhubix_invoices": "created_at", NEXUDUS: "UpdatedOn"}
        for key in keys_of(sandbox, stream)[:30]:
            sandbox.tables[stream].change(key, {name.get(stream, "date"): None})
        sandbox.lists[stream].unstable_ties = "by_request"
        output = read(sandbox.config(), [stream])
        assert_no_silent_loss(output, stream, set(keys_of(sandbox, stream)))


# Page sizes.


@WORKERS
@pytest.mark.parametrize(("first", "then"), [(50, 100), (100, 50)])
@EVERY_STREAM
def test_a_page_size_that_changes_while_the_list_is_read_loses_no_row(
    stream: str, first: int, then: int, workers: int
) -> None:
    with one_list(stream, 500, first, **in_one_window(stream)) as sandbox:

        def change() -> None:
            sandbox.lists[stream].max_page_size = then

        once_before(sandbox, stream, 3, change)
        output = read({**sandbox.config(), "num_workers": workers}, [stream])
        assert_whole(output, stream, set(keys_of(sandbox, stream)))


def test_a_page_size_that_changes_within_a_closed_window_of_nexudus_loses_no_row() -> None:
    with one_list(NEXUDUS, 500, 20) as sandbox:

        def before(request: Request) -> None:
            if request.page == 3:
                sandbox.lists[NEXUDUS].max_page_size = 100

        sandbox.on_request = before
        assert_whole(read(sandbox.config(), [NEXUDUS]), NEXUDUS, set(keys_of(sandbox, NEXUDUS)))


# Rows that change their place while totals stand still.


@WORKERS
@pytest.mark.parametrize("to", ["the end", "the front"])
@pytest.mark.parametrize("stream", SETTLED)
def test_an_invoice_re_dated_while_the_list_is_read_hides_no_other(stream: str, to: str, workers: int) -> None:
    with one_list(stream, 100, 10) as sandbox:
        everything = keys_of(sandbox, stream)
        # A row that was read goes to the end; one that was not yet comes to the front.
        key = everything[15] if to == "the end" else everything[85]
        issued = NOW - timedelta(days=3000) if to == "the end" else NOW + timedelta(seconds=1)
        sandbox.tables[stream].change(key, **settled(stream))
        once_before(sandbox, stream, 4, lambda: sandbox.tables[stream].change(key, issued=issued))
        output = read({**sandbox.config(), "num_workers": workers}, [stream])
        assert_whole(output, stream, set(everything))


@WORKERS
@pytest.mark.parametrize("rows", [15, 11])
@EVERY_STREAM
def test_a_removal_between_the_two_pages_of_a_list_loses_no_row(stream: str, rows: int, workers: int) -> None:
    with one_list(stream, rows, 10, **in_one_window(stream)) as sandbox:
        removed = keys_of(sandbox, stream)[3]
        once_before(sandbox, stream, 2, lambda: sandbox.tables[stream].remove(removed))
        output = read({**sandbox.config(), "num_workers": workers}, [stream])
        assert_whole(output, stream, set(keys_of(sandbox, stream)))


# Servers that do not agree.


@WORKERS
@pytest.mark.parametrize("rows_behind", [1, 3])
@EVERY_STREAM
def test_one_page_from_a_server_that_lags_behind_loses_no_row(stream: str, rows_behind: int, workers: int) -> None:
    with one_list(stream, 95, 10, **in_one_window(stream)) as sandbox:
        lagging = Fault("lagging", stream, rows_behind=rows_behind, when=is_page(stream, 4))
        sandbox.faults.append(lagging)
        output = read({**sandbox.config(), "num_workers": workers}, [stream])
        assert_whole(output, stream, set(keys_of(sandbox, stream)))


@EVERY_STREAM
def test_a_first_page_from_a_server_that_lags_behind_loses_no_row(stream: str) -> None:
    with one_list(stream, 95, 10, **in_one_window(stream)) as sandbox:
        newest = keys_of(sandbox, stream)[0]
        sandbox.faults.append(Fault("lagging", stream, rows_behind=1, when=is_page(stream, 1)))
        output = read(sandbox.config(), [stream])
        # The row that the server did not have yet may come with the next sync.
        assert_whole(output, stream, set(keys_of(sandbox, stream)) - {newest})
        following = read(sandbox.config(), [stream], state=output.state())
        assert newest in {record[STREAMS[stream]] for record in output.records(stream) + following.records(stream)}


@pytest.mark.parametrize(("stream", "page_size"), [*((stream, 100) for stream in STREAMS), ("payhubix_invoices", 10)])
def test_two_servers_one_row_apart_fail_no_list(stream: str, page_size: int) -> None:
    with one_list(stream, 300 if stream == "ipxo_invoices" else 500, page_size, **in_one_window(stream)) as sandbox:
        count = iter(range(1_000_000))
        every_second = Fault(
            "lagging", stream, times=None, when=lambda asked: asked.route == stream and next(count) % 2 == 1
        )
        sandbox.faults.append(every_second)
        output = read({**sandbox.config(), "num_workers": 1}, [stream])
        newest = keys_of(sandbox, stream)[0]
        assert_whole(output, stream, set(keys_of(sandbox, stream)) - {newest})


def a_part(stream: str, count: int) -> Callable[[Any], Any]:
    return lambda body: put_rows(stream, body, rows_of(stream, body)[:count])


def doubled(stream: str) -> Callable[[Any], Any]:
    """One row stands on the page twice, in place of the one after it."""

    def edit(body: Any) -> Any:
        rows = rows_of(stream, body)
        return put_rows(stream, body, [*rows[:4], rows[3], *rows[5:]])

    return edit


@WORKERS
@pytest.mark.parametrize("times", [1, None])
@EVERY_STREAM
def test_a_middle_page_with_a_part_of_its_rows_is_no_page(stream: str, times: int | None, workers: int) -> None:
    with one_list(stream, 500, 100, **in_one_window(stream)) as sandbox:
        sandbox.faults.append(Fault("edit", stream, times=times, edit=a_part(stream, 60), when=is_page(stream, 3)))
        output = read({**sandbox.config(), "num_workers": workers}, [stream])
        if times:
            assert_whole(output, stream, set(keys_of(sandbox, stream)))
        else:
            assert_said(output, stream)


@pytest.mark.parametrize("times", [1, None])
@pytest.mark.parametrize("page", [1, 3, 5])
@EVERY_STREAM
def test_a_page_with_one_row_twice_in_place_of_another_is_not_believed(
    stream: str, page: int, times: int | None
) -> None:
    with one_list(stream, 50, 10, **in_one_window(stream)) as sandbox:
        sandbox.faults.append(Fault("edit", stream, times=times, edit=doubled(stream), when=is_page(stream, page)))
        output = read(sandbox.config(), [stream])
        if times:
            assert_whole(output, stream, set(keys_of(sandbox, stream)))
        else:
            assert_no_silent_loss(output, stream, set(keys_of(sandbox, stream)))


def test_a_row_twice_in_a_closed_window_of_nexudus_is_not_believed() -> None:
    with one_list(NEXUDUS, 60, 10) as sandbox:

        def when(asked: Request) -> bool:
            return asked.page == 2 and asked.value("to_PayoutInvoice_UpdatedOn") is not None

        sandbox.faults.append(Fault("edit", NEXUDUS, edit=doubled(NEXUDUS), when=when))
        output = read(sandbox.config(), [NEXUDUS])
        assert sandbox.faults[-1].seen
        assert_whole(output, NEXUDUS, set(keys_of(sandbox, NEXUDUS)))


# Totals that are not the truth.


@WORKERS
@EVERY_STREAM
def test_a_removal_that_shows_late_because_totals_are_cached_loses_no_row(stream: str, workers: int) -> None:
    with one_list(stream, 120, 10, **in_one_window(stream)) as sandbox:
        removed = keys_of(sandbox, stream)[12]

        def before(request: Request) -> None:
            if is_page(stream, 4)(request) and removed in keys_of(sandbox, stream):
                sandbox.lists[stream].stated_total = 120
                sandbox.tables[stream].remove(removed)
            if is_page(stream, 8)(request):
                sandbox.lists[stream].stated_total = None

        sandbox.on_request = before
        output = read({**sandbox.config(), "num_workers": workers}, [stream])
        assert_whole(output, stream, set(keys_of(sandbox, stream)))


@EVERY_STREAM
def test_a_removal_that_never_shows_in_the_totals_loses_no_row_in_silence(stream: str) -> None:
    with one_list(stream, 120, 10, **in_one_window(stream)) as sandbox:
        removed = keys_of(sandbox, stream)[12]
        sandbox.lists[stream].stated_total = 120
        once_before(sandbox, stream, 4, lambda: sandbox.tables[stream].remove(removed))
        output = read(sandbox.config(), [stream])
        assert_no_silent_loss(output, stream, set(keys_of(sandbox, stream)))


@pytest.mark.parametrize("stated", [0, 1, 2, 4])
@pytest.mark.parametrize("stream", STATES_TOTALS)
def test_a_page_with_more_rows_than_its_total_allows_is_not_believed(stream: str, stated: int) -> None:
    with one_list(stream, 9, 3, **in_one_window(stream)) as sandbox:
        sandbox.lists[stream].stated_total = stated
        output = read(sandbox.config(), [stream])
        assert_no_silent_loss(output, stream, set(keys_of(sandbox, stream)))


@pytest.mark.parametrize("stream", STATES_TOTALS)
def test_a_later_page_with_more_rows_than_its_total_allows_is_not_believed(stream: str) -> None:
    with one_list(stream, 12, 3, **in_one_window(stream)) as sandbox:

        def edit(body: Any) -> Any:
            if stream == NEXUDUS:
                return {**body, "TotalItems": 4, "HasNextPage": False, "TotalPages": 2}
            return {**body, "meta": {**body["meta"], "total": 4, "last_page": 2}}

        sandbox.faults.append(Fault("edit", stream, times=None, edit=edit, when=is_page(stream, 2)))
        output = read(sandbox.config(), [stream])
        assert_no_silent_loss(output, stream, set(keys_of(sandbox, stream)))


# The form of the list.


def test_a_bare_list_that_ignores_the_page_is_not_taken_for_the_whole() -> None:
    with one_list("ipxo_invoices", 250, 100) as sandbox:
        sandbox.ipxo.list_as_bare_array = "first_page"
        output = read(sandbox.config(), ["ipxo_invoices"])
        assert_no_silent_loss(output, "ipxo_invoices", set(keys_of(sandbox, "ipxo_invoices")))


def test_a_bare_list_that_ignores_the_page_arrives_where_larger_pages_are_allowed() -> None:
    with one_list("ipxo_invoices", 250, 1000) as sandbox:
        sandbox.ipxo.list_as_bare_array = "first_page"
        output = read(sandbox.config(), ["ipxo_invoices"])
        assert_whole(output, "ipxo_invoices", set(keys_of(sandbox, "ipxo_invoices")))


@pytest.mark.parametrize("rows", [99, 100, 101, 200, 250])
def test_a_bare_list_in_pages_arrives_whole(rows: int) -> None:
    with one_list("ipxo_invoices", rows, 100) as sandbox:
        sandbox.ipxo.list_as_bare_array = "pages"
        output = read(sandbox.config(), ["ipxo_invoices"])
        assert_whole(output, "ipxo_invoices", set(keys_of(sandbox, "ipxo_invoices")))


@pytest.mark.parametrize("times", [1, None])
@pytest.mark.parametrize("body", [b"[]", b'[{"uuid": "x"}]'])
@pytest.mark.parametrize("stream", [stream for stream in STREAMS if stream != NEXUDUS])
def test_a_bare_list_as_a_later_page_of_a_numbered_list_is_no_end(stream: str, body: bytes, times: int | None) -> None:
    with one_list(stream, 9, 3) as sandbox:
        sandbox.faults.append(Fault("no_envelope", stream, times=times, body=body, when=is_page(stream, 2)))
        output = read(sandbox.config(), [stream])
        assert_no_silent_loss(output, stream, set(keys_of(sandbox, stream)))


# Bounds that follow the progress.


@pytest.mark.parametrize("stream", ["ipxo_payout_invoices", "payhubix_invoices", NEXUDUS])
def test_a_list_that_adds_rows_for_every_page_read_ends(stream: str) -> None:
    with one_list(stream, 20, 1, **in_one_window(stream)) as sandbox:
        there_throughout = set(keys_of(sandbox, stream))

        def before(request: Request) -> None:
            if request.route == stream and sandbox.count(stream) < 900:
                sandbox.tables[stream].add()

        sandbox.on_request = before
        output = read({**sandbox.config(), "num_workers": 1}, [stream])
        assert sandbox.count(stream) < 600
        assert_no_silent_loss(output, stream, there_throughout)


@pytest.mark.parametrize("stream", ["ipxo_payout_invoices"])
def test_a_removal_now_and_then_fails_no_long_list(stream: str) -> None:
    with one_list(stream, 2600, 1, most_requests=12_000) as sandbox:
        there_throughout = set(keys_of(sandbox, stream))
        count = 0

        def before(request: Request) -> None:
            nonlocal count
            count += request.route == stream
            if request.route == stream and count % 25 == 0 and len(sandbox.tables[stream]) > 2400:
                removed = keys_of(sandbox, stream)[0]
                sandbox.tables[stream].remove(removed)
                there_throughout.discard(removed)

        sandbox.on_request = before
        output = read({**sandbox.config(), "num_workers": 1}, [stream])
        assert_whole(output, stream, there_throughout)
