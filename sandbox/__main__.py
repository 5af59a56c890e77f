"""`python -m sandbox`: prints a connector configuration, then serves until it is interrupted."""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
import threading

from sandbox import STREAMS, Sandbox
from sandbox.server import PortRefused

MOST_ROWS = 5_000_000
"""A list of so many rows needs some hundred MB."""
LONGEST_LATENCY = 3600
LAST_PORT = 65535
PORTS = 4


def row_counts(texts: list[str]) -> int | dict[str, int]:
    """Returns the number of rows of each stream.

    `["1000"]` means all streams. `["payhubix_invoices=10", ...]` means those that are named; the others are empty.
    """
    counts: dict[str, int] = {}
    for text in texts:
        stream, _, number = text.rpartition("=")
        if stream and stream not in STREAMS:
            raise argparse.ArgumentTypeError(f"there is no stream {stream!r}, but {', '.join(STREAMS)}")
        if not number.isdecimal() or len(number) > len(str(MOST_ROWS)) or int(number) > MOST_ROWS:
            raise argparse.ArgumentTypeError(f"not a number of rows from 0 to {MOST_ROWS:,}: {text!r}")
        counts |= {stream: int(number)} if stream else dict.fromkeys(STREAMS, int(number))
    return counts


def latency(text: str) -> float:
    """Returns a number of seconds."""
    seconds = float(text)
    if not (math.isfinite(seconds) and 0 <= seconds <= LONGEST_LATENCY):
        raise argparse.ArgumentTypeError(f"not a number of seconds from 0 to {LONGEST_LATENCY:,}: {text!r}")
    return seconds


def port(text: str) -> int:
    """Returns the first of the ports, or 0 for any."""
    number = int(text)
    if not 0 <= number <= LAST_PORT - PORTS + 1:
        raise argparse.ArgumentTypeError(f"not a port from 1 to {LAST_PORT - PORTS + 1}, nor 0 for any: {text!r}")
    return number


def options() -> argparse.Namespace:
    """Parses the command line. `rows` has the number of rows of each stream."""
    parser = argparse.ArgumentParser(prog="sandbox", description="Serves three invoice providers on 127.0.0.1.")
    parser.add_argument(
        "--rows", action="append", metavar="N | STREAM=N", help="rows in every list, or in one (repeatable)"
    )
    parser.add_argument("--seed", type=int, default=7, help="another seed makes other rows")
    parser.add_argument("--port", type=port, default=0, help="first of four ports in a row; 0: any free ports")
    parser.add_argument("--large-amounts", action="store_true", help="now and then an amount beyond 32 bits")
    parser.add_argument("--latency", type=latency, default=0.0, help="seconds before each data request is answered")
    found = parser.parse_args()
    try:
        found.rows = row_counts(found.rows or ["250"])
    except argparse.ArgumentTypeError as error:
        parser.error(str(error))
    return found


def main() -> None:
    """Serves until it is interrupted."""
    asked = options()
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    sandbox = Sandbox(
        rows=asked.rows,
        seed=asked.seed,
        port=asked.port,
        latency=asked.latency,
        large_amounts=asked.large_amounts,
    )
    try:
        sandbox.start()
    except PortRefused as refused:
        sys.exit(f"{refused} The sandbox needs {PORTS} ports in a row. Without --port it takes free ones.")
    try:
        print(json.dumps(sandbox.config()), flush=True)
        done.wait()
    finally:
        sandbox.stop()


if __name__ == "__main__":
    main()
