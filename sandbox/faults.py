"""Faults: what goes wrong, and with which request."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Literal

import orjson

from sandbox.exchange import HTML, Answer, Endpoint, Request

Kind = Literal[
    "status",
    "drop",
    "half",
    "html",
    "broken_json",
    "empty",
    "error_200",
    "no_envelope",
    "repeat_page",
    "repeat_rows",
    "wrong_page",
    "lagging",
    "edit",
    "slow",
    "redirect",
    "raw",
]

ALL = sys.maxsize
MAINTENANCE = b"<!DOCTYPE html><html><body><h1>Down for maintenance</h1></body></html>"


@dataclass(eq=False)
class Fault:
    """Something that goes wrong with the `nth` request (counted from 1) and the `times - 1` requests after it.

    `times=None`: with all requests after it. A request counts if it arrives while the fault is in `Sandbox.faults`, if
    its route matches (`*` and `?` are wildcards: `ipxo_*`), and if `when` is true for it. If several faults strike one
    request, the first in the list decides the answer. The others count the request too.

    Kinds:
        status: `status` with the provider's own error report, `retry_after` as its header. `body` replaces the report.
        drop: the connection is closed without an answer.
        half: all headers, half of the body, then the connection is closed.
        html: 200 with a maintenance page. empty: 200 without a body. broken_json: 200 with half a JSON text.
        error_200: 200 with the provider's own error report. no_envelope: 200 with JSON that is no page (or `body`).
        repeat_page: the page before the requested one, with its own page number.
        repeat_rows: the requested page, but with the rows of the page before it.
        wrong_page: the requested page, but its page number is one too high.
        lagging: the answer of a server that lacks the `rows_behind` newest rows; None means that it lacks all rows.
        edit: the normal JSON body, changed by `edit`.
        slow: the normal answer, `delay` seconds late.
        redirect: 302 to `location`.
        raw: the bytes of `pieces` in place of an answer, `delay` seconds apart, then the connection is closed. With
            `endless`, the last piece is sent again and again. Without pieces the connection stays open and silent.
    """

    kind: Kind
    route: str
    nth: int = 1
    times: int | None = 1
    status: int = 503
    retry_after: str | None = None
    delay: float = 0.0
    location: str = ""
    pieces: Sequence[bytes] = ()
    endless: bool = False
    body: Any = None
    rows_behind: int | None = 1
    edit: Callable[[Any], Any] | None = None
    when: Callable[[Request], bool] | None = None
    seen: int = field(default=0, init=False)

    def strikes(self, request: Request) -> bool:
        """Counts a request. Returns whether the fault strikes it."""
        if not fnmatchcase(request.route, self.route) or (self.when is not None and not self.when(request)):
            return False
        self.seen += 1
        return self.nth <= self.seen and (self.times is None or self.seen < self.nth + self.times)


def struck(faults: list[Fault], request: Request) -> Fault | None:
    """Returns the first fault that strikes a request. Every fault counts the request."""
    return next(iter([fault for fault in list(faults) if fault.strikes(request)]), None)


def answer_with(fault: Fault | None, endpoint: Endpoint, request: Request) -> Answer:
    """Returns the answer to a request, changed by the fault if there is one."""
    if fault is None:
        return endpoint.answer(request)
    canned = canned_answer(fault, endpoint)
    if canned is not None:
        return canned
    if fault.kind == "repeat_page":
        return endpoint.answer(page_before(request))
    if fault.kind == "lagging":
        return endpoint.answer(replace(request, rows_behind=ALL if fault.rows_behind is None else fault.rows_behind))
    answer = endpoint.answer(request)
    if answer.status != 200:
        return answer
    if fault.edit is not None:
        answer.body = fault.edit(deepcopy(answer.body))
    if fault.kind == "broken_json":
        content = answer.encoded()
        return replace(answer, body=content[: len(content) // 2])
    if fault.kind == "repeat_rows":
        before = endpoint.answer(page_before(request))
        answer.body = deepcopy(answer.body)
        put(answer.body, endpoint.rows, find(before.body, endpoint.rows))
    if fault.kind == "wrong_page":
        for path in endpoint.page:
            put(answer.body, path, find(answer.body, path) + 1)
    return answer


def canned_answer(fault: Fault, endpoint: Endpoint) -> Answer | None:
    """Returns the answer of a fault that does not depend on the request; None for other kinds."""
    if fault.kind == "status":
        answer = endpoint.error(fault.status, f"Simulated failure {fault.status}.")
        if fault.body is not None:
            answer.body = fault.body
        if fault.retry_after is not None:
            answer.headers["Retry-After"] = fault.retry_after
        return answer
    if fault.kind == "error_200":
        return replace(endpoint.error(500, "Simulated failure."), status=200)
    if fault.kind == "redirect":
        return Answer(302, b"", {"Location": fault.location})
    bodies: dict[str, tuple[bytes, str]] = {
        "html": (MAINTENANCE, HTML),
        "empty": (b"", "application/json"),
        "no_envelope": (orjson.dumps({"result": "ok"}), "application/json"),
    }
    if fault.kind not in bodies:
        return None
    body, content_type = bodies[fault.kind]
    return Answer(body=body if fault.body is None else fault.body, content_type=content_type)


def page_before(request: Request) -> Request:
    """Returns the same request for the page before. For page 1 that is page 1."""
    page = max((request.page or 1) - 1, 1)
    others = [(name, value) for name, value in request.query if name != "page"]
    return replace(request, query=[*others, ("page", str(page))])


def find(body: Any, path: tuple[str, ...]) -> Any:
    """Returns the value at a path in a JSON body."""
    for name in path:
        body = body[name]
    return body


def put(body: Any, path: tuple[str, ...], value: Any) -> None:
    """Writes a value at a path in a JSON body."""
    find(body, path[:-1])[path[-1]] = value
