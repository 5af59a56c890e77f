"""What the windows of an updated field leave for the next sync, beside the cursor.

The cursor says only from when rows are asked for. It cannot tell that a window came back empty, that an invoice was
imported with an old time of update or with none, or that another account or filter is asked. So the state holds a count
of the rows that windows no longer show, and a digest of who is asked for what.
"""

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from source_invoices.components.incremental.distinct_keys import DistinctKeys
from source_invoices.components.pages.page import Row
from source_invoices.settings import digest
from source_invoices.times import parse_text_time, to_rfc3339

STATE_KEY = "windows"
# Settings that choose no rows.
_NEUTRAL_SETTINGS = {"credentials", "api_url", "requests_per_minute"}


class WindowSync:
    """What one sync knows of its windows. saved_older_rows: as the last sync left it; None where it left none."""

    def __init__(self, settings: str, started: datetime) -> None:
        self._settings = settings
        self._started = to_rfc3339(started)
        self._lock = threading.Lock()
        self._met = DistinctKeys()
        self.newest = ""
        self.goes_on = False
        self.saved_older_rows: int | None = None
        self.older_rows: int | None = None
        self._read_whole_at = self._started

    def meet(self, keys: Iterable[object], rows: Iterable[Row], field: str) -> None:
        """Notes the rows of a page."""
        newest = max((time for row in rows if (time := row.get(field)) and time <= self._started), default="")
        with self._lock:
            self._met.add(keys)
            self.newest = max(self.newest, newest)

    def missing(self, total: int) -> bool:
        """Returns whether the windows lack rows. total: of the whole list, without windows."""
        older = total - self._met.count()
        if not self.goes_on:
            return older > 0
        return self.saved_older_rows is None or older > self.saved_older_rows

    def use(self, saved: Mapping[str, Any], full_read: timedelta) -> bool:
        """Goes on from a saved state. Returns False for one of other settings, or too long after the last full read."""
        if saved.get("settings") != self._settings:
            return False
        read_whole_at, older_rows = saved.get("read_whole_at"), saved.get("older_rows")
        if not isinstance(read_whole_at, str) or not (older_rows is None or type(older_rows) is int):
            raise ValueError("`windows` lacks a time or a number of rows")
        age = parse_text_time(self._started) - parse_text_time(read_whole_at)
        if age < timedelta(0) or (full_read and age >= full_read):
            return False
        self.goes_on, self.saved_older_rows, self._read_whole_at = True, older_rows, read_whole_at
        return True

    def dump(self) -> dict[str, Any]:
        """Returns the state as JSON holds it. Without a count the next sync reads the whole list once."""
        return {
            "settings": self._settings,
            "older_rows": self.older_rows,
            "read_whole_at": self._read_whole_at,
        }


def begin_windows(config: Mapping[str, Any], provider: str, started: datetime) -> WindowSync:
    """Returns what a sync knows of its windows at its beginning."""
    settings = config[provider]
    chosen = {name: value for name, value in settings.items() if name not in _NEUTRAL_SETTINGS}
    user = settings["credentials"].get("username", "")
    return WindowSync(digest([config.get("start_date"), chosen, user]), started)
