"""The gate: how requests are let through to a provider.

Here because the manifest can neither cap the requests in flight over all streams nor make one throttled answer pause
its whole provider; and because the retries of the CDK add a second to each wait, have no jitter, read no HTTP date and
end in a message that hides the words of the provider.
"""

import logging
import math
import random
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, TypeVar
from weakref import WeakKeyDictionary

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.streams.call_rate import APIBudget
from airbyte_cdk.sources.streams.http.error_handlers import ErrorHandler
from airbyte_cdk.sources.streams.http.error_handlers.response_models import ErrorResolution, ResponseAction
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from requests.adapters import HTTPAdapter

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0
# A provider that names a longer wait than this is not waited for: the next sync is as near.
_LONGEST_NAMED_WAIT = 3600.0
ATTEMPTS = 6
# A request may be throttled this many times as often while others of its provider are answered: workers take turns.
_PATIENCE = 10
# The greatest num_workers that the settings allow.
_MOST_WORKERS = 40

_logger = logging.getLogger("airbyte")
_Shared = TypeVar("_Shared")
_thread = threading.local()


class NotFetchedAhead(Exception):
    """A request that was made ahead of time got no page, and nothing was done about it."""


@contextmanager
def fetching_ahead() -> Iterator[None]:
    """What this thread asks for may not be needed: it is asked for once, does not wait and fails nothing."""
    _thread.is_ahead = True
    try:
        yield
    finally:
        _thread.is_ahead = False


_shared: WeakKeyDictionary[APIBudget, dict[Hashable, Any]] = WeakKeyDictionary()
_shared_lock = threading.Lock()


def shared(budget: APIBudget, key: Hashable, make: Callable[[], _Shared]) -> _Shared:
    """What all components of one source share under a key, made at the first call.

    Components are built one by one and know nothing of each other; the API budget is the one object that the CDK hands
    to all of them, made anew for each build of a source's streams.
    """
    with _shared_lock:
        objects = _shared.setdefault(budget, {})
        if key not in objects:
            objects[key] = make()
        value: _Shared = objects[key]
        return value


class Pause:
    """When a provider that says "too many requests" may be asked again."""

    def __init__(self) -> None:
        self._until = 0.0
        self._rounds = 0
        self._lock = threading.Lock()

    def extend(self, named: float | None) -> int:
        """Pauses for the seconds that were named, or for longer each round. Returns the rounds without an answer."""
        with self._lock:
            if self.remaining() <= 0:  # else one of the requests that were under way when the round began
                self._rounds += 1
            # Not less than a moment: all requests under way belong to one round.
            seconds = _backoff(self._rounds) if named is None else max(named, _FIRST_WAIT / 2)
            self._until = max(self._until, time.monotonic() + seconds)
            return self._rounds

    def lift(self) -> None:
        """Another request was answered: the provider is not stuck."""
        self._rounds = 0

    def remaining(self) -> float:
        return self._until - time.monotonic()


class StreamFailure:
    """Whether a stream has failed. All that is asked or waited for on its behalf ends with its first failure."""

    def __init__(self) -> None:
        self._failed = threading.Event()
        self._lock = threading.Lock()
        self._message: str | None = None
        self._failure_type = FailureType.system_error

    def fail(self, message: str, failure_type: FailureType) -> NoReturn:
        """Raises AirbyteTracedException with the first failure, be it this one or an earlier one."""
        with self._lock:
            if not self._failed.is_set():
                self._message, self._failure_type = message, failure_type
                self._failed.set()
        raise self._error()

    def wait(self, seconds: float) -> None:
        """Raises AirbyteTracedException as soon as the stream has failed."""
        if self._failed.wait(seconds):
            raise self._error()

    def _error(self) -> AirbyteTracedException:
        return AirbyteTracedException(message=self._message, failure_type=self._failure_type)


