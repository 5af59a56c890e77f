"""Hostile answers: what a provider may send by mistake or on purpose, and what must come of it.

`make hostile` runs all of them against each list, the details and each sign-in: `python -m integration_tests.support.hostile`.
"""

import functools
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from airbyte_cdk.sources.declarative import concurrent_declarative_source

from integration_tests.support import timing
from integration_tests.support.connector import STREAMS, Output, read
from integration_tests.support.faults import ROUTES
from sandbox import Fault, Sandbox

SIGN_INS = {"ipxo_token": "ipxo_payout_invoices", "nexudus_token": "nexudus_payout_invoices"}
PLACES = {**ROUTES, **SIGN_INS}
_DEEP = 900
_LONG = "x" * 1_000_000

VALUES: Mapping[str, Any] = {
    "null": None,
    "true": True,
    "false": False,
    "0": 0,
    "-1": -1,
    "1.5": 1.5,
    "2^63": 2**63,
    "a number of 400 digits": 10**399,
    "1e308": 1e308,
    "an empty text": "",
    "a text": "abc",
    "digits": "99999999999999999999",
    "half of a character": "\ud800",
    "a text of a megabyte": _LONG,
    "year 1": "0001-01-01T00:00:00Z",
    "year 0": "0000-01-01T00:00:00Z",
    "year 99999": "99999-01-01T00:00:00Z",
    "a zone of 99 hours": "2025-01-01T00:00:00+99:99",
    "an empty list": [],
    "a list": [[], {}],
    "an empty object": {},
    "an object": {"a": {"b": [1]}},
}
"""What replaces a value."""

BODIES: Mapping[str, bytes] = {
    **{f"a body of {name}": json.dumps(value).encode() for name, value in VALUES.items()},
    "an empty body": b"",
    "NaN": b'{"data": NaN}',
    "Infinity": b'{"message": Infinity, "total": -Infinity}',
    "nested 900 deep": b'{"message":' * _DEEP + b'"x"' + b"}" * _DEEP,
    "an error nested 900 deep": b'{"error":' + b"[" * _DEEP + b"1" + b"]" * _DEEP + b"}",
    "nested 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "a number of 5,000 digits": b'{"data": [], "total": ' + b"9" * 5000 + b"}",
    "no UTF-8": b'{"message": "\xff\xfe\xc3"}',
    "a BOM": b"\xef\xbb\xbf{}",
    "UTF-16": '{"message": "x"}'.encode("utf-16"),
    "keys twice": b'{"data": [], "data": {}, "message": 1, "message": []}',
    "zeros": b"\x00" * 1000,
}
"""Whole bodies, with status 200 and with status 400."""

Change = Callable[[Any], Any]


def changes(body: Any) -> Iterator[tuple[str, Change]]:
    """Yields each change of a good body: a hostile value in place of each of its values, at every depth."""
    for path in paths(body):
        for name, value in VALUES.items():
            yield name_of(name, path), changed(path, value)


def name_of(value: str, path: Sequence[str | int]) -> str:
    """The name of a change of a body."""
    return f"{value} at {'.'.join(map(str, path))}"


def changed(path: Sequence[str | int], value: Any) -> Change:
    """A change of a body: this value at this path. A body without the path stays as it is."""

    def change(body: Any) -> Any:
        body = deepcopy(body)
        inner = body
        try:
            for step in path[:-1]:
                inner = inner[step]
            inner[path[-1]] = value
        except (LookupError, TypeError):
            pass
        return body

    return change


def paths(body: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yields the path of each value in a body. Of a list, the first one stands for all."""
    items = body.items() if isinstance(body, dict) else enumerate(body[:1]) if isinstance(body, list) else ()
    for step, value in items:
        yield (*path, step)
        yield from paths(value, (*path, step))


def faults(place: str) -> Iterator[tuple[str, Fault]]:
    """Yields each hostile answer for a place."""
    for name, body in BODIES.items():
        yield name, Fault(kind="no_envelope", route=place, body=body, times=None)
        yield f"{name}, HTTP 400", Fault(kind="status", status=400, route=place, body=body, times=None)
    for name, change in changes(good_body(place)):
        yield name, Fault(kind="edit", route=place, edit=change, times=30)


def good_body(place: str) -> Any:
    """The body with which the sandbox answers at a place."""
    bodies: list[Any] = []
    with Sandbox(rows=3) as sandbox:
        sandbox.nexudus.limits = None

        def note(body: Any) -> Any:
            bodies.append(deepcopy(body))
            return body

        sandbox.faults.append(Fault(kind="edit", route=place, edit=note))
        with timing.no_pause_between_requests():
            read(sandbox.config(), [PLACES[place]])
    return bodies[0]


def read_under(place: str, fault: Fault) -> Output:
    """Reads the stream of a place under a hostile answer."""
    with Sandbox(rows=3) as sandbox, timing.short_waits(), timing.no_pause_between_requests():
        sandbox.nexudus.limits = None
        sandbox.faults.append(fault)
        return read(sandbox.config(), [PLACES[place]])


PROVIDERS = {"ipxo": "IPXO", "nexudus": "Nexudus", "payhubix": "Payhubix"}
INTERNALS = re.compile(r"Traceback|\w+(Error|Exception)\b|object at 0x|NoneType|<class|not prepared for")


# Payhubix counts no rows: a page without rows and without another page is all there is.
# The list of ipxo_invoices may be bare, so an empty one is a list without invoices.
EMPTY_LISTS = frozenset({"null at message.invoices", "an empty list at message.invoices", "a body of an empty list"})
# Of the three rows, one may have lost its key.
_ROWS_AT_LEAST = 2


def complaints(place: str, names: Collection[str], output: Output) -> list[str]:
    """What is wrong with the end of a read. It must be COMPLETE with rows, or INCOMPLETE with a sentence.

    names: of what was hostile in the answer.
    """
    stream = PLACES[place]
    said = " ".join([*(str(error["message"]) for error in output.errors()), *output.logs])
    shown = INTERNALS.search(said)
    found = [f"shows {shown.group()!r}"] if shown else []
    if output.exit_code == 0:
        keys = {str(record.get(STREAMS[stream])) for record in output.records(stream)}
        has_rows = len(keys) >= _ROWS_AT_LEAST or not EMPTY_LISTS.isdisjoint(names)
        return [
            *found,
            *([] if output.status(stream) == "COMPLETE" else ["exit 0"]),
            *([] if has_rows else [f"has {len(keys)} of 3 rows"]),
        ]
    errors = [error["message"] for error in output.errors() if error.get("stream_descriptor")]
    provider = PROVIDERS[stream.partition("_")[0]]
    is_named = errors and (provider in errors[0] or stream in errors[0])
    return [*found, *([] if is_named else [f"says {errors}"])]


def main(places: Sequence[str]) -> None:
    """Runs every hostile answer at these places, or at all, and prints how many there were and what failed."""
    failed = 0
    once = functools.cache(concurrent_declarative_source.get_declarative_component_schema)
    concurrent_declarative_source.get_declarative_component_schema = once
    for place in places or PLACES:
        ends: Counter[str] = Counter()
        for name, fault in faults(place):
            output = read_under(place, fault)
            ends[str(output.status(PLACES[place]))] += 1
            for complaint in complaints(place, [name], output):
                failed += 1
                print(f"{place}, {name}: {complaint}", file=sys.stderr)
        print(f"{place}: {sum(ends.values())} answers, {dict(ends)}", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
