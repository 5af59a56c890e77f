"""The receipt of a stream: what was counted and read, and what is worth a warning. An auditor can file it."""

import threading
from collections.abc import Callable, Iterable

from source_invoices.components.incremental.distinct_keys import DistinctKeys
from source_invoices.components.pages.plan import Figures

_MOST_EXAMPLES = 3


class Receipt:
    """Collects the figures of one stream while it is read. Several threads may read its slices."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages = 0
        self._emitted = 0
        self._readings = 0
        self._distinct = 0
        self._counted: int | None = None
        self._is_whole = True
        self._since = ""
        self._notes: dict[str, DistinctKeys] = {}
        self._examples: dict[str, list[str]] = {}
        self._closing: list[Callable[[], Iterable[str]]] = []

    def add_page(self, *, is_list: bool, emitted: int) -> None:
        """Counts the emitted rows of a page. is_list: the page is one of a list and was read for its rows."""
        with self._lock:
            self._pages += is_list
            self._emitted += emitted

    def add_list(self, figures: Figures) -> None:
        """Adds a list, or a window of one, that was read."""
        with self._lock:
            self._readings = max(self._readings, figures.readings)
            self._distinct += figures.distinct
            if figures.counted is not None:
                self._counted = (self._counted or 0) + figures.counted
            self._is_whole &= figures.is_whole
            self._since = figures.since or self._since

    def settle(self, *, counted: int, distinct: int, is_whole: bool) -> None:
        """Replaces the sums of windows, which may share rows, by what is known of the whole list."""
        with self._lock:
            self._counted, self._distinct = counted, distinct
            self._is_whole |= is_whole

    def read_so_far(self) -> tuple[int, int]:
        """Returns the number of emitted invoices, and of pages of the list."""
        with self._lock:
            return self._emitted, self._pages

    def close_with(self, warnings: Callable[[], Iterable[str]]) -> None:
        """Adds warnings that are known only when the stream has been read."""
        self._closing.append(warnings)

    def warn(self, note: str, key: object, example: str) -> None:
        """Notes what the stream ends with a warning for. It is said once, with the number of invoices.

        key: of the invoice, which may be read more than once, in a list and by its detail.
        """
        with self._lock:
            self._notes.setdefault(note, DistinctKeys()).add([key])
            shown = self._examples.setdefault(note, [])
            if len(shown) < _MOST_EXAMPLES and example not in shown:
                shown.append(example)

    def line(self, stream: str) -> str:
        """Returns the receipt in one line."""
        counted = "The provider does not say how many invoices it counts"
        if self._counted is not None:
            counted = f"The provider counts {_number(self._counted, 'invoice')}"
        reach = "the whole list" if self._is_whole else "a part of the list"
        if self._since and not self._is_whole:
            reach = f"the list down to {self._since}"
        return (
            f"{stream}: {counted}. Read: {_number(self._distinct, 'different invoice')} in "
            f"{_number(self._pages, 'page')} and {_number(max(1, self._readings), 'reading')} of {reach}. "
            f"Emitted: {self._emitted:,}."
        )

    def warnings(self, stream: str) -> list[str]:
        """Returns a sentence for each thing that is worth a warning."""
        sentences = []
        for note, keys in self._notes.items():
            examples = ", ".join(self._examples[note])
            sentences.append(f"{stream}: {note} ({_number(keys.count(), 'invoice')}; {examples}).")
        closing = [sentence for warnings in self._closing for sentence in warnings()]
        return sentences + [f"{stream}: {sentence}" for sentence in closing]


def _number(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
