"""The private names of libraries that the connector uses. Each test says what breaks when one of them changes."""

import inspect
import re
from pathlib import Path

import pytest
import requests
from airbyte_cdk.sources.concurrent_source.concurrent_read_processor import ConcurrentReadProcessor
from airbyte_cdk.sources.concurrent_source.concurrent_source import ConcurrentSource
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
from airbyte_cdk.sources.declarative.incremental.concurrent_partition_cursor import ConcurrentPerPartitionCursor
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.sources.streams.concurrent.cursor import ConcurrentCursor, Cursor, FinalStateCursor

from unit_tests.project_files import ROOT

CDK = ROOT / "source_invoices" / "cdk_internals.py"
READER_FIELDS = ["_threadpool", "_logger", "_slice_logger", "_queue", "_message_repository"]


def assigned(owner: type) -> set[str]:
    """The fields that a class gives its instances."""
    return set(re.findall(r"self\.(_\w+)\b[^=\n]*=", inspect.getsource(owner)))


def test_without_the_hook_before_streams_are_built_two_syncs_share_a_context() -> None:
    builds = inspect.getsource(ConcurrentDeclarativeSource.streams)
    assert "self._prepare_for_stream_build()" in builds


def test_without_the_factory_s_api_budget_components_find_no_context() -> None:
    assert "_constructor" in assigned(ConcurrentDeclarativeSource)
    assert "_api_budget" in assigned(ModelToComponentFactory)


def test_without_the_message_repository_no_estimate_is_emitted() -> None:
    assert "_message_repository" in assigned(ConcurrentDeclarativeSource)


def test_without_the_concurrent_source_rows_travel_one_by_one() -> None:
    assert "_concurrent_source" in assigned(ConcurrentDeclarativeSource)


@pytest.mark.parametrize("name", [*READER_FIELDS, "_initial_number_partitions_to_generate"])
def test_without_a_field_of_the_reader_it_cannot_be_replaced(name: str) -> None:
    assert name in assigned(ConcurrentSource)
    assert len(inspect.signature(ConcurrentSource).parameters) >= len(READER_FIELDS) + 1


def test_without_the_item_handler_a_page_becomes_one_record() -> None:
    parameters = list(inspect.signature(ConcurrentSource._handle_item).parameters)
    assert parameters == ["self", "queue_item", "concurrent_stream_processor"]


def test_without_the_record_counter_pages_are_counted_instead_of_rows() -> None:
    assert "_record_counter" in assigned(ConcurrentReadProcessor)


def test_without_the_cursor_factory_each_partition_gets_a_cursor_of_its_own() -> None:
    assert {"_cursor_factory", "_use_global_cursor"} <= assigned(ConcurrentPerPartitionCursor)
    creation = inspect.getsource(ConcurrentPerPartitionCursor._create_cursor)
    assert "self._cursor_factory.create(" in creation


@pytest.mark.parametrize("cursor", [ConcurrentCursor, FinalStateCursor])
def test_without_a_replaceable_observe_a_row_dated_ahead_moves_the_state(cursor: type[Cursor]) -> None:
    assert list(inspect.signature(cursor.observe).parameters) == ["self", "record"]


def test_without_the_content_of_a_response_its_body_is_read_in_pieces() -> None:
    response = requests.Response()
    response._content = b"[1]"
    assert response.content == b"[1]"
    assert response.json() == [1]


def test_no_other_private_name_of_the_cdk_is_used() -> None:
    names = set(re.findall(r"\b\w+\._([a-z]\w+)", Path(CDK).read_text("utf-8")))
    known = {name.removeprefix("_") for name in READER_FIELDS} | {"initial_number_partitions_to_generate"}
    others = {"prepare_for_stream_build", "constructor", "api_budget", "concurrent_source", "handle_item"}
    cursors = {"cursor_factory", "use_global_cursor"}
    assert names <= known | others | cursors | {"record_counter", "message_repository"}
