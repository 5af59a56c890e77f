"""The lines for PyAirbyte in README.md, as they stand, without the internet."""

import re
import sys
from pathlib import Path

import pytest

from sandbox import Request
from system_tests.examples.workplace import KEYS, ROOT, Accounts, Workplace, changing_field

if sys.version_info >= (3, 13):
    pytest.skip("PyAirbyte supports Python 3.10 to 3.12", allow_module_level=True)

import duckdb

# Every Python process runs this when it starts. Whatever is not this machine cannot be reached, and is noted.
CLOSED = """
import os, sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        address = arguments[1] if event == "socket.connect" else arguments[0]
        host = address[0] if isinstance(address, tuple) else address
        if isinstance(host, str) and host not in ("127.0.0.1", "localhost"):
            with open(os.environ["REFUSED"], "a") as file:
                print(host, file=file)
            raise OSError("the internet is closed off")

sys.addaudithook(refuse)
"""


def readme_lines() -> str:
    (lines,) = re.findall(r"(?s)```python\n(import json, os\n.*?)```", (ROOT / "README.md").read_text())
    return str(lines)


def test_the_lines_of_the_readme_keep_one_row_an_invoice(workplace: Workplace, accounts: Accounts) -> None:
    refused = workplace.folder / "refused"
    (workplace.folder / "closed").mkdir()
    (workplace.folder / "closed" / "sitecustomize.py").write_text(CLOSED)
    (workplace.folder / "readme.py").write_text(readme_lines())
    table = accounts.sandbox.tables["payhubix_invoices"]
    accounts.sandbox.lists["payhubix_invoices"].max_page_size = 3

    def move(request: Request) -> None:
        """After page 1 a new invoice moves the list, so an invoice is read twice."""
        if request.route == "payhubix_invoices" and request.page == 2 and len(table) == 40:
            table.add()

    accounts.sandbox.on_request = move
    for _ in range(2):
        done = workplace.run(
            *("python", "readme.py"),
            PYTHONPATH=str(workplace.folder / "closed"),
            REFUSED=str(refused),
            AIRBYTE_LOGGING_ROOT=str(workplace.folder / "logs"),
        )
        assert done.returncode == 0, done.stderr
        assert f"[{len(table)} rows x " in done.stdout
        assert held(workplace.folder) == accounts.values()
        accounts.live_on()
    assert not refused.exists(), refused.read_text()


def held(folder: Path) -> dict[str, dict[object, object]]:
    """What the cache holds for each stream. No invoice is there twice."""
    (path,) = (folder / ".cache" / "invoices").glob("*.duckdb")
    found = {}
    with duckdb.connect(str(path), read_only=True) as connection:
        for stream, key in KEYS.items():
            rows = connection.execute(f"SELECT {key}, {changing_field(stream)} FROM {stream}").fetchall()
            found[stream] = {
                key: float(value) if "nexudus" in stream and value is not None else value for key, value in rows
            }
            assert len(rows) == len(found[stream])
    return found
