"""Whether a list follows the order that was asked for, newest first, as far as its rows show."""

from collections.abc import Iterable, Sequence
from datetime import datetime


class SortOrder:
    """Follows the times of issue of a list's rows."""

    def __init__(self) -> None:
        self._last: datetime | None = None

    def places(self, issued: Sequence[datetime | None]) -> Sequence[datetime | None]:
        """Returns the time of issue of each row of the next page, or that of the last dated row before it."""
        if None not in issued:
            return issued
        places, last = [], self._last
        for one in issued:
            last = one or last
            places.append(last)
        return places

    def overlap(self) -> None:
        """Notes that the next page may repeat rows of those before it."""
        self._last = None

    def observe(self, issued: Iterable[datetime | None]) -> bool:
        """Returns whether the rows of a page follow the order, among themselves and after those before them."""
        follows = True
        for one in issued:
            if one is None:
                continue
            if self._last is not None:
                follows &= one <= self._last
            self._last = one
        return follows

    def has_passed(self, start: datetime) -> bool:
        """Returns whether the last row that was met is older than this."""
        return self._last is not None and self._last < start
