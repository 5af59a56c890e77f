"""The JSON of a body, with numbers as exact as they came.

This module is here because no parser keeps them all: orjson takes a third of the time of `json`, but makes a decimal of
a whole number that has more than 64 bits; and both round a decimal of more than 15 digits to what a double holds.
"""

import json
import math
from collections.abc import Iterable
from decimal import Decimal
from itertools import repeat
from typing import Any, NoReturn

import orjson
import requests

# Every digit and decimal point as 0, so that one search finds any long number. Fewer than 16 digits always fit.
_ANY_DIGIT = bytes.maketrans(b"123456789.", b"0" * 10)
_TOO_LONG = b"0" * 17


class ExactDecimal(float):
    """A decimal that a double does not hold. It is a float, and leaves as the text that came."""

    text: str

    def __new__(cls, text: str) -> "ExactDecimal":
        number = super().__new__(cls, text)
        number.text = text
        return number

    @property
    def digits(self) -> int:
        """The number of its significant digits."""
        return len(Decimal(self.text).normalize().as_tuple().digits)


def decode(response: requests.Response) -> Any:
    """Returns the JSON of a body. Raises ValueError for one that is not JSON, or has a number that no double holds."""
    body = response.content
    if _TOO_LONG not in body.translate(_ANY_DIGIT):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:  # `json` also reads half of a character
            pass
    try:
        return json.loads(body, parse_float=_decimal, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _decimal(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        _refuse(text)
    return number if Decimal(repr(number)) == Decimal(text) else ExactDecimal(text)


def _exactly(value: Any) -> orjson.Fragment:
    if isinstance(value, ExactDecimal):
        return orjson.Fragment(value.text.encode())
    raise TypeError


def _refuse(number: str) -> NoReturn:
    raise ValueError(f"{number} is not a number that can be read")


def encode_all(values: Iterable[Any]) -> list[bytes]:
    """Returns the JSON of each value. Raises TypeError for an integer of more than 64 bits, or half of a character."""
    return list(map(orjson.dumps, values, repeat(_exactly)))
