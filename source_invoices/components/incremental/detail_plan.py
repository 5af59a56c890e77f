"""The plan of invoices that are read one by one, by their keys."""

from collections.abc import Sequence

from source_invoices.components.incremental.lookback_scan import LookbackScan
from source_invoices.components.pages.page import Page, Row
from source_invoices.components.pages.plan import Figures, InvoiceKey, Position, read_keys


class DetailPlan:
    """Asks for each key in turn.

    scan: of the list that named the keys; None where the settings name them. is_listed: the list shows the keys now.
    """

    def __init__(self, keys: Sequence[str], scan: LookbackScan | None, *, is_listed: bool) -> None:
        self._keys = keys
        self._scan = scan
        self._is_listed = is_listed

    @property
    def first_position(self) -> Position | None:
        return read_keys(self._keys)

    def accept(self, rows: Sequence[Row], position: Position) -> Sequence[Row]:
        if self._scan:
            self._scan.track_statuses(rows, is_listed=self._is_listed)
        return rows

    def next_position(self, page: Page, position: Position) -> Position | None:
        if not isinstance(position, InvoiceKey):
            return None
        if self._scan and self._is_listed:
            self._scan.details.note(position.key, is_there=bool(page.rows))
        elif self._scan and not page.rows:
            self._scan.open.miss(position.key)
        return read_keys(position.later)

    def expected_rows(self, page: Page) -> int | None:
        return None

    def figures(self) -> Figures | None:
        return None
