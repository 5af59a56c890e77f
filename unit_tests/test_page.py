"""Where a page says that there is more, for each provider's envelope; and what is not a page."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_invoices.components.pages.page import Envelope, InconsistentPage

LAST = Envelope("uuid", ["data"], number=["meta", "current_page"], last=["meta", "last_page"])
TOTAL = Envelope("uuid", ["data"], number=["meta", "current_page"], total=["meta", "total"], size=["meta", "per_page"])
HAS_NEXT = Envelope("Id", ["Records"], number=["CurrentPage"], has_next=["HasNextPage"])
NEXT = Envelope("link", ["message", "invoices"], number=["message", "page"], next=["message", "next_page"])

ROWS = [{"uuid": "a", "Id": 1, "link": "L"}]


def page(envelope: Envelope, number: int, pages: int, **changes: Any) -> dict[str, Any]:
    """A body with one row a page, as the provider of this envelope would write it."""
    if envelope in (LAST, TOTAL):
        meta = {"current_page": number, "last_page": pages, "per_page": 1, "total": pages, **changes}
        return {"data": ROWS, "meta": meta}
    if envelope is HAS_NEXT:
        return {"Records": ROWS, "CurrentPage": number, "HasNextPage": number < pages, **changes}
    following = number + 1 if number < pages else 0
    return {"message": {"invoices": ROWS, "page": number, "next_page": following, **changes}}


@pytest.mark.parametrize("envelope", [LAST, TOTAL, HAS_NEXT, NEXT])
@pytest.mark.parametrize(("number", "pages", "more"), [(1, 1, False), (1, 2, True), (2, 2, False), (7, 9, True)])
def test_a_page_says_whether_there_is_more(envelope: Envelope, number: int, pages: int, more: bool) -> None:
    read = envelope.read(page(envelope, number, pages))
    assert (read.rows, read.number, read.more) == (ROWS, number, more)


@given(st.integers(0, 1000), st.integers(1, 120))
def test_the_clamped_size_counts_not_the_one_asked_for(total: int, size: int) -> None:
    pages = max(1, math.ceil(total / size))
    for number in (1, pages):
        meta = {"current_page": number, "per_page": size, "total": total}
        rows = ROWS * min(size, total - (number - 1) * size)
        assert TOTAL.read({"data": rows, "meta": meta}).more == (number < pages)


@pytest.mark.parametrize("rows", [None, []])
def test_null_and_an_empty_list_are_an_empty_page(rows: Any) -> None:
    read = NEXT.read({"message": {"invoices": rows, "page": 1, "next_page": 0}})
    assert (read.rows, read.more) == ([], False)


def test_no_next_page_is_written_as_zero_or_null() -> None:
    for following in (0, None):
        assert not NEXT.read(page(NEXT, 2, 2, next_page=following)).more


@pytest.mark.parametrize(
    ("envelope", "body"),
    [
        (LAST, None), (LAST, 7), (LAST, "text"), (LAST, []), (LAST, {}), (LAST, {"data": {}}), (LAST, {"data": "x"}),
        (LAST, {"data": ROWS}), (LAST, {"data": ROWS, "meta": []}), (LAST, page(LAST, 1, 1, last_page=None)),
        (LAST, page(LAST, 1, 1, last_page="1")), (LAST, page(LAST, 1, 1, last_page=True)),
        (LAST, page(LAST, 1, 1, current_page=1.0)), (LAST, page(LAST, 1, 1, current_page=-1)),
        (TOTAL, page(TOTAL, 1, 1, per_page=0)), (TOTAL, page(TOTAL, 1, 1, total=None)),
        (HAS_NEXT, page(HAS_NEXT, 1, 1, HasNextPage="false")), (HAS_NEXT, page(HAS_NEXT, 1, 1, HasNextPage=0)),
        (HAS_NEXT, {"Records": ROWS}), (NEXT, {"message": "all is well"}), (NEXT, page(NEXT, 1, 1, next_page="2")),
        (NEXT, {"message": {"page": 1, "next_page": 0}}),
        (LAST, {"data": [{}], "meta": {"current_page": 1, "last_page": 1}}),
        (LAST, {"data": [{"uuid": None}], "meta": {"current_page": 1, "last_page": 1}}),
        (LAST, {"data": [None], "meta": {"current_page": 1, "last_page": 1}}),
        (LAST, {"data": ["a"], "meta": {"current_page": 1, "last_page": 1}}),
        (LAST, {"data": [], "meta": {"current_page": 1, "last_page": 2}}),
    ],
)  # fmt: skip
def test_what_is_not_a_page_or_contradicts_itself_is_refused(envelope: Envelope, body: Any) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        envelope.read(body)


COUNTED = Envelope(
    "uuid",
    ["data"],
    ["meta", "current_page"],
    last=["meta", "last_page"],
    total=["meta", "total"],
    size=["meta", "per_page"],
)
PAGED = Envelope(
    "link", ["message", "invoices"], ["message", "page"], next=["message", "next_page"], pages=["message", "page_count"]
)


@pytest.mark.parametrize(
    ("rows", "meta"),
    [
        (1, {"current_page": 1, "last_page": 1, "per_page": 1, "total": 5}),  # the last page, yet rows are to come
        (0, {"current_page": 1, "last_page": 1, "per_page": 100, "total": 5}),  # rows are due
        (50, {"current_page": 1, "last_page": 2, "per_page": 100, "total": 200}),  # smaller than it says
        (2, {"current_page": 2, "last_page": 2, "per_page": 100, "total": 103}),
    ],
)
def test_a_page_whose_counts_contradict_its_rows_is_no_page(rows: int, meta: dict[str, int]) -> None:
    with pytest.raises(InconsistentPage):
        COUNTED.read({"data": ROWS * rows, "meta": meta})


def test_a_list_of_null_is_empty_only_where_the_counts_agree() -> None:
    meta = {"current_page": 1, "last_page": 1, "per_page": 100, "total": 0}
    assert COUNTED.read({"data": None, "meta": meta}).rows == []
    with pytest.raises(InconsistentPage):
        COUNTED.read({"data": None, "meta": {**meta, "total": 1}})


def test_a_page_before_the_last_that_says_it_is_the_last_is_no_page() -> None:
    assert not PAGED.read(page(PAGED, 3, 3, page_count=3)).more
    with pytest.raises(InconsistentPage):
        PAGED.read(page(PAGED, 3, 3, page_count=4))


def test_a_list_of_bare_rows_is_taken_only_where_it_is_documented() -> None:
    bare = Envelope("uuid", ["data"], number=["meta", "current_page"], last=["meta", "last_page"], bare=True)
    assert (bare.read(ROWS).number, bare.read(ROWS).more, bare.read([]).more) == (None, True, False)
    with pytest.raises(ValueError, match="not a JSON object"):
        LAST.read(ROWS)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["data", "meta", "current_page", "last_page", "uuid", "message", "page"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_no_json_at_all_ends_in_anything_but_a_page_or_a_refusal(body: Any) -> None:
    for envelope in (LAST, TOTAL, HAS_NEXT, NEXT, Envelope("uuid", [])):
        try:
            read = envelope.read(body)
        except ValueError:
            continue
        assert len(read.keys) == len(read.rows)
