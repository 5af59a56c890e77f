"""What the windows of an updated field leave for the next sync, beside the cursor.

The cursor says only from when rows are asked for. It cannot tell that a window came back empty, that an invoice was
imported with an old time of update or with none, or that the account or a filter has changed. So the state holds a
count of the rows that windows no longer show, and a digest of the account and the filters.

An update of an old row takes it out of that count, and would hide a row that was imported. So the state also holds the
length of the whole list and its largest key: the list cannot grow by more than the rows with larger keys that were met.
"""

import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from source_invoices.components.incremental.distinct_keys import DistinctKeys
from source_invoices.components.pages.page import Row
from source_invoices.settings import digest, settings_of_rows
from source_invoices.times import parse_text_time, to_rfc3339

STATE_KEY = "windows"


class WindowSync:
    """What one sync knows of its windows. saved_older_rows: as the last sync left it; None where it left none."""

    def __init__(self, settings: str, started: datetime) -> None:
        self._settings = settings
        self._started = to_rfc3339(started)
        self._lock = threading.Lock()
        self._met = DistinctKeys()
        # Those with a larger key than the last sync knew.
        self._new = DistinctKeys()
        self._saved_total: int | None = None
        self._saved_largest_key = 0
        self._largest_key = 0
        self.total: int | None = None
        self.newest = ""
        self.goes_on = False
        self.saved_older_rows: int | None = None
        self.older_rows: int | None = None
        self.rows = 0
        self._saved_rows = 0
        self._read_whole_at = self._started

    def meet(self, keys: Sequence[object], rows: Iterable[Row], field: str) -> None:
        """Notes the rows of a page."""
        newest = max((time for row in rows if (time := row.get(field)) and time <= self._started), default="")
        numbers = [key for key in keys if isinstance(key, int)]
        with self._lock:
            self._met.add(keys)
            if self._saved_total is not None:
                self._new.add(key for key in numbers if key > self._saved_largest_key)
            self._largest_key = max(self._largest_key, *numbers, 0)
            self.newest = max(self.newest, newest)

    def distinct(self) -> int:
        """Returns how many different invoices the windows have shown."""
        return self._met.count()

    def missing(self, rows: int) -> bool:
        """Returns whether the windows lack rows. rows: of the list since the start date, without windows."""
        older = rows - self._met.count()
        if not self.goes_on:
            return older > 0
        return self.saved_older_rows is None or older > self.saved_older_rows or self._has_grown_unseen()

    def _has_grown_unseen(self) -> bool:
        if self.total is None or self._saved_total is None:
            return False
        return self.total > self._saved_total + self._new.count()

    def use(self, saved: Mapping[str, Any], full_read: timedelta) -> bool:
        """Goes on from a saved state. Returns False for one of other settings, or too long after the last full read."""
        if saved.get("settings") != self._settings:
            return False
        read_whole_at, older_rows = saved.get("read_whole_at"), saved.get("older_rows")
        total, largest_key = saved.get("total"), saved.get("largest_key")
        if not isinstance(read_whole_at, str) or not (older_rows is None or type(older_rows) is int):
            raise ValueError("`windows` lacks a time or a number of rows")
        age = parse_text_time(self._started) - parse_text_time(read_whole_at)
        if age < timedelta(0) or (full_read and age >= full_read):
            return False
        self.goes_on, self.saved_older_rows, self._read_whole_at = True, older_rows, read_whole_at
        self._saved_rows = saved["rows"] if type(saved.get("rows")) is int else 0
        if type(total) is int and type(largest_key) is int and largest_key > 0:
            self._saved_total, self._saved_largest_key, self._largest_key = total, largest_key, largest_key
        return True

    def warnings(self) -> Iterable[str]:
        """Returns a sentence if the list has become shorter."""
        gone = self._saved_rows - self.rows
        if not self.goes_on or self.older_rows is None or gone <= 0:
            return []
        return [
            f"{gone} invoices fewer than at the last sync: they were deleted, or no longer match the filters. The "
            "destination still shows them as they were; a full refresh removes them there."
        ]

    def go_on_without_count(self) -> None:
        """Goes on from a cursor alone, where nothing keeps the count (see the one-file manifest)."""
        self.goes_on, self.saved_older_rows = True, sys.maxsize

    def dump(self) -> dict[str, Any]:
        """Returns the state as JSON holds it. Without a count the next sync reads the whole list once."""
        return {
            "settings": self._settings,
            "older_rows": self.older_rows,
            "rows": self.rows,
            "total": self.total,
            "largest_key": self._largest_key,
            "read_whole_at": self._read_whole_at,
        }


def begin_windows(config: Mapping[str, Any], provider: str, started: datetime) -> WindowSync:
    """Returns what a sync knows of its windows at its beginning."""
    user = config[provider]["credentials"].get("username", "")
    return WindowSync(digest([config.get("start_date"), settings_of_rows(config, provider), user]), started)
