"""Faults: what goes wrong, and on which request."""

from __future__ import annotations

from collections.abc import Callable
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
    "slow",
    "redirect",
]

MAINTENANCE = b"<!DOCTYPE html><html><body><h1>Down for maintenance</h1></body></html>"


@dataclass(eq=False)
class Fault:
    """Something that goes wrong with the `nth` request (counted from 1), and with the `times - 1` requests after it;
    `times=None` means for ever.

    Only requests that arrive while the fault is in `Sandbox.faults` count, of the route named (`*` and `?` are
    wildcards: `ipxo_*`), and for which `when` holds, if given. Of several faults on one request the first in the list
    strikes; the others count the request all the same.

    Kinds:
        status: `status` with the provider's own error report, `retry_after` as its header. `body` replaces the report.
        drop: the connection is closed without an answer.
        half: all headers, half of the body, then the connection is closed.
        html: 200 with a maintenance page. empty: 200 without a body. broken_json: 200 with half a JSON text.
        error_200: 200 with the provider's own error report. no_envelope: 200 with JSON that is no page (or `body`).
        repeat_page: the page before the one asked for, with its page number.
        repeat_rows: the page asked for, but with the rows of the page before it.
        wrong_page: the page asked for, but the page number in it is one too high.
        slow: the normal answer, `delay` seconds late.
        redirect: 302 to `location`.
    """

    kind: Kind
    route: str
    nth: int = 1
    times: int | None = 1
    status: int = 503
    retry_after: str | None = None
    delay: float = 0.0
    location: str = ""
    body: Any = None
    when: Callable[[Request], bool] | None = None
    seen: int = field(default=0, init=False)

    def strikes(self, request: Request) -> bool:
        """Counts a request, and says whether it is one that goes wrong."""
        if not fnmatchcase(request.route, self.route) or (self.when is not None and not self.when(request)):
            return False
        self.seen += 1
        return self.nth <= self.seen and (self.times is None or self.seen < self.nth + self.times)


def struck(faults: list[Fault], request: Request) -> Fault | None:
    """The fault that strikes a request. Every fault counts it."""
    return next(iter([fault for fault in list(faults) if fault.strikes(request)]), None)


def answer_with(fault: Fault | None, endpoint: Endpoint, request: Request) -> Answer:
    """The answer to a request, spoilt by the fault if there is one."""
    if fault is None:
        return endpoint.answer(request)
    canned = canned_answer(fault, endpoint)
    if canned is not None:
        return canned
    if fault.kind == "repeat_page":
        return endpoint.answer(page_before(request))
    answer = endpoint.answer(request)
    if answer.status != 200:
        return answer
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
    """The answer of a fault that does not depend on the request; None for other kinds."""
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
    """The same request for the page before; page 1 has itself before it."""
    page = max((request.page or 1) - 1, 1)
    others = [(name, value) for name, value in request.query if name != "page"]
    return replace(request, query=[*others, ("page", str(page))])


def find(body: Any, path: tuple[str, ...]) -> Any:
    """What stands at a path in a JSON body."""
    for name in path:
        body = body[name]
    return body


def put(body: Any, path: tuple[str, ...], value: Any) -> None:
    """Writes a value at a path in a JSON body."""
    find(body, path[:-1])[path[-1]] = value
