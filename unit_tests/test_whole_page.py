"""The rows of pages with few rows travel together, in order and without loss."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_invoices.components.pages.page import Row
from source_invoices.components.pages.whole_page import joined

FEW = 20


def pages_of(sizes: Sequence[int]) -> list[Sequence[Row]]:
    numbers = iter(range(sum(sizes)))
    return [[{"number": next(numbers)} for _ in range(size)] for size in sizes]


def numbers_of(groups: Sequence[Sequence[Row]]) -> list[Any]:
    return [row["number"] for rows in groups for row in rows]


@settings(deadline=None)
@given(st.lists(st.integers(0, 3 * FEW), max_size=40))
def test_rows_of_small_pages_travel_together_in_their_order(sizes: list[int]) -> None:
    groups = list(joined(pages_of(sizes)))
    assert numbers_of(groups) == list(range(sum(sizes)))
    assert all(groups)
    assert all(len(rows) >= FEW for rows in groups[:-1])


def test_a_page_with_many_rows_is_not_held_back() -> None:
    pages = iter(pages_of([FEW, 1]))
    assert len(next(iter(joined(pages)))) == FEW
    assert len(next(pages)) == 1


@settings(deadline=None)
@given(st.lists(st.integers(0, 3 * FEW), max_size=10))
def test_rows_that_come_before_a_failure_are_handed_over(sizes: list[int]) -> None:
    def pages() -> Iterator[Sequence[Row]]:
        yield from pages_of(sizes)
        raise ValueError("the next page cannot be read")

    groups: list[Sequence[Row]] = []
    with pytest.raises(ValueError, match="the next page"):
        for rows in joined(pages()):
            groups.append(rows)
    assert numbers_of(groups) == list(range(sum(sizes)))
