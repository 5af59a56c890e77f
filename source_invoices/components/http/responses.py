"""What a provider's answer means when it is not what was asked for, in words for the person who must act.

Here because the stock HttpResponseFilter sees neither the status beside the body nor a body that is not JSON, and its
messages name no provider.
"""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.streams.http.error_handlers.response_models import ErrorResolution, ResponseAction
from airbyte_cdk.utils.airbyte_secrets_utils import filter_secrets
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_invoices.providers import PROVIDERS

_LONGEST_QUOTE = 300
ACCESS_REFUSED = "access refused"
# Where the providers' error bodies carry their words (documented, or seen in their clients), the most telling first.
_WORDS = ("error_description", "message", "Message", "detail", "title", "error", "errors", "Errors")


def decode(response: requests.Response) -> Any:
    """The JSON of a body, whole numbers as exact as they came. Raises ValueError for a body that is not JSON."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(response.content, parse_constant=refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def words_of(body: Any) -> str:
    """The sentence in an error body of any of the known shapes, or ""."""
    if isinstance(body, str):
        return body.strip()
    if isinstance(body, list):
        return "; ".join(filter(None, map(words_of, body)))
    if isinstance(body, dict):
        found = next((words for name in _WORDS if (words := words_of(body.get(name)))), "")
        return found or "; ".join(words_of(value) for value in body.values() if isinstance(value, list) and value)
    return ""


def quote(response: requests.Response) -> str:
    """The provider's own words in quotes, shortened and without secrets; says so where there are none."""
    try:
        words = words_of(decode(response))
    except ValueError:
        words = "" if "html" in response.headers.get("Content-Type", "") else response.text.strip()
    words = filter_secrets(" ".join("".join(sign if sign.isprintable() else " " for sign in words).split()))
    if len(words) > _LONGEST_QUOTE:
        words = words[:_LONGEST_QUOTE] + "..."
    return f"'{words}'" if words else "(no words)"


@dataclass(frozen=True)
class Resolutions:
    """Builds the resolutions for one provider's answers to one stream: who, what happened, what to do."""

    provider: str
    subject: str

    def _resolution(self, action: ResponseAction, failure_type: FailureType, what: str, todo: str) -> ErrorResolution:
        return ErrorResolution(
            action, failure_type, f"{PROVIDERS[self.provider]}, {self.subject}: {what} {todo}".strip()
        )

    def fail(self, what: str, todo: str, failure_type: FailureType = FailureType.config_error) -> ErrorResolution:
        """The stream cannot go on."""
        return self._resolution(ResponseAction.FAIL, failure_type, what, todo)

    def retry(self, what: str, action: ResponseAction = ResponseAction.RETRY) -> ErrorResolution:
        """It may pass: asked again, and a transient failure of the stream when it does not."""
        return self._resolution(action, FailureType.transient_error, what, "Please try again later.")

    def contradiction_error(self, what: str) -> AirbyteTracedException:
        """Returns a contradiction as a failure of the stream."""
        resolution = self.contradiction(what)
        return AirbyteTracedException(message=resolution.error_message, failure_type=resolution.failure_type)

    def contradiction(self, what: str) -> ErrorResolution:
        """The provider answered, but not as it documents; going on could lose invoices."""
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
    """What a status other than 200 means; None for a 200, whose body is the caller's to judge.

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
    if 200 < status < 300 or status == requests.codes.request_timeout or status >= 500:
        return resolutions.retry(f"no usable answer, {what}")
    if status < 400:
        target = urlsplit(answer.headers.get("Location", "")).netloc or "another path"
        return resolutions.fail(
            f"HTTP {status}: the address points on to {target}, which is not followed because it would carry the "
            "credentials along.",
            "Check the provider's address in the configuration.",
        )
    return resolutions.fail(f"the request was refused, {what}", "Check the configuration of this provider.")


def why_unanswered(error: Exception | None) -> str:
    """What a request that got no answer ran into, without the address and its parameters."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no connection in time."
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time."
    if isinstance(error, requests.exceptions.SSLError):
        return f"no secure connection could be made: {_innermost(error)}."
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the answer broke off half-way."
    return f"the provider could not be reached: {_innermost(error)}."


def _innermost(error: BaseException | None) -> str:
    """The first cause of a nested network error; the outer ones repeat the address."""
    while error is not None:
        causes = [getattr(error, "reason", None), *error.args]
        cause = next((cause for cause in causes if isinstance(cause, BaseException)), None)
        if cause is None:
            words = getattr(error, "strerror", None) or str(error.args[-1] if error.args else error)
            return re.sub(r"^\w+\(.*?\): ", "", words).rstrip(".")
        error = cause
    return "unknown reason"
