"""Access tokens: how they are obtained, kept and renewed.

This module is here because the stock OAuthAuthenticator knows no password grant, sets no timeout and reports a refused
sign-in without the provider's words.
"""

import re
import threading
import time
from collections.abc import Mapping
from typing import Any

import requests
from airbyte_cdk.sources.streams.http.error_handlers import ErrorHandler
from airbyte_cdk.sources.streams.http.error_handlers.response_models import SUCCESS_RESOLUTION, ErrorResolution

from source_invoices.components.http.json_body import decode
from source_invoices.components.http.responses import (
    ACCESS_REFUSED,
    Resolutions,
    quote,
    resolve_status,
)
from source_invoices.components.http.unanswered import resolve_unanswered
from source_invoices.secrets import Secrets

_DEFAULT_LIFETIME = 3600.0
_LONGEST_LIFETIME = 1e9
# As in a form, in half of a JSON text or in HTML.
_TOKEN_IN_TEXT = re.compile(r"""token["']?\s?[:=]\s?["']?([^"'&<>\s]{8,4096})""", re.IGNORECASE)
_HEADER_VALUE = r"[!-~]+"
# A token is renewed this long before it expires, so that none expires while a request is in flight.
_MARGIN = 60.0


def note_tokens(response: requests.Response, secrets: Secrets) -> None:
    """Adds the tokens in an answer to a sign-in to the secrets, also where the answer is not what it should be."""
    try:
        secrets.add_tokens(decode(response))
    except ValueError:
        for match in _TOKEN_IN_TEXT.finditer(response.content.decode(errors="replace")):
            secrets.add_token(match[1])


class TokenErrorHandler(ErrorHandler):
    """Recognises a token. That is a 200 with a JSON object that has an `access_token` fit for a header."""

    max_retries = 0
    max_time = None

    def __init__(self, provider: str, subject: str, permission: str, secrets: Secrets) -> None:
        """secrets: takes each token of an answer, also of one that is refused."""
        self._resolutions = Resolutions(provider, subject)
        self._permission = permission
        self._secrets = secrets

    def interpret_response(self, response: requests.Response | Exception | None) -> ErrorResolution:
        if not isinstance(response, requests.Response):
            return resolve_unanswered(response, self._resolutions)
        note_tokens(response, self._secrets)
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


class AccessToken:
    """One access token, shared by all streams that sign in the same way. Safe to use from several threads."""

    def __init__(
        self,
        session: requests.Session,
        url: str,
        form: Mapping[str, str],
        headers: Mapping[str, str],
        timeouts: tuple[float, float],
        secrets: Secrets,
    ) -> None:
        """timeouts: seconds to wait for a connection and for each part of an answer. secrets: takes each token."""
        self._session = session
        self._url, self._form, self._headers = url, form, headers
        self._timeouts = timeouts
        self._secrets = secrets
        self._lock = threading.Lock()
        self._value = ""
        self._expires = 0.0

    def get(self, rejected: str | None = None) -> str:
        """Returns the token. Signs in first if there is none, or if it expires soon or is the `rejected` one."""
        with self._lock:
            if self._value == rejected or time.monotonic() >= self._expires:
                self._sign_in()
            return self._value

    def _sign_in(self) -> None:
        asked = time.monotonic()
        response = self._session.post(
            self._url,
            self._form,
            headers=self._headers,
            timeout=self._timeouts,
            # It does nothing. It keeps requests from adding credentials of a netrc file.
            auth=lambda request: request,
        )
        body = decode(response)
        self._secrets.add_token(body["access_token"])
        lifetime = lifetime_of(body)
        self._value = body["access_token"]
        self._expires = asked + lifetime - min(_MARGIN, lifetime / 2)


def lifetime_of(body: Mapping[str, Any]) -> float:
    """Returns for how many seconds a token is good. What is no such number counts as an hour."""
    lifetime = body.get("expires_in")
    if isinstance(lifetime, bool) or not isinstance(lifetime, (int, float)) or not lifetime > 0:
        return _DEFAULT_LIFETIME
    return float(min(lifetime, _LONGEST_LIFETIME))
