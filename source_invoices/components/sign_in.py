"""Signing in: access tokens and keys.

Here because the stock OAuthAuthenticator knows no password grant, sets no timeout and reports a refused sign-in without
the provider's words; and because every stock authenticator interpolates the secret, which reads a key like 12e45 as a
number and sends another one.
"""

import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any

import requests
from airbyte_cdk.sources.declarative.auth.declarative_authenticator import DeclarativeAuthenticator
from airbyte_cdk.sources.declarative.interpolation import InterpolatedString
from airbyte_cdk.sources.streams.call_rate import APIBudget
from airbyte_cdk.sources.streams.http.error_handlers import ErrorHandler
from airbyte_cdk.sources.streams.http.error_handlers.response_models import SUCCESS_RESOLUTION, ErrorResolution
from airbyte_cdk.utils.airbyte_secrets_utils import add_to_secrets

from source_invoices.components.answers import (
    ACCESS_REFUSED,
    Resolutions,
    decode,
    quote,
    resolve_status,
    why_unanswered,
)
from source_invoices.components.gate import GateAdapter, Pause, StreamFailure, shared
from source_invoices.config import probe_limits, setting

_TIMEOUTS = (10, 60)
_DEFAULT_LIFETIME = 3600.0
_LONGEST_LIFETIME = 1e9
_HEADER_VALUE = r"[!-~]+"
# Renewed this long before it expires, so that no request is under way with a token that ends.
_MARGIN = 60.0


class TokenErrorHandler(ErrorHandler):
    """Tells a token from a refusal. A token is a 200 with a JSON object that has an `access_token` fit for a header."""

    max_retries = 0
    max_time = None

    def __init__(self, provider: str, subject: str, permission: str) -> None:
        self._resolutions = Resolutions(provider, subject)
        self._permission = permission

    def interpret_response(self, response: requests.Response | Exception | None) -> ErrorResolution:
        if not isinstance(response, requests.Response):
            return self._resolutions.retry(why_unanswered(response))
        if response.status_code in (requests.codes.bad_request, requests.codes.unauthorized, requests.codes.forbidden):
            what = f"{ACCESS_REFUSED}, HTTP {response.status_code}: {quote(response)}."
            return self._resolutions.fail(what, self._permission)
        throttled = frozenset({requests.codes.too_many_requests, requests.codes.conflict})
        resolution = resolve_status(response, self._resolutions, throttled, self._permission)
        if resolution:
            return resolution
        try:
            body = decode(response)
        except ValueError:
            return self._resolutions.retry("the answer is not JSON.")
        token = body.get("access_token") if isinstance(body, dict) else None
        if not isinstance(token, str) or not re.fullmatch(_HEADER_VALUE, token):
            return self._resolutions.contradiction(f"the answer has no `access_token`; it says {quote(response)}.")
        return SUCCESS_RESOLUTION


class Token:
    """One access token, shared by all streams that sign in alike; safe to use from several threads."""

    def __init__(
        self, session: requests.Session, url: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> None:
        self._session = session
        self._url, self._form, self._headers = url, form, headers
        self._lock = threading.Lock()
        self._value = ""
        self._expires = 0.0

    def get(self, rejected: str | None = None) -> str:
        """The token, a new one if there is none, it is about to expire, or it is the `rejected` one."""
        with self._lock:
            if self._value == rejected or time.monotonic() >= self._expires:
                self._sign_in()
            return self._value

    def _sign_in(self) -> None:
        asked = time.monotonic()
        # The no-op `auth` keeps requests from adding credentials that it finds in a netrc file.
        response = self._session.post(self._url, self._form, headers=self._headers, timeout=_TIMEOUTS, auth=lambda r: r)
        body = decode(response)
        add_to_secrets(body["access_token"])
        lifetime = body.get("expires_in")
        if isinstance(lifetime, bool) or not isinstance(lifetime, (int, float)):
            lifetime = _DEFAULT_LIFETIME
        lifetime = min(lifetime, _LONGEST_LIFETIME)
        self._value = body["access_token"]
        self._expires = asked + lifetime - min(_MARGIN, lifetime / 2)


@dataclass
class TokenAuthenticator(DeclarativeAuthenticator):
    """Signs in with a form and sends the token it gets for it as a bearer token.

    provider: its name for people. url: the token address. form: the fixed fields of the sign-in.
    credentials: the path of the settings object that holds the others; `fields` names them, an unset one is left out.
    headers: those of the sign-in. permission: what to do when the sign-in is refused.
    """

    config: Mapping[str, Any]
    parameters: InitVar[Mapping[str, Any]]
    api_budget: APIBudget
    provider: str
    url: str
    form: Mapping[str, str]
    credentials: Sequence[str]
    fields: Sequence[str]
    permission: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        url = str(InterpolatedString.create(self.url, parameters=parameters).eval(self.config))
        secrets = {name: setting(self.config, [*self.credentials, name]) for name in self.fields}
        form = {**self.form, **{name: value for name, value in secrets.items() if value is not None}}

        def make() -> Token:
            session = requests.Session()
            scope = f", scope {self.form['scope']}" if "scope" in self.form else ""
            handler = TokenErrorHandler(self.provider, f"sign-in{scope}", self.permission)
            GateAdapter(handler, StreamFailure(), Pause(), **probe_limits(self.config)).mount_on(session)
            return Token(session, url, form, self.headers)

        self._token = shared(self.api_budget, ("token", url, tuple(sorted(form.items()))), make)

    @property
    def auth_header(self) -> str:
        return "Authorization"

    @property
    def token(self) -> str:
        return f"Bearer {self._token.get()}"

    def renew(self, rejected: str) -> str:
        """The header's new value after the provider has rejected this one."""
        return f"Bearer {self._token.get(rejected.removeprefix('Bearer '))}"


@dataclass
class KeyAuthenticator(DeclarativeAuthenticator):
    """Sends a key or a ready-made token from the configuration, untouched, in a header.

    header: its name. key: the path of the setting. prefix: what stands before the key.
    """

    config: Mapping[str, Any]
    parameters: InitVar[Mapping[str, Any]]
    header: str
    key: Sequence[str]
    prefix: str = ""

    @property
    def auth_header(self) -> str:
        return self.header

    @property
    def token(self) -> str:
        return f"{self.prefix}{setting(self.config, self.key)}"
