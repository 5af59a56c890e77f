"""`make bench`: writes all measurements into tools/benchmarks/README.md.

Each reader is a process of its own, and so is the sandbox. The readers take turns, several times. The tables have the
medians. The ratios compare medians of the same run.
"""

import argparse
import json
import os
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import duckdb

from sandbox import Sandbox

PAGE = Path(__file__).parent / "README.md"
# The connector as users install it. Stock runs in the same environment.
CONNECTOR = Path(sys.prefix) / "connector" / "bin"
LISTS = ("ipxo_payout_invoices", "ipxo_ecommerce_invoices", "payhubix_invoices")
# Final statuses of two lists, and the number of their invoices in a day with any length of history.
SETTLED = {"ipxo_payout_invoices": "paid", "payhubix_invoices": "Paid"}
A_DAY = 6
READERS = ("connector", "stock", "dlt", "singer-sdk", "bare loop")
# The lengths of a list whose difference gives the instructions a row.
COUNTED = (1_000, 4_000)
# If the host takes more than this share of the machine's time, the run is repeated.
DISTURBED = 0.05
MOST_RUNS = 4


@dataclass
class Run:
    """The cost of one process: seconds, seconds of CPU and peak megabytes; and the rows that it wrote.

    taken: the share of the machine's time that its host took during the run.
    """

    seconds: float
    cpu: float
    memory: float
    rows: int
    taken: float


@contextmanager
def sandbox(folder: Path, *options: str) -> Iterator[Path]:
    """Runs a sandbox in its own process. Yields the path of a configuration for it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", *options], stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL
    )
    if process.stdout is None:
        raise RuntimeError("the sandbox has no output")
    path = folder / "config.json"
    path.write_text(process.stdout.readline())
    try:
        yield path
    finally:
        process.terminate()
        process.wait()


def command(reader: str, config: Path, stream: str, folder: Path, state: Path | None = None) -> list[str]:
    if reader not in ("connector", "stock"):
        module = {"dlt": "read_dlt", "singer-sdk": "read_singer"}.get(reader, "read_bare")
        threads = ["8"] if reader == "sandbox" else []
        if stream == "ipxo_invoices" and reader == "bare loop":
            return [sys.executable, "-m", "tools.benchmarks.read_details", str(config)]
        return [sys.executable, "-m", f"tools.benchmarks.{module}", str(config), stream, *threads]
    catalog = folder / "catalog.json"
    modes = ["full_refresh", "incremental"]
    item = {"stream": {"name": stream, "json_schema": {}, "supported_sync_modes": modes}, "sync_mode": "incremental"}
    catalog.write_text(json.dumps({"streams": [{**item, "destination_sync_mode": "append"}]}))
    files = ["--config", str(config), "--catalog", str(catalog), *(["--state", str(state)] if state else [])]
    return [*executable(reader, config, stream), "read", *files]


def executable(reader: str, config: Path, stream: str) -> list[str]:
    if reader == "connector":
        return [str(CONNECTOR / "source-invoices")]
    return [str(CONNECTOR / "python"), "-m", "tools.benchmarks.read_stock", str(config), stream]


def _machine_time() -> tuple[int, int]:
    """Returns the machine's CPU time, and how much of it other guests of its host took; zeros where it is unknown."""
    times = Path("/proc/stat").read_text().split("\n")[0].split()[1:9] if Path("/proc/stat").exists() else [0]
    return sum(map(int, times)), int(times[-1])


def run(arguments: Sequence[str], out: Path) -> Run:
    """Runs a reader to its end. Raises RuntimeError if it fails."""
    began, (all_before, taken_before) = time.monotonic(), _machine_time()
    errors = out.with_suffix(".errors")
    with out.open("wb") as file, errors.open("wb") as error_file:
        process = subprocess.Popen(arguments, stdout=file, stderr=error_file)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}: {errors.read_text()[-2000:]}")
    all_after, taken_after = _machine_time()
    taken = (taken_after - taken_before) / max(1, all_after - all_before)
    print(f"  {seconds:.1f} s, {taken:.0%} of the machine's time taken by its host", file=sys.stderr)
    with out.open("rb") as file:
        rows = sum(b'"type":"RECORD"' in line for line in file)
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, rows, taken)


def run_undisturbed(arguments: Sequence[str], out: Path) -> Run:
    """Returns the least disturbed of a few runs. One run is enough if the host took almost nothing."""
    runs = [run(arguments, out)]
    while runs[-1].taken > DISTURBED and len(runs) < MOST_RUNS:
        runs.append(run(arguments, out))
    return min(runs, key=lambda one: one.taken)


