"""Lookback scans as partition routers: one slice for a list, and slices of invoices that are read one by one.

This module is here because the concurrent CDK knows no custom cursor. What a router returns as its state is saved, as
`parent_state`, when all slices are read to their end; and a slice's extra fields reach the retriever.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from itertools import count
from typing import Any

from airbyte_cdk.sources.declarative.partition_routers import SubstreamPartitionRouter
from airbyte_cdk.sources.declarative.partition_routers.partition_router import PartitionRouter
from airbyte_cdk.sources.streams.call_rate import APIBudget
from airbyte_cdk.sources.types import StreamSlice, StreamState

from source_invoices.components.http.responses import Resolutions
from source_invoices.components.incremental.detail_plan import DetailPlan
from source_invoices.components.incremental.lookback_plan import LookbackPlan
from source_invoices.components.incremental.scans import scan_of, state_of
from source_invoices.components.pages.page import Row
from source_invoices.components.pages.plan import with_plan
from source_invoices.components.pages.whole_page import PageRecord
from source_invoices.settings import setting
from source_invoices.sync_context import context_of


class _Router(PartitionRouter):
    """A router that adds nothing to a request: the requester puts it together."""

    def get_request_params(self, **_: Any) -> Mapping[str, Any]:
        return {}

    get_request_headers = get_request_body_data = get_request_body_json = get_request_params


@dataclass
class ListRouter(_Router):
    """One slice for the whole list.

    provider: its key in the configuration. key, issued, status: columns. final: the statuses that no invoice leaves.
    account_setting: the path of the setting that alone says whose invoices these are, if there is one.
    asks: "key" where the list can be asked for one invoice, "details" where a DetailRouter reads each, else "".
    """

    config: Mapping[str, Any]
    parameters: InitVar[Mapping[str, Any]]
    api_budget: APIBudget
    provider: str
    key: str
    issued: str
    final: Sequence[str]
    status: str = "status"
    asks: str = ""
    account_setting: Sequence[str] = field(default_factory=list)

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self._context = context_of(self.api_budget)
        self._saved = self._context.saved_states.get(parameters["name"], {})
        self._scan = scan_of(self, self._context, parameters["name"], asks_details=self.asks == "details")

    def stream_slices(self) -> Iterable[StreamSlice]:
        yield with_plan(LookbackPlan(self._scan, asks_keys=self.asks == "key"))

    def get_stream_state(self) -> Mapping[str, StreamState] | None:
        return state_of(self._scan, self._saved)


@dataclass
class DetailRouter(SubstreamPartitionRouter):
    """Slices of invoices that are read one by one: those that the list's scan emits, and open ones it has not met.

    A slice holds several invoices, because the CDK does as much for a slice as for a request. There are as many slices
    for a page of the list as there are workers.
    """

    api_budget: APIBudget | None = None
    provider: str = ""
    key: str = ""
    issued: str = ""
    final: Sequence[str] = field(default_factory=list)
    status: str = "status"
    account_setting: Sequence[str] = field(default_factory=list)

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        super().__post_init__(parameters)
        if self.api_budget is None:
            raise ValueError("a DetailRouter needs an api_budget in the manifest")
        self._context = context_of(self.api_budget)
        self._saved = self._context.saved_states.get(parameters["name"], {})
        self._name = parameters["name"]
        self._scan = scan_of(self, self._context, self._name, asks_details=True)

    def stream_slices(self) -> Iterable[StreamSlice]:
        number, due = count(), 0
        # A list that is read again shows its invoices again. One that has another status then is asked for again: the
        # list's status replaces the detail's in the state. Hashes take less memory than keys.
        asked: set[int] = set()
        for rows in self._pages():
            new = []
            for row in rows:
                if (version := self._version(row)) not in asked:
                    asked.add(version)
                    new.append(row)
            due += len(new)
            yield from self._slices(self._expected(new), number, is_listed=True)
        self._refuse_missing_details(due)
        yield from self._slices(self._scan.open.unseen, number, is_listed=False)
        # Not before: the CDK also saves the state in between.
        self._scan.finish()

    def _slices(self, keys: Sequence[str], number: Iterator[int], *, is_listed: bool) -> Iterator[StreamSlice]:
        for batch in _batches(keys, self.config["num_workers"]):
            yield with_plan(DetailPlan(batch, self._scan, is_listed=is_listed), {"batch": next(number)})

    def _refuse_missing_details(self, due: int) -> None:
        try:
            self._scan.details.set_due(due)
        except ValueError as error:
            raise Resolutions(self.provider, self._name).contradiction_error(f"{error}.") from None

    def _version(self, row: Row) -> int:
        """Returns a hash of a row's key and status."""
        return hash((str(row[self.key]), str(row.get(self._scan.rule.columns.status))))

    def _expected(self, rows: Sequence[Row]) -> Sequence[str]:
        """Returns the keys of rows whose details are asked for."""
        keys = [str(row[self.key]) for row in rows]
        for key, row in zip(keys, rows, strict=True):
            self._scan.details.expect(key, self._scan.rule.columns.issued_at(row))
        return keys

    def _pages(self) -> Iterator[Sequence[Row]]:
        (parent,) = self.parent_stream_configs
        for partition in parent.stream.generate_partitions():
            for record in partition.read():
                rows = record.rows if isinstance(record, PageRecord) else [dict(record.data)]
                if isinstance(record, PageRecord):
                    self._context.backpressure.written(len(rows))
                yield rows

    def get_stream_state(self) -> Mapping[str, StreamState] | None:
        return state_of(self._scan, self._saved)


@dataclass
class NamedInvoices(_Router):
    """Slices of the invoices that the settings name. values: the path of the setting."""

    config: Mapping[str, Any]
    parameters: InitVar[Mapping[str, Any]]
    values: Sequence[str]

    def stream_slices(self) -> Iterable[StreamSlice]:
        for number, keys in enumerate(_batches(setting(self.config, self.values), self.config["num_workers"])):
            yield with_plan(DetailPlan(keys, None, is_listed=False), {"batch": number})

    def get_stream_state(self) -> Mapping[str, StreamState] | None:
        return None


def _batches(keys: Sequence[str], workers: int) -> Iterator[Sequence[str]]:
    """Yields the keys of one slice after another, for as many slices as there are workers.

    Each slice has a number in its partition, because the CDK skips a slice whose partition it knows.
    """
    size = -(-len(keys) // workers)
    for first in range(0, len(keys), size or 1):
        yield keys[first : first + size]
