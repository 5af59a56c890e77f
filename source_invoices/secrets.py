"""Secrets: one filter for every text that leaves the connector. Records do not pass through it."""

import json
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from weakref import WeakSet

from source_invoices.secret_forms import (
    Reading,
    decodings,
    encoded_forms,
    plain_forms,
    reading_of,
    squeeze,
    whole_forms,
)

MASK = "****"
# How the names of tokens end in the answer to a sign-in: access_token, refresh_token, id_token.
_TOKEN = "token"  # noqa: S105
_DEEPEST = 20
# Masking takes a second for a text of a megabyte. A secret may be cut at this length, so the end is left out.
_LONGEST_READ = 100_000
_LONGEST_SECRET = 10_000
# Tokens are renewed for as long as a program runs.
_MOST_TOKENS = 100
# The four characters with which base64 writes three bytes: those beside a secret hold some of its bits.
_CHARACTERS_OF_THREE_BYTES = 4
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=%")

_Span = tuple[int, int]


class Secrets:
    """The secrets of a source, or of one of its syncs. Texts are masked as long as this object is in use.

    Several threads may add secrets.
    """

    def __init__(self, secrets: Iterable[object] = ()) -> None:
        self._kept = [_Secret(str(secret)) for secret in secrets]
        self._tokens: deque[_Secret] = deque(maxlen=_MOST_TOKENS)
        with _lock:
            IN_USE.add(self)

    def add(self, secret: object) -> None:
        """Adds a secret that stays the same."""
        self._kept = [*self._kept, _Secret(str(secret))]

    def add_token(self, token: str) -> None:
        """Adds a token. The oldest of many is forgotten."""
        if token not in (known.text for known in tuple(self._tokens)):
            self._tokens.append(_Secret(token))

    def add_tokens(self, body: Any, depth: int = 0) -> None:
        """Adds each token in the JSON of an answer to a sign-in, whatever else is wrong with it."""
        items = body.items() if isinstance(body, Mapping) else enumerate(body) if isinstance(body, list) else ()
        for name, value in items:
            if isinstance(value, str) and str(name).lower().endswith(_TOKEN):
                self.add_token(value)
            elif depth < _DEEPEST:
                self.add_tokens(value, depth + 1)

    def all(self) -> "set[_Secret]":
        return {*self._kept, *tuple(self._tokens)}


IN_USE: WeakSet[Secrets] = WeakSet()
_lock = threading.Lock()


class _Secret:
    """One secret, with the forms in which it is looked for. Equal secrets are equal."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.plain, self.encoded, self.whole = _forms(text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Secret) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


@lru_cache(maxsize=_MOST_TOKENS)
def _forms(text: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    if not text.strip():
        return frozenset(), frozenset(), frozenset()
    plain = plain_forms(text)
    return (plain, encoded_forms(text), frozenset()) if plain else (plain, plain, whole_forms(text))


def mask(text: str, *, short: bool = True) -> str:
    """Returns a text with each secret in it replaced, in whichever form it is there.

    short: also those that are masked only where they stand alone.
    """
    with _lock:
        secrets = {secret for holder in IN_USE for secret in holder.all()}
    spans: list[_Span] = []
    for steps, reading in enumerate(decodings(text) if secrets else ()):
        squeezed = squeeze(reading)
        plain = {form for secret in secrets for form in secret.plain if form in squeezed}
        encoded = {form for secret in secrets for form in secret.encoded if form in squeezed}
        whole = {form for secret in secrets for form in secret.whole if short and form in reading}
        if plain or encoded or whole:
            located = reading_of(text, steps)
            spans += _places(located, whole, alone=True)
            located = located.squeezed()
            spans += _places(located, plain)
            spans += [_with_border(text, span) for span in _places(located, encoded)]
    return _without(text, spans) if spans else text


def excerpt(text: str, longest: int) -> str:
    """Returns a text in one line, without secrets and then cut: no part of a secret stays at the cut."""
    masked = mask(text[:_LONGEST_READ])
    if len(text) > _LONGEST_READ:
        masked = masked[:-_LONGEST_SECRET]
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in masked).split())
    return f"{line[:longest]}..." if len(line) > longest else line


def quoted(value: object, longest: int = 100) -> str:
    """Returns a value that came from outside as a message shows it: in quotes, without secrets, and cut."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = "(a value that cannot be shown)"
    return f"'{excerpt(text, longest)}'"


def _places(reading: Reading, forms: Iterable[str], *, alone: bool = False) -> Iterator[_Span]:
    for form in forms:
        place = reading.text.find(form)
        while place >= 0:
            end = place + len(form)
            before, after = reading.text[max(0, place - 1) : place], reading.text[end : end + 1]
            if not alone or not (before.isalnum() or after.isalnum()):
                yield reading.span(place, end)
            place = reading.text.find(form, end)


def _with_border(text: str, span: _Span) -> _Span:
    first, end = span
    for _ in range(_CHARACTERS_OF_THREE_BYTES):
        first -= first > 0 and text[first - 1] in _BASE64
        end += end < len(text) and text[end] in _BASE64
    return first, end


def _without(text: str, spans: Iterable[_Span]) -> str:
    pieces: list[str] = []
    place = 0
    for first, end in sorted(spans):
        if first >= place:
            pieces += [text[place:first], MASK] if first > place or not pieces else []
        place = max(place, end)
    return "".join([*pieces, text[place:]])