def compare(
    readers: Sequence[str], stream: str, rows: int, latency: float, folder: Path, rounds: int
) -> dict[str, Run]:
    """Returns the medians of the readers. Raises RuntimeError if a reader misses rows."""
    runs: dict[str, list[Run]] = {reader: [] for reader in readers}
    with sandbox(folder, "--rows", f"{stream}={rows}", "--latency", str(latency)) as config:
        for number in range(rounds):
            for reader in readers:
                print(f"{stream}, {rows} rows, {latency} s, round {number + 1}: {reader}", file=sys.stderr)
                one = run_undisturbed(command(reader, config, stream, folder), folder / "out")
                if one.rows != rows:
                    raise RuntimeError(f"{reader} brought {one.rows} of {rows} rows")
                runs[reader].append(one)
    return {reader: _median(found) for reader, found in runs.items()}


def _median(runs: Sequence[Run]) -> Run:
    seconds, cpu, memory, taken = (
        statistics.median(getattr(one, name) for one in runs) for name in ("seconds", "cpu", "memory", "taken")
    )
    return Run(seconds, cpu, memory, runs[0].rows, taken)


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *lines])


def pages(folder: Path, rounds: int) -> str:
    """Measures 200 pages of 100 rows at several latencies."""
    lines = []
    for stream in LISTS:
        for latency in (0, 0.02, 0.1) if stream == LISTS[0] else (0, 0.1):
            # Where most of the time is waiting, rounds differ little.
            found = compare(READERS, stream, 20_000, latency, folder, rounds if latency == 0 else 1)
            ours = found["connector"].seconds
            cells = [f"{one.seconds:.1f} s" + (f" ({one.seconds / ours:.1f})" if one.seconds != ours else "")
                     for one in found.values()]  # fmt: skip
            lines.append([stream, f"{latency * 1000:.0f} ms", *cells])
    return _table(["stream", "latency", *READERS], lines)


def rows(folder: Path, rounds: int) -> str:
    """Measures 200,000 rows without latency."""
    lines = []
    for stream in (LISTS[0], LISTS[-1]):
        found = compare([*READERS, "sandbox"], stream, 200_000, 0, folder, rounds=1)
        ours = found["connector"].seconds
        lines += [
            [stream, reader, f"{200_000 / one.seconds:,.0f}", f"{one.cpu:.1f} s", f"{one.seconds / ours:.2f}"]
            for reader, one in found.items()
        ]
    return _table(["stream", "reader", "rows a second", "CPU", "seconds, the connector's = 1"], lines)


def million(folder: Path, _: int) -> str:
    """Measures the CPU and the peak memory of the connector up to a million rows, and the CPU of the bare loop."""
    lines, least = [], 0.0
    for size in (10_000, 100_000, 1_000_000):
        found = compare(["connector", "bare loop"], LISTS[0], size, 0, folder, rounds=1)
        ours, bare = found["connector"], found["bare loop"]
        least = least or ours.memory
        memory = [f"{ours.memory:.0f} MB", f"{ours.memory / least:.2f}"]
        lines.append([f"{size:,}", *memory, f"{ours.cpu:.1f} s", f"{bare.cpu:.1f} s", f"{ours.cpu / bare.cpu:.2f}"])
    return _table(["rows", "memory", "ratio", "CPU", "bare loop: CPU", "ratio"], lines)


def instructions(folder: Path, _: int) -> str:
    """Instructions a row: the difference between two lengths, with one worker and with as many as by default.

    The count does not depend on the load of the machine, so all cores count at the same time.
    """
    streams = (*LISTS, "nexudus_payout_invoices")
    ways: Sequence[tuple[str, dict[str, int]]] = (
        ("connector", {"num_workers": 1}),
        ("connector", {}),
        ("bare loop", {}),
    )
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = {
            stream: [pool.submit(_instructions, stream, reader, settings, folder) for reader, settings in ways]
            for stream in streams
        }
    lines = []
    for stream in streams:
        one, default, bare = (count.result() for count in found[stream])
        cells = [f"{one:,.0f}", f"{default:,.0f}", f"{bare:,.0f}", f"{one / bare:.2f}", f"{default / bare:.2f}"]
        lines.append([stream, *cells])
    return _table(["stream", "one worker", "default workers", "bare loop", "ratio, one", "ratio, default"], lines)


def _instructions(stream: str, reader: str, settings: Mapping[str, int], folder: Path) -> float:
    folder = Path(tempfile.mkdtemp(dir=folder))
    found = []
    for size in COUNTED:
        with sandbox(folder, "--rows", f"{stream}={size}") as config:
            config.write_text(json.dumps({**json.loads(config.read_text()), **settings}))
            counter = ["valgrind", "--tool=callgrind", "--trace-children=no", f"--callgrind-out-file={os.devnull}"]
            # The connector as a module: its script would be another process.
            reading = command(reader, config, stream, folder)
            if reader == "connector":
                reading[:1] = [str(CONNECTOR / "python"), "-m", "source_invoices"]
            run([*counter, *reading], folder / "out")
        (collected,) = re.findall(r"Collected : (\d+)", (folder / "out").with_suffix(".errors").read_text())
        found.append(int(collected))
    return (found[1] - found[0]) / (COUNTED[1] - COUNTED[0])


