"""Fixtures: accounts at the providers, and a folder with the examples."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Sandbox
from system_tests.examples.workplace import Accounts, Workplace
from system_tests.postgresql import NoPostgres, Postgres, programs


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    try:
        programs()
    except NoPostgres as missing:
        pytest.skip(f"NOT TESTED: {missing}")
    with Postgres() as server:
        yield server


@pytest.fixture
def accounts() -> Iterator[Accounts]:
    with Sandbox(rows=40) as sandbox:
        yield Accounts(sandbox)


@pytest.fixture
def workplace(tmp_path: Path, accounts: Accounts) -> Workplace:
    return Workplace(tmp_path, accounts.config)
