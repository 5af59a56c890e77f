"""The state of the last sync, on its way in.

Here because the CDK saves what a partition router returns as its state but does not give it back, and because it would
ask for what is updated after a cursor that is ahead of the present, and see nothing of what is updated until then.
"""

from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from datetime import datetime, timezone
from typing import Any

from airbyte_cdk.sources.declarative.migrations.state_migration import StateMigration
from airbyte_cdk.sources.streams.call_rate import APIBudget

from source_invoices.components.gate import shared
from source_invoices.components.timestamps import parse_text_time, to_rfc3339


def left_by_router(budget: APIBudget, name: str) -> Any:
    """What the router of a stream has left for this sync; empty if nothing."""
    return shared(budget, ("earlier", name), dict)


@dataclass
class EarlierState(StateMigration):
    """Keeps what the stream's router has left, and sets a cursor that is later than now to now.

    The CDK builds the migrations of a stream before its router.
    """

    parameters: InitVar[Mapping[str, Any]]
    api_budget: APIBudget

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self._name = parameters["name"]

    def should_migrate(self, stream_state: Mapping[str, Any]) -> bool:
        return bool(stream_state)

    def migrate(self, stream_state: Mapping[str, Any]) -> Mapping[str, Any]:
        shared(self.api_budget, ("earlier", self._name), lambda: stream_state.get("parent_state") or {})
        now = datetime.now(timezone.utc)
        return {name: to_rfc3339(now) if _is_later(value, now) else value for name, value in stream_state.items()}


def _is_later(value: Any, now: datetime) -> bool:
    try:
        return isinstance(value, str) and parse_text_time(value) > now
    except ValueError:  # refused when the stream is built, in a sentence
        return False
