"""A model of a list whose rows are added and removed between any two requests."""

import math
from collections.abc import Iterator
from itertools import count

from hypothesis import strategies as st

from source_invoices.components.pages.page import Page

A_DAY = 86_400
# What happens between two requests: how many rows are added at the front, and which places lose theirs.
MOVES = st.lists(st.tuples(st.integers(0, 3), st.lists(st.integers(0, 40), max_size=3)), max_size=30)


class MovingList:
    """A list, newest first, that moves before each request by the next step of a schedule, then rests.

    Its rows are numbered, and each is issued a day after the one before.
    """

    def __init__(self, rows: int, size: int, moves: list[tuple[int, list[int]]], states_total: bool = True) -> None:
        self._states_total = states_total
        self.rows = list(range(rows, 0, -1))
        self.throughout = set(self.rows)
        self._new = count(rows + 1)
        self._size = size
        self._moves: Iterator[tuple[int, list[int]]] = iter(moves)
        self.requests = 0

    def page(self, number: int) -> Page:
        added, removed = next(self._moves, (0, []))
        if self.requests:
            self.rows[:0] = [next(self._new) for _ in range(added)][::-1]
            for place in removed:
                if place < len(self.rows):
                    del self.rows[place]
        self.requests += 1
        self.throughout &= set(self.rows)
        rows = self.rows[(number - 1) * self._size : number * self._size]
        more = number * self._size < len(self.rows)
        on_page = [{"key": row, "status": "paid", "issued": row * A_DAY} for row in rows]
        if self._states_total:
            return Page(on_page, rows, number, more, len(self.rows), self._size)
        return Page(on_page, rows, number, more, pages=max(1, math.ceil(len(self.rows) / self._size)))
