"""Which invoices of a page are kept.

This module is here because the stock RecordFilter evaluates Jinja for each record; and because a filter on a status
must not be sent: an invoice that changes its status while pages are read would shift unread rows to a page that has
been read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any

from source_invoices.components.pages.page import Row
from source_invoices.settings import setting, start_date
from source_invoices.times import parse_time


@dataclass
class InvoiceFilter:
    """Keeps invoices issued since `start_date` that have the status asked for.

    issued: holds the time of issue, as seconds since 1970 or as text. An invoice without one is kept. status: holds the
    status.
    status_setting: the path of the status filter in the configuration. Without a value every status is kept.
    """

    config: Mapping[str, Any]
    parameters: InitVar[Mapping[str, Any]]
    issued: str
    status: str = "status"
    status_setting: Sequence[str] = field(default_factory=list)

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self._since = start_date(self.config)
        self._wanted = setting(self.config, self.status_setting) if self.status_setting else None

    @property
    def is_status_filtered(self) -> bool:
        """Whether only one status is kept, so that the number of rows is not known beforehand."""
        return bool(self._wanted)

    def issued_since(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Returns the rows issued since `start_date`. Raises ValueError for a time that cannot be read."""
        if self._since is None:
            return rows
        return [row for row in rows if (time := parse_time(row.get(self.issued))) is None or time >= self._since]

    def with_status(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Returns the rows with the status asked for."""
        return [row for row in rows if row.get(self.status) == self._wanted] if self._wanted else rows
