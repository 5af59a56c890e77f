"""What a lookback scan leaves for the next sync."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from source_invoices.times import parse_text_time, to_rfc3339

_KEY = "scan"
# The names of earlier releases, which a saved state may still have.
_EARLIER_KEY = "walk"
_EARLIER_NAMES = {"floor": "lookback_start", "below": "older_rows"}


@dataclass(frozen=True)
class ScanState:
    """The state of a lookback scan.

    lookback_start: down to where the next scan reads. older_rows: how many rows are older than that.
    open: the keys of the open invoices; None for too many. settings: a digest of the settings that choose rows.
    """

    lookback_start: datetime
    older_rows: int
    open: frozenset[str] | None
    settings: str

    @classmethod
    def load(cls, saved: Any) -> "ScanState | None":
        """Returns the state that `dump` returned; None for an empty one.

        Raises ValueError for anything else.
        """
        if not saved:
            return None
        try:
            state = saved.get(_KEY) or saved.get(_EARLIER_KEY) or saved
            state = {_EARLIER_NAMES.get(name, name): value for name, value in state.items()}
            return cls(
                parse_text_time(state["lookback_start"]),
                _number_of_rows(state["older_rows"]),
                _keys(state["open"]),
                str(state["settings"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it lacks or mistakes {error}") from None

    def dump(self) -> Mapping[str, Any]:
        """Returns the state as JSON holds it."""
        state = {
            "lookback_start": to_rfc3339(self.lookback_start),
            "older_rows": self.older_rows,
            "open": None if self.open is None else sorted(self.open),
            "settings": self.settings,
        }
        return {_KEY: state}


def _number_of_rows(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("`older_rows` is not a number of rows")
    return value


def _keys(value: Any) -> frozenset[str] | None:
    if value is not None and not (isinstance(value, list) and all(isinstance(key, str) for key in value)):
        raise ValueError("`open` is not a list of keys")
    return None if value is None else frozenset(value)
