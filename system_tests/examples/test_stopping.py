"""A job that is stopped leaves no configuration behind, because that has secrets."""

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from sandbox import Request
from system_tests.examples.workplace import CONNECTOR_ENVIRONMENT, ORCHESTRATORS, Accounts, Workplace

STREAM = "payhubix_invoices"
OPTIONS = {
    "invoice_files.py": ("config.json", "data", STREAM),
    "tap_invoices.py": ("--config", "config.json", "--catalog", "catalog.json"),
    "pyairbyte_duckdb.py": ("config.json", "invoices.duckdb"),
    "dlt_pipeline.py": ("config.json", "duckdb", STREAM),
}


def prepare(workplace: Workplace, example: str) -> None:
    """The configuration for one stream, and its Singer catalog."""
    config: dict[str, Any] = {"payhubix": workplace.config["payhubix"]}
    if example == "tap_invoices.py":
        config = {"source": config}
    metadata = [{"breadcrumb": [], "metadata": {"selected": True}}]
    entry = {"tap_stream_id": STREAM, "schema": {}, "key_properties": [], "metadata": metadata}
    (workplace.folder / "config.json").write_text(json.dumps(config))
    (workplace.folder / "catalog.json").write_text(json.dumps({"streams": [entry]}))


@pytest.mark.parametrize("example", OPTIONS)
def test_a_job_that_is_stopped_removes_its_configuration(
    example: str, workplace: Workplace, accounts: Accounts
) -> None:
    if example == "pyairbyte_duckdb.py" and sys.version_info >= (3, 13):
        pytest.skip("PyAirbyte supports Python 3.10 to 3.12")
    prepare(workplace, example)
    temporary = workplace.folder / "temporary"
    temporary.mkdir()
    key = workplace.config["payhubix"]["api_key"].encode()
    found: list[bool] = []

    def look() -> None:
        found.append(any(key in path.read_bytes() for path in temporary.rglob("*") if path.is_file()))

    def tell_to_stop(request: Request) -> None:
        if not found:
            look()
            job.send_signal(signal.SIGTERM)

    accounts.sandbox.on_request = tell_to_stop
    environments = [ORCHESTRATORS] if example == "dlt_pipeline.py" else []
    path = os.pathsep.join([*map(str, environments), str(CONNECTOR_ENVIRONMENT), os.environ["PATH"]])
    folders = {"TMPDIR": str(temporary), "AIRBYTE_LOGGING_ROOT": str(workplace.folder / "logs")}
    folders["DLT_DATA_DIR"] = str(workplace.folder / "dlt")
    job = subprocess.Popen(
        ["python", example, *OPTIONS[example]],
        cwd=workplace.folder,
        env={**os.environ, **folders, "PATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert job.wait() != 0
    look()
    assert found == [True, False]
