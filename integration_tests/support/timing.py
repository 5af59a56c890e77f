"""Shorter waits and timeouts for the sources that the tests of this process build.

Each function returns a context. They can be nested.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from source_invoices import SourceInvoices
from source_invoices.components.http.throttling import RetryPolicy
from source_invoices.manifest_file import load_manifest

_Change = Callable[[dict[str, Any]], dict[str, Any]]
_changes: list[_Change] = []
_retry_policies: list[RetryPolicy] = []


def make_source(*arguments: Any, **options: Any) -> SourceInvoices:
    """Returns a source with the waits and timeouts of the contexts that are open."""
    manifest = load_manifest()
    for change in _changes:
        manifest = change(manifest)
    retry_policy = _retry_policies[-1] if _retry_policies else None
    return SourceInvoices(*arguments, **options, manifest=manifest, retry_policy=retry_policy)


@contextmanager
def short_waits() -> Iterator[None]:
    """The waits before a request is repeated are a hundredth as long, and throttling is not outlasted."""
    with policy(first_backoff=0.01, outlasts=0):
        yield


@contextmanager
def policy(**changes: float) -> Iterator[None]:
    """The retry policy has these values, and the others as they are."""
    _retry_policies.append(replace(_retry_policies[-1] if _retry_policies else RetryPolicy(), **changes))  # type: ignore[arg-type]
    try:
        yield
    finally:
        _retry_policies.pop()


@contextmanager
def short_timeouts(seconds: float = 0.5) -> Iterator[None]:
    """The connector waits this many seconds for a response, and for a token."""

    def shorten(node: Any) -> Any:
        if isinstance(node, list):
            return [shorten(item) for item in node]
        if isinstance(node, dict):
            return {key: [1, seconds] if key == "timeouts" else shorten(item) for key, item in node.items()}
        return node

    with changed_manifest(shorten):
        yield


@contextmanager
def no_pause_between_requests() -> Iterator[None]:
    """Nexudus is asked without a pause between two requests, for a sandbox that has no limits."""

    def hurry(manifest: dict[str, Any]) -> dict[str, Any]:
        manifest["api_budget"]["policies"][0]["rates"][0]["interval"] = "PT0.001S"
        return manifest

    with changed_manifest(hurry):
        yield


@contextmanager
def no_limits_of_nexudus() -> Iterator[None]:
    """The connector keeps no limit of Nexudus, for a sandbox that has none and for lists of many pages."""

    def lift(manifest: dict[str, Any]) -> dict[str, Any]:
        for rate in manifest["api_budget"]["policies"][0]["rates"]:
            rate["limit"] = 1_000_000
        return manifest

    with changed_manifest(lift):
        yield


@contextmanager
def changed_manifest(change: _Change) -> Iterator[None]:
    """The manifest is what `change` makes of it."""
    _changes.append(change)
    try:
        yield
    finally:
        _changes.remove(change)
