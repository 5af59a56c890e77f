"""Tables: generated rows, and changes laid over them."""

from __future__ import annotations

import time
import tracemalloc
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import STREAMS, Sandbox
from sandbox.values import instant, nanoseconds
from unit_tests.sandbox.client import NEWEST

TIMES = {
    "ipxo_payout_invoices": "date",
    "ipxo_invoices": "date",
    "ipxo_ecommerce_invoices": "placed_at",
    "nexudus_payout_invoices": "UpdatedOn",
    "payhubix_invoices": "created_at",
}
OPEN = {"unpaid", "sent", "Created", "Pending", "Partially"}
DOCUMENTED = {
    "ipxo_payout_invoices": {"paid", "unpaid"},
    "ipxo_invoices": {"paid", "unpaid", "cancelled", "refunded", "draft", "in_review"},
    "ipxo_ecommerce_invoices": {"sent", "paid", "unpaid", "refunded", "draft"},
    "payhubix_invoices": {"Created", "Pending", "Paid", "Canceled", "Partially", "PartiallyExpired", "Expired"},
}


def time_of(stream: str, row: dict[str, Any]) -> int:
    value = row[TIMES[stream]]
    if value is None:
        return 0
    read = value * 10**9 if isinstance(value, int) else instant(value)
    assert read is not None
    return read


@pytest.mark.parametrize("stream", STREAMS)
def test_rows_are_reproducible_and_strictly_ordered(stream: str) -> None:
    first, second = (Sandbox(rows=1000, newest=NEWEST).tables[stream] for _ in range(2))
    rows = list(first.rows())
    assert rows == list(second.rows())
    assert rows != list(Sandbox(rows=1000, seed=8, newest=NEWEST).tables[stream].rows())
    times = [time_of(stream, row) for row in rows if row[TIMES[stream]] is not None]
    assert all(later > earlier for later, earlier in pairwise(times))
    assert times[0] == nanoseconds(NEWEST)
    keys = first.keys()
    assert len(set(keys)) == len(first) == 1000
    assert [first.get(key) for key in keys[::97]] == rows[::97]
    assert first.get("INV-unknown") is None


@pytest.mark.parametrize("stream", DOCUMENTED)
def test_all_documented_statuses_an_unknown_one_and_old_open_ones_occur(stream: str) -> None:
    rows = list(Sandbox(rows=250, newest=NEWEST).tables[stream].rows())
    statuses = {row["status"] for row in rows}
    assert statuses > DOCUMENTED[stream]
    assert OPEN & {row["status"] for row in rows[125:]}


def test_times_of_text_streams_have_every_number_of_digits() -> None:
    sandbox = Sandbox(rows=3000, newest=NEWEST)
    texts = [row["placed_at"] for row in sandbox.tables["ipxo_ecommerce_invoices"].rows() if row["placed_at"]]
    assert {len(text[19:-6]) for text in texts} == {0, *range(2, 11)}
    texts = [row["created_at"] for row in sandbox.tables["payhubix_invoices"].rows()]
    assert {len(text[19:].split(" ")[0]) for text in texts} == {0, *range(2, 11)}
    assert all(text.endswith(" +0000 UTC") and not text.split(" ")[1].endswith("0 ") for text in texts)
    texts = [row["UpdatedOn"] for row in sandbox.tables["nexudus_payout_invoices"].rows()]
    assert {len(text[19:-1]) for text in texts} == {0, *range(2, 9)}


steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "add dated", "change", "move", "remove"]),
        st.integers(0, 1000),
        st.integers(-60 * 24 * 800, 60 * 24 * 10),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(stream=st.sampled_from(STREAMS), count=st.integers(0, 12), steps=steps)
def test_a_table_behaves_like_a_plain_list(stream: str, count: int, steps: list[tuple[str, int, int]]) -> None:
    table = Sandbox(rows=count, newest=NEWEST).tables[stream]
    model = {row[table.source.key_field]: row for row in table.rows()}
    places = {key: table.source.index(key) for key in model}
    for action, pick, minutes in steps:
        issued = NEWEST + timedelta(minutes=minutes)
        if action.startswith("add"):
            key = table.add({"note": pick}, issued=issued if action == "add dated" else None)
            if action == "add":
                assert table.keys()[0] == key
        elif not model:
            continue
        else:
            key = list(model)[pick % len(model)]
            if action == "remove":
                table.remove(key)
                del model[key]
                assert table.get(key) is None
                continue
            table.change(key, note=pick, **({"issued": issued} if action == "move" else {}))
        row = table.get(key)
        assert row is not None and row["note"] == pick
        model[key] = row
        places[key] = table.source.index(key)
    expected = sorted(model, key=lambda key: (time_of(stream, model[key]), places[key]), reverse=True)
    assert (len(table), table.keys()) == (len(expected), expected)
    assert list(table.rows()) == [model[key] for key in expected]
    assert table.indexes(2, 7, descending=True) == [places[key] for key in expected[2:7]]
    for key in expected:
        moment = time_of(stream, model[key])
        assert table.position(moment) == sum(time_of(stream, row) < moment for row in model.values())


def test_a_change_of_a_nexudus_row_is_an_update() -> None:
    table = Sandbox(rows=5, newest=NEWEST).tables["nexudus_payout_invoices"]
    oldest = table.keys()[-1]
    before = table.get(oldest)
    table.change(oldest, Amount=1)
    assert table.keys()[0] == oldest
    after = table.get(oldest)
    assert before and after
    assert (after["CreatedOn"], after["Amount"]) == (before["CreatedOn"], 1)
    table.change(oldest, UpdatedOn="2024-01-01T00:00:00.1234567Z")
    moved = table.get(oldest)
    assert moved and moved["UpdatedOn"] == "2024-01-01T00:00:00.1234567Z"
    assert table.keys()[0] != oldest


def test_unknown_keys_and_streams_are_refused() -> None:
    with pytest.raises(KeyError):
        Sandbox(rows=1).tables["payhubix_invoices"].remove("INV-0")
    with pytest.raises(ValueError, match="no stream"):
        Sandbox(rows={"payhubix": 1})


@pytest.mark.parametrize("stream", STREAMS)
def test_a_million_rows_are_made_only_when_they_are_read(stream: str) -> None:
    tracemalloc.start()
    try:
        table = Sandbox(rows=1_000_000).tables[stream]
        table.add()
        table.remove(table.source.key(500_000))
        begun = time.perf_counter()
        page = table.rows_at(table.indexes(999_900, 1_000_000, descending=True))
        assert len(page) == 100
        assert time.perf_counter() - begun < 2, "a scan of the table takes tens of seconds"
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("large", "most"), [(False, 20_000), (True, 10**10)])
@pytest.mark.parametrize(
    ("stream", "field"),
    [
        ("ipxo_payout_invoices", "total"),
        ("nexudus_payout_invoices", "Amount"),
        ("payhubix_invoices", "currency_amount"),
    ],
)
def test_amounts_are_believable_unless_large_ones_are_asked_for(
    stream: str, field: str, large: bool, most: int
) -> None:
    sandbox = Sandbox({stream: 2000}, large_amounts=large) if large else Sandbox({stream: 2000})
    amounts = [float(row[field]) for row in sandbox.tables[stream].rows()]
    assert max(amounts) < most
    assert (max(amounts) > 2**31) == large
