"""Fixtures: a sandbox with the providers' accounts, and shorter waits."""

import functools
from collections.abc import Iterator

import pytest
from airbyte_cdk.sources.declarative import concurrent_declarative_source

from integration_tests.support.connector import impatient_manifest, unhurried_manifest
from sandbox import Sandbox
from source_invoices import source
from source_invoices.components import gate


@pytest.fixture(scope="session", autouse=True)
def component_schema_read_once() -> Iterator[None]:
    """The CDK reads its own schema of manifests for each source anew: a third of a short call's time."""
    with pytest.MonkeyPatch.context() as patch:
        once = functools.cache(concurrent_declarative_source.get_declarative_component_schema)
        patch.setattr(concurrent_declarative_source, "get_declarative_component_schema", once)
        yield


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Three pages a stream of three rows each, and no limits."""
    monkeypatch.setattr(source, "load_manifest", unhurried_manifest)
    with Sandbox(rows=9) as running:
        for stream in running.lists:
            running.lists[stream].max_page_size = 3
        running.nexudus.limits = None
        yield running


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits before a request is repeated, a hundredth as long."""
    monkeypatch.setattr(gate, "_FIRST_WAIT", gate._FIRST_WAIT / 100)


@pytest.fixture
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connector waits half a second for an answer."""
    monkeypatch.setattr(source, "load_manifest", impatient_manifest)
