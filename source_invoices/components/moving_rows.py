"""Which page to read next in a list whose rows move while it is read.

Here because a page number counts rows from the front of the list: a row removed before the reading point pulls an
unread one onto a page already read, and the stock PageIncrement goes on past it. Read newest first, a removal shows in
the total that each page states: reading then steps back. Rows added at the front only repeat rows, which the primary
key absorbs. Where pages state no total, the list is counted on its last page at the beginning and at the end.

The rule is free of the CDK and of HTTP, so that a model of a moving list can be read with it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional, Protocol

from source_invoices.components.envelope import Page

# A list that moves at every page, or a total that flaps, ends in a failure instead of an endless read.
_MOST_STEPS_BACK = 100
_MOST_REPEATS = 10


@dataclass(frozen=True)
class Position:
    """The page to ask for, and what its answer is held against: total and keys of the page read just before.

    steps_back, repeats: how often that has happened so far.
    counted, full: where pages state no total, the rows of the list when last counted, and those of a full page.
    resume: this page is asked for only to count the list; reading goes on there.
    key: one invoice is asked for instead, and after it those of keys_left.
    direction: the order to ask for, where it is another than the stream's usual one.
    """

    page: int = 1
    total_before: int | None = None
    keys_before: Sequence[Any] = ()
    steps_back: int = 0
    repeats: int = 0
    counted: int | None = None
    full: int = 1
    # Not a text as a whole, which could not be resolved where this code is injected from a text.
    resume: Optional["Position"] = None
    key: str | None = None
    keys_left: Sequence[str] = ()
    direction: str | None = None

    def count(self, page: Page) -> int:
        """How many rows the list has, as far as this page shows."""
        return page.total if page.total is not None else (self.page - 1) * self.full + len(page.rows)


class ReadingRule(Protocol):
    """How one slice is read where `following` is not all: the slice carries it, as its extra field `rule`."""

    def take(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is to be emitted."""

    def turn(self, page: Page, position: Position) -> Position | None:
        """The position after a page, or None at the end. Raises ValueError as `following` does."""

    def stop(self) -> None:
        """Called when reading breaks off."""

    def expected(self, page: Page) -> int | None:
        """How many rows the slice will emit, as far as this page shows; None if it does not."""


def following(page: Page, position: Position) -> Position | None:
    """The position after a page that was read at this one, or None at the end.

    Raises ValueError with a sentence where the pages contradict each other or never come to rest.
    """
    if page.number not in (None, position.page):
        raise ValueError(f"page {position.page} was asked for, page {page.number} came")
    if position.resume:
        return replace(position.resume, counted=position.count(page))
    repeated = bool(page.keys) and page.keys == position.keys_before
    if repeated and page.number is None:  # a list without pages, sent whole again
        return None
    lost = _lost(page, position)
    if lost and position.page > 1:
        back = math.ceil(lost / page.size) if page.size else position.page
        return _step_back(page, position, back)
    if repeated and position.page > 1 and page.total == position.total_before:
        # An addition and a removal have moved the list, or the provider repeats itself.
        if position.repeats == _MOST_REPEATS:
            raise ValueError(f"page {position.page} repeats the page before it")
        return _step_back(page, replace(position, repeats=position.repeats + 1), 1)
    if not page.more:
        return None
    after = replace(position, page=position.page + 1, total_before=page.total, keys_before=page.keys)
    if page.pages is None or position.page > 1 or position.counted is not None:
        return after
    # The pages state no total. How many rows there are shows on the last one.
    after = replace(after, full=len(page.rows))
    return replace(after, page=page.pages, resume=after) if page.pages > 2 else after


def _lost(page: Page, position: Position) -> int:
    """How many rows fewer the list has than at the page before, or than when it was counted."""
    if page.total is not None and position.total_before is not None:
        return max(0, position.total_before - page.total)
    if page.total is None and position.counted is not None and not page.more:
        return max(0, position.counted - position.count(page))
    return 0


def _step_back(page: Page, position: Position, pages: int) -> Position:
    if position.steps_back == _MOST_STEPS_BACK:
        raise ValueError(f"the number of invoices has fallen {_MOST_STEPS_BACK} times while the list was read")
    return replace(
        position,
        page=max(1, position.page - pages),
        total_before=page.total,
        keys_before=(),
        steps_back=position.steps_back + 1,
        counted=None if position.counted is None else position.count(page),
    )
