"""Counts distinct primary keys at eight bytes each."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

# Blocks of about one size leave no gaps between them. Arrays that grow did, and took 40 % more memory.
_BLOCK = 4096
# A hash is a signed number of 64 bits. Each of so many ranges of them is small enough to become a set for a moment.
_RANGES = 256
_LEAST, _RANGE = -(2**63), 2**64 // _RANGES


class DistinctKeys:
    """The hashes of keys. Two keys with one hash count once, which makes a list look short, never whole."""

    def __init__(self) -> None:
        self._sorted: list[array[int]] = []
        self._latest = array("q")

    def add(self, keys: Iterable[object]) -> None:
        self._latest.extend(_hashes(keys))
        if len(self._latest) >= _BLOCK:
            self._sorted.append(array("q", sorted(self._latest)))
            self._latest = array("q")

    def unknown(self, keys: Iterable[object]) -> list[int]:
        """Returns the places of the keys that were not counted."""
        hashes = list(_hashes(keys))
        unknown = set(hashes).difference(*self._sorted, self._latest)
        return [place for place, key in enumerate(hashes) if key in unknown]

    def discard(self, keys: Iterable[object]) -> None:
        """Takes keys out of the count."""
        gone = set(_hashes(keys))
        self._sorted = [array("q", (key for key in block if key not in gone)) for block in self._sorted]
        self._latest = array("q", (key for key in self._latest if key not in gone))

    def merge(self, other: "DistinctKeys") -> None:
        """Adds the keys of another count."""
        self._sorted = [array("q", sorted(distinct)) for distinct in _distinct([*self._blocks(), *other._blocks()])]
        self._latest = array("q")

    def count_with(self, other: "DistinctKeys | None") -> int:
        """Returns the number of distinct keys of two counts together."""
        return sum(map(len, _distinct([*self._blocks(), *(other._blocks() if other else ())])))

    def count(self) -> int:
        """Returns the number of distinct keys."""
        return self.count_with(None)

    def _blocks(self) -> Iterator["array[int]"]:
        """Yields all hashes, those of each block sorted."""
        yield from self._sorted
        yield array("q", sorted(self._latest))


def _distinct(blocks: Sequence["array[int]"]) -> Iterator[set[int]]:
    """Yields the different hashes of sorted blocks, range by range."""
    starts = [0] * len(blocks)
    for number in range(1, _RANGES + 1):
        ends = [bisect_left(block, _LEAST + number * _RANGE) for block in blocks]
        parts = zip(blocks, starts, ends, strict=True)
        yield set().union(*(block[start:end] for block, start, end in parts))
        starts = ends


def _hashes(keys: Iterable[object]) -> Iterator[int]:
    return map(hash, map(str, keys))
