"""The forms in which a secret may come back, and the ways to read a text that may have one.

Text and secret are both decoded step by step until nothing is left to decode, and compared without letter case and
without the characters that an echo adds, drops or replaces. Every step is linear in the length of the text.
"""

import base64
import html
import re
import unicodedata
from array import array
from collections.abc import Iterator, MutableSequence, Sequence
from urllib.parse import quote_plus, unquote

SHORTEST = 8
"""A shorter secret is masked only where it stands alone: parts of other words would be masked else."""
_SHORTEST_FORM = 6
# An escape in an escape in an escape, and two more.
_MOST_STEPS = 5
_BASE64_QUANTUM = 3

# Escapes of addresses, of JSON and program text, and of HTML; and marks of HTML, which may cut a secret. No part
# repeats without a bound, apart from the bytes of one text, so that hostile text is read in linear time.
_ESCAPE = re.compile(
    r"%u[0-9a-fA-F]{4}|%[0-7][0-9a-fA-F]|(?:%[89a-fA-F][0-9a-fA-F])+"
    r"|\\{1,8}u[dD][89abAB][0-9a-fA-F]{2}\\{1,8}u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\\{1,8}u[0-9a-fA-F]{4}|\\{1,8}x[0-9a-fA-F]{2}|\\{1,8}[nrtbf]"
    r"|&(?:#[0-9]{1,20}|#[xX][0-9a-fA-F]{1,20}|[A-Za-z][A-Za-z0-9]{1,31});?"
    r"|<[A-Za-z/][^<>]{0,99}>"
)
# What an echo may add, drop or replace: blanks, and the plus sign that stands for one; backslashes; control characters
# and all that nobody sees; halves of characters, and the sign for a character that could not be read.
_NOISE = re.compile(
    r"[\s+\\\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffd\ud800-\udfff\U000e0000-\U000e0fff]+"
)
_LOWER = {ord(letter): ord(letter.lower()) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


class Reading:
    """A text as it reads after some steps of decoding, with the place in the text that each character came from."""

    def __init__(self, text: str, starts: Sequence[int], ends: Sequence[int]) -> None:
        self.text, self._starts, self._ends = text, starts, ends

    def span(self, first: int, end: int) -> tuple[int, int]:
        """Returns where in the original text some of the characters came from."""
        return self._starts[first], self._ends[end - 1]

    def decoded(self) -> "Reading":
        """Returns the text after one more step of decoding."""
        return self._replaced(_ESCAPE)

    def squeezed(self) -> "Reading":
        """Returns the text in the form in which it is compared."""
        reading = self._replaced(_NOISE)
        return Reading(reading.text.translate(_LOWER), reading._starts, reading._ends)

    def _replaced(self, pattern: re.Pattern[str]) -> "Reading":
        pieces: list[str] = []
        starts: MutableSequence[int] = array("q")
        ends: MutableSequence[int] = array("q")
        place = 0
        for match in pattern.finditer(self.text):
            meaning = _meaning(match) if pattern is _ESCAPE else ""
            first, end = match.span()
            pieces += self.text[place:first], meaning
            starts.extend(self._starts[place:first])
            ends.extend(self._ends[place:first])
            starts.extend([self._starts[first]] * len(meaning))
            ends.extend([self._ends[end - 1]] * len(meaning))
            place = end
        pieces.append(self.text[place:])
        starts.extend(self._starts[place:])
        ends.extend(self._ends[place:])
        return Reading("".join(pieces), starts, ends)


def reading_of(text: str, steps: int = 0) -> Reading:
    """Returns a text as it reads after some steps of decoding."""
    reading = Reading(text, range(len(text)), range(1, len(text) + 1))
    for _ in range(steps):
        reading = reading.decoded()
    return reading


def decodings(text: str) -> Iterator[str]:
    """Yields a text, and what it reads as after each step of decoding."""
    yield text
    for _ in range(_MOST_STEPS):
        decoded = _ESCAPE.sub(_meaning, text)
        if decoded == text:
            return
        text = decoded
        yield text


def squeeze(text: str) -> str:
    """Returns a text in the form in which it is compared."""
    return _NOISE.sub("", text).translate(_LOWER)


def plain_forms(secret: str) -> frozenset[str]:
    """Returns the squeezed forms of a secret's own characters; empty for one that is masked only where it is alone."""
    if len(secret) < SHORTEST or len(squeeze(secret)) < _SHORTEST_FORM:
        return frozenset()
    texts = {secret, *(unicodedata.normalize(form, secret) for form in ("NFC", "NFD", "NFKC"))}
    # UTF-8 that was read in another encoding.
    texts |= {secret.encode("utf-8", "replace").decode(encoding, "replace") for encoding in ("latin-1", "cp1252")}
    return _long_ones(squeeze(decoded) for text in texts for decoded in decodings(text))


def encoded_forms(secret: str) -> frozenset[str]:
    """Returns the squeezed forms of a secret in hex and in base64, also inside of a longer text in base64.

    OAuth escapes a secret before it is written in base64.
    """
    forms = set()
    for text in {secret, quote_plus(secret, errors="replace")}:
        octets = text.encode("utf-8", "replace")
        forms.add(octets.hex())
        for before in range(_BASE64_QUANTUM):
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                forms.add(_inner(encode(bytes(before) + octets).decode(), before, before + len(octets)))
    return _long_ones(map(squeeze, forms))


def whole_forms(secret: str) -> frozenset[str]:
    """Returns the forms of a short secret, which are masked where they stand alone."""
    octets = secret.encode("utf-8", "replace")
    encoded = {encode(octets).decode().rstrip("=") for encode in (base64.b64encode, base64.urlsafe_b64encode)}
    return frozenset(
        {secret, secret.replace(" ", "+"), " ".join(secret.split()), octets.hex(), octets.hex().upper()} | encoded
    )


def _inner(encoded: str, before: int, octets: int) -> str:
    """Returns the characters of base64 that hold bits of the secret only."""
    return encoded[-(-before * 8 // 6) : octets * 8 // 6]


def _long_ones(forms: Iterator[str]) -> frozenset[str]:
    return frozenset(form for form in forms if len(form) >= _SHORTEST_FORM)


def _meaning(match: re.Match[str]) -> str:
    """Returns what an escape stands for; "" for a mark of HTML and for what is not compared."""
    escape = match.group()
    if escape[0] == "<":
        return ""
    if escape[0] == "&":
        return html.unescape(escape)
    if escape[0] == "%" and escape[1] != "u":
        text = unquote(escape, errors="replace")
        return unquote(escape, "latin-1") if "\ufffd" in text else text
    code = escape.lstrip("\\%")
    if code[0] not in "ux":
        return " "
    if len(code) > len("uXXXX"):
        high, low = code[1:5], code[-4:]
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    return chr(int(code[1:], 16))
