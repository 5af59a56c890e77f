"""The earlier readings of a list, which may complete a later one while the list stands still."""

from datetime import datetime

from source_invoices.components.incremental.distinct_keys import DistinctKeys


class EarlierReadings:
    """The distinct keys of all readings since the list last moved, and what its pages stated then.

    most: the greatest number of rows that the list was said to have. latest: the same, in the last of the readings.
    """

    def __init__(self) -> None:
        self.met: DistinctKeys | None = None
        self.most = 0
        self.latest = 0
        self._totals: set[int] = set()
        self._newest: datetime | None = None

    def agree_with(self, totals: set[int], newest: datetime | None) -> bool:
        """Returns whether nothing that another reading saw shows that rows were added or deleted since.

        Totals may differ, where two servers are a row apart: both readings then have the same ones. Whatever was
        deleted, together they must have met as many rows as the greatest total.
        """
        is_newer = newest and self._newest and newest > self._newest
        return self.met is not None and self._totals == totals and not is_newer

    def add(
        self, met: DistinctKeys, totals: set[int], newest: datetime | None, *, place: int, stands_still: bool
    ) -> None:
        """Adds a reading.

        place: of its last row. stands_still: the list has not moved; if it has, this reading replaces those before it.
        """
        if self.met is not None and stands_still:
            self.met.merge(met)
        else:
            self.met, self.most = met, 0
        self.latest = max(totals, default=0)
        self.most = max(self.most, place, self.latest)
        self._totals, self._newest = totals, newest
