"""Syncs many accounts on a Spark cluster into one table, which has the states too.

Needs Spark 4.1 or later with pandas and pyarrow, accounts.py and invoice_reader.py beside this file, and on every
executor the connector, best in an environment of its own, and the configurations of the accounts (see accounts.py).

    spark-submit --py-files accounts.py,invoice_reader.py spark_accounts.py ACCOUNTS TABLE payhubix_invoices

The table has the columns account, run, place, stream, kind and data. Its kind is record, state or error; data is JSON.
The state of an account's stream is its last `state` row, so it exists only if its rows do: a task writes both into one
file, and Spark shows files only when the task or the job is committed. One driver at a time may write to a table.

An account that fails leaves an `error` row, and the others go on. The driver ends with 1 and names those accounts. For
what else the table is read with, see spark_views.py.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import chain
from pathlib import Path
from typing import Any

import accounts
import pyarrow as pa
from invoice_reader import Row, SyncFailed, read
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

FORMAT = "parquet"
"""Delta and Iceberg have the same columns. Only Parquet is tested."""
BATCH = 1000
SCHEMA = "account string, run string, place bigint, stream string, kind string, data string"
ARROW = pa.schema(
    [
        (name, pa.int64() if name == "place" else pa.string())
        for name in ("account", "run", "place", "stream", "kind", "data")
    ]
)


@dataclass(frozen=True)
class Reading:
    """What the executors read with. No configuration: that is looked up by the account's name, where it is used."""

    place: Path
    run: str
    streams: list[str]
    executable: str

    def lines(self, account: str, states: list[Any]) -> Iterator[dict[str, Any]]:
        """The table's rows of an account. A failure is a row: an exception would fail the job, for all accounts."""
        numbers = iter(range(sys.maxsize))

        def line(kind: str, data: Any, stream: str | None = None) -> dict[str, Any]:
            place = next(numbers)
            text = json.dumps(data)
            return {"account": account, "run": self.run, "place": place, "stream": stream, "kind": kind, "data": text}

        try:
            config = accounts.configuration(self.place, account)
            for item in read(config, accounts.streams(config, self.streams), states, self.executable):
                if isinstance(item, Row):
                    yield line("record", item.data, item.stream)
                else:
                    yield line("state", item.content, item.stream)
        except Exception as failure:
            yield line("error", {"message": str(failure)})


def reader(reading: Reading) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What a task does with its accounts, one after another. Rows leave as they come."""

    def read_accounts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        tasks = chain.from_iterable(batch.to_pylist() for batch in batches)
        lines = chain.from_iterable(reading.lines(task["account"], json.loads(task["states"])) for task in tasks)
        waiting: list[dict[str, Any]] = []
        for line in lines:
            waiting.append(line)
            if len(waiting) == BATCH:
                yield pa.RecordBatch.from_pylist(waiting, ARROW)
                waiting = []
        yield pa.RecordBatch.from_pylist(waiting, ARROW)

    return read_accounts


def last_states(spark: SparkSession, table: str) -> dict[str, list[Any]]:
    """For each account the last state of each stream."""
    spark.createDataFrame([], SCHEMA).write.format(FORMAT).mode("ignore").save(table)  # where there is none yet
    found = spark.read.format(FORMAT).load(table)
    last = found.where("kind = 'state'").groupBy("account", "stream").agg(F.max_by("data", F.struct("run", "place")))
    states: dict[str, list[Any]] = {}
    for account, _, data in last.collect():
        states.setdefault(account, []).append(json.loads(data))
    return states


def tasks(spark: SparkSession, groups: list[list[str]], states: dict[str, list[Any]]) -> DataFrame:
    """A partition for each group of accounts."""
    rows = [[(account, json.dumps(states.get(account, []))) for account in group] for group in groups]
    parallel = spark.sparkContext.parallelize(rows, len(rows)).flatMap(lambda group: group)
    return spark.createDataFrame(parallel, "account string, states string")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("accounts", type=Path, help="the configurations, which driver and executors see at this path")
    parser.add_argument("table", help="where the table is")
    parser.add_argument("streams", nargs="*", help="those to read; all if none is named")
    parser.add_argument("--executable", default="source-invoices", help="the connector, if it is not on the PATH")
    options = parser.parse_args()
    run = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S%fZ}"
    try:
        groups = accounts.in_turn(options.accounts)
    except SyncFailed as failure:
        sys.exit(str(failure))
    spark = SparkSession.builder.appName("invoices").getOrCreate()
    reading = Reading(options.accounts, run, options.streams, options.executable)
    work = tasks(spark, groups, last_states(spark, options.table))
    # Straight into the table: whatever else looked at the rows, such as a count, would ask the providers again. And all
    # rows of a task into one file, whatever Spark is set to: two files may be shown one without the other.
    rows = work.mapInArrow(reader(reading), SCHEMA)
    rows.write.format(FORMAT).mode("append").option("maxRecordsPerFile", 0).save(options.table)
    written = spark.read.format(FORMAT).load(options.table).where(F.col("run") == run)
    failures = written.where("kind = 'error'").orderBy("account").select("account", "data").collect()
    records = written.where("kind = 'record'").count()
    spark.stop()
    for account, data in failures:
        print(f"{account}: {json.loads(data)['message']}", file=sys.stderr)
    number = sum(map(len, groups))
    print(f"{number - len(failures)} of {number} accounts are complete, {records} rows.")
    sys.exit(f"Failed: {', '.join(account for account, _ in failures)}." if failures else 0)


if __name__ == "__main__":
    main()