def details(folder: Path, rounds: int) -> str:
    """Measures 1,000 invoice details at 100 ms, and 5,000 without latency."""
    lines = []
    for size, latency in ((5_000, 0.0), (1_000, 0.1)):
        # One detail after another at 100 ms is nothing but waiting.
        readers = ["connector", "stock", "bare loop"][: 2 if latency else 3]
        found = compare(readers, "ipxo_invoices", size, latency, folder, rounds)
        ours = found["connector"].seconds
        for reader, one in found.items():
            cells = [f"{one.seconds:.1f} s", f"{size / one.seconds:,.0f}", f"{one.cpu:.1f} s"]
            lines.append([f"{latency * 1000:.0f} ms", reader, *cells, f"{one.seconds / ours:.1f}"])
    return _table(["latency", "reader", "time", "details a second", "CPU", "the connector's = 1"], lines)


def quiet(folder: Path, rounds: int) -> str:
    """Measures a sync of unchanged accounts with six invoices a day, all settled."""
    lines = []
    for stream, final in SETTLED.items():
        for size in (1_000, 10_000, 100_000):
            with Sandbox({stream: size}, span=timedelta(days=size / A_DAY)) as provider:
                table = provider.tables[stream]
                for row in list(table.rows()):
                    if row["status"] != final:
                        table.change(row[table.source.key_field], status=final)
                config, state = folder / "config.json", folder / "state.json"
                config.write_text(json.dumps(provider.config()))
                cells = []
                for reader in ("connector", "stock"):
                    run(command(reader, config, stream, folder), folder / "out")
                    state.write_text(json.dumps([_last_state(folder / "out")]))
                    before = provider.count(stream)
                    syncs = [run(command(reader, config, stream, folder, state), folder / "out") for _ in range(rounds)]
                    requests = (provider.count(stream) - before) / rounds
                    cells += [f"{requests:.0f}", f"{_median(syncs).seconds:.1f} s"]
                lines.append([stream, f"{size:,}", *cells])
    return _table(["stream", "history", "requests", "time", "stock: requests", "time"], lines)


def _last_state(out: Path) -> dict[str, object]:
    states = [line for line in out.read_text().splitlines() if line.startswith('{"type":"STATE"')]
    state: dict[str, object] = json.loads(states[-1])["state"]
    return state


def end_to_end(folder: Path, rounds: int) -> str:
    """Measures 20,000 rows into a DuckDB file, at 20 ms. DuckDB refuses the times of Payhubix that stock emits."""
    lines = []
    for stream in LISTS[:2]:
        runs: dict[str, list[Run]] = {"connector": [], "stock": [], "dlt": []}
        with sandbox(folder, "--rows", f"{stream}=20000", "--latency", "0.02") as config:
            for _ in range(min(rounds, 2)):
                for reader, found in runs.items():
                    home = folder / "database"
                    home.mkdir()
                    database = home / "invoices.duckdb"
                    loader = [sys.executable, "-m"]
                    if reader == "dlt":
                        loader += ["tools.benchmarks.read_dlt", str(config), stream, str(database)]
                    else:
                        script = home / "source-invoices"
                        script.write_text(f'#!/bin/sh\nexec {shlex.join(executable(reader, config, stream))} "$@"\n')
                        script.chmod(0o700)
                        loader += ["tools.benchmarks.load_duckdb", str(script), str(config), stream, str(database)]
                    found.append(run(loader, folder / "out"))
                    _check_rows(database, stream, 20_000)
                    shutil.rmtree(home)
        ours = statistics.median(one.seconds for one in runs["connector"])
        for reader, found in runs.items():
            seconds = statistics.median(one.seconds for one in found)
            lines.append([stream, reader, f"{seconds:.1f} s", f"{seconds / ours:.2f}"])
    return _table(["stream", "reader", "time", "the connector's = 1"], lines)


def _check_rows(database: Path, stream: str, rows: int) -> None:
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_name = ?", [stream]
        ).fetchall()
        ((schema, name),) = tables
        ((found,),) = connection.execute(f'SELECT count(*) FROM "{schema}"."{name}"').fetchall()
    if found != rows:
        raise RuntimeError(f"{found} of {rows} rows of {stream} are in the database")


MEASUREMENTS: dict[str, Callable[[Path, int], str]] = {
    "pages": pages,
    "rows": rows,
    "million": million,
    "instructions": instructions,
    "quiet": quiet,
    "details": details,
    "end_to_end": end_to_end,
}


def _machine() -> str:
    names = ("airbyte-cdk", "airbyte", "dlt", "singer-sdk", "duckdb", "requests", "orjson")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}; {versions}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measures, and writes tools/benchmarks/README.md.")
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
