"""The transport: sends a request until it is answered with a page, is refused, or too many attempts have failed.

This module is here because the manifest can neither cap the requests in flight over all streams nor pause a whole
provider; and because the CDK's retries end in a message that hides the provider's words.
"""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, NoReturn

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.streams.call_rate import APIBudget
from airbyte_cdk.sources.streams.http.error_handlers import ErrorHandler
from airbyte_cdk.sources.streams.http.error_handlers.response_models import ErrorResolution, ResponseAction
from requests.adapters import HTTPAdapter

from source_invoices.components.http.stream_failure import StreamFailure
from source_invoices.components.http.throttling import ProviderPause, RetryPolicy, retry_after

# The greatest num_workers that the settings allow.
_MOST_WORKERS = 40


class NotFetchedAhead(Exception):
    """A request that was made ahead of time got no page. Nothing was done about it."""


class Transport(HTTPAdapter):
    """The one adapter of a session. It waits, repeats, renews credentials, and fails in the error handler's words.

    stream_failure: the stream's. pause: the provider's. policy: attempts and waits.
    in_flight: has a place for each request that may be in flight at the same time; None for any number.
    budget: what the provider allows; acquired for every attempt.
    renew: replaces a rejected Authorization header; None where credentials cannot be renewed.
    """

    def __init__(
        self,
        error_handler: ErrorHandler,
        stream_failure: StreamFailure,
        pause: ProviderPause,
        policy: RetryPolicy,
        *,
        in_flight: threading.Semaphore | None = None,
        budget: APIBudget | None = None,
        renew: Callable[[str], str] | None = None,
    ) -> None:
        super().__init__(pool_maxsize=_MOST_WORKERS)
        self._error_handler = error_handler
        self._stream_failure = stream_failure
        self._pause = pause
        self._policy = policy
        self._in_flight = in_flight or nullcontext()
        self._budget = budget
        self._renew = renew

    def session(self) -> requests.Session:
        """Returns a session that sends everything through this transport."""
        return _mounted(self)

    def session_for_prefetch(self) -> requests.Session:
        """Returns a session whose requests are sent once, do not wait, and raise NotFetchedAhead instead of failing."""
        return _mounted(_Once(self))

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Raises AirbyteTracedException with the message of the error handler's resolution."""
        renewed = False
        attempt = 1
        throttled = 0
        while True:
            self._acquire(request)
            answer = self._exchange(request, *args, **kwargs)
            resolution = self._error_handler.interpret_response(answer)
            action = resolution.response_action
            if action == ResponseAction.SUCCESS and isinstance(answer, requests.Response):
                self._pause.lift()
                return answer
            if action == ResponseAction.RATE_LIMITED and isinstance(answer, requests.Response):
                throttled += 1
                self._throttle(answer, resolution, throttled)
            elif action == ResponseAction.REFRESH_TOKEN_THEN_RETRY and self._renew and not renewed:
                request.headers["Authorization"] = self._renew(str(request.headers["Authorization"]))
                renewed = True
            elif action == ResponseAction.RETRY and attempt < self._policy.attempts:
                self._stream_failure.wait(self._policy.backoff(attempt))
                attempt += 1
            else:
                self._fail(resolution, f"(Tried {attempt} times.)" if attempt > 1 else "")

    def send_once(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Raises NotFetchedAhead where `send` would wait, repeat or fail."""
        self._acquire(request)
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
            hint = retry_after(answer)
            if hint is None or hint <= self._policy.longest_wait:
                self._pause.extend(hint, self._policy)
        raise NotFetchedAhead

    def _acquire(self, request: requests.PreparedRequest) -> None:
        if self._budget:
            self._budget.acquire_call(request)

    def _exchange(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response | requests.RequestException:
        while True:
            self._stream_failure.wait(max(0.0, self._pause.remaining()))
            with self._in_flight:
                if self._pause.remaining() > 0:  # the provider was paused while this request waited for its place
                    continue
                return self._try(request, *args, **kwargs)

    def _try(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response | requests.RequestException:
        try:
            response = super().send(request, *args, **kwargs)
            # The body is read here, so that one that breaks off is asked for again; and in one piece, because requests
            # reads small ones, and after each of them this thread would wait for the interpreter.
            response._content = b"".join(response.iter_content(None))
        except requests.RequestException as error:
            return error
        return response

    def _throttle(self, answer: requests.Response, resolution: ErrorResolution, throttled: int) -> None:
        hint = retry_after(answer)
        if hint is not None and hint > self._policy.longest_wait:
            self._fail(resolution, f"It asks to wait {hint:.0f} seconds.")
        rounds = self._pause.extend(hint, self._policy)
        if rounds >= self._policy.attempts or throttled >= self._policy.attempts * self._policy.patience:
            self._fail(resolution, f"(Tried {throttled} times.)")

    def _fail(self, resolution: ErrorResolution, addition: str) -> NoReturn:
        message = f"{resolution.error_message} {addition}".strip()
        self._stream_failure.fail(message, resolution.failure_type or FailureType.system_error)


class _Once(HTTPAdapter):
    """Sends through a transport, but only once."""

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        return self._transport.send_once(request, *args, **kwargs)


def _mounted(adapter: HTTPAdapter) -> requests.Session:
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    return session