class GateAdapter(HTTPAdapter):
    """Sends a request until it is answered with a page, is refused, or too many attempts have failed.

    stream_failure: the stream's. pause: the provider's.
    in_flight: has a place for each request that may be under way at the same time; None for any number.
    longest_wait: a provider that asks to wait longer, in seconds, is not waited for.
    budget: what the provider allows; the session acquires a request's first call, this its repetitions.
    renew: replaces a rejected Authorization header by a new one; None where credentials cannot be renewed.

    Raises AirbyteTracedException with the message of the error handler's resolution; for what is fetched ahead
    NotFetchedAhead instead.
    """

    def __init__(
        self,
        error_handler: ErrorHandler,
        stream_failure: StreamFailure,
        pause: Pause,
        *,
        attempts: int = ATTEMPTS,
        in_flight: threading.Semaphore | None = None,
        longest_wait: float = _LONGEST_NAMED_WAIT,
        budget: APIBudget | None = None,
        renew: Callable[[str], str] | None = None,
    ) -> None:
        super().__init__(pool_maxsize=_MOST_WORKERS)
        self._error_handler = error_handler
        self._stream_failure = stream_failure
        self._pause = pause
        self._attempts = attempts
        self._in_flight = in_flight or nullcontext()
        self._longest_wait = longest_wait
        self._budget = budget
        self._renew = renew

    def mount_on(self, session: requests.Session) -> None:
        """Makes this the way for all that a session sends."""
        for scheme in ("https://", "http://"):
            session.mount(scheme, self)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if getattr(_thread, "is_ahead", False):
            return self._send_ahead(request, *args, **kwargs)
        renewed = False
        attempt = 1
        throttled = 0
        while True:
            answer = self._exchange(request, *args, **kwargs)
            resolution = self._error_handler.interpret_response(answer)
            action = resolution.response_action
            if action in (ResponseAction.SUCCESS, ResponseAction.IGNORE) and isinstance(answer, requests.Response):
                self._pause.lift()
                if action == ResponseAction.IGNORE:
                    _logger.info(resolution.error_message)
                return answer
            if action == ResponseAction.RATE_LIMITED and isinstance(answer, requests.Response):
                throttled += 1
                self._throttle(answer, resolution, throttled)
            elif action == ResponseAction.REFRESH_TOKEN_THEN_RETRY and self._renew and not renewed:
                request.headers["Authorization"] = self._renew(str(request.headers["Authorization"]))
                renewed = True
            elif action == ResponseAction.RETRY and attempt < self._attempts:
                self._stream_failure.wait(_backoff(attempt))
                attempt += 1
            else:
                self._fail(resolution, f"(Tried {attempt} times.)" if attempt > 1 else "")
            if self._budget:
                self._budget.acquire_call(request)

    def _send_ahead(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        with self._in_flight:
            self._stream_failure.wait(0)
            if self._pause.remaining() > 0:
                raise NotFetchedAhead
            answer = self._try(request, *args, **kwargs)
        resolution = self._error_handler.interpret_response(answer)
        if resolution.response_action == ResponseAction.SUCCESS and isinstance(answer, requests.Response):
            self._pause.lift()
            return answer
        if resolution.response_action == ResponseAction.RATE_LIMITED and isinstance(answer, requests.Response):
            named = _retry_after(answer)
            if named is None or named <= self._longest_wait:
                self._pause.extend(named)
        raise NotFetchedAhead

    def _exchange(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response | requests.RequestException:
        while True:
            self._stream_failure.wait(max(0.0, self._pause.remaining()))
            with self._in_flight:
                if self._pause.remaining() > 0:  # while this one waited for its turn
                    continue
                return self._try(request, *args, **kwargs)

    def _try(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response | requests.RequestException:
        try:
            response = super().send(request, *args, **kwargs)
            # Read here, so that a body that breaks off is asked for again; and in one piece: after each of the small
            # ones that requests reads, this thread would have to wait for the interpreter.
            response._content = b"".join(response.iter_content(None))
        except requests.RequestException as error:
            return error
        return response

    def _throttle(self, answer: requests.Response, resolution: ErrorResolution, throttled: int) -> None:
        named = _retry_after(answer)
        if named is not None and named > self._longest_wait:
            self._fail(resolution, f"It asks to wait {named:.0f} seconds.")
        rounds = self._pause.extend(named)
        if rounds >= self._attempts or throttled >= self._attempts * _PATIENCE:
            self._fail(resolution, f"(Tried {throttled} times.)")

    def _fail(self, resolution: ErrorResolution, addition: str) -> NoReturn:
        message = f"{resolution.error_message} {addition}".strip()
        self._stream_failure.fail(message, resolution.failure_type or FailureType.system_error)


def _backoff(attempt: int) -> float:
    """Seconds to wait after this attempt: longer each time, and not the same for threads that failed together."""
    return min(math.ldexp(_FIRST_WAIT, attempt - 1), _LONGEST_WAIT) * random.uniform(0.5, 1)


def _retry_after(response: requests.Response) -> float | None:
    """The seconds that a Retry-After header names, in either of its forms; None without a readable one."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())
