"""Prefetching: later pages are fetched while earlier ones are read, and handed over in order.

This module is here because the CDK reads the pages of a slice one after another and waits for each. Which pages may
follow stands in the position that is asked for. Whether prefetched pages count is decided by the plan (reading_check).
"""

from collections.abc import Callable, Hashable, Sequence
from functools import partial

from source_invoices.components.pages.page import Page
from source_invoices.components.pages.plan import InvoiceKey, PageNumber, Position, Purpose
from source_invoices.components.pages.prefetch_depth import PrefetchDepth
from source_invoices.components.pages.prefetch_pool import PrefetchPool

Fetch = Callable[[Position], Page]
_NOTHING = PageNumber(0)


class Prefetch:
    """Fetches the pages of one slice.

    fetch: asks for a page, waits and repeats. fetch_ahead: asks once; raises NotFetchedAhead where there is no page.
    workers: how many pages may be in flight ahead of the one that is read. One means none.
    is_quick: whether the provider answers so quickly that fetching far ahead does not pay.
    """

    def __init__(
        self,
        fetch: Fetch,
        fetch_ahead: Fetch,
        workers: int,
        pool: PrefetchPool | None = None,
        is_quick: Callable[[], bool] = lambda: False,
    ) -> None:
        self._fetch = fetch
        self._fetch_ahead = fetch_ahead
        self._depth = PrefetchDepth(workers if workers > 1 else 0)
        self._pool = pool or PrefetchPool(workers)
        self._is_quick = is_quick
        self._previous: Position = _NOTHING
        self._is_used = False

    def page(self, position: Position) -> Page:
        """Returns the page of a position. Raises what `fetch` raises."""
        place = _place(position)
        is_ahead = place in self._pool
        later = self.upcoming(position, is_there=self._pool.is_done(place))
        check = self._check(position, later)
        self._pool.keep([place, *map(_place, later), *([_place(check)] if check else [])])
        self._begin(place, later, check, is_ahead=is_ahead)
        page = self._pool.pop(place)
        if page is None:
            page = self._fetch(position)
        page.fetched_ahead = self._is_used
        return page

    def stop(self) -> None:
        """Gives up what is fetched ahead. No thread is left."""
        self._pool.stop()

    def upcoming(self, position: Position, *, is_there: bool = False) -> list[Position]:
        """Returns what to fetch ahead while a position is asked for. is_there: its own page has come already."""
        if isinstance(position, PageNumber) and position.purpose is not Purpose.READ:
            return []
        is_next = self._is_next(position)
        if isinstance(position, PageNumber):
            begins = is_next and self._depth.pages > 0 and position.last > 0
            self._is_used = position.number > 1 and (self._is_used or begins)
        if is_next:
            is_quick = self._is_quick()
            self._depth.advance(is_there=is_there, left=_left(position), rounds=_rounds(position), is_quick=is_quick)
        else:
            self._depth.restart()
        self._previous = position
        ahead = min(_left(position), self._depth.pages)
        if isinstance(position, InvoiceKey):
            return [InvoiceKey(key) for key in position.later[:ahead]]
        return [position.at(position.number + step) for step in range(1, ahead + 1)]

    def _is_next(self, position: Position) -> bool:
        previous = self._previous
        if isinstance(position, InvoiceKey):
            return isinstance(previous, InvoiceKey) and position.key in previous.later[:1]
        return isinstance(previous, PageNumber) and position.number == previous.number + 1 > 1

    def _check(self, position: Position, later: Sequence[Position]) -> PageNumber | None:
        """Returns page 1 as it is asked for again at the end of the list; None before the end."""
        if not isinstance(position, PageNumber) or position.purpose is Purpose.COUNT:
            return None
        is_end = self._is_used and position.number <= position.last <= position.number + len(later)
        return position.at(1, Purpose.CHECK) if is_end or position.purpose is Purpose.CHECK else None

    def _begin(self, place: Hashable, later: Sequence[Position], check: PageNumber | None, *, is_ahead: bool) -> None:
        earlier = [place]
        for item in later:
            following = _place(item)
            if following not in self._pool:
                # The last page of a list that states no total counts it. It is asked for when all others have come.
                counts = isinstance(item, PageNumber) and item.is_counted_at_end and item.number == item.last
                if is_ahead or not counts:
                    self._pool.begin(following, partial(self._fetch_ahead, item), after=earlier if counts else ())
            earlier.append(following)
        if check and is_ahead and place != _place(check):
            self._pool.begin(_place(check), partial(self._fetch_ahead, check), after=earlier)


def _place(position: Position) -> Hashable:
    if isinstance(position, InvoiceKey):
        return position.key
    return position.number if position.purpose is Purpose.READ else (position.number, position.purpose)


def _left(position: Position) -> int:
    """Returns how many pages or keys follow, as far as is known."""
    return len(position.later) if isinstance(position, InvoiceKey) else max(0, position.last - position.number)


def _rounds(position: Position) -> int:
    """Returns how many answers are waited for in turn at the end.

    For keys the last key; for a list the pages, the page that counts the list, and the check.
    """
    if isinstance(position, InvoiceKey):
        return 1
    return 3 if position.is_counted_at_end else 2
