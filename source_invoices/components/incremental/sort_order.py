"""Whether a list follows the order that was asked for, newest first, as far as its rows show."""

from collections.abc import Iterable
from datetime import datetime


class SortOrder:
    """Follows the times of issue of a list's rows."""

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._is_followed = True
        self._descends = False

    @property
    def is_shown(self) -> bool:
        """Whether no row contradicts the order, and rows of different times show it."""
        return self._is_followed and self._descends

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
                self._descends |= one < self._last
            self._last = one
        self._is_followed &= follows
        return follows

    def has_passed(self, start: datetime) -> bool:
        """Returns whether the last row that was met is older than this."""
        return self._last is not None and self._last < start
