"""Every fault of every stream: what passes is retried, everything else stops the stream with a clear message.

docs/reliability.md says the same.
"""

import pytest

from integration_tests.support import reliability
from integration_tests.support.connector import STREAMS
from integration_tests.support.faults import (
    CASES,
    REQUESTS,
    ROUTES,
    Case,
    Complete,
    Failed,
    Reading,
    cases,
    read_under_fault,
)
from source_invoices.components.http.throttling import RetryPolicy

PROVIDERS = {"ipxo": "IPXO", "nexudus": "Nexudus", "payhubix": "Payhubix"}


def name(value: object) -> str:
    return value.name if isinstance(value, Case) else str(value)


def assert_documented(route: str, case: Case, reading: Reading) -> None:
    """The table of the route says what happened. After a failure, how far other requests had come may differ."""
    if case.in_tables:
        found, said = reliability.cell(route, reading), reliability.documented(route)[case.name]
        if found.startswith("INCOMPLETE"):
            found, said = found.partition(",")[0], said.partition(",")[0]
        assert found == said


def assert_failed(route: str, case: Case, reading: Reading) -> None:
    """One error names provider and stream, and says what happened."""
    expected, stream, output = case.expected_on(route), ROUTES[route], reading.output
    assert isinstance(expected, Failed)
    assert (output.status(stream), output.exit_code) == ("INCOMPLETE", 1)
    error = output.error_of(stream)
    for word in (PROVIDERS[stream.partition("_")[0]], stream, expected.words):
        assert word in error["message"]
    assert error["failure_type"] == expected.failure_type
    assert "Traceback" not in "".join(output.logs)


@pytest.mark.parametrize(("route", "case"), cases(complete=True), ids=name)
def test_the_stream_is_complete_after_a_fault_that_passes(route: str, case: Case) -> None:
    reading, stream = read_under_fault(route, case), ROUTES[route]
    expected, output = case.expected_on(route), reading.output
    assert isinstance(expected, Complete)
    assert (output.status(stream), output.exit_code, output.errors()) == ("COMPLETE", 0, [])
    keys = [record[STREAMS[stream]] for record in output.records(stream)]
    assert sorted(keys) == sorted(reading.held)
    assert len(keys) == 9 - expected.gone
    assert len(reading.requests) == REQUESTS[route] + expected.more_requests
    assert_documented(route, case, reading)


@pytest.mark.parametrize(("route", "case"), cases(complete=False, transient=True), ids=name)
def test_a_fault_that_does_not_pass_stops_the_stream(route: str, case: Case) -> None:
    reading = read_under_fault(route, case)
    assert_failed(route, case, reading)
    assert "(Tried " in reading.output.error_of(ROUTES[route])["message"]
    # While details fail, the pages of their list may be answered. Each begins the count of throttled rounds again.
    answered = REQUESTS["ipxo_invoices"] if route == "ipxo_invoice" else 1
    assert len(reading.requests) <= answered * (1 + 9 * RetryPolicy().attempts)
    assert_documented(route, case, reading)


@pytest.mark.parametrize(("route", "case"), cases(complete=False), ids=name)
def test_a_fault_that_cannot_pass_stops_the_stream_at_once(route: str, case: Case) -> None:
    reading = read_under_fault(route, case)
    assert_failed(route, case, reading)
    asked = {request.path + str(request.query) for request in reading.requests}
    if case.only_lists:  # the list is read again, because its rows may have moved
        assert len(reading.requests) < 60
    else:
        assert len(asked) == len(reading.requests), "a request was repeated"
    assert_documented(route, case, reading)


@pytest.mark.parametrize("route", ROUTES)
def test_the_table_of_each_stream_lists_every_fault(route: str) -> None:
    assert list(reliability.documented(route)) == list(reliability.cases_of(route))
    assert len({case.name for case in CASES}) == len(CASES)
