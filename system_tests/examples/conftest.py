"""Fixtures: accounts at the providers, and a folder with the examples."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Sandbox
from system_tests.examples.workplace import Accounts, Workplace


@pytest.fixture
def accounts() -> Iterator[Accounts]:
    with Sandbox(rows=40) as sandbox:
        yield Accounts(sandbox)


@pytest.fixture
def workplace(tmp_path: Path, accounts: Accounts) -> Workplace:
    return Workplace(tmp_path, accounts.config)
