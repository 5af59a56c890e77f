"""Rows that are added, changed and removed between any two requests: the streams that are read newest first lose none."""

import random

import pytest
import stock
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer, Type
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
from connector import STREAMS, catalog_of, read

from sandbox import Request, Sandbox

STATES_TOTALS = ["ipxo_payout_invoices", "ipxo_invoices", "ipxo_ecommerce_invoices"]
# Of Payhubix's list only the number of rows at the beginning and at the end is known: rows are removed, none added.
NEWEST_FIRST = [*STATES_TOTALS, "payhubix_invoices"]


def move(sandbox: Sandbox, stream: str, seed: int) -> set[str]:
    """Moves the rows of a stream before each request of its list. Returns the keys that are there throughout."""
    table = sandbox.tables[stream]
    schedule = random.Random(seed)
    throughout = set(table.keys())
    moves = 12  # then the list rests, as lists do

    def before(request: Request) -> None:
        nonlocal moves
        if request.route != stream or moves == 0:
            return
        moves -= 1
        for _ in range(schedule.randrange(3) if stream in STATES_TOTALS else 0):
            table.add()
        for _ in range(schedule.randrange(3)):
            if len(table) and (stream in STATES_TOTALS or sandbox.count(stream) > 2):  # while it is counted it rests
                removed = schedule.choice(table.keys())
                table.remove(removed)
                throughout.discard(removed)
        table.change(table.keys()[0], note=moves) if len(table) else None

    sandbox.on_request = before
    return throughout


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("stream", NEWEST_FIRST)
def test_no_invoice_that_was_there_throughout_is_missed(stream: str, seed: int) -> None:
    with Sandbox(rows=20) as sandbox:
        sandbox.lists[stream].max_page_size = 1 + seed % 3
        throughout = move(sandbox, stream, seed)
        output = read(sandbox.config(), [stream])
        assert (output.status(stream), output.exit_code) == ("COMPLETE", 0)
        assert throughout <= {record[STREAMS[stream]] for record in output.records(stream)}
        # After the next sync, at rest, the rows are the provider's.
        following = read(sandbox.config(), [stream], state=output.state())
        copy = {record[STREAMS[stream]]: record for record in output.records(stream) + following.records(stream)}
        for row in sandbox.tables[stream].rows():
            assert copy[row[STREAMS[stream]]].get("note") == row.get("note")


def test_a_stock_manifest_loses_rows_where_the_connector_loses_none() -> None:
    lost = {"stock": 0, "connector": 0}
    for seed in range(3):
        for reader in lost:
            with Sandbox(rows=20) as sandbox:
                stream = "ipxo_payout_invoices"
                sandbox.lists[stream].max_page_size = 2
                if reader == "stock":
                    source = ConcurrentDeclarativeSource(config={}, source_config=stock.manifest(sandbox, stream, 2))
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
