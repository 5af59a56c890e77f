"""A page, and the envelope in which a provider sends it.

This module is here because a path in the manifest cannot say that a part must be there, be of the right kind and agree
with the rest.
"""

import re
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from source_invoices.secrets import quoted

Row = MutableMapping[str, Any]

_MISSING = object()
# As parts of a path the last two would name another address.
_NO_KEYS = frozenset({"", ".", ".."})
_HALF_OF_A_CHARACTER = re.compile("[\ud800-\udfff]")
# No list is longer; a greater number cannot be calculated with.
_MOST = 10**15


class InconsistentPage(ValueError):
    """The parts of a page contradict each other. They do for a moment when the list changes while it is counted.

    number: of the page.
    """

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


@dataclass
class Page:
    """A page as the provider sent it. How it was fetched is filled in later: a copy would cost a fiftieth of a page.

    number: None where the provider numbers no pages. total: rows of the whole list; size: rows of a full page; pages:
    how many there are; each None where the provider does not say so. fetched_ahead: pages after it may have come before
    it. asked_size: how many rows were asked for. is_single: the body holds one invoice instead of a list.
    """

    rows: Sequence[Row]
    keys: Sequence[Any]
    number: int | None
    more: bool
    total: int | None = None
    size: int | None = None
    pages: int | None = None
    fetched_ahead: bool = False
    asked_size: int | None = None
    is_single: bool = False


@dataclass(frozen=True)
class Envelope:
    """Where a page carries its parts. Each is a path of keys into the body.

    key: the primary key that every row must have.
    rows: the list of rows, or the one row; an empty path means that the body itself is the one row.
    number: the page's number, from 1.
    total and size: how many rows the list and a full page have, where the provider says so.
    last: the number of the last page; or
    has_next: true where another page follows; or
    next: the number of the next page, 0 or null at the end, and pages: how many there are.
    Without `last`, `has_next` and `next`, `total` and `size` say whether there is more.
    bare: the body may also be the list itself, without numbers. Then only the next page shows whether there is more.
    """

    key: str
    rows: Sequence[str]
    number: Sequence[str] = ()
    last: Sequence[str] = ()
    total: Sequence[str] = ()
    size: Sequence[str] = ()
    has_next: Sequence[str] = ()
    next: Sequence[str] = ()
    pages: Sequence[str] = ()
    bare: bool = False

    def read(self, body: Any) -> Page:
        """Returns the page of a body.

        Raises ValueError for a body that is no page and InconsistentPage for one that contradicts itself, in words.
        """
        if isinstance(body, list) and self.bare:
            return Page(body, self._keys(body), None, bool(body))
        if not isinstance(body, dict):
            raise ValueError("the body is not a JSON object")
        rows = _at(body, self.rows)
        if rows is None:
            rows = []
        is_single = isinstance(rows, dict) and not self.number
        if is_single:
            rows = [rows]
        if not isinstance(rows, list):
            raise ValueError(f"there is no list of invoices at `{'.'.join(self.rows)}`")
        keys = self._keys(rows)
        if not self.number:
            return Page(rows, keys, None, False, is_single=is_single)
        number = _whole(body, self.number)
        more = self._more(body, number)
        if more and not rows:
            raise ValueError(f"page {number} has no invoices, yet says that more follow")
        total = _whole(body, self.total) if self.total else None
        size = _whole(body, self.size, at_least=1) if self.size else None
        if total is not None and size is not None:
            expected = min(size, max(0, total - (number - 1) * size))
            if len(rows) != expected or more != (number * size < total):
                message = f"page {number} has {len(rows)} of {total} invoices, {expected} are due"
                raise InconsistentPage(message, number)
        pages = _whole(body, self.pages) if self.pages else None
        if pages is not None and not more and number < pages:
            raise InconsistentPage(f"page {number} says both that it is the last and that it is not", number)
        return Page(rows, keys, number, more, total, size, pages)

    def _more(self, body: Any, number: int) -> bool:
        if self.last:
            return number < _whole(body, self.last)
        if self.next:
            return _at(body, self.next) is not None and _whole(body, self.next) > number
        if self.has_next:
            has_next = _at(body, self.has_next)
            if not isinstance(has_next, bool):
                raise ValueError(f"`{'.'.join(self.has_next)}` is neither true nor false")
            return has_next
        return number * _whole(body, self.size, at_least=1) < _whole(body, self.total)

    def _keys(self, rows: Sequence[Any]) -> list[Any]:
        keys = [row.get(self.key) if isinstance(row, dict) else None for row in rows]
        kinds = set(map(type, keys))
        if kinds == {int} or (kinds == {str} and _NO_KEYS.isdisjoint(keys) and "".join(map(str, keys)).isascii()):
            return keys  # almost always; a look at each key takes twice as long
        for place, key in enumerate(keys):
            if type(key) not in (str, int) or key in _NO_KEYS or (type(key) is str and not _is_text(key)):
                raise ValueError(f"entry {place + 1} of the list is not an invoice with a `{self.key}`: {quoted(key)}")
        return keys


def _is_text(key: str) -> bool:
    """Returns whether a key has no half of a character, which cannot be sent."""
    return key.isascii() or not _HALF_OF_A_CHARACTER.search(key)


def _at(body: Any, path: Sequence[str]) -> Any:
    for name in path:
        body = body.get(name, _MISSING) if isinstance(body, dict) else _MISSING
    return body


def _whole(body: Any, path: Sequence[str], at_least: int = 0) -> int:
    value = _at(body, path)
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not at_least <= value < _MOST:
        raise ValueError(f"`{'.'.join(path)}` is not a number that pages can be counted with")
    return value
