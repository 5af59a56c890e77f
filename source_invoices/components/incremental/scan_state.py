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
    open: the keys of the open invoices; None for too many. older_open: those that are older than lookback_start.
    settings: a digest of the settings that choose rows, and of the rule that wrote the state.
    account: a digest of a key that alone says whose invoices these are; "" where the settings say it.
    known_key: the key of a recent invoice, by which the account is known again.
    read_whole_at: when the whole list was last read; None where that is not known.
    """

    lookback_start: datetime
    older_rows: int
    open: frozenset[str] | None
    settings: str
    older_open: frozenset[str] = frozenset()
    account: str = ""
    known_key: str = ""
    read_whole_at: datetime | None = None

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
            read_whole_at = state.get("read_whole_at")
            return cls(
                lookback_start=parse_text_time(state["lookback_start"]),
                older_rows=_number_of_rows(state["older_rows"]),
                open=_keys("open", state["open"]),
                settings=str(state["settings"]),
                older_open=_keys("older_open", state.get("older_open")) or frozenset(),
                account=str(state.get("account", "")),
                known_key=str(state.get("known_key", "")),
                read_whole_at=parse_text_time(read_whole_at) if read_whole_at else None,
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it lacks or mistakes {error}") from None

    def dump(self) -> Mapping[str, Any]:
        """Returns the state as JSON holds it."""
        state = {
            "lookback_start": to_rfc3339(self.lookback_start),
            "older_rows": self.older_rows,
            "open": None if self.open is None else sorted(self.open),
            "older_open": sorted(self.older_open),
            "settings": self.settings,
            "account": self.account,
            "known_key": self.known_key,
            "read_whole_at": to_rfc3339(self.read_whole_at) if self.read_whole_at else None,
        }
        return {_KEY: state}


def _number_of_rows(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("`older_rows` is not a number of rows")
    return value


def _keys(name: str, value: Any) -> frozenset[str] | None:
    if value is not None and not (isinstance(value, list) and all(isinstance(key, str) for key in value)):
        raise ValueError(f"`{name}` is not a list of keys")
    return None if value is None else frozenset(value)
