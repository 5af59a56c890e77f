"""The transport: sends a request until it is answered with a page, is refused, or too many attempts have failed.

This module is here because the manifest can neither cap the requests in flight over all streams nor pause a whole
provider; and because the CDK's retries end in a message that hides the provider's words.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, NoReturn

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.streams.call_rate import APIBudget
from airbyte_cdk.sources.streams.http.error_handlers import ErrorHandler
from airbyte_cdk.sources.streams.http.error_handlers.response_models import ErrorResolution, ResponseAction
from requests.adapters import HTTPAdapter

from source_invoices.components.http.body import whole_body
from source_invoices.components.http.deadline import DeadlineAdapter, deadline
from source_invoices.components.http.responses import TRY_LATER
from source_invoices.components.http.stream_failure import StreamFailure
from source_invoices.components.http.throttling import ProviderPause, RetryPolicy, retry_after
from source_invoices.components.http.waiting import Waiting, in_words

# The greatest num_workers that the settings allow.
_MOST_WORKERS = 40
# With so many, a provider that pauses for a moment still counts as quick. More requests in flight would make each of
# them slower, and then it would not count as quick again.
_RECENT_EXCHANGES = 20


class NotFetchedAhead(Exception):
    """A request that was made ahead of time got no page. It was not repeated, and it fails nothing."""


class Transport(DeadlineAdapter):
    """The one adapter of a session. It waits, repeats, renews credentials, and fails in the error handler's words.

    stream_failure: the stream's. pause: the provider's. policy: attempts and waits. subject: who is asked for what.
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
        subject: str,
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
        self._subject = subject
        self._in_flight = in_flight or nullcontext()
        self._budget = budget
        self._renew = renew
        self._waiting = Waiting(stream_failure, policy.announces, policy.repeats)
        self._exchange_times: deque[float] = deque(maxlen=_RECENT_EXCHANGES)

    @property
    def quickest_exchange(self) -> float:
        """The seconds of the quickest of the last few exchanges. The others may have waited for another thread."""
        return min(tuple(self._exchange_times), default=math.inf)

    def session(self, *, ahead: bool = False) -> requests.Session:
        """Returns a session that sends everything through `send`, or through `send_once`."""
        session = requests.Session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Once(self) if ahead else self)
        return session

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Raises AirbyteTracedException with the message of the error handler's resolution."""
        renewed = False
        attempt = 1
        throttled: list[float] = []
        while True:
            answer = self._exchange(request, *args, **kwargs)
            resolution = self._error_handler.interpret_response(answer)
            action = resolution.response_action
            if action == ResponseAction.SUCCESS and isinstance(answer, requests.Response):
                self._pause.lift()
                return answer
            if action == ResponseAction.RATE_LIMITED and isinstance(answer, requests.Response):
                throttled.append(time.monotonic())
                self._throttle(answer, resolution, throttled)
            elif action == ResponseAction.REFRESH_TOKEN_THEN_RETRY and self._renew and not renewed:
                request.headers["Authorization"] = self._renew(str(request.headers["Authorization"]))
                renewed = True
            elif action == ResponseAction.RETRY and attempt < self._policy.attempts:
                self._back_off(answer, resolution, attempt)
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
        hint = retry_after(answer) if isinstance(answer, requests.Response) else None
        if hint is None or hint <= self._policy.longest_wait:
            if resolution.response_action == ResponseAction.RATE_LIMITED:
                self._pause.extend(hint, self._policy, _fault(resolution))
            elif resolution.response_action == ResponseAction.RETRY and hint:
                self._pause.hold(hint, _fault(resolution))
        raise NotFetchedAhead

    def _acquire(self, request: requests.PreparedRequest) -> None:
        if self._budget:
            self._waiting.acquire(self._budget, request, self._pause.budget_notice, self._subject)

    def _exchange(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response | Exception:
        while True:
            self._waiting.wait(self._pause.remaining, self._pause.notice, lambda: self._pause.why)
            # After the pause: all that were held back would otherwise be sent at once, and throttled again.
            self._acquire(request)
            with self._in_flight:
                if self._pause.remaining() > 0:  # the provider was paused while this request waited for its place
                    continue
                return self._try(request, *args, **kwargs)

    def _try(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response | Exception:
        began = time.monotonic()
        try:
            with deadline(self._policy.deadline):
                response = super().send(request, *args, **kwargs)
                # The body is read here, so that a body that breaks off is asked for again.
                response._content = whole_body(response)
        except Exception as error:  # also one of a library below requests, which an odd answer may cause
            return error
        self._exchange_times.append(time.monotonic() - began)
        return response

    def _back_off(self, answer: requests.Response | Exception, resolution: ErrorResolution, attempt: int) -> None:
        hint = self._hint(answer, resolution) if isinstance(answer, requests.Response) else None
        if hint:
            self._pause.hold(hint, _fault(resolution))
        why = f"{_fault(resolution)} Attempt {attempt} of {self._policy.attempts} failed."
        self._waiting.pause(max(self._policy.backoff(attempt), hint or 0.0), why)

    def _throttle(self, answer: requests.Response, resolution: ErrorResolution, throttled: Sequence[float]) -> None:
        """throttled: when the request was answered with "too many requests"."""
        hint = self._hint(answer, resolution)
        rounds = self._pause.extend(hint, self._policy, _fault(resolution))
        attempts, outlasts = self._policy.attempts, self._policy.outlasts
        is_silent = rounds >= attempts and self._pause.lasted() >= outlasts
        is_left_out = len(throttled) >= attempts * self._policy.patience and throttled[-1] - throttled[0] >= outlasts
        if is_silent or is_left_out:
            self._fail(resolution, f"(Tried {len(throttled)} times.)")

    def _hint(self, answer: requests.Response, resolution: ErrorResolution) -> float | None:
        """Returns for how long the provider asks to wait, if it does. Fails if that is too long."""
        hint = retry_after(answer)
        if hint is not None and hint > self._policy.longest_wait:
            self._fail(resolution, f"It asks to wait {in_words(hint)}.")
        return hint

    def _fail(self, resolution: ErrorResolution, addition: str) -> NoReturn:
        message = f"{resolution.error_message} {addition}".strip()
        self._stream_failure.fail(message, resolution.failure_type or FailureType.system_error)


def _fault(resolution: ErrorResolution) -> str:
    """Returns what happened, without what to do."""
    return str(resolution.error_message).removesuffix(TRY_LATER).strip()


class _Once(HTTPAdapter):
    """Sends through a transport, but only once."""

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        return self._transport.send_once(request, *args, **kwargs)
