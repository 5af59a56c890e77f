"""Writes the tables of docs/reliability.md: `python -m integration_tests.support.reliability [ROUTE ...]`.

Each fault of `faults.CASES` is read by the connector and by a stock manifest.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer, Type
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from integration_tests.support import stock
from integration_tests.support.connector import STREAMS, catalog_of
from integration_tests.support.faults import (
    CASES,
    DETAILS,
    PAGE_SIZE,
    ROUTES,
    Case,
    Reading,
    faulty,
    held,
    read_under_fault,
)

PAGE = Path(__file__).parent.parent.parent / "docs" / "reliability.md"


def title(route: str) -> str:
    """The heading above the table of a stream's list, or of its details."""
    return f"### {ROUTES[route]}" + (", details" if route == DETAILS else "")


def cases_of(route: str) -> dict[str, Case]:
    """The cases in the table of a route."""
    return {case.name: case for case in CASES if case.in_tables and route in case.routes()}


def documented(route: str) -> dict[str, str]:
    """The connector's column in the table of a route, by the name of the fault."""
    section = PAGE.read_text().split(f"{title(route)}\n")[1].split("###")[0]
    return dict(re.findall(r"(?m)^\| (.+?) \| (.+?) \| .+ \|$", section)[1:])


def cell(route: str, reading: Reading) -> str:
    """What the table says of a read by the connector."""
    stream = ROUTES[route]
    status = str(reading.output.status(stream))
    if status == "INCOMPLETE":
        status += f" ({reading.output.error_of(stream)['failure_type']})"
    keys = {record[STREAMS[stream]] for record in reading.output.records(stream)}
    return _cell(status, len(keys), len(reading.held), len(reading.requests))


def stock_cell(route: str, case: Case) -> str:
    """What the table says of a read by a stock manifest."""
    stream = ROUTES[route]
    with faulty(route, case) as sandbox:
        page_size = PAGE_SIZE if case.fault else 100
        reader = ConcurrentDeclarativeSource(
            config={}, source_config=stock.manifest(sandbox.config(), stream, page_size)
        )
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
        return _cell(status, len(keys - {None}), len(held(sandbox, route)), sandbox.count(route))


def _cell(status: str, rows: int, rows_held: int, requests: int) -> str:
    text = f"{status}, {rows} of {rows_held} rows, {requests} requests"
    return f"**{text}**" if status == "COMPLETE" and rows < rows_held else text


def table(route: str) -> str:
    """The table of one stream's list, or of its details."""
    lines = ["| fault | this connector | stock manifest |", "|---|---|---|"]
    for name, case in cases_of(route).items():
        ours = cell(route, read_under_fault(route, case))
        lines.append(f"| {name} | {ours} | {stock_cell(route, case)} |")
    return "\n".join(lines)


def main(routes: Sequence[str]) -> None:
    """Writes the tables of these routes, or of all."""
    text = PAGE.read_text()
    for route in ROUTES:
        if routes and route not in routes:
            continue
        heading = title(route)
        if f"{heading}\n" not in text:
            text = f"{text.rstrip()}\n\n{heading}\n"
        text = re.sub(rf"(?m)^{heading}\n+(\|.*\n)*\n*", f"{heading}\n\n{table(route)}\n\n", text)
    PAGE.write_text(text.rstrip() + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
