"""The class in a Python program: it is built once, and each call has its configuration, catalog and state."""

import logging
import threading
from collections.abc import Iterable

import pytest
import requests
from airbyte_cdk.models import AirbyteStateMessage, ConfiguredAirbyteCatalog, ConfiguredAirbyteCatalogSerializer, Status
from airbyte_cdk.sources.streams.concurrent.cursor import ConcurrentCursor
from airbyte_cdk.sources.types import StreamSlice

from integration_tests.support.connector import STREAMS, catalog_of
from sandbox import Sandbox
from source_invoices import SourceInvoices

LOGGER = logging.getLogger("airbyte")


def test_a_source_without_a_configuration_uses_that_of_each_call(sandbox: Sandbox) -> None:
    source = SourceInvoices()
    config = sandbox.config()
    assert source.check(LOGGER, config).status == Status.SUCCEEDED
    assert source.check(LOGGER, {"payhubix": {**config["payhubix"], "api_key": "another"}}).status == Status.FAILED
    assert source.check(LOGGER, {}).status == Status.FAILED
    assert {stream.name for stream in source.discover(LOGGER, config).streams} == set(STREAMS)


def test_a_read_continues_from_the_state_that_it_is_given(sandbox: Sandbox) -> None:
    source = SourceInvoices()

    def read(state: list[AirbyteStateMessage]) -> tuple[int, list[AirbyteStateMessage]]:
        catalog = ConfiguredAirbyteCatalogSerializer.load(catalog_of(["payhubix_invoices"]))
        messages = list(source.read(LOGGER, sandbox.config(), catalog, state))
        states = [message.state for message in messages if message.state]
        return len([message for message in messages if message.record]), states[-1:]

    rows, state = read([])
    assert rows == 9
    assert read(state)[0] == 1


def test_a_source_that_is_built_with_a_catalog_also_reads_another_catalog(sandbox: Sandbox) -> None:
    config = sandbox.config()

    def catalog(*streams: str) -> ConfiguredAirbyteCatalog:
        return ConfiguredAirbyteCatalogSerializer.load(catalog_of(streams))

    source = SourceInvoices(catalog("payhubix_invoices"), config)
    assert [stream.name for stream in source.streams(config)] == ["payhubix_invoices"]
    assert {stream.name for stream in source.discover(LOGGER, config).streams} == set(STREAMS)
    assert source.check(LOGGER, config).status == Status.SUCCEEDED
    for streams in (["payhubix_invoices"], ["ipxo_invoices", "payhubix_invoices"]):
        messages = source.read(LOGGER, config, catalog(*streams))
        records = [message.record.stream for message in messages if message.record]
        assert sorted(set(records)) == streams
        assert len(records) == 9 * len(streams)


def test_the_slices_of_details_share_one_cursor(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says once which slices there are."""
    stream, asked = "ipxo_invoices", 0
    stock = ConcurrentCursor.stream_slices

    def counted(cursor: ConcurrentCursor) -> Iterable[StreamSlice]:
        nonlocal asked
        asked += 1
        return stock(cursor)

    monkeypatch.setattr(ConcurrentCursor, "stream_slices", counted)
    catalog = ConfiguredAirbyteCatalogSerializer.load(catalog_of([stream]))
    messages = SourceInvoices().read(LOGGER, sandbox.config(), catalog)
    assert len([message for message in messages if message.record]) == 9
    assert asked == 1


@pytest.mark.parametrize("is_closed", [False, True], ids=["read to the end", "closed"])
def test_a_slow_destination_stops_further_requests(is_closed: bool) -> None:
    stream = "ipxo_payout_invoices"
    with Sandbox(rows={stream: 6000}) as sandbox:
        asked = threading.Semaphore(0)
        sandbox.on_request = lambda _: asked.release()
        source = SourceInvoices()
        catalog = ConfiguredAirbyteCatalogSerializer.load(catalog_of([stream]))
        messages = source.read(LOGGER, sandbox.config(), catalog)
        rows = 0
        while not rows:
            rows += next(messages).record is not None
        for _ in range(11):  # pages of 100 rows; 1,000 rows may wait
            asked.acquire()
        # These requests take longer than all 60 pages would.
        for _ in range(200):
            requests.get(sandbox.config()["ipxo"]["api_url"], timeout=10)
        # Up to 20 pages are fetched ahead.
        assert sandbox.count(stream) <= 11 + 20
        if is_closed:
            messages.close()
        else:
            assert rows + sum(message.record is not None for message in messages) == 6000
        for thread in threading.enumerate():
            if thread.name.startswith("read-ahead"):
                thread.join(60)
                assert not thread.is_alive()
