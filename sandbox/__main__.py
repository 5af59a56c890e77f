"""`python -m sandbox`: prints a connector configuration, then serves until it is interrupted."""

from __future__ import annotations

import argparse
import json
import signal
import threading

from sandbox import STREAMS, Sandbox


def row_counts(texts: list[str]) -> int | dict[str, int]:
    """Returns the number of rows of each stream.

    `["1000"]` means all streams. `["payhubix_invoices=10", ...]` means those that are named; the others are empty.
    """
    counts: dict[str, int] = {}
    for text in texts:
        stream, _, number = text.rpartition("=")
        if not number.isdecimal() or (stream and stream not in STREAMS):
            raise argparse.ArgumentTypeError(f"not a number of rows: {text!r}")
        counts |= {stream: int(number)} if stream else dict.fromkeys(STREAMS, int(number))
    return counts


def main() -> None:
    """Parses the command line and serves."""
    parser = argparse.ArgumentParser(prog="sandbox", description="Serves three invoice providers on 127.0.0.1.")
    parser.add_argument(
        "--rows", action="append", metavar="N | STREAM=N", help="rows in every list, or in one (repeatable)"
    )
    parser.add_argument("--seed", type=int, default=7, help="another seed makes other rows")
    parser.add_argument("--port", type=int, default=0, help="first of four ports in a row; 0: any free ports")
    parser.add_argument("--large-amounts", action="store_true", help="now and then an amount beyond 32 bits")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each data request is answered")
    options = parser.parse_args()
    try:
        rows = row_counts(options.rows or ["250"])
    except argparse.ArgumentTypeError as error:
        parser.error(str(error))
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    with Sandbox(
        rows=rows,
        seed=options.seed,
        port=options.port,
        latency=options.latency,
        large_amounts=options.large_amounts,
    ) as sandbox:
        print(json.dumps(sandbox.config()), flush=True)
        done.wait()


if __name__ == "__main__":
    main()
