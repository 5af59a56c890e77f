"""Computes when each generated row was issued from its index, and how many were issued before a time."""

from __future__ import annotations

from sandbox.values import DAY, SECOND, mix

SPAN = 730 * DAY
"""The default history of a generated table, in nanoseconds."""


class Timeline:
    """Issue times that strictly increase with the index. The last one is `newest`; the first one is `span` earlier.

    `digits` lists how many digits of a second's fraction rows have. Each row uses one of the entries.
    """

    def __init__(self, count: int, newest: int, seed: int, digits: tuple[int, ...] = (0,), span: int = SPAN) -> None:
        if count * SECOND > span:
            raise ValueError(f"{count} rows do not fit into {span // DAY} days at one a second")
        self.count = count
        self.newest = newest
        self.seed = seed
        self.digits = digits
        self._step = span // SECOND // max(count, 1)  # seconds
        self._spread = max(1, self._step // 2)  # seconds; less than a whole step, which keeps the order
        self._first = newest // SECOND - (count - 1) * self._step

    def at(self, index: int) -> int:
        """The issue time of a generated row, in nanoseconds."""
        if index == self.count - 1:
            return self.newest
        bits = mix(index, self.seed)
        time = (self._first + index * self._step - bits % self._spread) * SECOND
        digits = self.digits[(bits >> 20) % len(self.digits)]
        if digits:
            unit: int = 10 ** (9 - digits)
            time += (bits >> 28) % SECOND // unit * unit
        return time

    def before(self, time: int) -> int:
        """How many generated rows were issued before `time`."""
        guess = (time // SECOND - self._first) // self._step
        low = min(max(guess, 0), self.count)
        while low > 0 and self.at(low - 1) >= time:
            low -= 1
        while low < self.count and self.at(low) < time:
            low += 1
        return low
