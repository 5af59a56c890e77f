"""Which invoices of a page are kept.

Here because the stock RecordFilter evaluates Jinja for each record, and because a filter on a status must not be sent:
an invoice that changes its status while pages are read would pull others over a page boundary, unread.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airbyte_cdk.sources.declarative.extractors.record_filter import RecordFilter
from airbyte_cdk.sources.types import StreamSlice, StreamState

from source_invoices.components.moving_rows import ReadingRule
from source_invoices.components.open_invoices import Walk
from source_invoices.components.timestamps import parse_text_time, parse_unix_time
from source_invoices.config import parse_start_date, setting


@dataclass
class InvoiceFilter(RecordFilter):
    """Keeps invoices issued since `start_date` that the slice's rule takes and that have the status asked for.

    issued_field: holds the time of issue, as seconds since 1970 or as text; an invoice without one is kept.
    status_setting: the path of the status filter in the configuration; without a value every status is kept.
    """

    issued_field: str = ""
    status_setting: Sequence[str] = field(default_factory=list)

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        super().__post_init__(parameters)
        start_date = self.config.get("start_date")
        self._since = parse_start_date(start_date) if start_date and self.issued_field else None
        self._status = setting(self.config, self.status_setting) if self.status_setting else None

    def filter_records(
        self,
        records: Iterable[Mapping[str, Any]],
        stream_state: StreamState,
        stream_slice: StreamSlice | None = None,
        next_page_token: Mapping[str, Any] | None = None,
    ) -> Iterable[Mapping[str, Any]]:
        rule: ReadingRule | None = stream_slice.extra_fields.get("rule") if stream_slice else None
        detail_of = stream_slice.extra_fields.get("detail_of") if stream_slice else None
        try:
            for record in records:
                if isinstance(detail_of, Walk):
                    detail_of.note(record)
                # The rule is told of every invoice, also of one whose status is not asked for.
                if (self._since and not self._is_recent(record)) or (rule and not rule.take(record)):
                    continue
                if not self._status or record.get("status") == self._status:
                    yield record
        except BaseException:  # a record that cannot be read, or nobody reads on
            if rule:
                rule.stop()
            raise

    def _is_recent(self, record: Mapping[str, Any]) -> bool:
        issued = record.get(self.issued_field) if self._since else None
        if not issued:
            return True
        try:
            instant = parse_text_time(issued) if isinstance(issued, str) else parse_unix_time(issued)
        except ValueError:  # kept, for Timestamps to report
            return True
        return self._since is None or instant >= self._since
