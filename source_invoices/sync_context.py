"""What the components of one source share.

The CDK builds components one by one, and they know nothing of each other. The API budget is the one object that the CDK
hands to all of them, made anew for each build of a source's streams. So each budget has one context, which
`SourceInvoices` makes and binds; where the CDK runs the manifest alone, the first component that asks makes it.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from airbyte_cdk.sources.streams.call_rate import APIBudget

from source_invoices.components.http.stream_failure import StreamFailure
from source_invoices.components.http.throttling import ProviderPause, RetryPolicy
from source_invoices.components.http.tokens import AccessToken
from source_invoices.components.incremental.closed_windows import ClosedWindows
from source_invoices.components.incremental.lookback_scan import LookbackScan
from source_invoices.components.incremental.window_state import WindowSync
from source_invoices.components.pages.backpressure import Backpressure
from source_invoices.progress import Progress
from source_invoices.receipt import Receipt
from source_invoices.secrets import Secrets

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Registry(Generic[_Key, _Value]):
    """Values by key, each made when it is first asked for. Safe to use from several threads."""

    def __init__(self) -> None:
        self._values: dict[_Key, _Value] = {}
        self._lock = threading.Lock()

    def get(self, key: _Key, make: Callable[[], _Value]) -> _Value:
        with self._lock:
            if key not in self._values:
                self._values[key] = make()
            return self._values[key]

    def find(self, key: _Key) -> _Value | None:
        """Returns a value that was asked for before; None if none was."""
        with self._lock:
            return self._values.get(key)


class SyncContext:
    """One sync of one source.

    retry_policy: attempts and waits of every request. whole_pages: retrievers hand over pages instead of rows; the
    caller must take them apart. started: when this sync began, the same for all streams. secrets: those that the
    components sign in with, and what they get for them.
    pauses: by provider. tokens: by address and form. All others: by stream.
    """

    def __init__(self, retry_policy: RetryPolicy | None = None, *, whole_pages: bool = False) -> None:
        self.retry_policy = retry_policy or RetryPolicy()
        self.whole_pages = whole_pages
        self.started = datetime.now(timezone.utc)
        self.secrets = Secrets()
        self.progress = Progress()
        self.backpressure = Backpressure()
        self.pauses = Registry[str, ProviderPause]()
        self.failures = Registry[str, StreamFailure]()
        self.scans = Registry[str, LookbackScan]()
        self.closed_windows = Registry[str, ClosedWindows]()
        self.window_syncs = Registry[str, WindowSync]()
        self.tokens = Registry[tuple[Any, ...], AccessToken]()
        self.receipts = Registry[str, Receipt]()
        self.saved_states: dict[str, Mapping[str, Any]] = {}
        self.saved_cursors: dict[str, str] = {}
        self._in_flight: threading.Semaphore | None = None
        self._lock = threading.Lock()

    def window_state(self, stream: str) -> dict[str, Any] | None:
        """Returns what the windows of a stream leave beside their cursor; None for a stream without windows."""
        windows = self.window_syncs.find(stream)
        return windows.dump() if windows else None

    def in_flight(self, workers: int) -> threading.Semaphore:
        """Returns the places of the requests that may be in flight at the same time, over all streams."""
        with self._lock:
            self._in_flight = self._in_flight or threading.Semaphore(workers)
            return self._in_flight


_contexts: WeakKeyDictionary[APIBudget, SyncContext] = WeakKeyDictionary()
_contexts_lock = threading.Lock()


def bind_context(budget: APIBudget, context: SyncContext) -> None:
    """Makes a context the one of a budget."""
    with _contexts_lock:
        _contexts[budget] = context


def context_of(budget: APIBudget) -> SyncContext:
    """Returns the context of a budget, made if there is none."""
    with _contexts_lock:
        if budget not in _contexts:
            _contexts[budget] = SyncContext()
        return _contexts[budget]
