"""How a request is put together.

Here because the stock HttpRequester sends through a session of its own, where the gate cannot stand, and interpolates
every parameter: a filter like "[1]" or "'a'" would leave as the Python literal that it resembles.
"""

import threading
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any

import requests
from airbyte_cdk.sources.declarative.auth.declarative_authenticator import DeclarativeAuthenticator
from airbyte_cdk.sources.declarative.requesters.http_requester import HttpRequester
from airbyte_cdk.sources.declarative.requesters.request_options import InterpolatedRequestOptionsProvider
from airbyte_cdk.sources.streams.http.error_handlers import ErrorHandler
from airbyte_cdk.sources.types import StreamSlice, StreamState

from source_invoices.components.gate import GateAdapter, Pause, StreamFailure, shared
from source_invoices.components.moving_rows import Position
from source_invoices.components.read_ahead import ReadAhead
from source_invoices.config import probe_limits, setting


@dataclass
class GatedRequester(HttpRequester):
    """The stock requester, with the gate as its session's transport.

    provider: the key of its provider, whose streams pause together.
    filters: parameters taken from the configuration as they are, each `parameter: [path of the setting]`; an unset one
    is not sent.
    key_parameter: the parameter that asks a list for one invoice, where the page token names one.
    """

    provider: str = ""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    key_parameter: str = ""
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
            shared(self.api_budget, ("stream failure", parameters["name"]), StreamFailure),
            shared(self.api_budget, ("pause", self.provider), Pause),
            **probe_limits(self.config),
            in_flight=shared(self.api_budget, "in flight", lambda: threading.Semaphore(workers)),
            budget=self.api_budget,
            renew=getattr(self.authenticator, "renew", None),
        )
        # The CDK offers no public way to a requester's session.
        gate.mount_on(self._http_client._session)

    def send_request(self, *args: Any, **options: Any) -> requests.Response | None:
        stream_slice, token = options.get("stream_slice"), options.get("next_page_token")
        rule = stream_slice.extra_fields.get("rule") if stream_slice else None
        if not isinstance(rule, ReadAhead):
            return super().send_request(*args, **options)

        def send(position: Position) -> requests.Response:
            options_there = {**options, "next_page_token": {"next_page_token": position}}
            response = super(GatedRequester, self).send_request(*args, **options_there)
            if response is None:
                raise ValueError("the answer to a page was ignored")
            return response

        return rule.fetch(token["next_page_token"] if token else Position(), send)

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
        position = (next_page_token or {}).get("next_page_token")
        if isinstance(position, Position) and position.key is not None:
            wanted[self.key_parameter] = position.key
        return {**parameters, **{name: value for name, value in wanted.items() if value is not None}}
