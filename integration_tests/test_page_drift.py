"""No stream loses a row while rows are added, changed and removed between its requests."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer, Type
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

from integration_tests.support import stock
from integration_tests.support.connector import STREAMS, catalog_of, read
from sandbox import Fault, Request, Sandbox
from source_invoices.components.incremental.closed_windows import ClosedWindows

pytestmark = pytest.mark.usefixtures("no_limits_of_nexudus")

# Payhubix's list states no total; its rows are only counted at the beginning and the end. So rows are removed, none added.
STATES_TOTALS = [stream for stream in STREAMS if stream != "payhubix_invoices"]


def move(sandbox: Sandbox, stream: str, seed: int) -> set[str | int]:
    """Changes the rows of a stream before each request for its list. Returns the keys that exist throughout."""
    table = sandbox.tables[stream]
    schedule = random.Random(seed)
    throughout = set(table.keys())
    moves = 12  # then the list rests

    def before(request: Request) -> None:
        nonlocal moves
        if request.route != stream or moves == 0:
            return
        moves -= 1
        for _ in range(schedule.randrange(3) if stream in STATES_TOTALS else 0):
            table.add()
        for _ in range(schedule.randrange(3)):
            if len(table):
                removed = schedule.choice(table.keys())
                table.remove(removed)
                throughout.discard(removed)
        if len(table):
            # A changed row of Nexudus moves to the other end of the list, and perhaps into another window.
            key = schedule.choice(table.keys()) if stream.startswith("nexudus") else table.keys()[0]
            table.change(key, note=moves)

    sandbox.on_request = before
    return throughout


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("stream", STREAMS)
def test_no_invoice_that_exists_throughout_a_sync_is_missed(stream: str, seed: int) -> None:
    # The rows that change are within the lookback. With odd seeds, all rows of Nexudus are in its newest window.
    span = timedelta(days=100)
    if stream.startswith("nexudus"):
        span = timedelta(hours=20) if seed % 2 else timedelta(days=730)
    with Sandbox(rows=20, span=span) as sandbox:
        sandbox.lists[stream].max_page_size = 1 + seed % 3
        sandbox.nexudus.limits = None
        throughout = move(sandbox, stream, seed)
        output = read(sandbox.config(), [stream])
        assert (output.status(stream), output.exit_code) == ("COMPLETE", 0)
        assert throughout <= {record[STREAMS[stream]] for record in output.records(stream)}
        # Now the list rests. After the next sync, the copy equals the provider's rows.
        sandbox.on_request = None
        following = read(sandbox.config(), [stream], state=output.state())
        copy = {record[STREAMS[stream]]: record for record in output.records(stream) + following.records(stream)}
        for row in sandbox.tables[stream].rows():
            assert copy[row[STREAMS[stream]]].get("note") == row.get("note")


NEXUDUS = "nexudus_payout_invoices"


def change_the_last_row_of_a_closed_window(sandbox: Sandbox, page: str, page_size: int = 3) -> tuple[str, int]:
    """Updates a row when this page of the last closed window is requested, so that the row leaves the window unread."""
    sandbox.lists[NEXUDUS].max_page_size = page_size
    sandbox.nexudus.limits = None
    read(sandbox.config(), [NEXUDUS])
    end = max(str(request.value("to_PayoutInvoice_UpdatedOn") or "") for request in sandbox.requests)
    key = max(row["Id"] for row in sandbox.tables[NEXUDUS].rows() if row["UpdatedOn"] < end)

    def before(request: Request) -> None:
        if request.value("to_PayoutInvoice_UpdatedOn") == end and request.value("page") == page:
            sandbox.tables[NEXUDUS].change(key, note="changed")

    sandbox.on_request = before
    return end, key


def test_a_row_that_leaves_a_closed_window_before_it_is_read_arrives() -> None:
    with Sandbox(rows=20) as sandbox:
        end, key = change_the_last_row_of_a_closed_window(sandbox, page="2")
        # Meanwhile the newest window could be read.
        slow = Fault(
            kind="slow", delay=1, route=NEXUDUS, when=lambda asked: asked.value("to_PayoutInvoice_UpdatedOn") == end
        )
        sandbox.faults.append(slow)
        output = read(sandbox.config(), [NEXUDUS])
        assert "changed" in [record.get("note") for record in output.records(NEXUDUS) if record["Id"] == key]


@pytest.mark.parametrize("page_size", [1, 3])
def test_the_newest_window_waits_for_a_closed_window_that_begins_later(
    monkeypatch: pytest.MonkeyPatch, page_size: int
) -> None:
    with Sandbox(rows=20) as sandbox:
        for _ in range(4):
            sandbox.tables[NEXUDUS].add()
        _, key = change_the_last_row_of_a_closed_window(sandbox, "1", page_size)
        change, newest_asked_for = sandbox.on_request, threading.Event()
        reading = ClosedWindows.reading

        def before(request: Request) -> None:
            if request.route == NEXUDUS and request.value("to_PayoutInvoice_UpdatedOn") is None:
                newest_asked_for.set()
            if change:
                change(request)

        @contextmanager
        def late(windows: ClosedWindows) -> Iterator[None]:
            assert newest_asked_for.wait(20)
            with reading(windows):
                yield

        monkeypatch.setattr(ClosedWindows, "reading", late)
        sandbox.on_request = before
        output = read(sandbox.config(), [NEXUDUS])
        assert "changed" in [record.get("note") for record in output.records(NEXUDUS) if record["Id"] == key]


def test_a_stock_manifest_loses_rows_under_the_same_changes() -> None:
    lost = {"stock": 0, "connector": 0}
    for seed in range(3):
        for reader in lost:
            with Sandbox(rows=20) as sandbox:
                stream = "ipxo_payout_invoices"
                sandbox.lists[stream].max_page_size = 2
                if reader == "stock":
                    source = ConcurrentDeclarativeSource(
                        config={}, source_config=stock.manifest(sandbox.config(), stream, 2)
                    )
                    throughout = move(sandbox, stream, seed)
                    catalog = ConfiguredAirbyteCatalogSerializer.load(catalog_of([stream], "full_refresh"))
                    messages = list(source.read(source.logger, {}, catalog))
                    records = [message.record for message in messages if message.type == Type.RECORD]
                    arrived = {record.data["uuid"] for record in records if record}
                else:
                    throughout = move(sandbox, stream, seed)
                    arrived = {record["uuid"] for record in read(sandbox.config(), [stream]).records(stream)}
                lost[reader] += len(throughout - arrived)
    assert lost["connector"] == 0
    assert lost["stock"] > 0
