"""What a page is, and how it is read; envelope.py says where its parts are, moving_rows.py which page comes next.

Here because the stock decoder turns a body that is not JSON into an empty page, and the stock PageIncrement ends at the
first page that is shorter than the size asked for: both end a stream as COMPLETE with rows missing.
"""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative.extractors.record_extractor import RecordExtractor
from airbyte_cdk.sources.declarative.requesters.paginators.strategies.pagination_strategy import PaginationStrategy
from airbyte_cdk.sources.streams.call_rate import APIBudget
from airbyte_cdk.sources.streams.http.error_handlers import ErrorHandler
from airbyte_cdk.sources.streams.http.error_handlers.response_models import (
    SUCCESS_RESOLUTION,
    ErrorResolution,
    ResponseAction,
)
from airbyte_cdk.sources.types import Record, StreamSlice
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_invoices.components.answers import Resolutions, decode, quote, resolve_status, why_unanswered
from source_invoices.components.envelope import Envelope, InconsistentPage, Page
from source_invoices.components.gate import shared
from source_invoices.components.moving_rows import Position, ReadingRule, following
from source_invoices.components.progress import Progress

_PAGE = "invoice_page"


def page_of(response: requests.Response) -> Page:
    """The page that PageErrorHandler left on a response."""
    page: Page = getattr(response, _PAGE)
    return page


@dataclass
class PageErrorHandler(ErrorHandler):
    """Tells pages from faults, and leaves the page on the response for the extractor and the paginator.

    provider: its name for people. envelope: see Envelope. permission: what to do when access is refused.
    throttled: the statuses that mean "too many requests".
    skip_missing: a 404 in JSON is skipped with a log line, for what was listed a moment ago and is gone. Any other 404
    does not come from the provider's API.
    """

    parameters: InitVar[Mapping[str, Any]]
    config: Mapping[str, Any]
    provider: str
    envelope: Mapping[str, Any]
    permission: str
    throttled: Sequence[int] = field(default_factory=lambda: [requests.codes.too_many_requests])
    skip_missing: bool = False

    # Answers are asked for again by the gate, before the CDK's own client sees them.
    max_retries = 0
    max_time = None

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self._resolutions = Resolutions(self.provider, parameters["name"])
        self._envelope = Envelope(**self.envelope)
        self._throttled = frozenset(self.throttled)

    def interpret_response(self, response: requests.Response | Exception | None) -> ErrorResolution:
        if not isinstance(response, requests.Response):
            return self._resolutions.retry(why_unanswered(response))
        if self.skip_missing and response.status_code == requests.codes.not_found and _is_json(response):
            name = response.request.path_url.rsplit("/", 1)[-1]
            message = (
                f"{self.provider}: invoice {name} is listed but no longer there, HTTP 404: {quote(response)}. Skipped."
            )
            return ErrorResolution(ResponseAction.IGNORE, None, message)
        resolution = resolve_status(response, self._resolutions, self._throttled, self.permission)
        return resolution or self._judge(response)

    def _judge(self, response: requests.Response) -> ErrorResolution:
        try:
            body = decode(response)
        except ValueError:
            kind = response.headers.get("Content-Type", "unknown type")
            return self._resolutions.retry(f"the answer is not JSON ({len(response.content)} bytes of {kind}).")
        if isinstance(body, dict) and (body.get("error") or body.get("WasSuccessful") is False):
            return self._resolutions.fail(
                f"the provider reports an error, {quote(response)}.", self.permission, FailureType.system_error
            )
        try:
            page = self._envelope.read(body)
            self._check_identity(response, page)
        except InconsistentPage as error:
            return self._resolutions.retry(f"the answer contradicts itself: {error}.")
        except ValueError as error:
            return self._resolutions.contradiction(
                f"the answer is not a page of invoices: {error}; it says {quote(response)}."
            )
        setattr(response, _PAGE, page)
        return SUCCESS_RESOLUTION

    def _check_identity(self, response: requests.Response, page: Page) -> None:
        asked = response.request.path_url.split("?")[0].rsplit("/", 1)[-1]
        if not self._envelope.rows and str(page.keys[0]).lower() != asked.lower():
            raise ValueError(f"invoice {asked} was asked for, invoice {page.keys[0]} came")


def _is_json(response: requests.Response) -> bool:
    try:
        decode(response)
    except ValueError:
        return False
    return True


@dataclass
class PageExtractor(RecordExtractor):
    """Hands over the rows that were decoded when the answer was checked; the stock one would decode the body again."""

    def extract_records(self, response: requests.Response) -> Iterable[MutableMapping[str, Any]]:
        yield from page_of(response).rows


@dataclass
class NumberedPages(PaginationStrategy):
    """Goes on as long as the response says that there is more, and steps back where rows have moved.

    The stock PageIncrement stops at a short page, so at any page whose size the server clamps. The token is a Position.
    Where the slice carries a rule of its own, that decides how to read on.
    """

    parameters: InitVar[Mapping[str, Any]]
    config: Mapping[str, Any]
    api_budget: APIBudget
    provider: str

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self._name = parameters["name"]
        # A status is not sent: how many invoices have it shows only in the end.
        groups = self.config[self._name.partition("_")[0]].values()
        self._is_countable = not any(isinstance(group, Mapping) and group.get("status") for group in groups)
        self._resolutions = Resolutions(self.provider, parameters["name"])

    @property
    def initial_token(self) -> Any | None:
        return None

    def get_page_size(self) -> int | None:
        return None

    def next_page_token(
        self,
        response: requests.Response,
        last_page_size: int,
        last_record: Record | None,
        last_page_token_value: Any | None = None,
        page_size_override: int | None = None,
        stream_slice: StreamSlice | None = None,
    ) -> Position | None:
        rule: ReadingRule | None = stream_slice.extra_fields.get("rule") if stream_slice else None
        read_on = rule.turn if rule else following
        page, position = page_of(response), last_page_token_value or Position()
        try:
            after = read_on(page, position)
        except ValueError as error:
            resolution = self._resolutions.contradiction(f"{error}.")
            raise AirbyteTracedException(
                message=resolution.error_message, failure_type=resolution.failure_type or FailureType.system_error
            ) from None
        rows = rule.expected(page) if rule else page.total
        if rows is not None and self._is_countable and position.key is None:
            progress = shared(self.api_budget, "progress", Progress)
            progress.expect(self._name, str(stream_slice.cursor_slice) if stream_slice else "", rows)
        return after
