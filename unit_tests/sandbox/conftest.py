"""Sandboxes that run during a test, and clients of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from sandbox import Sandbox
from unit_tests.sandbox.client import NEWEST, Client


@pytest.fixture
def start() -> Iterator[Callable[..., Client]]:
    """Starts sandboxes that end with the test."""
    running: list[Client] = []

    def start_sandbox(rows: Any = 30, **options: Any) -> Client:
        sandbox = Sandbox(rows=rows, **{"newest": NEWEST, **options})
        sandbox.nexudus.limits = None
        sandbox.start()
        running.append(Client(sandbox, requests.Session()))
        return running[-1]

    yield start_sandbox
    for client in running:
        client.session.close()
        client.sandbox.stop()


@pytest.fixture
def client(start: Callable[..., Client]) -> Client:
    """A client of a small sandbox."""
    return start()
