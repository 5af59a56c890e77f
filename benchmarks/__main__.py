"""`make bench`: all measurements, into benchmarks/README.md.

Each reader is a process of its own, the sandbox is another. The readers take turns, several times over; the tables have
the medians, and the ratios are of medians of the same run.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).parent / "README.md"
LISTS = ("ipxo_payout_invoices", "payhubix_invoices")
READERS = ("connector", "stock", "dlt", "singer-sdk", "bare loop")


@dataclass
class Run:
    """What one process cost: seconds of the clock and of the CPU, megabytes at most, rows written."""

    seconds: float
    cpu: float
    memory: float
    rows: int


@contextmanager
def sandbox(folder: Path, *options: str) -> Iterator[Path]:
    """A sandbox in its own process; the path of a configuration for it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", *options], stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL
    )
    if process.stdout is None:
        raise RuntimeError("the sandbox cannot be heard")
    path = folder / "config.json"
    path.write_text(process.stdout.readline())
    try:
        yield path
    finally:
        process.terminate()
        process.wait()


def command(reader: str, config: Path, stream: str, folder: Path) -> list[str]:
    if reader != "connector":
        module = {"stock": "read_stock", "dlt": "read_dlt", "singer-sdk": "read_singer"}.get(reader, "read_bare")
        threads = ["8"] if reader == "sandbox" else []
        if stream == "ipxo_invoices" and reader == "bare loop":
            return [sys.executable, "-m", "benchmarks.read_details", str(config)]
        return [sys.executable, "-m", f"benchmarks.{module}", str(config), stream, *threads]
    catalog = folder / "catalog.json"
    modes = ["full_refresh", "incremental"]
    item = {"stream": {"name": stream, "json_schema": {}, "supported_sync_modes": modes}, "sync_mode": "incremental"}
    catalog.write_text(json.dumps({"streams": [{**item, "destination_sync_mode": "append"}]}))
    files = ["--config", str(config), "--catalog", str(catalog)]
    return [sys.executable, "-m", "source_invoices", "read", *files]


def run(arguments: Sequence[str], out: Path) -> Run:
    """Runs a reader to its end. Raises RuntimeError if it fails."""
    began = time.monotonic()
    with out.open("wb") as file:
        process = subprocess.Popen(arguments, stdout=file, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}: {out.read_bytes()[-2000:]!r}")
    with out.open("rb") as file:
        rows = sum(b'"type":"RECORD"' in line for line in file)
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, rows)


def compare(
    readers: Sequence[str], stream: str, rows: int, latency: float, folder: Path, rounds: int
) -> dict[str, Run]:
    """The readers' medians. Raises RuntimeError if one of them leaves rows out."""
    runs: dict[str, list[Run]] = {reader: [] for reader in readers}
    with sandbox(folder, "--rows", f"{stream}={rows}", "--latency", str(latency)) as config:
        for number in range(rounds):
            for reader in readers:
                print(f"{stream}, {rows} rows, {latency} s, round {number + 1}: {reader}", file=sys.stderr)
                one = run(command(reader, config, stream, folder), folder / "out")
                if one.rows != rows:
                    raise RuntimeError(f"{reader} brought {one.rows} of {rows} rows")
                runs[reader].append(one)
    return {reader: _median(found) for reader, found in runs.items()}


def _median(runs: Sequence[Run]) -> Run:
    seconds, cpu, memory = (
        statistics.median(getattr(one, name) for one in runs) for name in ("seconds", "cpu", "memory")
    )
    return Run(seconds, cpu, memory, runs[0].rows)


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *lines])


def pages(folder: Path, rounds: int) -> str:
    """200 pages of 100 rows at several latencies."""
    lines = []
    for stream in LISTS:
        for latency in (0, 0.02, 0.1, 0.3):
            found = compare(READERS, stream, 20_000, latency, folder, rounds)
            ours = found["connector"].seconds
            cells = [f"{one.seconds:.1f} s" + (f" ({one.seconds / ours:.1f})" if one.seconds != ours else "")
                     for one in found.values()]  # fmt: skip
            lines.append([stream, f"{latency * 1000:.0f} ms", *cells])
    return _table(["stream", "latency", *READERS], lines)


def rows(folder: Path, rounds: int) -> str:
    """200,000 rows at no latency."""
    lines = []
    for stream in LISTS:
        found = compare([*READERS, "sandbox"], stream, 200_000, 0, folder, rounds)
        ours = found["connector"].seconds
        lines += [
            [stream, reader, f"{200_000 / one.seconds:,.0f}", f"{one.cpu:.1f} s", f"{one.seconds / ours:.2f}"]
            for reader, one in found.items()
        ]
    return _table(["stream", "reader", "rows a second", "CPU", "seconds, the connector's = 1"], lines)


def memory(folder: Path, _: int) -> str:
    """The most memory the connector takes."""
    found = {
        size: compare(["connector"], LISTS[0], size, 0, folder, rounds=1)["connector"].memory
        for size in (10_000, 100_000, 1_000_000)
    }
    return _table(
        ["rows", "memory", "ratio"],
        [[f"{size:,}", f"{most:.0f} MB", f"{most / found[10_000]:.2f}"] for size, most in found.items()],
    )


def details(folder: Path, rounds: int) -> str:
    """1,000 invoice details at 100 ms."""
    found = compare(["connector", "stock", "bare loop"], "ipxo_invoices", 1_000, 0.1, folder, rounds)
    ours = found["connector"].seconds
    lines = [[reader, f"{one.seconds:.1f} s", f"{one.seconds / ours:.1f}"] for reader, one in found.items()]
    return _table(["reader", "time", "the connector's = 1"], lines)


MEASUREMENTS: dict[str, Callable[[Path, int], str]] = {
    "pages": pages,
    "rows": rows,
    "memory": memory,
    "details": details,
}


def _machine() -> str:
    names = ("airbyte-cdk", "dlt", "singer-sdk", "requests", "orjson")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}; {versions}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measures, and writes benchmarks/README.md.")
    parser.add_argument("names", nargs="*", choices=[[], *MEASUREMENTS], help="what to measure; all if none is named")
    parser.add_argument("--rounds", type=int, default=3, help="how often each reader is run")
    options = parser.parse_args()
    text = PAGE.read_text()
    with tempfile.TemporaryDirectory() as folder:
        for name in options.names or MEASUREMENTS:
            table = MEASUREMENTS[name](Path(folder), options.rounds)
            text = re.sub(rf"(?s)(<!-- {name} -->\n).*?(<!-- /{name} -->)", rf"\1\n{table}\n\n\2", text)
    text = re.sub(r"(?m)^Machine: .*$", f"Machine: {_machine()}.", text)
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
