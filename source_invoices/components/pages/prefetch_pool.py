"""Requests that are made ahead of time, in threads of their own.

This module is here because the CDK has one thread for a slice, and that thread waits for each answer.
"""

from collections.abc import Callable, Collection, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from source_invoices.components.http.transport import NotFetchedAhead
from source_invoices.components.pages.page import Page

_Request = Callable[[], Page]


class PrefetchPool:
    """What is fetched ahead, each for a place of its own. most: how many requests may be in flight at the same time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._futures: dict[Hashable, Future[Page]] = {}
        self._threads: ThreadPoolExecutor | None = None

    def __contains__(self, place: Hashable) -> bool:
        return place in self._futures

    def is_done(self, place: Hashable) -> bool:
        """Returns whether a place has its page, or will get none."""
        return place in self._futures and self._futures[place].done()

    def begin(self, place: Hashable, send: _Request, after: Iterable[Hashable] = ()) -> None:
        """Fetches for a place, unless that is in flight. after: the places whose pages must have come before."""
        if place not in self._futures:
            self._threads = self._threads or ThreadPoolExecutor(self._most, "prefetch")
            earlier = [self._futures[other] for other in after]
            self._futures[place] = self._threads.submit(_fetch, send, earlier)

    def pop(self, place: Hashable) -> Page | None:
        """Waits for a place's page. Returns None if there is none. Raises what has failed the stream."""
        if future := self._futures.pop(place, None):
            with suppress(NotFetchedAhead):
                return future.result()
        return None

    def keep(self, places: Collection[Hashable]) -> None:
        """Gives up all other places."""
        for place in self._futures.keys() - set(places):
            self._futures.pop(place).cancel()

    def stop(self) -> None:
        """Gives up everything, and returns when no thread is left."""
        self.keep(())
        if self._threads:
            self._threads.shutdown()
            self._threads = None


def _fetch(send: _Request, earlier: Collection[Future[Page]]) -> Page:
    # The earlier ones began before, so none of them waits for this one's thread.
    if any(other.cancelled() or other.exception() for other in earlier):
        raise NotFetchedAhead
    return send()
