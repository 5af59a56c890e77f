"""The state of the last sync, on its way in.

This module is here because the CDK saves what a partition router returns as its state but does not hand it back; and
because the CDK would ask for what was updated after a cursor that is ahead of the present, and miss what is updated
until then.
"""

from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from airbyte_cdk.sources.declarative.migrations.state_migration import StateMigration
from airbyte_cdk.sources.streams.call_rate import APIBudget

from source_invoices.components.incremental.window_state import STATE_KEY, begin_windows
from source_invoices.sync_context import context_of
from source_invoices.times import parse_text_time, to_rfc3339

_EARLIEST = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass
class SavedState(StateMigration):
    """Keeps what the stream's router has saved, and sets a cursor that is later than now to now.

    The CDK builds the state migrations of a stream before its router.
    """

    parameters: InitVar[Mapping[str, Any]]
    api_budget: APIBudget

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self._name = parameters["name"]

    def should_migrate(self, stream_state: Mapping[str, Any]) -> bool:
        return bool(stream_state)

    def migrate(self, stream_state: Mapping[str, Any]) -> Mapping[str, Any]:
        saved_states = context_of(self.api_budget).saved_states
        saved_states.setdefault(self._name, stream_state.get("parent_state") or {})
        now = context_of(self.api_budget).started
        cursor = stream_state.get("state")
        if isinstance(cursor, Mapping):
            times = [value for value in _until(now, cursor).values() if isinstance(value, str)]
            context_of(self.api_budget).saved_cursors[self._name] = max(times, default="")
        return {name: _until(now, value) for name, value in stream_state.items()}


@dataclass
class SavedWindows(SavedState):
    """Takes what the windows have left out of the state. Returns no state where all windows must be read again."""

    config: Mapping[str, Any]
    provider: str

    def migrate(self, stream_state: Mapping[str, Any]) -> Mapping[str, Any]:
        context = context_of(self.api_budget)
        windows = context.window_syncs.get(
            self._name, partial(begin_windows, self.config, self.provider, context.started)
        )
        cursor = {name: value for name, value in super().migrate(stream_state).items() if name != STATE_KEY}
        if STATE_KEY not in stream_state and not context.whole_pages:
            windows.go_on_without_count()
            return cursor
        saved = stream_state.get(STATE_KEY) or {}
        return cursor if windows.use(saved, timedelta(days=self.config["full_read_days"])) else {}


def _until(now: datetime, value: Any) -> Any:
    """Returns a cursor that is not later than now, nor so early that the CDK cannot calculate with it.

    The cursor of a stream behind a router is nested.
    """
    if isinstance(value, Mapping):
        return {name: _until(now, inner) for name, inner in value.items()}
    try:
        if not isinstance(value, str) or _EARLIEST <= (time := parse_text_time(value)) <= now:
            return value
        return to_rfc3339(now if time > now else _EARLIEST)
    except ValueError:  # no time, or refused in a sentence when the stream is built
        return value
