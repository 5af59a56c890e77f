"""Every fault that the tests simulate, what is expected of it, and a way to read one stream under one fault.

The tests and the tables in docs/reliability.md both come from `CASES`. A stream has nine rows in pages of three. The
fault strikes the second page of the stream's list, or the second of its details. The rows of Nexudus are in one window.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from integration_tests.support import timing
from integration_tests.support.connector import STREAMS, Output, read
from sandbox import Fault, Request, Sandbox

ROWS = 9
PAGE_SIZE = 3
# Seconds. How far is fetched ahead depends on how long an answer takes.
LATENCY = 0.01
DETAILS = "ipxo_invoice"
# The requests that a stream's rows come from, and the stream.
ROUTES = {**{stream: stream for stream in STREAMS}, DETAILS: "ipxo_invoices"}
# The requests that a stream takes without a fault. A list whose pages are fetched ahead is checked on page 1. Payhubix's
# list is also counted on its last page, before and after. Nexudus's windows are also counted: the list, what is before
# `start_date`, and what the next sync reads again.
REQUESTS = {
    "ipxo_payout_invoices": 4,
    "ipxo_invoices": 3,
    "ipxo_invoice": 9,
    "ipxo_ecommerce_invoices": 4,
    "nexudus_payout_invoices": 7,
    "payhubix_invoices": 5,
}


@dataclass(frozen=True)
class Complete:
    """The stream is COMPLETE after this many more requests than without the fault. gone: rows that the provider no longer has."""

    more_requests: int
    gone: int = 0


@dataclass(frozen=True)
class Failed:
    """The stream is INCOMPLETE with this type of failure, and the message has these words."""

    failure_type: str
    words: str


@dataclass(frozen=True)
class Case:
    """A fault and what is expected of it. `exceptions` has what is expected on other routes instead.

    fault: the arguments of `sandbox.Fault`; empty where the provider only has smaller pages.
    in_tables: whether docs/reliability.md has it beside a stock manifest, which retries some faults for very long.
    """

    name: str
    expected: Complete | Failed
    fault: Mapping[str, Any] = field(default_factory=dict)
    exceptions: Mapping[str, Complete | Failed] = field(default_factory=dict)
    only_lists: bool = False
    in_tables: bool = True

    def routes(self) -> list[str]:
        return [route for route in ROUTES if route != DETAILS or not self.only_lists]

    def expected_on(self, route: str) -> Complete | Failed:
        return self.exceptions.get(route, self.expected)


def _status(code: int, times: int | None, **more: Any) -> dict[str, Any]:
    return {"kind": "status", "status": code, "times": times, **more}


CASES = (
    Case("smaller pages than asked for", Complete(0), only_lists=True),
    # A fault that passes is retried.
    Case("429, twice", Complete(2), _status(429, 2)),
    Case("429 with `Retry-After: 0`, twice", Complete(2), _status(429, 2, retry_after="0")),
    Case("500, twice", Complete(2), _status(500, 2)),
    Case("502, twice", Complete(2), _status(502, 2)),
    Case("503, twice", Complete(2), _status(503, 2)),
    Case("504, twice", Complete(2), _status(504, 2)),
    Case("connection dropped, twice", Complete(2), {"kind": "drop", "times": 2}),
    Case("half a body, twice", Complete(2), {"kind": "half", "times": 2}),
    Case("no body, twice", Complete(2), {"kind": "empty", "times": 2}),
    Case("HTML, twice", Complete(2), {"kind": "html", "times": 2}),
    Case("broken JSON, twice", Complete(2), {"kind": "broken_json", "times": 2}),
    Case("no answer in time, once", Complete(1), {"kind": "slow", "delay": 1.5}),
    Case(
        "401, once",
        Complete(1),
        _status(401, 1),
        exceptions={"payhubix_invoices": Failed("config_error", "access refused, HTTP 401")},
    ),
    # A fault that does not pass stops the stream.
    Case("429, always", Failed("transient_error", "too many requests, HTTP 429"), _status(429, None), in_tables=False),
    Case("503, always", Failed("transient_error", "HTTP 503"), _status(503, None), in_tables=False),
    Case(
        "connection dropped, always",
        Failed("transient_error", "could not be reached"),
        {"kind": "drop", "times": None},
        in_tables=False,
    ),
    Case(
        "half a body, always", Failed("transient_error", "broke off"), {"kind": "half", "times": None}, in_tables=False
    ),
    Case("HTML, always", Failed("transient_error", "is not JSON"), {"kind": "html", "times": None}, in_tables=False),
    Case(
        "broken JSON, always",
        Failed("transient_error", "is not JSON"),
        {"kind": "broken_json", "times": None},
        in_tables=False,
    ),
    # A fault that cannot pass stops the stream at once.
    Case("400", Failed("config_error", "HTTP 400"), _status(400, None), in_tables=False),
    Case("403", Failed("config_error", "access refused, HTTP 403"), _status(403, None)),
    Case("404", Failed("config_error", "HTTP 404"), _status(404, 1), exceptions={DETAILS: Complete(0, gone=1)}),
    Case(
        "409, once",
        Failed("config_error", "HTTP 409"),
        _status(409, 1),
        exceptions={"nexudus_payout_invoices": Complete(1)},
    ),
    Case("422", Failed("config_error", "HTTP 422"), _status(422, None), in_tables=False),
    Case(
        "a redirect to another host",
        Failed("config_error", "example.com"),
        {"kind": "redirect", "location": "http://example.com/", "times": None},
        in_tables=False,
    ),
    Case("200 with an error", Failed("system_error", "Simulated failure"), {"kind": "error_200", "times": None}),
    Case(
        "200 without the envelope",
        Failed("system_error", "not a page of invoices"),
        {"kind": "no_envelope", "times": None},
    ),
    # Pages that contradict each other stop the stream.
    Case(
        "the page before",
        Failed("system_error", "was asked for, page"),
        {"kind": "repeat_page", "times": 30},
        only_lists=True,
    ),
    Case(
        "the rows of the page before",
        Failed("system_error", "repeats"),
        {"kind": "repeat_rows", "times": 30},
        only_lists=True,
    ),
    Case(
        "another page's number",
        Failed("system_error", "was asked for, page"),
        {"kind": "wrong_page", "times": 30},
        only_lists=True,
    ),
)


@dataclass
class Reading:
    """What a read under a fault left: the connector's output, the requests for the route, and the keys there to read."""

    output: Output
    requests: list[Request]
    held: set[str | int]


