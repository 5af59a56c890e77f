"""The gate: how requests are let through to a provider.

Here because the manifest can neither cap the requests in flight over all streams nor make one throttled answer pause
its whole provider; and because the retries of the CDK add a second to each wait, have no jitter, read no HTTP date and
end in a message that hides the words of the provider.
"""

import random
import threading
import time
from collections.abc import Callable, Hashable, Mapping, MutableMapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative.auth.declarative_authenticator import DeclarativeAuthenticator
from airbyte_cdk.sources.declarative.requesters.http_requester import HttpRequester
from airbyte_cdk.sources.declarative.requesters.request_options import InterpolatedRequestOptionsProvider
from airbyte_cdk.sources.streams.call_rate import APIBudget
from airbyte_cdk.sources.streams.http.error_handlers import ErrorHandler
from airbyte_cdk.sources.streams.http.error_handlers.response_models import ErrorResolution, ResponseAction
from airbyte_cdk.sources.types import StreamSlice, StreamState
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from requests.adapters import HTTPAdapter

from source_invoices.config import setting

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0
# A provider that names a longer wait than this is not waited for: the next sync is as near.
_LONGEST_NAMED_WAIT = 3600.0
ATTEMPTS = 6

_Shared = TypeVar("_Shared")
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
    """When a provider may be asked again."""

    def __init__(self) -> None:
        self._until = 0.0
        self._lock = threading.Lock()

    def extend(self, seconds: float) -> None:
        with self._lock:
            self._until = max(self._until, time.monotonic() + seconds)

    def wait(self) -> None:
        while (remaining := self._until - time.monotonic()) > 0:
            time.sleep(remaining)


class GateAdapter(HTTPAdapter):
    """Sends a request until it is answered with a page, is refused, or too many attempts have failed.

    places: the requests in flight are at most these; None for no cap. pause: the provider's.
    renew: replaces a rejected Authorization header by a new one, or None where credentials cannot be renewed.

    Raises AirbyteTracedException with the message of the error handler's resolution.
    """

    def __init__(
        self,
        error_handler: ErrorHandler,
        pause: Pause,
        *,
        places: threading.Semaphore | None = None,
        budget: APIBudget | None = None,
        renew: Callable[[str], str] | None = None,
        attempts: int = ATTEMPTS,
    ) -> None:
        super().__init__(pool_maxsize=40)
        self._error_handler = error_handler
        self._pause = pause
        self._places = places
        self._budget = budget
        self._renew = renew
        self._attempts = attempts

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        renewed = False
        attempt = 1
        while True:
            self._pause.wait()
            answer = self._exchange(request, *args, **kwargs)
            resolution = self._error_handler.interpret_response(answer)
            action = resolution.response_action
            if action in (ResponseAction.SUCCESS, ResponseAction.IGNORE) and isinstance(answer, requests.Response):
                return answer
            if action == ResponseAction.REFRESH_TOKEN_THEN_RETRY and self._renew and not renewed:
                request.headers["Authorization"] = self._renew(str(request.headers["Authorization"]))
                renewed = True
            elif action in (ResponseAction.RETRY, ResponseAction.RATE_LIMITED) and attempt < self._attempts:
                self._wait(answer, attempt, resolution)
                attempt += 1
            else:
                raise _failure(resolution, attempt)
            if self._budget:
                # The session has acquired the first call, but does not see the repetitions.
                self._budget.acquire_call(request)

    def _exchange(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response | requests.RequestException:
        if self._places:
            with self._places:
                return self._whole_answer(request, *args, **kwargs)
        return self._whole_answer(request, *args, **kwargs)

    def _whole_answer(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response | requests.RequestException:
        try:
            response = super().send(request, *args, **kwargs)
            response.content  # noqa: B018  (read here, so that a body that breaks off is asked for again)
        except requests.RequestException as error:
            return error
        return response

    def _wait(
        self, answer: requests.Response | requests.RequestException, attempt: int, resolution: ErrorResolution
    ) -> None:
        named = _retry_after(answer) if isinstance(answer, requests.Response) else None
        if named is not None and named > _LONGEST_NAMED_WAIT:
            raise _failure(resolution, attempt, f"It asks to wait {named:.0f} seconds.")
        # Full jitter on the upper half: threads that failed together do not come back together.
        seconds = min(_FIRST_WAIT * 2 ** (attempt - 1), _LONGEST_WAIT) * random.uniform(0.5, 1)
        if named is not None:
            seconds = named
        if resolution.response_action == ResponseAction.RATE_LIMITED:
            self._pause.extend(seconds)
        else:
            time.sleep(seconds)


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


def _failure(resolution: ErrorResolution, attempts: int, addition: str = "") -> AirbyteTracedException:
    tried = f"(Tried {attempts} times.)" if attempts > 1 else ""
    return AirbyteTracedException(
        message=" ".join(filter(None, [resolution.error_message, addition, tried])),
        failure_type=resolution.failure_type or FailureType.system_error,
    )


@dataclass
class GatedRequester(HttpRequester):
    """The stock requester, with the gate as its session's transport.

    provider: the key of its provider, whose streams pause together.
    filters: parameters taken from the configuration as they are, each `parameter: [path of the setting]`; an unset one
    is not sent. Interpolated they would be altered: the CDK reads a text like "[1]" or "'a'" as a Python literal.
    """

    provider: str = ""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    request_parameters: Mapping[str, Any] = field(default_factory=dict)
    request_headers: Mapping[str, Any] = field(default_factory=dict)
    authenticator: DeclarativeAuthenticator | None = None
    error_handler: ErrorHandler | None = None
    parameters: InitVar[Mapping[str, Any]]

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self.request_options_provider = InterpolatedRequestOptionsProvider(
            config=self.config,
            request_parameters=self.request_parameters,
            request_headers=self.request_headers,
            parameters=parameters,
        )
        super().__post_init__(parameters)
        if self.api_budget is None or self.error_handler is None:
            raise ValueError("a GatedRequester needs an api_budget in the manifest and an error_handler")
        workers = self.config["num_workers"]
        gate = GateAdapter(
            self.error_handler,
            shared(self.api_budget, ("pause", self.provider), Pause),
            places=shared(self.api_budget, "places", lambda: threading.Semaphore(workers)),
            budget=self.api_budget,
            renew=getattr(self.authenticator, "renew", None),
            attempts=self.config.get("attempts", ATTEMPTS),
        )
        for scheme in ("https://", "http://"):
            # The CDK offers no public way to a requester's session.
            self._http_client._session.mount(scheme, gate)

    def get_request_params(
        self,
        *,
        stream_state: StreamState | None = None,
        stream_slice: StreamSlice | None = None,
        next_page_token: Mapping[str, Any] | None = None,
    ) -> MutableMapping[str, Any]:
        parameters = super().get_request_params(
            stream_state=stream_state, stream_slice=stream_slice, next_page_token=next_page_token
        )
        wanted = {name: setting(self.config, path) for name, path in self.filters.items()}
        return {**parameters, **{name: value for name, value in wanted.items() if value is not None}}
