"""Access tokens: how one is got, kept and renewed.

This module is here because the stock OAuthAuthenticator knows no password grant, sets no timeout and reports a refused
sign-in without the provider's words.
"""

import re
import threading
import time
from collections.abc import Mapping

import requests
from airbyte_cdk.sources.streams.http.error_handlers import ErrorHandler
from airbyte_cdk.sources.streams.http.error_handlers.response_models import SUCCESS_RESOLUTION, ErrorResolution
from airbyte_cdk.utils.airbyte_secrets_utils import add_to_secrets

from source_invoices.components.http.responses import (
    ACCESS_REFUSED,
    Resolutions,
    decode,
    quote,
    resolve_status,
    why_unanswered,
)

_DEFAULT_LIFETIME = 3600.0
_LONGEST_LIFETIME = 1e9
_HEADER_VALUE = r"[!-~]+"
# A token is renewed this long before it expires, so that no request is in flight with one that ends.
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


class AccessToken:
    """One access token, shared by all streams that sign in alike; safe to use from several threads."""

    def __init__(
        self,
        session: requests.Session,
        url: str,
        form: Mapping[str, str],
        headers: Mapping[str, str],
        timeouts: tuple[float, float],
    ) -> None:
        """timeouts: seconds to wait for a connection and for each part of an answer."""
        self._session = session
        self._url, self._form, self._headers = url, form, headers
        self._timeouts = timeouts
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
        response = self._session.post(
            self._url,
            self._form,
            headers=self._headers,
            timeout=self._timeouts,
            # It does nothing, so that requests adds no credentials from a netrc file.
            auth=lambda request: request,
        )
        body = decode(response)
        add_to_secrets(body["access_token"])
        lifetime = body.get("expires_in")
        if isinstance(lifetime, bool) or not isinstance(lifetime, (int, float)):
            lifetime = _DEFAULT_LIFETIME
        lifetime = min(lifetime, _LONGEST_LIFETIME)
        self._value = body["access_token"]
        self._expires = asked + lifetime - min(_MARGIN, lifetime / 2)
