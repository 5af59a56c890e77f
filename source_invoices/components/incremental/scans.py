"""The lookback scans of the streams: one a stream, shared by its routers."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from airbyte_cdk.sources.types import StreamState

from source_invoices.components.incremental.lookback_scan import LookbackScan
from source_invoices.components.incremental.scan_rule import Columns, ScanRule
from source_invoices.components.incremental.scan_state import ScanState
from source_invoices.receipt import Receipt
from source_invoices.settings import digest, setting, settings_of_rows, start_date
from source_invoices.sync_context import SyncContext

_MOST_NAMED = 10


class ScanRouter(Protocol):
    """What the manifest says of a scan. See ListRouter."""

    @property
    def config(self) -> Mapping[str, Any]: ...
    @property
    def provider(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def issued(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def final(self) -> Sequence[str]: ...
    @property
    def account_setting(self) -> Sequence[str]: ...


def scan_of(router: ScanRouter, context: SyncContext, name: str, *, asks_details: bool) -> LookbackScan:
    """Returns the one scan of a stream, begun by the router that first asks for it.

    Raises ValueError for a saved state that no scan has left.
    """
    config = router.config
    saved = ScanState.load(context.saved_states.get(name))
    chosen = settings_of_rows(config, router.provider)
    columns = [router.key, router.issued, router.status, *sorted(router.final)]

    def begin() -> LookbackScan:
        rule = ScanRule(
            Columns(router.key, router.issued, router.status, frozenset(router.final)),
            settings=digest([config.get("start_date"), config["lookback_days"], chosen, columns]),
            account=digest(setting(config, router.account_setting)) if router.account_setting else "",
            lookback=timedelta(days=config["lookback_days"]),
            full_read=timedelta(days=config["full_read_days"]),
            started=context.started,
            since=start_date(config),
            asks_details=asks_details,
        )
        scan = LookbackScan(saved, rule)
        context.receipts.get(name, Receipt).close_with(partial(_closing_warnings, scan))
        return scan

    return context.scans.get(name, begin)


def _closing_warnings(scan: LookbackScan) -> Iterator[str]:
    """Yields a sentence for the invoices that are gone, and one for the details that are not there."""
    if gone := scan.vanished:
        yield (
            f"{_how_many(gone)} open at the last sync, no longer in the list: {_first(gone)}. The destination still "
            "shows them as open. Run a full refresh, or delete them by hand."
        )
    if missing := sorted(scan.details.missing):
        yield (
            f"{_how_many(missing)} in the list, but without a detail (HTTP 404): {_first(missing)}. The next sync asks "
            "for them again."
        )


def _how_many(keys: Sequence[str]) -> str:
    return "1 invoice" if len(keys) == 1 else f"{len(keys)} invoices"


def _first(keys: Sequence[str]) -> str:
    return ", ".join(keys[:_MOST_NAMED]) + (", ..." if len(keys) > _MOST_NAMED else "")


def state_of(scan: LookbackScan, saved: Mapping[str, Any]) -> Mapping[str, StreamState]:
    """Returns what a scan leaves; what the last sync left, as long as the scan is not done."""
    state = scan.state()
    return state.dump() if state else saved
