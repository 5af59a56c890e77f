"""The lengths that a list is said to have while it is read once."""


class ListTotals:
    """What the pages of one reading state as the length of the list, or what its last page counts.

    values: all of them. counts: how often one was noted.
    """

    def __init__(self) -> None:
        self.values: set[int] = set()
        self.counts = 0
        self.last = 0
        self._first: int | None = None

    def add(self, total: int) -> None:
        """Notes a length."""
        self._first = total if self._first is None else self._first
        self.last = total
        self.counts += 1
        self.values.add(total)

    def growth(self, now: int) -> int:
        """Returns by how many rows the list has grown since the first length was noted."""
        return now - (self.last if self._first is None else self._first)
