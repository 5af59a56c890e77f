"""The plan of a list that is read from its first page to its last, such as a closed window."""

from collections.abc import Sequence
from dataclasses import replace

from source_invoices.components.incremental.completeness import Completeness
from source_invoices.components.incremental.page_drift import PageDrift
from source_invoices.components.pages.page import Page, Row
from source_invoices.components.pages.plan import Figures, PageNumber, Position


class ListPlan:
    """Emits every row, steps back where rows have moved, and reads again where rows are missing."""

    def __init__(self) -> None:
        self._drift = PageDrift()
        self._completeness = Completeness()
        self._is_done = False

    @property
    def first_position(self) -> Position | None:
        return PageNumber()

    def accept(self, rows: Sequence[Row], position: Position) -> Sequence[Row]:
        return rows

    def next_position(self, page: Page, position: Position) -> Position | None:
        if not isinstance(position, PageNumber):
            return None
        number = self._drift.next_page(page, position.number)
        if not self._completeness.observe(page, position.number):
            return self._again(position, "its pages changed their size")
        if number == 1:
            self._completeness.restart()
        if number is not None:
            return position.at(number)
        self._is_done = self._completeness.is_whole(to_the_end=True)
        if self._is_done:
            return None
        return self._again(position, "rows came twice and others not at all")

    def expected_rows(self, page: Page) -> int | None:
        return page.total

    def figures(self) -> Figures | None:
        return self._completeness.figures(is_whole=self._is_done)

    def _again(self, position: PageNumber, reason: str) -> PageNumber:
        self._completeness.read_again(reason)
        self._drift.restart()
        return replace(position, number=1, size=self._completeness.page_size)
