"""The requester: how a request is put together and sent.

This module is here because the stock HttpRequester interpolates every parameter of every page: a filter like "[1]" or
"'a'" would leave as the Python literal that it resembles, and what is the same for all pages costs as much as the rest
of a request.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import requests
from airbyte_cdk.sources.declarative.auth.declarative_authenticator import DeclarativeAuthenticator
from airbyte_cdk.sources.declarative.interpolation import InterpolatedString
from airbyte_cdk.sources.declarative.interpolation.interpolated_mapping import InterpolatedMapping
from airbyte_cdk.sources.streams.call_rate import APIBudget
from airbyte_cdk.sources.streams.http.error_handlers import ErrorHandler
from airbyte_cdk.sources.types import StreamSlice
from airbyte_cdk.utils import is_cloud_environment

from source_invoices.components.http.responses import Resolutions
from source_invoices.components.http.stream_failure import StreamFailure
from source_invoices.components.http.throttling import ProviderPause
from source_invoices.components.http.transport import Transport
from source_invoices.components.pages.error_handler import mark_position, page_of
from source_invoices.components.pages.page import Page
from source_invoices.components.pages.plan import InvoiceKey, PageNumber, Position
from source_invoices.providers import PROVIDERS
from source_invoices.secrets import quoted
from source_invoices.settings import check_limits, setting
from source_invoices.sync_context import context_of

_ADDRESS_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.~-]{0,199}")
_URL, _KEY_URL = "url", "key_url"
# Seconds. A quicker exchange gains nothing from being in flight beside several others: the threads wait for each other.
_QUICK = 0.004
# What a template mentions that differs between the requests of a stream.
_VARIABLES = ("stream_slice", "stream_interval", "position")


@dataclass
class PageRequester:
    """Sends GET requests. Apart from a proxy, nothing of a request comes from the environment or an earlier response.

    provider: the key of its provider, whose streams pause together.
    url, request_parameters: templates. An empty parameter is not sent.
    page_parameter, page_size_parameter: the parameters with the number of the page, and with the number of its rows.
    page_size: how many rows are asked for; a template.
    filters: parameters taken from the configuration as they are, each `parameter: [path of the setting]`.
    key_parameter: the parameter that asks the list for one invoice; or
    key_url: the template of the address of one invoice, with `{key}` in it.
    timeouts: seconds to wait for a connection and for each part of an answer.
    """

    config: Mapping[str, Any]
    parameters: InitVar[Mapping[str, Any]]
    api_budget: APIBudget
    authenticator: DeclarativeAuthenticator
    error_handler: ErrorHandler
    provider: str
    url: str = ""
    page_parameter: str = ""
    page_size_parameter: str = ""
    page_size: str = ""
    request_parameters: Mapping[str, str] = field(default_factory=dict)
    request_headers: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    key_parameter: str = ""
    key_url: str = ""
    timeouts: Sequence[float] = (10, 60)

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        context = context_of(self.api_budget)
        self._resolutions = Resolutions(self.provider, parameters["name"])
        self._transport = Transport(
            self.error_handler,
            context.failures.get(parameters["name"], StreamFailure),
            context.pauses.get(self.provider, ProviderPause),
            replace(context.retry_policy, **check_limits(self.config)),
            f"{PROVIDERS[self.provider]}, {parameters['name']}",
            in_flight=context.in_flight(self.config["num_workers"]),
            budget=self.api_budget,
            renew=getattr(self.authenticator, "renew", None),
        )
        session = self._transport.session()
        self._send, self._send_ahead = self._transport.send, self._transport.send_once
        if is_cloud_environment():
            # There the CDK makes requests.Session refuse internal addresses.
            self._send, self._send_ahead = session.send, self._transport.session(ahead=True).send
        connect, answer = self.timeouts
        self._timeouts = connect, answer
        # Proxies and certificates, which requests would look up in the environment for each page.
        address = self.config[self.provider]["api_url"]
        self._environment = session.merge_environment_settings(address, {}, None, None, None)
        self._headers = {**session.headers, **self.request_headers}
        self._prepared: dict[str, requests.PreparedRequest] = {}
        self._page_size = int(InterpolatedString.create(self.page_size, parameters=parameters).eval(self.config) or 0)
        templates = {_URL: self.url, _KEY_URL: self.key_url, **self.request_parameters}
        varying = {name: text for name, text in templates.items() if any(variable in text for variable in _VARIABLES)}
        fixed = {name: text for name, text in templates.items() if name not in varying}
        filters = {name: setting(self.config, path) for name, path in self.filters.items()}
        self._varying = InterpolatedMapping(varying, parameters=parameters)
        self._fixed = {**InterpolatedMapping(fixed, parameters=parameters).eval(self.config), **filters}

    def page(self, stream_slice: StreamSlice, position: Position) -> Page:
        """Asks for a page, waits and repeats. Raises AirbyteTracedException in the error handler's words."""
        return self._page(self._send, stream_slice, position)

    def page_ahead(self, stream_slice: StreamSlice, position: Position) -> Page:
        """Asks for a page once. Raises NotFetchedAhead where there is none."""
        return self._page(self._send_ahead, stream_slice, position)

    def is_quick(self) -> bool:
        """Returns whether the provider answers so quickly that fetching far ahead does not pay."""
        return self._transport.quickest_exchange < _QUICK

    def _page(self, send: Callable[..., requests.Response], stream_slice: StreamSlice, position: Position) -> Page:
        """Sends without a session, which would look for redirects and cookies: the connector follows neither."""
        request = self._prepare(stream_slice, position)
        response = send(request, timeout=self._timeouts, **self._environment)
        page = page_of(response)
        page.asked_size = self._size(position)
        return page

    def _part_of_an_address(self, key: str) -> str:
        """Returns a key. Raises AirbyteTracedException for one that would name another address."""
        if not _ADDRESS_PART.fullmatch(key):
            what = (
                f"the list or the state has an invoice with the key {quoted(key)}, which cannot be part of an address."
            )
            raise self._resolutions.contradiction_error(what)
        return key

    def _size(self, position: Position) -> int:
        return (position.size if isinstance(position, PageNumber) else None) or self._page_size

    def _prepare(self, stream_slice: StreamSlice, position: Position) -> requests.PreparedRequest:
        varying = self._varying.eval(self.config, stream_slice=stream_slice, position=position)
        parameters = {**self._fixed, **varying}
        url, key_url = parameters.pop(_URL), parameters.pop(_KEY_URL)
        end = ""
        if isinstance(position, InvoiceKey) and key_url:
            url, _, end = key_url.partition("{key}")
            end, parameters = f"{self._part_of_an_address(position.key)}{end}", {}
        elif isinstance(position, InvoiceKey):
            parameters |= {self.key_parameter: position.key, self.page_parameter: 1}
        else:
            parameters |= {self.page_parameter: position.number, self.page_size_parameter: self._size(position)}
        sent = {name: value for name, value in parameters.items() if value not in (None, "")}
        request = self._prepared_for(url)
        request.url = f"{request.url}{end}?{urlencode(sent)}" if sent else f"{request.url}{end}"
        request.prepare_auth(self.authenticator)
        mark_position(request, position)
        return request

    def _prepared_for(self, url: str) -> requests.PreparedRequest:
        """Returns what all requests to an address have in common: preparing it costs as much as sending."""
        if url not in self._prepared:
            self._prepared[url] = requests.Request("GET", url, self._headers).prepare()
        return self._prepared[url].copy()