@contextmanager
def faulty(route: str, case: Case) -> Iterator[Sandbox]:
    """A sandbox in which a case's fault strikes a route."""
    with Sandbox(rows=ROWS, span=timedelta(days=200), latency=LATENCY) as sandbox:
        sandbox.nexudus.limits = None
        for settings in sandbox.lists.values():
            settings.max_page_size = PAGE_SIZE
        if case.fault:
            second: dict[str, Any] = {"nth": 2} if route == DETAILS else {"when": lambda asked: asked.page == 2}
            sandbox.faults.append(Fault(route=route, **second, **case.fault))
        yield sandbox


def read_under_fault(route: str, case: Case) -> Reading:
    """Reads the stream of a route by the connector."""
    short_timeouts = timing.short_timeouts() if case.fault.get("kind") == "slow" else nullcontext()
    with faulty(route, case) as sandbox, timing.short_waits(), timing.no_pause_between_requests(), short_timeouts:
        year = (datetime.now(timezone.utc) - timedelta(days=365)).strftime("%Y-%m-%d")
        output = read({**sandbox.config(), "start_date": year}, [ROUTES[route]])
        requests = [request for request in sandbox.requests if request.route == route]
        return Reading(output, requests, held(sandbox, route))


def held(sandbox: Sandbox, route: str) -> set[str | int]:
    """The keys that the provider holds. An invoice whose details it does not find is gone."""
    requests = [request for request in sandbox.requests if request.route == route]
    gone = {request.path.rpartition("/")[2] for request in requests if request.status == 404 and route == DETAILS}
    return set(sandbox.tables[ROUTES[route]].keys()) - gone


def cases(*, complete: bool, transient: bool = False) -> Sequence[tuple[str, Case]]:
    """The routes and cases whose stream is complete, or fails with or without another try."""

    def wanted(expected: Complete | Failed) -> bool:
        if isinstance(expected, Complete):
            return complete
        return not complete and (expected.failure_type == "transient_error") == transient

    return [(route, case) for case in CASES for route in case.routes() if wanted(case.expected_on(route))]
