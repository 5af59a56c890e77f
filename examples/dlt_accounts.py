"""Syncs many accounts into one dataset with dlt, some at a time.

Needs what dlt_pipeline.py needs, and that file and accounts.py beside this one.

    python dlt_accounts.py ACCOUNTS duckdb
    DESTINATION__POSTGRES__CREDENTIALS=postgresql://... python dlt_accounts.py ACCOUNTS postgres --workers 16

ACCOUNTS is a folder with a JSON file for each account, or one file with all (see accounts.py). Each stream is a table,
with the account's name in the column `account`, which is part of the key. A load has the rows and states of --per-load
accounts: what is loaded stays, if the job is stopped. A failure is the account's own: the others go on. The last line
says which accounts failed, and the exit code is 1 if there are any.
"""

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from queue import Queue
from typing import Any

import accounts
import dlt
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt_pipeline import BATCH, hints
from invoice_reader import Row, State, SyncFailed, discover, read, stop

Batch = list[tuple[str, int, Row | State]]
"""Of an account: its name, and what the connector sends, numbered."""


@dataclass
class Job:
    """What is to be done, and what has been."""

    place: Path
    streams: list[str]
    executable: str
    workers: int
    complete: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def batches(self, groups: list[list[str]], states: Mapping[str, list[Any]]) -> Iterator[Batch]:
        """What the accounts bring. Those of a group are read one after another."""
        queue: Queue[Batch] = Queue(self.workers)

        def bring(group: list[str]) -> None:
            for account in group:
                self._bring_one(account, states.get(account, []), queue)
            queue.put([])  # the end

        with ThreadPoolExecutor(self.workers) as pool:
            for group in groups:
                pool.submit(bring, group)
            waiting = len(groups)
            try:
                while waiting:
                    if batch := queue.get():
                        yield batch
                    else:
                        waiting -= 1
            finally:
                if waiting:
                    stop()
                while waiting:
                    waiting -= not queue.get()

    def _bring_one(self, account: str, earlier: list[Any], queue: Queue[Batch]) -> None:
        batch: Batch = []
        try:
            config = accounts.configuration(self.place, account)
            chosen = accounts.streams(config, self.streams)
            for place, item in enumerate(read(config, chosen, earlier, self.executable)):
                batch.append((account, place, item))
                if len(batch) == BATCH:
                    queue.put(batch)
                    batch = []
            self.complete.append(account)
        except Exception as failure:  # whatever it is, it is this account's
            self.failures[account] = str(failure)
            print(f"{account}: {failure}", file=sys.stderr)
        if batch:
            queue.put(batch)


def resources(job: Job, groups: list[list[str]], streams: list[dict[str, Any]]) -> list[Any]:
    """Each stream as dlt has it, of all accounts in the groups."""

    def batches() -> Iterator[Batch]:
        states: dict[str, list[Any]] = {}
        for stream in streams:
            for account, state in dlt.current.resource_state(stream["name"]).get("accounts", {}).items():
                states.setdefault(account, []).append(state)
        yield from job.batches(groups, states)

    messages = dlt.resource(batches, name="messages", selected=False)()
    return [messages | resource(stream) for stream in streams]


def resource(stream: Mapping[str, Any]) -> Any:
    """The part of a stream: its rows, and the accounts' states in dlt's state of the resource."""

    def rows(batch: Batch) -> Iterator[list[dict[str, Any]]]:
        states = dlt.current.resource_state().setdefault("accounts", {})
        found = []
        for account, place, item in batch:
            if item.stream != stream["name"]:
                continue
            if isinstance(item, Row):
                found.append({**item.data, "account": account, "_airbyte_extracted_at": item.sent, "_place": place})
            else:
                states[account] = item.content
        yield found

    return dlt.transformer(rows, name=stream["name"], **hints(stream, account={"data_type": "text"}))


def described(job: Job, names: list[str]) -> list[dict[str, Any]]:
    """The streams of all accounts, as the connector describes them to the first account that has each."""
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        try:
            config = accounts.configuration(job.place, name)
            if set(accounts.streams(config, job.streams)) - found.keys():
                found |= {stream["name"]: stream for stream in discover(config, job.executable)}
        except SyncFailed:
            continue  # which the account's own sync will say
    return [stream for name, stream in found.items() if name in job.streams or not job.streams]


def load(job: Job, pipeline: Any, groups: list[list[str]], per_load: int) -> None:
    """Brings the accounts, as many in each load."""
    streams = described(job, list(chain.from_iterable(groups)))
    if not streams:
        raise SyncFailed("No account has a configuration that the connector takes.")
    if pipeline.has_pending_data:
        pipeline.run()  # what an earlier run has left, which dlt loads before anything else
    for start in range(0, len(groups), per_load):
        pipeline.run(resources(job, groups[start : start + per_load], streams))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("accounts", type=Path, help="a folder with a JSON file for each account, or one file with all")
    parser.add_argument("destination", help="duckdb, postgres, or another destination of dlt's")
    parser.add_argument("streams", nargs="*", help="those to read; all if none is named")
    parser.add_argument("--dataset", default="raw", help="the schema or dataset for the tables")
    parser.add_argument(
        "--workers", type=accounts.number, default=4 * (os.cpu_count() or 1), help="how many accounts at a time"
    )
    parser.add_argument(
        "--per-load",
        type=accounts.number,
        default=100,
        help="how many accounts in a load; those of one login count once",
    )
    parser.add_argument("--executable", default="source-invoices", help="the connector, if it is not on the PATH")
    options = parser.parse_args()
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    job = Job(options.accounts, options.streams, options.executable, options.workers)
    pipeline = dlt.pipeline("many_accounts", destination=options.destination, dataset_name=options.dataset)
    try:
        groups = accounts.in_turn(options.accounts)
        load(job, pipeline, groups, options.per_load)
    except (SyncFailed, PipelineStepFailed) as failure:
        sys.exit(str(failure))
    print(f"{len(job.complete)} of {sum(map(len, groups))} accounts are complete.")
    sys.exit(f"Failed: {', '.join(sorted(job.failures))}." if job.failures else 0)


def end(*_: object) -> None:
    """The connectors that run are stopped, which clears away the files with their configurations."""
    stop()
    sys.exit("Stopped.")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    main()
