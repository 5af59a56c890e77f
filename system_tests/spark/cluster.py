"""Spark on this machine, the examples for it, and companies whose invoices it brings."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from system_tests.examples.companies import Companies, Rows, companies
from system_tests.examples.workplace import CONNECTOR_ENVIRONMENT, EXAMPLES, KEYS, ROOT, changing_field

ENVIRONMENT = ROOT / ".venv-spark" / "bin"
SETTINGS = {
    # Less work for what runs briefly.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.eventLog.compress": "false",
    "spark.eventLog.enabled": "true",
    "spark.sql.shuffle.partitions": "1",
    "spark.ui.enabled": "false",
}
LINES = """
import json, sys, pandas
table = pandas.read_parquet(sys.argv[1]).sort_values(["run", "place"])
print(table.drop(columns="place").to_json(orient="records"))
"""


FILES = """
import json, pathlib, sys, pyarrow.parquet
columns = [pyarrow.parquet.read_table(path)["account"] for path in pathlib.Path(sys.argv[1]).glob("part-*.parquet")]
print(json.dumps([sorted(set(column.to_pylist())) for column in columns]))
"""


class Cluster:
    """A folder with the examples, a table, and Spark, which runs as many tasks at a time as it is told."""

    def __init__(self, folder: Path, place: Companies, java: str) -> None:
        self.folder = folder
        self.place = place
        self.table = folder / "table"
        self.executable = str(CONNECTOR_ENVIRONMENT / "source-invoices")
        self._java = java
        shutil.copytree(EXAMPLES, folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "events").mkdir()
        (folder / "temporary").mkdir()

    def start(self, master: str, script: str, *arguments: str) -> "subprocess.Popen[str]":
        """spark-submit, in a process group of its own."""
        settings = SETTINGS | {"spark.eventLog.dir": str(self.folder / "events")}
        options = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
        modules = ["--py-files", "accounts.py,invoice_reader.py"] if script == "spark_accounts.py" else []
        return subprocess.Popen(
            [str(ENVIRONMENT / "spark-submit"), "--master", master, *options, *modules, script, *arguments],
            cwd=self.folder / "examples",
            env={
                **os.environ,
                "JAVA_HOME": self._java,
                "PYSPARK_PYTHON": str(ENVIRONMENT / "python"),
                "SPARK_LOCAL_IP": "127.0.0.1",
                "TMPDIR": str(self.folder / "temporary"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def sync(self, *streams: str, master: str = "local[6]") -> "subprocess.CompletedProcess[str]":
        """The example as its first lines say. It must leave no secret behind."""
        done = self.sync_with_a_kill(*streams, master=master)
        assert not [secret for secret in self.secrets() for text in self.files() if secret.encode() in text]
        return done

    def sync_with_a_kill(self, *streams: str, master: str) -> "subprocess.CompletedProcess[str]":
        """The same, where a process is killed. The file with its account's configuration stays."""
        job = self.start(master, "spark_accounts.py", *self.arguments(*streams))
        out, err = job.communicate()
        assert not [secret for secret in self.secrets() if secret in out + err]
        return subprocess.CompletedProcess([], job.returncode, out, err)

    def clear(self) -> None:
        """As whoever keeps the machine clears its temporary folder."""
        shutil.rmtree(self.folder / "temporary")
        (self.folder / "temporary").mkdir()

    def arguments(self, *streams: str) -> list[str]:
        return [str(self.place.folder), str(self.table), *streams, "--executable", self.executable]

    def lines(self) -> list[dict[str, Any]]:
        """All that the table has, in the order of runs and places."""
        found: list[dict[str, Any]] = self._ask(LINES)
        return found

    def accounts_in_files(self) -> list[list[str]]:
        """For each file of the table the accounts in it."""
        found: list[list[str]] = self._ask(FILES)
        return found

    def rows(self) -> Rows:
        """What each invoice has in the field that changes. The last row counts."""
        found: Rows = {name: {stream: {} for stream in KEYS} for name in self.place.accounts}
        for line in self.lines():
            if line["kind"] == "record":
                row, stream = json.loads(line["data"]), line["stream"]
                found[line["account"]][stream][row[KEYS[stream]]] = row[changing_field(stream)]
        return found

    def query(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query over the views."""
        catalog = self.folder / "catalog.json"
        config = next(self.place.folder.glob("*.json"))
        with catalog.open("w") as file:
            subprocess.run([self.executable, "discover", "--config", str(config)], check=True, stdout=file)
        job = self.start("local[1]", "spark_views.py", str(self.table), str(catalog), sql)
        out, err = job.communicate()
        if job.returncode:
            raise RuntimeError(out + err)
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]

    def _ask(self, code: str) -> Any:
        command = [str(ENVIRONMENT / "python"), "-c", code, str(self.table)]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    def files(self) -> Iterator[bytes]:
        """All that a run has left: the table, the event log, temporary files."""
        return (path.read_bytes() for path in self.folder.rglob("*") if path.is_file())

    def secrets(self) -> set[str]:
        config = next(iter(self.place.accounts.values())).config
        return {
            config["ipxo"]["credentials"]["client_secret"],
            config["nexudus"]["credentials"]["password"],
            config["payhubix"]["api_key"],
        }


@contextmanager
def cluster(folders: Sequence[Path], names: Sequence[str], java: str) -> Iterator[Cluster]:
    """A cluster in the first folder, and companies whose configurations are in the second one."""
    folder, accounts = folders
    with companies(accounts, names, rows=8) as place:
        yield Cluster(folder, place, java)
