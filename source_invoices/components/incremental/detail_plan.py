"""The plan of invoices that are read one by one, by their keys."""

from collections.abc import Sequence

from source_invoices.components.incremental.lookback_scan import LookbackScan
from source_invoices.components.pages.page import Page, Row
from source_invoices.components.pages.plan import InvoiceKey, Position, read_keys


class DetailPlan:
    """Asks for each key in turn. scan: of the list that named the keys; None where the settings name them."""

    def __init__(self, keys: Sequence[str], scan: LookbackScan | None) -> None:
        self._keys = keys
        self._scan = scan

    @property
    def first_position(self) -> Position | None:
        return read_keys(self._keys)

    def accept(self, rows: Sequence[Row], position: Position) -> Sequence[Row]:
        if self._scan:
            self._scan.track_statuses(rows)
        return rows

    def next_position(self, page: Page, position: Position) -> Position | None:
        return read_keys(position.later) if isinstance(position, InvoiceKey) else None

    def expected_rows(self, page: Page) -> int | None:
        return None
