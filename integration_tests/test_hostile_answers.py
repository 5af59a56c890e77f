"""What a provider should never send ends COMPLETE with rows, or INCOMPLETE with a sentence.

A sample: each kind of hostile answer at one place. `make hostile` runs all of them at every place.
"""

import functools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration_tests.support import hostile
from integration_tests.support.connector import read
from sandbox import Fault, Sandbox
from source_invoices.components.records.filters import InvoiceFilter

body_of = functools.cache(hostile.good_body)
ANSWERS = [(name, number) for number, name in enumerate((*hostile.BODIES, *hostile.VALUES))]


def answer(name: str, number: int) -> tuple[str, str, Fault]:
    """A place, a hostile answer for it and the name of that. Over all numbers, each place and each part of a body has its turn."""
    place = list(hostile.PLACES)[number % len(hostile.PLACES)]
    if body := hostile.BODIES.get(name):
        return place, name, Fault(kind="status", status=200 if number % 2 else 400, route=place, body=body, times=None)
    paths = list(hostile.paths(body_of(place)))
    path = paths[number * 7 % len(paths)]
    change = hostile.changed(path, hostile.VALUES.get(name))
    return place, hostile.name_of(name, path), Fault(kind="edit", route=place, edit=change, times=30)


@pytest.mark.parametrize(("name", "number"), ANSWERS)
def test_a_hostile_answer_ends_in_rows_or_in_a_sentence(name: str, number: int) -> None:
    place, whole_name, fault = answer(name, number)
    assert hostile.complaints(place, {whole_name}, hostile.read_under(place, fault)) == []


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_page_with_several_hostile_values_ends_in_rows_or_in_a_sentence(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(list(hostile.PLACES)))
    paths = list(hostile.paths(body_of(place)))
    chosen = data.draw(
        st.lists(st.tuples(st.sampled_from(paths), st.sampled_from(list(hostile.VALUES))), min_size=2, max_size=4)
    )

    def edit(body: Any) -> Any:
        for path, name in chosen:
            body = hostile.changed(path, hostile.VALUES[name])(body)
        return body

    fault = Fault(kind="edit", route=place, edit=edit, times=30)
    names = {hostile.name_of(name, path) for path, name in chosen}
    assert hostile.complaints(place, names, hostile.read_under(place, fault)) == []


@pytest.mark.parametrize("cursor", ["0001-01-01T00:00:00.000000Z", "0000-01-01T00:00:00Z", "99999-01-01T00:00:00Z", ""])
@pytest.mark.parametrize("stream", ["payhubix_invoices", "nexudus_payout_invoices"])
def test_a_cursor_of_no_usable_year_ends_in_rows_or_in_a_sentence(sandbox: Sandbox, stream: str, cursor: str) -> None:
    (state,) = read(sandbox.config(), [stream]).state()
    inner = state["stream"]["stream_state"]
    field = "UpdatedOn" if "nexudus" in stream else "created_at"
    inner.get("state", inner)[field] = cursor
    output = read(sandbox.config(), [stream], [state])
    said = " ".join([*(str(error["message"]) for error in output.errors()), *output.logs])
    assert not hostile.INTERNALS.search(said)
    assert output.exit_code == 1 or output.records(stream)


def test_a_start_date_in_a_zone_of_99_hours_is_refused(sandbox: Sandbox) -> None:
    output = read({**sandbox.config(), "start_date": "2025-01-01T00:00:00+99:99"}, ["payhubix_invoices"])
    assert "`start_date` must be" in output.errors()[0]["message"]


@pytest.mark.parametrize("error", [ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError])
def test_a_value_that_nothing_has_refused_fails_the_stream_in_a_sentence(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: object) -> None:
        raise error("of a value")

    monkeypatch.setattr(InvoiceFilter, "issued_since", fail)
    output = read(sandbox.config(), ["payhubix_invoices"])
    assert (output.exit_code, output.status("payhubix_invoices")) == (1, "INCOMPLETE")
    failure = output.error_of("payhubix_invoices")
    assert failure["message"].startswith("Payhubix, payhubix_invoices: the answer has a value that cannot be used.")
    assert error.__name__ in failure["internal_message"]
    assert "Traceback" not in failure["message"]
