"""How a request is put together and sent.

Here because the stock HttpRequester sends through a session of its own, where the gate cannot stand, and interpolates
every parameter of every page: a filter like "[1]" or "'a'" would leave as the Python literal that it resembles, and
what is the same for all pages costs as much as all else of a request.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from functools import partial
from typing import Any

import requests
from airbyte_cdk.sources.declarative.auth.declarative_authenticator import DeclarativeAuthenticator
from airbyte_cdk.sources.declarative.interpolation.interpolated_mapping import InterpolatedMapping
from airbyte_cdk.sources.declarative.requesters.http_requester import HttpRequester
from airbyte_cdk.sources.streams.http.error_handlers import ErrorHandler
from airbyte_cdk.sources.types import StreamSlice

from source_invoices.components.backlog import Backlog
from source_invoices.components.gate import GateAdapter, Pause, StreamFailure, shared
from source_invoices.components.moving_rows import Position
from source_invoices.components.read_ahead import ReadAhead
from source_invoices.config import probe_limits, setting

_URL = "url"
# What a template mentions that is not the same for all requests of a stream.
_VARIABLES = ("stream_slice", "stream_partition", "stream_interval", "next_page_token")


@dataclass
class GatedRequester(HttpRequester):
    """Sends GET requests through a session whose transport is the gate; nothing of a request comes from elsewhere.

    provider: the key of its provider, whose streams pause together.
    url, request_parameters: templates; an empty parameter is not sent.
    page_parameter: the parameter that asks for a page by its number.
    filters: parameters taken from the configuration as they are, each `parameter: [path of the setting]`; an unset one
    is not sent.
    key_parameter: the parameter that asks a list for one invoice, where the page token names one.
    """

    provider: str = ""
    page_parameter: str = ""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    key_parameter: str = ""
    request_parameters: Mapping[str, str] = field(default_factory=dict)
    request_headers: Mapping[str, str] = field(default_factory=dict)
    authenticator: DeclarativeAuthenticator | None = None
    error_handler: ErrorHandler | None = None
    parameters: InitVar[Mapping[str, Any]]

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        super().__post_init__(parameters)
        if self.api_budget is None or self.error_handler is None:
            raise ValueError("a GatedRequester needs an api_budget in the manifest and an error_handler")
        workers = self.config["num_workers"]
        gate = GateAdapter(
            self.error_handler,
            shared(self.api_budget, ("stream failure", parameters["name"]), StreamFailure),
            shared(self.api_budget, ("pause", self.provider), Pause),
            **probe_limits(self.config),
            in_flight=shared(self.api_budget, "in flight", lambda: threading.Semaphore(workers)),
            budget=self.api_budget,
            renew=getattr(self.authenticator, "renew", None),
        )
        self._backlog = shared(self.api_budget, "backlog", Backlog)
        # The CDK offers no public way to a requester's session.
        self._session = self._http_client._session
        gate.mount_on(self._session)
        # Proxies and certificates, which requests would look up in the environment for each page.
        address = self.config[self.provider]["api_url"]
        self._environment = self._session.merge_environment_settings(address, {}, None, None, None)
        self._method = self.get_method().value
        self._headers = {**self._session.headers, **self.request_headers}
        templates = {_URL: str(self.url), **self.request_parameters}
        varying = {name: text for name, text in templates.items() if any(variable in text for variable in _VARIABLES)}
        fixed = {name: text for name, text in templates.items() if name not in varying}
        filters = {name: setting(self.config, path) for name, path in self.filters.items()}
        self._varying = InterpolatedMapping(varying, parameters=parameters)
        self._fixed = {**InterpolatedMapping(fixed, parameters=parameters).eval(self.config), **filters}

    def send_request(self, *_: Any, **options: Any) -> requests.Response:
        stream_slice, token = options.get("stream_slice"), options.get("next_page_token")
        position: Position | None = token["next_page_token"] if token else None
        rule = stream_slice.extra_fields.get("rule") if stream_slice else None
        self._backlog.wait()
        send = partial(self._send, stream_slice)
        return rule.fetch(position or Position(), send) if isinstance(rule, ReadAhead) else send(position)

    def _send(self, stream_slice: StreamSlice | None, position: Position | None) -> requests.Response:
        token = {"next_page_token": position} if position else None
        varying = self._varying.eval(self.config, stream_slice=stream_slice, next_page_token=token)
        parameters = {**self._fixed, **varying}
        url = parameters.pop(_URL)
        if self.page_parameter:
            parameters[self.page_parameter] = position.page if position else 1
        if position and position.key is not None:
            parameters[self.key_parameter] = position.key
        sent = {name: value for name, value in parameters.items() if value not in (None, "")}
        request = requests.Request(self._method, url, self._headers, params=sent, auth=self._session.auth)
        timeout = self.connect_timeout_in_seconds, self.read_timeout_in_seconds
        return self._session.send(request.prepare(), timeout=timeout, **self._environment)
