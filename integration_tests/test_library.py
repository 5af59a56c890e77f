"""The class in a Python program: built once, and handed configuration, catalog and state with each command."""

import logging

from airbyte_cdk.models import AirbyteStateMessage, ConfiguredAirbyteCatalogSerializer, Status
from connector import STREAMS, catalog_of

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
