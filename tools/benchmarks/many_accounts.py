"""Measures the jobs for many accounts: one hundred against one sandbox, a first sync and a quiet one.

`make bench-accounts` prints the table of docs/many-accounts.md. The sandbox is a process of its own, whose CPU time
does not count. The connectors note their CPU time, since Spark's daemon forgets that of its workers. The rest is what
the job itself needs, without these workers.
"""

import ctypes
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
SPARK = ROOT / ".venv-spark" / "bin"
CONNECTOR = Path(sys.executable).with_name("source-invoices")
STREAMS = ("payhubix_invoices", "ipxo_payout_invoices", "ipxo_ecommerce_invoices")
NUMBER = 100
ROWS = 100
AT_A_TIME = 8
_SET_CHILD_SUBREAPER = 36
# Runs the connector, and notes the CPU time of the shell and of the connector.
_NOTING = """#!/bin/sh
"{connector}" "$@"
code=$?
times >> "{notes}"
exit $code
"""


@dataclass(frozen=True)
class Cost:
    """What a job has cost: seconds, CPU seconds of its connectors and of itself, and its largest process in MB."""

    seconds: float
    connectors: float
    job: float
    largest: float

    def cells(self) -> str:
        hour, core = 3600 * NUMBER / self.seconds, 3600 * NUMBER / (self.connectors + self.job)
        cpu = f"{self.connectors / NUMBER:.2f} s | {self.job / NUMBER:.2f} s"
        return f"{self.seconds:.0f} s | {hour:,.0f} | {cpu} | {core:,.0f} | {self.largest:.0f} MB"


def main() -> None:
    jobs = {
        f"many_accounts.py, {AT_A_TIME} at a time": [sys.executable, "many_accounts.py"],
        f"spark_accounts.py, local[{AT_A_TIME}]": [
            *(str(SPARK / "spark-submit"), "--master", f"local[{AT_A_TIME}]", "--conf", "spark.ui.enabled=false"),
            *("--py-files", "accounts.py,invoice_reader.py", "spark_accounts.py"),
        ],
    }
    print("| job | sync | took | accounts an hour | connector CPU | job CPU | accounts an hour and core | largest |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, sandbox() as config:
        accounts = Path(folder, "accounts")
        accounts.mkdir()
        for number in range(NUMBER):
            (accounts / f"account{number:03}.json").write_text(json.dumps(config))
        for name, command in jobs.items():
            target = [str(accounts), str(Path(folder, name.split(",")[0])), *STREAMS]
            target += ["--workers", str(AT_A_TIME)] if "many_accounts.py" in command else []
            for sync in ("first", "quiet"):
                cost = measured([*command, *target], Path(folder))
                print(f"| {name} | {sync} | {cost.cells()} |", flush=True)


def measured(command: list[str], folder: Path) -> Cost:
    """Runs a job in a process whose descendants are counted alone."""
    notes, noting = folder / "times", folder / "connector"
    notes.write_text("")
    noting.write_text(_NOTING.format(connector=CONNECTOR, notes=notes))
    noting.chmod(0o755)
    receiver, sender = os.pipe()
    child = os.fork()
    if not child:
        _run([*command, "--executable", str(noting)], sender)
    os.close(sender)
    with os.fdopen(receiver) as pipe:
        found: dict[str, float] = json.loads(pipe.read())
    os.waitpid(child, 0)
    connectors = sum(float(part[0]) * 60 + float(part[1]) for part in re.findall(r"(\d+)m([\d.]+)s", notes.read_text()))
    counted = 0 if "spark" in command[0] else connectors
    return Cost(found["seconds"], connectors, found["cpu"] - counted, found["largest"])


def _run(command: list[str], sender: int) -> None:
    """In the forked process: runs the job, waits for all that it leaves, and tells what it has cost."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1)
    environment = {**os.environ, "PYSPARK_PYTHON": str(SPARK / "python"), "SPARK_LOCAL_IP": "127.0.0.1"}
    begun = time.monotonic()
    done = subprocess.run(command, cwd=ROOT / "examples", env=environment, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - begun
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        os._exit(1)
    _wait_for_the_rest()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = {
        "seconds": seconds,
        "cpu": used.ru_utime + used.ru_stime,
        "largest": used.ru_maxrss / 1024,
    }
    os.write(sender, json.dumps(cost).encode())
    os._exit(0)


def _wait_for_the_rest() -> None:
    try:
        while True:
            os.wait()
    except ChildProcessError:
        return


@contextmanager
def sandbox() -> Iterator[dict[str, Any]]:
    """The providers in a process of their own, and a configuration for them, without Nexudus, which has a limit."""
    command = [sys.executable, "-m", "sandbox", "--rows", str(ROWS)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        config: dict[str, Any] = json.loads(process.stdout.readline() if process.stdout else "")
        del config["nexudus"]
        try:
            yield config
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
