"""Requests that are made ahead of time, in threads of their own.

Here because the CDK has one thread for a slice, which waits for each answer.
"""

from collections.abc import Callable, Collection, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import requests

from source_invoices.components.gate import NotFetchedAhead, fetching_ahead

_Request = Callable[[], requests.Response]


class Fetches:
    """What is fetched ahead, each for a place of its own. most: how many may be under way at the same time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._futures: dict[Hashable, Future[requests.Response]] = {}
        self._threads: ThreadPoolExecutor | None = None

    def __contains__(self, place: Hashable) -> bool:
        return place in self._futures

    def is_there(self, place: Hashable) -> bool:
        """Whether a place has its answer, or will get none."""
        return place in self._futures and self._futures[place].done()

    def begin(self, place: Hashable, send: _Request, after: Iterable[Hashable] = ()) -> None:
        """Fetches for a place for which nothing is under way; after: when these others have been answered."""
        if place not in self._futures:
            self._threads = self._threads or ThreadPoolExecutor(self._most, "read-ahead")
            earlier = [self._futures[other] for other in after]
            self._futures[place] = self._threads.submit(_fetch, send, earlier)

    def take(self, place: Hashable) -> requests.Response | None:
        """A place's answer, waited for; None if there is none. Raises what has failed the stream."""
        if future := self._futures.pop(place, None):
            with suppress(NotFetchedAhead):
                return future.result()
        return None

    def keep(self, places: Collection[Hashable]) -> None:
        """Gives up all others."""
        for place in self._futures.keys() - set(places):
            self._futures.pop(place).cancel()

    def stop(self) -> None:
        """No thread is left behind: what is still being fetched in vain is answered or given up."""
        self.keep(())
        if self._threads:
            self._threads.shutdown()
            self._threads = None


def _fetch(send: _Request, earlier: Collection[Future[requests.Response]]) -> requests.Response:
    # These are waited for. All of them were begun before, so none waits for this one's thread.
    if any(other.cancelled() or other.exception() for other in earlier):
        raise NotFetchedAhead
    with fetching_ahead():
        return send()
