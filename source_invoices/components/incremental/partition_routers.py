"""Lookback scans as partition routers: one slice for a list, and slices of invoices that are read one by one.

This module is here because the concurrent CDK knows no custom cursor. What a router returns as its state is saved, as
`parent_state`, when all slices are read to their end; and a slice's extra fields reach the retriever.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from airbyte_cdk.sources.declarative.partition_routers import SubstreamPartitionRouter
from airbyte_cdk.sources.declarative.partition_routers.partition_router import PartitionRouter
from airbyte_cdk.sources.streams.call_rate import APIBudget
from airbyte_cdk.sources.types import StreamSlice, StreamState

from source_invoices.components.incremental.detail_plan import DetailPlan
from source_invoices.components.incremental.lookback_plan import LookbackPlan
from source_invoices.components.incremental.lookback_scan import Columns, LookbackScan
from source_invoices.components.incremental.scan_state import ScanState
from source_invoices.components.pages.plan import with_plan
from source_invoices.components.pages.whole_page import PageRecord
from source_invoices.settings import setting, start_date
from source_invoices.sync_context import SyncContext, context_of

# Settings that choose no rows.
_NEUTRAL = {"credentials", "api_key", "api_url", "token_url", "requests_per_minute", "invoice_uuids"}


def _scan_of(
    router: "ListRouter | DetailRouter", context: SyncContext, name: str, *, asks_details: bool
) -> LookbackScan:
    """Returns the one scan of a stream, begun by the router that first asks for it.

    Raises ValueError for a saved state that no scan has left.
    """
    config = router.config
    saved = ScanState.load(context.saved_states.get(name))
    chosen = {key: value for key, value in config[router.provider].items() if key not in _NEUTRAL}
    digest = json.dumps([config.get("start_date"), config["lookback_days"], chosen], sort_keys=True)

    def begin() -> LookbackScan:
        return LookbackScan(
            saved,
            Columns(router.key, router.issued, frozenset(router.final)),
            settings=hashlib.sha256(digest.encode()).hexdigest()[:8],
            lookback=timedelta(days=config["lookback_days"]),
            started=context.started,
            since=start_date(config),
            asks_details=asks_details,
        )

    return context.scans.get(name, begin)


def _state_of(scan: LookbackScan, saved: Mapping[str, Any]) -> Mapping[str, StreamState]:
    state = scan.state()
    return state.dump() if state else saved


class _Router(PartitionRouter):
    """A router that adds nothing to a request: the requester puts it together."""

    def get_request_params(self, **_: Any) -> Mapping[str, Any]:
        return {}

    get_request_headers = get_request_body_data = get_request_body_json = get_request_params


@dataclass
class ListRouter(_Router):
    """One slice for the whole list.

    provider: its key in the configuration. key, issued: columns. final: the statuses that no invoice leaves.
    asks: "key" where the list can be asked for one invoice, "details" where a DetailRouter reads each, else "".
    """

    config: Mapping[str, Any]
    parameters: InitVar[Mapping[str, Any]]
    api_budget: APIBudget
    provider: str
    key: str
    issued: str
    final: Sequence[str]
    asks: str = ""

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self._context = context_of(self.api_budget)
        self._saved = self._context.saved_states.get(parameters["name"], {})
        self._scan = _scan_of(self, self._context, parameters["name"], asks_details=self.asks == "details")

    def stream_slices(self) -> Iterable[StreamSlice]:
        yield with_plan(LookbackPlan(self._scan, asks_keys=self.asks == "key"))

    def get_stream_state(self) -> Mapping[str, StreamState] | None:
        return _state_of(self._scan, self._saved)


@dataclass
class DetailRouter(SubstreamPartitionRouter):
    """Slices of invoices that are read one by one: those that the list's scan emits, and open ones it has not met.

    A slice holds several invoices, so that the CDK builds one cursor for them; there are as many slices for a page of
    the list as there are workers.
    """

    api_budget: APIBudget | None = None
    provider: str = ""
    key: str = ""
    issued: str = ""
    final: Sequence[str] = field(default_factory=list)

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        super().__post_init__(parameters)
        if self.api_budget is None:
            raise ValueError("a DetailRouter needs an api_budget in the manifest")
        self._context = context_of(self.api_budget)
        self._saved = self._context.saved_states.get(parameters["name"], {})
        self._scan = _scan_of(self, self._context, parameters["name"], asks_details=True)

    def stream_slices(self) -> Iterable[StreamSlice]:
        number = count()
        for keys in self._pages_of_keys():
            yield from _slices(keys, self.config["num_workers"], self._scan, number)
        yield from _slices(self._scan.open.unseen, self.config["num_workers"], self._scan, number)
        # Not before: the CDK also saves the state in between.
        self._scan.finish()

    def _pages_of_keys(self) -> Iterator[Sequence[str]]:
        (parent,) = self.parent_stream_configs
        for partition in parent.stream.generate_partitions():
            for record in partition.read():
                rows = record.rows if isinstance(record, PageRecord) else [record.data]
                if isinstance(record, PageRecord):
                    self._context.backpressure.written(len(rows))
                yield [str(row[self.key]) for row in rows]

    def get_stream_state(self) -> Mapping[str, StreamState] | None:
        return _state_of(self._scan, self._saved)


@dataclass
class NamedInvoices(_Router):
    """Slices of the invoices that the settings name. values: the path of the setting."""

    config: Mapping[str, Any]
    parameters: InitVar[Mapping[str, Any]]
    values: Sequence[str]

    def stream_slices(self) -> Iterable[StreamSlice]:
        yield from _slices(setting(self.config, self.values), self.config["num_workers"], None, count())

    def get_stream_state(self) -> Mapping[str, StreamState] | None:
        return None


def _slices(
    keys: Sequence[str], workers: int, scan: LookbackScan | None, number: Iterator[int]
) -> Iterator[StreamSlice]:
    """Yields slices of several keys each. number: of the slice, because the CDK skips one with a partition it knows."""
    size = -(-len(keys) // workers)
    for first in range(0, len(keys), size or 1):
        yield with_plan(DetailPlan(keys[first : first + size], scan), {"batch": next(number)})
