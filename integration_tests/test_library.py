"""The class in a Python program: built once, and handed configuration, catalog and state with each command."""

import logging
import threading

import pytest
import requests
from airbyte_cdk.models import AirbyteStateMessage, ConfiguredAirbyteCatalog, ConfiguredAirbyteCatalogSerializer, Status

from integration_tests.support.connector import STREAMS, catalog_of
from sandbox import Sandbox
from source_invoices import SourceInvoices

LOGGER = logging.getLogger("airbyte")


def test_a_source_built_without_a_configuration_takes_that_of_the_command(sandbox: Sandbox) -> None:
    source = SourceInvoices()
    config = sandbox.config()
    assert source.check(LOGGER, config).status == Status.SUCCEEDED
    assert source.check(LOGGER, {"payhubix": {**config["payhubix"], "api_key": "another"}}).status == Status.FAILED
    assert source.check(LOGGER, {}).status == Status.FAILED
    assert {stream.name for stream in source.discover(LOGGER, config).streams} == set(STREAMS)


def test_the_state_handed_to_a_read_counts(sandbox: Sandbox) -> None:
    source = SourceInvoices()

    def read(state: list[AirbyteStateMessage]) -> tuple[int, list[AirbyteStateMessage]]:
        catalog = ConfiguredAirbyteCatalogSerializer.load(catalog_of(["payhubix_invoices"]))
        messages = list(source.read(LOGGER, sandbox.config(), catalog, state))
        states = [message.state for message in messages if message.state]
        return len([message for message in messages if message.record]), states[-1:]

    rows, state = read([])
    assert rows == 9
    assert read(state)[0] == 1


def test_a_source_built_with_a_catalog_builds_its_streams_and_reads_another_all_the_same(sandbox: Sandbox) -> None:
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


@pytest.mark.parametrize("is_closed", [False, True], ids=["read on", "closed"])
def test_no_more_is_read_than_a_slow_destination_takes(is_closed: bool) -> None:
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
        for _ in range(11):  # of 100 rows: 1,000 may wait
            asked.acquire()
        # Time in which all 60 pages could be read.
        for _ in range(200):
            requests.get(sandbox.config()["ipxo"]["api_url"], timeout=10)
        # And those that are fetched ahead.
        assert sandbox.count(stream) <= 11 + 20
        if is_closed:
            messages.close()
        else:
            assert rows + sum(message.record is not None for message in messages) == 6000
        for thread in threading.enumerate():
            if thread.name.startswith("read-ahead"):
                thread.join(60)
                assert not thread.is_alive()
