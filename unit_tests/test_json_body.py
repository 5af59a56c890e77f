"""Numbers that no double holds are found, wherever they stand in a body."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_invoices.components.http import json_body
from source_invoices.components.http.json_body import ExactDecimal, decode, has_long_number
from unit_tests.test_responses import answer

PIECES = st.one_of(
    st.text("0123456789.", min_size=1, max_size=19), st.sampled_from(["x", "-", ",", "e", "0123456789012345", '"'])
)


def is_long(body: bytes) -> bool:
    return re.search(rb"[0-9.]{17}", body) is not None


@given(st.lists(PIECES, max_size=6).map(lambda pieces: "".join(pieces).encode()))
def test_a_long_number_is_found_as_a_look_at_each_byte_finds_it(body: bytes) -> None:
    assert has_long_number(body) == is_long(body)


@pytest.mark.parametrize("before", range(8))
@pytest.mark.parametrize("length", [15, 16, 17, 18, 40])
def test_a_long_number_is_found_at_every_place(before: int, length: int) -> None:
    assert has_long_number(b"x" * before + b"7" * length + b"x" * 5) == (length >= 17)
    assert has_long_number(b"x" * before + b"7" * length) == (length >= 17)


@pytest.mark.parametrize("end", [b"", b"12345678.87654321"])
def test_a_body_that_looks_long_in_many_places_is_looked_at_as_a_whole(
    monkeypatch: pytest.MonkeyPatch, end: bytes
) -> None:
    monkeypatch.setattr(json_body, "_MOST_PLACES", 3)
    assert has_long_number(b"0123456789012345," * 50 + end) == bool(end)


@pytest.mark.parametrize("text", ["12345678901234567.5", "0.10000000000000000555", "3.0000000000000001"])
def test_a_decimal_that_no_double_holds_keeps_its_text(text: str) -> None:
    (number,) = decode(answer(b"[%s]" % text.encode()))
    assert isinstance(number, ExactDecimal)
    assert number.text == text


@pytest.mark.parametrize(
    "text", ["123456789012345", "18446744073709551616", "-340282366920938463463374607431768211456"]
)
def test_a_whole_number_stays_whole_and_exact(text: str) -> None:
    assert decode(answer(b"[%s]" % text.encode())) == [int(text)]
