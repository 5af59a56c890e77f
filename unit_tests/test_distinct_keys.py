"""Distinct keys are counted as a set counts them, whatever the length of the list and however often rows come."""

from hypothesis import given, settings
from hypothesis import strategies as st

from source_invoices.components.incremental.distinct_keys import DistinctKeys

PAGES = st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 5_000)).map(lambda part: range(part[0], sum(part))))


def met(pages: list[range]) -> tuple[DistinctKeys, set[int]]:
    keys = DistinctKeys()
    for page in pages:
        keys.add(page)
    return keys, set().union(*pages)


@settings(max_examples=50, deadline=None)
@given(PAGES, PAGES)
def test_distinct_keys_of_two_counts_are_counted_as_sets_count_them(pages: list[range], others: list[range]) -> None:
    (keys, expected), (more, rest) = met(pages), met(others)
    assert keys.count() == len(expected)
    assert keys.count_with(None) == len(expected)
    assert keys.count_with(more) == len(expected | rest)
    more.merge(keys)
    assert more.count() == len(expected | rest)
    more.add(range(-10, 10))
    assert more.count() == len(expected | rest | set(range(-10, 10)))
    assert keys.count() == len(expected)


@settings(max_examples=50, deadline=None)
@given(PAGES, st.integers(0, 20_000))
def test_discarded_keys_are_unknown_and_all_others_stay_counted(pages: list[range], first: int) -> None:
    keys, expected = met(pages)
    some = list(range(first, first + 200))
    assert keys.unknown(some) == [place for place, key in enumerate(some) if key not in expected]
    keys.discard(some)
    assert keys.unknown(some) == list(range(200))
    assert keys.count() == len(expected - set(some))


def test_a_number_and_its_digits_are_one_key() -> None:
    keys = DistinctKeys()
    keys.add([1, "1", 2])
    assert keys.count() == 2
    assert keys.unknown(["2", 3]) == [1]
