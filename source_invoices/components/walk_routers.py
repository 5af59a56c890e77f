"""The walk over a list as a partition router: one slice that carries it, and for details a slice for each invoice.

Here because the concurrent CDK knows no custom cursor: what a router returns as its state is saved, as `parent_state`,
when all slices are read to their end, and a slice's extra fields reach the record filter and the paginator.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from airbyte_cdk.sources.declarative.partition_routers import SubstreamPartitionRouter
from airbyte_cdk.sources.declarative.partition_routers.partition_router import PartitionRouter
from airbyte_cdk.sources.streams.call_rate import APIBudget
from airbyte_cdk.sources.types import StreamSlice, StreamState

from source_invoices.components.earlier_state import left_by_router
from source_invoices.components.gate import shared
from source_invoices.components.open_invoices import Columns, Earlier, Walk
from source_invoices.components.read_ahead import ReadAhead
from source_invoices.config import parse_start_date

# Settings that choose no rows.
_NEUTRAL = {"credentials", "api_key", "api_url", "token_url", "requests_per_minute", "invoice_uuids"}


def _walk_of(budget: APIBudget, name: str, router: "ListWalk | DetailWalk") -> Walk:
    """The one walk of a stream, begun by the router that first asks for it."""
    return shared(budget, ("walk", name), lambda: _begin(router))


def _begin(router: "ListWalk | DetailWalk") -> Walk:
    config, walk = router.config, router.walk
    start_date = config.get("start_date")
    chosen = {name: value for name, value in config[router.provider].items() if name not in _NEUTRAL}
    digest = json.dumps([start_date, config["lookback_days"], chosen], sort_keys=True)
    return Walk(
        _load(router.earlier),
        Columns(walk["key"], walk["issued"], frozenset(walk["final"])),
        settings=hashlib.sha256(digest.encode()).hexdigest()[:8],
        lookback=timedelta(days=config["lookback_days"]),
        started=datetime.now(timezone.utc),
        since=parse_start_date(start_date) if start_date else None,
        ask=walk.get("ask", ""),
    )


def _load(state: Any) -> Earlier | None:
    """Raises ValueError for a state that no walk has left."""
    return Earlier.load(state["walk"] if isinstance(state, Mapping) and "walk" in state else state) if state else None


def _state_of(walk: Walk, earlier: Mapping[str, Any]) -> Mapping[str, StreamState]:
    state = walk.state()
    return {"walk": state.dump()} if state else earlier


@dataclass
class ListWalk(PartitionRouter):
    """One slice for the whole list.

    provider: its key in the configuration.
    walk: the columns `key` and `issued`, the `final` statuses and how to `ask` for one invoice.
    """

    config: Mapping[str, Any]
    parameters: InitVar[Mapping[str, Any]]
    api_budget: APIBudget
    provider: str
    walk: Mapping[str, Any]

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self._name = parameters["name"]
        self.earlier = left_by_router(self.api_budget, self._name)
        _load(self.earlier)  # a damaged state is refused before anything is read

    @property
    def _walk(self) -> Walk:
        """Begun when it is first asked for. A list that is read for details goes on with their stream's walk."""
        return _walk_of(self.api_budget, self._name, self)

    def stream_slices(self) -> Iterable[StreamSlice]:
        # While a list's details are fetched there is time to read it page by page, so that nothing is fetched twice.
        workers = 1 if self.walk.get("ask") == "detail" else self.config["num_workers"]
        rule = ReadAhead(self._walk, workers)
        yield StreamSlice(partition={}, cursor_slice={}, extra_fields={"rule": rule})

    def get_stream_state(self) -> Mapping[str, StreamState] | None:
        return _state_of(self._walk, self.earlier)

    def get_request_params(self, **_: Any) -> Mapping[str, Any]:
        return {}

    get_request_headers = get_request_body_data = get_request_body_json = get_request_params


@dataclass
class DetailWalk(SubstreamPartitionRouter):
    """A slice for each invoice that the list's walk emits, and for each open one that it has not met."""

    api_budget: APIBudget | None = None
    provider: str = ""
    walk: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        super().__post_init__(parameters)
        if self.api_budget is None:
            raise ValueError("a DetailWalk needs an api_budget in the manifest")
        self._budget = self.api_budget
        self._name = parameters["name"]
        self.earlier = left_by_router(self._budget, self._name)
        _load(self.earlier)  # a damaged state is refused before anything is read

    @property
    def _walk(self) -> Walk:
        return _walk_of(self._budget, self._name, self)

    def stream_slices(self) -> Iterable[StreamSlice]:
        self._walk.awaited  # noqa: B018  (begun here, with the state, before the list asks for it)
        for slice_ in super().stream_slices():
            yield self._slice_of(slice_.partition["invoice_uuid"])
        for key in self._walk.awaited:
            yield self._slice_of(key)
        # Not before: the CDK also saves the state in between.
        self._walk.finish()

    def _slice_of(self, key: str) -> StreamSlice:
        return StreamSlice(partition={"invoice_uuid": key}, cursor_slice={}, extra_fields={"detail_of": self._walk})

    def get_stream_state(self) -> Mapping[str, StreamState] | None:
        return _state_of(self._walk, self.earlier)
