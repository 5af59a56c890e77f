"""Which page to read next in a list whose rows move while it is read.

Here because a page number counts rows from the front of the list: a row removed before the reading point pulls an
unread one onto a page already read, and the stock PageIncrement goes on past it. Read newest first, a removal shows in
the total that each page states: reading then steps back. Rows added at the front only repeat rows, which the primary
key absorbs.

The rule is free of the CDK and of HTTP, so that a model of a moving list can be read with it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from source_invoices.components.envelope import Page

# A list that moves at every page, or a total that flaps, ends in a failure instead of an endless read.
_MOST_STEPS_BACK = 100
_MOST_REPEATS = 10


@dataclass(frozen=True)
class Position:
    """The page to ask for, and what its answer is held against: total and keys of the page read just before.

    key: one invoice is asked for instead, and after it those of keys_left.
    resume: this page is asked for only to count the list; reading goes on there.
    """

    page: int = 1
    total_before: int | None = None
    keys_before: Sequence[Any] = ()
    steps_back: int = 0
    repeats: int = 0
    key: str | None = None
    keys_left: Sequence[str] = ()
    resume: "Position | None" = None


def following(page: Page, position: Position) -> Position | None:
    """The position after a page that was read at this one, or None at the end.

    Raises ValueError with a sentence where the pages contradict each other or never come to rest.
    """
    if page.number not in (None, position.page):
        raise ValueError(f"page {position.page} was asked for, page {page.number} came")
    repeated = bool(page.keys) and page.keys == position.keys_before
    if repeated and page.number is None:  # a list without pages, sent whole again
        return None
    lost = _lost(page, position)
    # The same rows with the same total: an addition and a removal have moved the list, or the provider repeats itself.
    back = math.ceil(lost / (page.size or 1)) if lost else int(repeated and page.total == position.total_before)
    if not back or position.page == 1:
        after = Position(position.page + 1, page.total, page.keys, position.steps_back, position.repeats)
        return after if page.more else None
    repeats = position.repeats + (not lost)
    if repeats > _MOST_REPEATS:
        raise ValueError(f"page {position.page} repeats the page before it")
    if position.steps_back == _MOST_STEPS_BACK:
        raise ValueError(f"the number of invoices has fallen {_MOST_STEPS_BACK} times while the list was read")
    return Position(max(1, position.page - back), page.total, (), position.steps_back + 1, repeats)


def _lost(page: Page, position: Position) -> int:
    """How many rows fewer the list has than at the page before."""
    if page.total is None or position.total_before is None:
        return 0
    return max(0, position.total_before - page.total)
