"""Numbers that no double holds are found, wherever they stand in a body."""

import pytest

from source_invoices.components.http.json_body import ExactDecimal, decode
from unit_tests.test_responses import answer


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("digits", ["0.1234567890123456", "12345678901234567.5", "9007199254740993.25"])
def test_a_decimal_that_no_double_holds_is_found_at_every_place(before: int, digits: str) -> None:
    body = b"[%s%s]" % (b'"x", ' * before, digits.encode())
    number = decode(answer(body))[-1]
    assert (number.text if isinstance(number, ExactDecimal) else repr(number)) == digits


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
