"""An open invoice that has vanished is named by the connector in a warning. Every job passes that on."""

import json
import sys

import pytest

from system_tests.examples.workplace import CONNECTOR_ENVIRONMENT, ORCHESTRATORS, Workplace

STREAM = "payhubix_invoices"
WARNING = "Payhubix, payhubix_invoices: 1 invoice was open at the last sync and is no longer in the list: INV-1."
ENTRY = {
    "tap_stream_id": STREAM,
    "schema": {},
    "key_properties": ["link"],
    "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
}
JOBS = {
    "pipes.sh": ("./pipes.sh", "config.json", "data", STREAM),
    "invoice_files.py": ("python", "invoice_files.py", "config.json", "data", STREAM),
    "dlt_pipeline.py": ("python", "dlt_pipeline.py", "config.json", "duckdb", STREAM),
    "tap_invoices.py": ("python", "tap_invoices.py", "--config", "config.json", "--catalog", "catalog.json"),
    "pyairbyte_duckdb.py": ("python", "pyairbyte_duckdb.py", "config.json", "invoices.duckdb"),
}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_passes_on_the_warning_that_names_a_vanished_invoice(job: str, workplace: Workplace) -> None:
    if job == "pyairbyte_duckdb.py" and sys.version_info >= (3, 13):
        pytest.skip("PyAirbyte supports Python 3.10 to 3.12")
    message = json.dumps({"type": "LOG", "log": {"level": "WARN", "message": WARNING}})
    programs = workplace.folder / "programs"
    programs.mkdir()
    script = f"""#!/bin/sh
[ "$1" != read ] || echo '{message}'
exec "{CONNECTOR_ENVIRONMENT}/source-invoices" "$@"
"""
    (programs / "source-invoices").write_text(script)
    (programs / "source-invoices").chmod(0o755)
    (workplace.folder / "catalog.json").write_text(json.dumps({"streams": [ENTRY]}))
    config = {"payhubix": workplace.config["payhubix"]}
    workplace.config = {"source": config} if job == "tap_invoices.py" else config
    done = workplace.run(
        *JOBS[job],
        path=[programs, *([ORCHESTRATORS] if job == "dlt_pipeline.py" else []), CONNECTOR_ENVIRONMENT],
        DLT_DATA_DIR=str(workplace.folder / "dlt"),
        AIRBYTE_LOGGING_ROOT=str(workplace.folder / "logs"),
    )
    assert done.returncode == 0, done.stderr
    logs = [path.read_text() for path in workplace.folder.glob("logs/**/*.log")]
    assert WARNING in done.stderr + "".join(logs)
