"""Every fault of every stream, read by the connector and by a stock manifest: `make reliability` writes the table.

A stream has nine rows in pages of three; the fault strikes the second page of the stream's list, or the second of its
details.
The rows of Nexudus are in one window.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from unittest.mock import patch

from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer, Type
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from integration_tests.support import stock
from integration_tests.support.connector import STREAMS, catalog_of, impatient_manifest, read
from sandbox import Fault, Sandbox
from source_invoices import source
from source_invoices.components import gate

PAGE = Path(__file__).parent.parent.parent / "docs" / "reliability.md"
ROUTES = {**{stream: stream for stream in STREAMS}, "ipxo_invoice": "ipxo_invoices"}
FAULTS: dict[str, dict[str, Any]] = {
    "smaller pages than asked for": {},
    "429 twice": {"kind": "status", "status": 429, "times": 2},
    "409": {"kind": "status", "status": 409},
    "500": {"kind": "status", "status": 500},
    "502": {"kind": "status", "status": 502},
    "503": {"kind": "status", "status": 503},
    "connection dropped": {"kind": "drop"},
    "half a body": {"kind": "half"},
    "HTML": {"kind": "html"},
    "broken JSON": {"kind": "broken_json"},
    "200 with an error": {"kind": "error_200"},
    "200 without the envelope": {"kind": "no_envelope"},
    "401 once": {"kind": "status", "status": 401},
    "403": {"kind": "status", "status": 403},
    "404": {"kind": "status", "status": 404},
    "rows of the page before, again and again": {"kind": "repeat_rows", "times": 30},
    "another page's number": {"kind": "wrong_page"},
    "no answer in time": {"kind": "slow", "delay": 1.5},
}
ONLY_LISTS = ("smaller pages than asked for", "rows of the page before, again and again", "another page's number")


@contextmanager
def faulty(route: str, fault: str) -> Iterator[Sandbox]:
    with Sandbox(rows=9, span=timedelta(days=200)) as sandbox:
        sandbox.nexudus.limits = None
        for settings in sandbox.lists.values():
            settings.max_page_size = 3
        if FAULTS[fault]:
            # The second page is never fetched ahead.
            struck = {"nth": 2} if route == "ipxo_invoice" else {"when": lambda asked: asked.value("page") == "2"}
            sandbox.faults.append(Fault(route=route, **struck, **FAULTS[fault]))
        yield sandbox


def by_connector(route: str, fault: str) -> str:
    with (
        faulty(route, fault) as sandbox,
        patch.object(gate, "_FIRST_WAIT", 0.01),
        patch.object(source, "load_manifest", impatient_manifest),
    ):
        stream = ROUTES[route]
        year = (datetime.now(timezone.utc) - timedelta(days=365)).strftime("%Y-%m-%d")
        output = read({**sandbox.config(), "start_date": year}, [stream])
        keys = {record[STREAMS[stream]] for record in output.records(stream)}
        status = str(output.status(stream))
        if status == "INCOMPLETE":
            status += f" ({output.error_of(stream)['failure_type']})"
        assert output.exit_code == (0 if status == "COMPLETE" else 1)
        return _cell(status, len(keys), _held(route, fault), sandbox.count(route))


def by_stock_manifest(route: str, fault: str) -> str:
    with faulty(route, fault) as sandbox:
        stream = ROUTES[route]
        manifest = stock.manifest(sandbox, stream, 100 if fault == "smaller pages than asked for" else 3)
        reader = ConcurrentDeclarativeSource(config={}, source_config=manifest)
        catalog = ConfiguredAirbyteCatalogSerializer.load(catalog_of([stream], "full_refresh"))
        keys, status = set(), "INCOMPLETE"
        try:
            for message in reader.read(reader.logger, {}, catalog):
                if message.type == Type.RECORD and message.record:
                    keys.add(message.record.data.get(STREAMS[stream]))
                trace = message.trace.stream_status if message.type == Type.TRACE and message.trace else None
                status = trace.status.value if trace else status
        except AirbyteTracedException:
            pass
        return _cell(status, len(keys - {None}), _held(route, fault), sandbox.count(route))


def _held(route: str, fault: str) -> int:
    """How many invoices the provider holds: one whose details are not found is gone."""
    return 8 if (route, fault) == ("ipxo_invoice", "404") else 9


def _cell(status: str, rows: int, held: int, requests: int) -> str:
    cell = f"{status}, {rows} of {held} rows, {requests} requests"
    return f"**{cell}**" if status == "COMPLETE" and rows < held else cell


def faults_of(route: str) -> list[str]:
    return [fault for fault in FAULTS if route != "ipxo_invoice" or fault not in ONLY_LISTS]


def table(route: str) -> str:
    """The table of one stream's list, or of its details."""
    lines = ["| fault | this connector | stock manifest |", "|---|---|---|"]
    for fault in faults_of(route):
        lines.append(f"| {fault} | {by_connector(route, fault)} | {by_stock_manifest(route, fault)} |")
    return "\n".join(lines)


def main(routes: Sequence[str]) -> None:
    """Writes the tables of these routes, or of all."""
    text = PAGE.read_text()
    for route, stream in ROUTES.items():
        if routes and route not in routes:
            continue
        title = f"### {stream}" + (", details" if route == "ipxo_invoice" else "")
        text = re.sub(rf"(?m)^{title}\n+(\|.*\n)*\n*", f"{title}\n\n{table(route)}\n\n", text)
    PAGE.write_text(text.rstrip() + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
