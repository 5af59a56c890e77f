"""What a response means that is not what was asked for, in words for the person who must act.

This module is here because the stock HttpResponseFilter sees neither the status beside the body nor a body that is
not JSON, and its messages name no provider.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.streams.http.error_handlers.response_models import ErrorResolution, ResponseAction
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_invoices.components.http.json_body import decode
from source_invoices.providers import PROVIDERS
from source_invoices.secrets import excerpt

_REDIRECTS = (301, 302, 303, 307, 308)
LONGEST_QUOTE = 300
_LONGEST_HEADER = 100
_DEEPEST_WORDS = 10
TRY_LATER = "Please try again later."
ACCESS_REFUSED = "access refused"
# The fields of the providers' error bodies that have their words (documented, or seen in clients), the best first.
_WORDS = ("error_description", "message", "Message", "detail", "title", "error", "errors", "Errors")


def words_of(body: Any, depth: int = 0) -> str:
    """Returns the sentence in an error body of a known shape; "" if there is none, or if it is nested too deeply."""
    if isinstance(body, str):
        return body.strip()
    if depth == _DEEPEST_WORDS:
        return ""
    if isinstance(body, list):
        return "; ".join(filter(None, (words_of(item, depth + 1) for item in body)))
    if isinstance(body, dict):
        found = next((words for name in _WORDS if (words := words_of(body.get(name), depth + 1))), "")
        lists = (value for value in body.values() if isinstance(value, list))
        return found or "; ".join(filter(None, (words_of(value, depth + 1) for value in lists)))
    return ""


def quote(response: requests.Response) -> str:
    """Returns the provider's own words in quotes, shortened and without secrets; "(no words)" if there are none."""
    try:
        words = words_of(decode(response))
    except ValueError:
        # In UTF-8 whatever the header says, which may name a charset that there is not.
        words = "" if "html" in response.headers.get("Content-Type", "") else response.content.decode(errors="replace")
    words = excerpt(words, LONGEST_QUOTE)
    return f"'{words}'" if words else "(no words)"


@dataclass(frozen=True)
class Resolutions:
    """Builds the resolutions of one provider and one stream. Each says who, what happened and what to do."""

    provider: str
    subject: str

    def _resolution(self, action: ResponseAction, failure_type: FailureType, what: str, todo: str) -> ErrorResolution:
        return ErrorResolution(
            action, failure_type, f"{PROVIDERS[self.provider]}, {self.subject}: {what} {todo}".strip()
        )

    def fail(self, what: str, todo: str, failure_type: FailureType = FailureType.config_error) -> ErrorResolution:
        """Returns a failure of the stream."""
        return self._resolution(ResponseAction.FAIL, failure_type, what, todo)

    def retry(self, what: str, action: ResponseAction = ResponseAction.RETRY) -> ErrorResolution:
        """Returns a fault that may pass. The request is repeated; if that does not help, the stream fails."""
        return self._resolution(action, FailureType.transient_error, what, TRY_LATER)

    def contradiction_error(self, what: str, cause: Exception | None = None) -> AirbyteTracedException:
        """Returns a contradiction as a failure of the stream. cause: for the maintainers, beside the message."""
        resolution = self.contradiction(what)
        return AirbyteTracedException(
            message=resolution.error_message,
            internal_message=f"{type(cause).__name__}: {cause}" if cause else None,
            failure_type=resolution.failure_type,
        )

    def contradiction(self, what: str) -> ErrorResolution:
        """Returns a fault where the provider does not answer as it documents, so that going on could lose invoices."""
        todo = (
            "The stream stops here rather than lose invoices. If it happens again, please report it to the maintainers."
        )
        return self._resolution(ResponseAction.FAIL, FailureType.system_error, what, todo)


def resolve_status(
    answer: requests.Response,
    resolutions: Resolutions,
    throttled: frozenset[int],
    permission: str,
) -> ErrorResolution | None:
    """Returns what a status other than 200 means. None for a 200: the caller checks its body.

    throttled: the statuses with which this provider says "too many requests".
    permission: what to do when the provider refuses access.
    """
    status = answer.status_code
    if status == requests.codes.ok:
        return None
    what = f"HTTP {status}: {quote(answer)}."
    if status in throttled:
        return resolutions.retry(f"too many requests, {what}", ResponseAction.RATE_LIMITED)
    if status == requests.codes.unauthorized:
        refused = resolutions.fail(f"{ACCESS_REFUSED}, {what}", permission)
        return ErrorResolution(ResponseAction.REFRESH_TOKEN_THEN_RETRY, refused.failure_type, refused.error_message)
    if status == requests.codes.forbidden:
        return resolutions.fail(f"{ACCESS_REFUSED}, {what}", permission)
    if status in _REDIRECTS:
        target = _target(answer.headers.get("Location", ""))
        return resolutions.fail(
            f"HTTP {status}: the address points on to {target}, which is not followed because it would carry the "
            "credentials along.",
            "Check the provider's address in the configuration.",
        )
    if status < 400 or status == requests.codes.request_timeout or status >= 500:
        return resolutions.retry(f"no usable answer, {what}")
    return resolutions.fail(f"the request was refused, {what}", "Check the configuration of this provider.")


def _target(location: str) -> str:
    """Returns the host that a redirect names."""
    try:
        return excerpt(urlsplit(location).hostname or "", _LONGEST_HEADER) or "another path"
    except ValueError:
        return "an address that cannot be read"
