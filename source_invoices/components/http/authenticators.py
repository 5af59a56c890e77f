"""Signing in: the header that each request carries.

This module is here because every stock authenticator interpolates the secret, which reads a key like 12e45 as a number
and sends a different key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from typing import Any

from airbyte_cdk.sources.declarative.auth.declarative_authenticator import DeclarativeAuthenticator
from airbyte_cdk.sources.declarative.interpolation import InterpolatedString
from airbyte_cdk.sources.streams.call_rate import APIBudget

from source_invoices.components.http.stream_failure import StreamFailure
from source_invoices.components.http.throttling import ProviderPause
from source_invoices.components.http.tokens import AccessToken, TokenErrorHandler
from source_invoices.components.http.transport import Transport
from source_invoices.settings import check_limits, setting
from source_invoices.sync_context import context_of


@dataclass
class TokenAuthenticator(DeclarativeAuthenticator):
    """Signs in with a form and sends the token that comes back as a bearer token.

    provider: its key. url: the token address. form: the fixed fields of the sign-in.
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
    scope: str = ""
    timeouts: Sequence[float] = (10, 60)

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        url = str(InterpolatedString.create(self.url, parameters=parameters).eval(self.config))
        secrets = {name: setting(self.config, [*self.credentials, name]) for name in self.fields}
        scope = {"scope": self.scope} if self.scope else {}
        form = {**self.form, **scope, **{name: value for name, value in secrets.items() if value is not None}}

        context = context_of(self.api_budget)
        for secret in secrets.values():
            context.secrets.add(secret)

        def make() -> AccessToken:
            subject = f"sign-in, scope {self.scope}" if self.scope else "sign-in"
            handler = TokenErrorHandler(self.provider, subject, self.permission, context.secrets)
            policy = replace(context.retry_policy, **check_limits(self.config))
            policy = replace(policy, deadline=policy.sign_in_deadline)
            session = Transport(handler, StreamFailure(), ProviderPause(), policy, subject).session()
            connect, answer = self.timeouts
            return AccessToken(session, url, form, self.headers, (connect, answer), context.secrets)

        self._token = context.tokens.get((url, *sorted(form.items())), make)

    @property
    def auth_header(self) -> str:
        return "Authorization"

    @property
    def token(self) -> str:
        return f"Bearer {self._token.get()}"

    def renew(self, rejected: str) -> str:
        """Returns the header's new value after the provider has rejected this one."""
        return f"Bearer {self._token.get(rejected.removeprefix('Bearer '))}"


@dataclass
class KeyAuthenticator(DeclarativeAuthenticator):
    """Sends a key or a ready-made token from the configuration, untouched, in a header.

    header: its name. setting: the path of the setting. prefix: what stands before the key.
    """

    config: Mapping[str, Any]
    parameters: InitVar[Mapping[str, Any]]
    api_budget: APIBudget
    header: str
    setting: Sequence[str]
    prefix: str = ""

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        context_of(self.api_budget).secrets.add(setting(self.config, self.setting))

    @property
    def auth_header(self) -> str:
        return self.header

    @property
    def token(self) -> str:
        return f"{self.prefix}{setting(self.config, self.setting)}"
