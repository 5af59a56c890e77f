"""Fixtures: a sandbox with the providers' accounts, and shorter waits."""

import functools
from collections.abc import Iterator

import pytest
from airbyte_cdk.sources.declarative import concurrent_declarative_source

from integration_tests.support import timing
from sandbox import Sandbox
from source_invoices.components.http import requester


@pytest.fixture(scope="session", autouse=True)
def component_schema_read_once() -> Iterator[None]:
    """The CDK reads its own schema of manifests for each source anew, which takes a third of a short call's time."""
    with pytest.MonkeyPatch.context() as patch:
        once = functools.cache(concurrent_declarative_source.get_declarative_component_schema)
        patch.setattr(concurrent_declarative_source, "get_declarative_component_schema", once)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_provider_is_quick() -> Iterator[None]:
    """From a quick provider less is fetched ahead, so the requests would depend on the machine's speed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requester, "_QUICK", 0)
        yield


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with three pages of three rows for each stream, and without limits."""
    with timing.no_pause_between_requests(), Sandbox(rows=9) as running:
        for stream in running.lists:
            running.lists[stream].max_page_size = 3
        running.nexudus.limits = None
        yield running


@pytest.fixture
def short_waits() -> Iterator[None]:
    """The waits before a request is repeated are a hundredth as long."""
    with timing.short_waits():
        yield


@pytest.fixture
def short_timeouts() -> Iterator[None]:
    """The connector waits half a second for a response, and for a token."""
    with timing.short_timeouts():
        yield


@pytest.fixture
def no_limits_of_nexudus() -> Iterator[None]:
    """The connector keeps no limit of Nexudus, for a sandbox that has none."""
    with timing.no_limits_of_nexudus():
        yield
