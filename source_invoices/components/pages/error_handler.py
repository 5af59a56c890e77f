"""The error handler: turns a response into a page, or into a fault in words.

This module is here because the stock decoder turns a body that is not JSON into an empty page, which ends a stream as
COMPLETE with rows missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.streams.http.error_handlers import ErrorHandler
from airbyte_cdk.sources.streams.http.error_handlers.response_models import (
    SUCCESS_RESOLUTION,
    ErrorResolution,
)

from source_invoices.components.http.json_body import decode
from source_invoices.components.http.responses import Resolutions, quote, resolve_status
from source_invoices.components.http.unanswered import resolve_unanswered
from source_invoices.components.pages.page import Envelope, InconsistentPage, Page
from source_invoices.components.pages.plan import InvoiceKey, PageNumber, Position
from source_invoices.secrets import excerpt, quoted

_PAGE = "invoice_page"
_POSITION = "invoice_position"
_LONGEST_TYPE = 100


def page_of(response: requests.Response) -> Page:
    """Returns the page that PageErrorHandler left on a response."""
    page: Page = getattr(response, _PAGE)
    return page


@dataclass
class PageErrorHandler(ErrorHandler):
    """Recognises pages and faults, and leaves the page on the response for the retriever.

    provider: its key. envelope: see Envelope. permission: what to do when access is refused.
    throttled: the statuses that mean "too many requests".
    key_envelope: the same for the answer to a request for one invoice, where that differs.
    missing_fails: a 404 in JSON to such a request fails the stream; else it is an empty page. Any other 404 does not
    come from the provider's API.
    """

    parameters: InitVar[Mapping[str, Any]]
    config: Mapping[str, Any]
    provider: str
    envelope: Mapping[str, Any]
    permission: str
    throttled: Sequence[int] = field(default_factory=lambda: [requests.codes.too_many_requests])
    key_envelope: Mapping[str, Any] | None = None
    missing_fails: bool = False

    # The transport repeats requests, so the CDK does not.
    max_retries = 0
    max_time = None

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self._resolutions = Resolutions(self.provider, parameters["name"])
        self._envelope = Envelope(**self.envelope)
        self._key_envelope = Envelope(**self.key_envelope) if self.key_envelope else self._envelope
        self._throttled = frozenset(self.throttled)

    def interpret_response(self, response: requests.Response | Exception | None) -> ErrorResolution:
        if not isinstance(response, requests.Response):
            return resolve_unanswered(response, self._resolutions)
        is_missing = response.status_code == requests.codes.not_found and key_of(response.request) is not None
        if is_missing and not self.missing_fails and _is_json(response):
            setattr(response, _PAGE, Page([], [], None, False))
            return SUCCESS_RESOLUTION
        resolution = resolve_status(response, self._resolutions, self._throttled, self.permission)
        return resolution or self._judge(response)

    def _judge(self, response: requests.Response) -> ErrorResolution:
        try:
            body = decode(response)
        except ValueError:
            kind = excerpt(response.headers.get("Content-Type", "unknown type"), _LONGEST_TYPE)
            return self._resolutions.retry(f"the answer is not JSON ({len(response.content)} bytes of {kind}).")
        if isinstance(body, dict) and (body.get("error") or body.get("WasSuccessful") is False):
            return self._resolutions.fail(
                f"the provider reports an error, {quote(response)}.", self.permission, FailureType.system_error
            )
        key = key_of(response.request)
        try:
            page = (self._envelope if key is None else self._key_envelope).read(body)
            _refuse_another_invoice(page, key)
        except InconsistentPage as error:
            asked = number_of(response.request)
            if asked not in (None, error.number):
                return self._resolutions.contradiction(f"page {asked} was asked for, page {error.number} came.")
            return self._resolutions.retry(f"the answer contradicts itself: {error}.")
        except ValueError as error:
            return self._resolutions.contradiction(
                f"the answer is not a page of invoices: {error}; it says {quote(response)}."
            )
        setattr(response, _PAGE, page)
        return SUCCESS_RESOLUTION


def mark_position(request: requests.PreparedRequest, position: Position) -> None:
    """Notes on a request what it asks for."""
    setattr(request, _POSITION, position)


def key_of(request: requests.PreparedRequest) -> str | None:
    """Returns the key of the invoice that a request asks for; None for a page."""
    position = getattr(request, _POSITION, None)
    return position.key if isinstance(position, InvoiceKey) else None


def number_of(request: requests.PreparedRequest) -> int | None:
    """Returns the number of the page that a request asks for. An invoice that is asked for by its key is on page 1."""
    position = getattr(request, _POSITION, None)
    return position.number if isinstance(position, PageNumber) else 1 if position else None


def _refuse_another_invoice(page: Page, key: str | None) -> None:
    """Raises ValueError if one invoice was asked for by its address and another one came."""
    if key is not None and page.is_single and str(page.keys[0]).lower() != key.lower():
        raise ValueError(f"invoice {key} was asked for, invoice {quoted(page.keys[0])} came")


def _is_json(response: requests.Response) -> bool:
    try:
        decode(response)
    except ValueError:
        return False
    return True
