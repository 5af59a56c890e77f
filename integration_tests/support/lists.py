"""What the tests of restless lists share: sandboxes of one stream, syncs, and what a sync must not do."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

from integration_tests.support.connector import STREAMS, Output, read
from sandbox import Fault, Sandbox

NOW = datetime.now(timezone.utc).replace(microsecond=0)
NEXUDUS = "nexudus_payout_invoices"
ISSUED = {
    "ipxo_payout_invoices": "date",
    "ipxo_invoices": "date",
    "ipxo_ecommerce_invoices": "placed_at",
    "nexudus_payout_invoices": "UpdatedOn",
    "payhubix_invoices": "created_at",
}
# The streams without an updated field, and a status of each that is final.
SETTLED = {
    "ipxo_payout_invoices": "paid",
    "ipxo_invoices": "refunded",
    "ipxo_ecommerce_invoices": "paid",
    "payhubix_invoices": "Paid",
}
OPEN = dict.fromkeys(SETTLED, "unpaid") | {"payhubix_invoices": "Partially"}
# The field of the status.
STATUS = dict.fromkeys(SETTLED, "status")
# The routes by which one invoice is asked for.
BY_KEY = {
    "ipxo_payout_invoices": ("ipxo_payout_invoices", "uuid"),
    "ipxo_ecommerce_invoices": ("ipxo_ecommerce_invoices", "filter[uuid]"),
    "ipxo_invoices": ("ipxo_invoice", None),
    "payhubix_invoices": ("payhubix_invoice", None),
}
MOST_REQUESTS = 2000
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


@contextmanager
def one_list(
    stream: str, rows: int, page_size: int, most_requests: int = MOST_REQUESTS, **options: Any
) -> Iterator[Sandbox]:
    """A sandbox in which one stream has rows, in pages of this size; no limits. A sync that never ends fails the test."""
    with Sandbox(rows={stream: rows}, **options) as sandbox:
        sandbox.lists[stream].max_page_size = page_size
        sandbox.nexudus.limits = None
        sandbox.faults.append(Fault("status", "*", status=403, nth=most_requests + 1, times=None))
        yield sandbox
        assert len(sandbox.requests) <= most_requests, "the connector asks on and on"


def sync(sandbox: Sandbox, stream: str, before: Output | None = None, **settings: Any) -> Output:
    """A sync of one stream, which goes on from the one before; it may end in any way."""
    return read({**sandbox.config(), **settings}, [stream], state=before.state() if before else None)


def whole_sync(sandbox: Sandbox, stream: str, before: Output | None = None, **settings: Any) -> Output:
    """A sync that must be complete."""
    output = sync(sandbox, stream, before, **settings)
    found = (output.status(stream), output.exit_code)
    assert found == ("COMPLETE", 0), f"{found}: {output.errors()}"
    return output


def keys(output: Output, stream: str) -> set[Any]:
    return {record[STREAMS[stream]] for record in output.records(stream)}


def latest(stream: str, *outputs: Output) -> dict[Any, dict[str, Any]]:
    """The rows of a destination that deduplicates by key, by the order of arrival."""
    return {record[STREAMS[stream]]: record for output in outputs for record in output.records(stream)}


def assert_whole(output: Output, stream: str, held: set[Any]) -> None:
    """The sync is complete and has brought these rows."""
    missing = f"{len(held - keys(output, stream))} of {len(held)} rows missing"
    expected = ("COMPLETE", f"0 of {len(held)} rows missing", 0)
    found = (output.status(stream), missing, output.exit_code)
    assert found == expected, f"{found}: {output.errors()}"


def assert_no_silent_loss(output: Output, stream: str, held: set[Any]) -> None:
    """A sync that lacks one of these rows is incomplete and says why."""
    missing = held - keys(output, stream)
    if output.status(stream) == "COMPLETE":
        assert (len(missing), output.exit_code) == (0, 0), f"complete with {len(missing)} of {len(held)} rows missing"
    else:
        assert_said(output, stream)


def assert_said(output: Output, stream: str) -> None:
    """The stream is incomplete and says why in a sentence."""
    found = (output.status(stream), output.exit_code)
    assert found == ("INCOMPLETE", 1), f"{found}, {len(output.records(stream))} rows"
    message = str(output.error_of(stream)["message"])
    assert stream in message or "HTTP" in message, message
    assert not re.search(r"Traceback|(Overflow|Type|Key|Attribute|Recursion)Error|unhashable", message), message


def lines(output: Output, level: str) -> list[str]:
    """The lines of the log of this level (WARN, INFO), however they were said."""
    said = [str(log["message"]) for log in output.of_type("LOG") if log["level"] == level]
    heard = [log.partition(": ")[2] for log in output.logs if log.startswith(level)]
    return said + [line for line in heard if line not in said]


def settled(stream: str) -> dict[str, Any]:
    """The fields that settle an invoice; none where no status does."""
    return {STATUS[stream]: SETTLED[stream]} if stream in SETTLED else {}


def unsettled(stream: str) -> dict[str, Any]:
    """The fields of an open invoice; none where no status says so."""
    return {STATUS[stream]: OPEN[stream]} if stream in OPEN else {}


def settle(sandbox: Sandbox, stream: str, *, still_open: int = 0, younger_than: int = 40) -> list[Any]:
    """Settles all invoices but the oldest few, whose keys are returned; those younger than so many days are removed."""
    table = sandbox.tables[stream]
    bound = int((NOW - timedelta(days=younger_than)).timestamp()) * 1_000_000_000
    for key in table.keys()[: len(table) - table.position(bound)]:
        table.remove(key)
    if stream in SETTLED:
        for row in list(table.rows()):
            key = row[STREAMS[stream]]
            if row[ISSUED[stream]] is None:
                table.remove(key)
            else:
                table.change(key, **settled(stream))
    chosen = table.keys()[len(table) - still_open :]
    for key in chosen:
        table.change(key, **unsettled(stream))
    return list(chosen)


def rows_of(stream: str, body: Any) -> list[dict[str, Any]]:
    """The rows in the body of a page."""
    if stream == NEXUDUS:
        rows = body["Records"]
    elif stream.startswith("payhubix"):
        rows = body["message"]["invoices"]
    else:
        rows = body["data"]
    return list(rows or [])


def put_rows(stream: str, body: Any, rows: Sequence[Any]) -> Any:
    """The body of a page with these rows instead of its own."""
    if stream == NEXUDUS:
        return {**body, "Records": rows}
    if stream.startswith("payhubix"):
        return {**body, "message": {**body["message"], "invoices": rows}}
    return {**body, "data": rows}


def moved(state: Sequence[Mapping[str, Any]], by: timedelta, since: datetime | None = None) -> list[dict[str, Any]]:
    """A state with its times moved, or only those that are not before `since`."""

    def move(match: re.Match[str]) -> str:
        time = datetime.fromisoformat(match[0][:-1] + "+00:00")
        if since is not None and time < since:
            return match[0]
        return (time + by).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    moved_state: list[dict[str, Any]] = json.loads(TIME.sub(move, json.dumps(list(state))))
    return moved_state


def times_in(state: Sequence[Mapping[str, Any]]) -> list[datetime]:
    """All times that a state holds."""
    return [datetime.fromisoformat(text[:-1] + "+00:00") for text in TIME.findall(json.dumps(list(state)))]
