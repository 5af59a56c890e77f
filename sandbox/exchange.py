"""One request and its answer, as the log, the faults and the providers see them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

import orjson

HTML = "text/html; charset=utf-8"
JSON = "application/json"


@dataclass(eq=False)
class Request:
    """A logged request. `started` and `ended` are `time.monotonic()` seconds; `status` is None until it is answered,
    and stays None if the connection was dropped instead. Header names are lower case. `rows_behind`: the server that
    answers it lacks so many of the newest rows."""

    route: str
    method: str
    host_port: int
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: str
    started: float
    parameters: dict[str, str] = field(default_factory=dict)
    rows_behind: int = 0
    status: int | None = None
    ended: float | None = None

    def value(self, name: str) -> str | None:
        """A query parameter's value, the last one if it was given more than once (as PHP and Go's forms do)."""
        return next((value for key, value in reversed(self.query) if key == name), None)

    @property
    def page(self) -> int | None:
        """The page number asked for, if a number was."""
        text = self.value("page") or ""
        return int(text) if text.isdecimal() else None


@dataclass
class Answer:
    """What is sent back: `body` is encoded as JSON unless it is bytes already."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON

    def encoded(self) -> bytes:
        """The body as it goes over the wire."""
        if isinstance(self.body, bytes):
            return self.body
        try:
            return orjson.dumps(self.body)
        except TypeError:  # integers of more than 64 bits
            return json.dumps(self.body).encode()


@dataclass(frozen=True)
class Endpoint:
    """A path of a provider, the function that answers it, and what faults need to know about its answers.

    `rows` and `page` say where in the JSON body the list of rows and the page numbers stand; `error` builds the
    provider's own error report, also for a status of 200; `data` is False for token requests.
    """

    route: str
    path: str
    answer: Callable[[Request], Answer]
    error: Callable[[int, str], Answer]
    method: str = "GET"
    data: bool = True
    rows: tuple[str, ...] = ()
    page: tuple[tuple[str, ...], ...] = ()


@dataclass
class ListSettings:
    """What a test may change about one list endpoint.

    `max_page_size`: a larger page size asked for is silently reduced to this. `ignore_sort`: the order asked for is
    ignored and the list comes oldest first. `sorted_by`: it comes in the descending order of this field instead.
    `unstable_ties`: rows that are equal in the order asked for come in another order with each request, or for each
    page, as SQL may send them. `stated_total`: pages state this number of rows, whatever the list holds.
    """

    max_page_size: int
    ignore_sort: bool = False
    sorted_by: str | None = None
    unstable_ties: Literal["by_request", "by_page"] | None = None
    stated_total: int | None = None


class Provider:
    """What the three providers share: settings of their lists, which can also be set for all of them at once."""

    def __init__(self, lists: dict[str, ListSettings]) -> None:
        self.lists = lists

    @property
    def max_page_size(self) -> dict[str, int]:
        """The largest page size of each list."""
        return {name: settings.max_page_size for name, settings in self.lists.items()}

    @max_page_size.setter
    def max_page_size(self, size: int) -> None:
        for settings in self.lists.values():
            settings.max_page_size = size

    @property
    def ignore_sort(self) -> bool:
        """Whether all of the provider's lists ignore the order asked for."""
        return all(settings.ignore_sort for settings in self.lists.values())

    @ignore_sort.setter
    def ignore_sort(self, value: bool) -> None:
        for settings in self.lists.values():
            settings.ignore_sort = value


def form_fields(request: Request) -> dict[str, str] | None:
    """The fields of a form-encoded body; None if the body is no form, or names a field twice (RFC 6749, 3.2)."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return None
    pairs = parse_qsl(request.body, keep_blank_values=True)
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else None


def whole_number(text: str | None, default: int | None, minimum: int = 1) -> int | None:
    """A parameter that must be a whole number: the default if absent, None if it is anything else."""
    if text is None:
        return default
    return int(text) if text.isascii() and text.isdecimal() and int(text) >= minimum else None
