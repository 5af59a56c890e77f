"""The plan of a list that is read from its first page to its last, such as a closed window."""

from collections.abc import Sequence

from source_invoices.components.incremental.page_drift import PageDrift
from source_invoices.components.pages.page import Page, Row
from source_invoices.components.pages.plan import PageNumber, Position


class ListPlan:
    """Emits every row, and steps back where rows have moved."""

    def __init__(self) -> None:
        self._drift = PageDrift()

    @property
    def first_position(self) -> Position | None:
        return PageNumber()

    def accept(self, rows: Sequence[Row], position: Position) -> Sequence[Row]:
        return rows

    def next_position(self, page: Page, position: Position) -> Position | None:
        if not isinstance(position, PageNumber):
            return None
        number = self._drift.next_page(page, position.number)
        return None if number is None else position.at(number)

    def expected_rows(self, page: Page) -> int | None:
        return page.total
