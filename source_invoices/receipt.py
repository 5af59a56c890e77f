"""The receipt of a stream: what was counted and read, and what is worth a warning. An auditor can file it."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable

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
        self._notes: Counter[str] = Counter()
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

    def close_with(self, warnings: Callable[[], Iterable[str]]) -> None:
        """Adds warnings that are known only when the stream has been read."""
        self._closing.append(warnings)

    def warn(self, note: str, examples: Iterable[object] = (), count: int = 1) -> None:
        """Notes what the stream ends with a warning for. It is said once, with how often it happened."""
        with self._lock:
            self._notes[note] += count
            shown = self._examples.setdefault(note, [])
            for example in examples:
                if len(shown) < _MOST_EXAMPLES and str(example) not in shown:
                    shown.append(str(example))

    def line(self, stream: str) -> str:
        """Returns the receipt in one line."""
        counted = "The provider does not say how many invoices it counts"
        if self._counted is not None:
            counted = f"The provider counts {self._counted:,} invoices"
        reach = (
            "the whole list" if self._is_whole else f"down to {self._since}" if self._since else "a part of the list"
        )
        readings = "1 reading" if self._readings < 2 else f"{self._readings} readings"
        return (
            f"{stream}: {counted}; {self._distinct:,} different ones were read in {self._pages:,} pages and "
            f"{readings} of {reach}; {self._emitted:,} were emitted."
        )

    def warnings(self, stream: str) -> list[str]:
        """Returns a sentence for each thing that is worth a warning."""
        sentences = []
        for note, times in self._notes.items():
            examples = ", ".join(self._examples[note])
            sentences.append(f"{stream}: {note} ({times:,} times; {examples})." if examples else f"{stream}: {note}.")
        closing = [sentence for warnings in self._closing for sentence in warnings()]
        return sentences + [f"{stream}: {sentence}" for sentence in closing]
