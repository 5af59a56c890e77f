"""Counts distinct primary keys at eight bytes each."""

from array import array
from collections.abc import Iterable

# A power of two. Each bucket is small enough to become a set for a moment.
_BUCKETS = 256


class DistinctKeys:
    """The hashes of keys. Two keys with one hash count once, which makes a list look short, never whole."""

    def __init__(self) -> None:
        self._buckets = [array("q") for _ in range(_BUCKETS)]

    def add(self, keys: Iterable[object]) -> None:
        buckets = self._buckets
        for key in map(hash, map(str, keys)):
            buckets[key % _BUCKETS].append(key)

    def unknown(self, keys: Iterable[object]) -> list[int]:
        """Returns the places of the keys that were not counted."""
        hashes = map(hash, map(str, keys))
        return [place for place, key in enumerate(hashes) if key not in self._buckets[key % _BUCKETS]]

    def discard(self, keys: Iterable[object]) -> None:
        """Takes keys out of the count."""
        for key in map(hash, map(str, keys)):
            bucket = self._buckets[key % _BUCKETS]
            self._buckets[key % _BUCKETS] = array("q", (other for other in bucket if other != key))

    def merge(self, other: "DistinctKeys") -> None:
        """Adds the keys of another count."""
        for bucket, more in zip(self._buckets, other._buckets, strict=True):
            bucket.extend(more)

    def count_with(self, other: "DistinctKeys | None") -> int:
        """Returns the number of distinct keys of two counts together."""
        if other is None:
            return self.count()
        buckets = zip(self._buckets, other._buckets, strict=True)
        return sum(len({*bucket, *more}) for bucket, more in buckets)

    def count(self) -> int:
        """Returns the number of distinct keys."""
        total = 0
        for place, bucket in enumerate(self._buckets):
            distinct = set(bucket)
            total += len(distinct)
            if len(distinct) < len(bucket):
                self._buckets[place] = array("q", distinct)
        return total
