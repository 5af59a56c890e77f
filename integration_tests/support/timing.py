"""Shorter waits and timeouts: the one place that knows how the connector is given them.

Each function returns a context in which syncs of this process wait less. They can be nested.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from source_invoices import source
from source_invoices.components import gate, sign_in


@contextmanager
def short_waits() -> Iterator[None]:
    """The waits before a request is repeated are a hundredth as long."""
    with patch.object(gate, "_FIRST_WAIT", gate._FIRST_WAIT / 100):
        yield


@contextmanager
def short_timeouts(read: float = 0.5) -> Iterator[None]:
    """The connector waits this many seconds for a response, and for a token."""

    def shorten(node: Any) -> Any:
        if isinstance(node, list):
            return [shorten(item) for item in node]
        if isinstance(node, dict):
            return {key: read if key == "read_timeout_in_seconds" else shorten(item) for key, item in node.items()}
        return node

    with _changed_manifest(shorten), patch.object(sign_in, "_TIMEOUTS", (1, read)):
        yield


@contextmanager
def no_pause_between_requests() -> Iterator[None]:
    """Nexudus is asked without a pause between two requests, for a sandbox that has no limits."""

    def hurry(manifest: dict[str, Any]) -> dict[str, Any]:
        manifest["api_budget"]["policies"][0]["rates"][0]["interval"] = "PT0.001S"
        return manifest

    with _changed_manifest(hurry):
        yield


@contextmanager
def _changed_manifest(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[None]:
    """Sources that are built meanwhile have a changed manifest."""
    load = source.load_manifest
    with patch.object(source, "load_manifest", lambda: change(load())):
        yield
