"""An open invoice that has vanished is named by the connector in a warning. Every job passes that on."""

import json
import sys

import pytest

from system_tests.examples.workplace import ORCHESTRATORS, Accounts, Workplace

STREAM = "payhubix_invoices"
ENTRY = {
    "tap_stream_id": STREAM,
    "schema": {},
    "key_properties": ["link"],
    "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
}
JOBS = {
    "pipes.sh": ("./pipes.sh", "config.json", "data", STREAM),
    "invoice_files.py": ("python", "invoice_files.py", "config.json", "data", STREAM),
    "dlt_pipeline.py": (str(ORCHESTRATORS / "python"), "dlt_pipeline.py", "config.json", "duckdb", STREAM),
    "tap_invoices.py": (
        "python",
        "tap_invoices.py",
        "--config",
        "config.json",
        "--catalog",
        "catalog.json",
        "--state",
        "state.json",
    ),
    "pyairbyte_duckdb.py": ("python", "pyairbyte_duckdb.py", "config.json", "invoices.duckdb"),
}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_passes_on_the_warning_that_names_a_vanished_invoice(
    job: str, workplace: Workplace, accounts: Accounts
) -> None:
    if job == "pyairbyte_duckdb.py" and sys.version_info >= (3, 13):
        pytest.skip("PyAirbyte supports Python 3.10 to 3.12")
    config = {"payhubix": workplace.config["payhubix"]}
    table = accounts.sandbox.tables[STREAM]
    unpaid = table.keys()[-1]

    def run() -> str:
        """What the job says, and what PyAirbyte writes to its log."""
        workplace.config = {"source": config} if job == "tap_invoices.py" else config
        done = workplace.run(
            *JOBS[job],
            DLT_DATA_DIR=str(workplace.folder / "dlt"),
            AIRBYTE_LOGGING_ROOT=str(workplace.folder / "logs"),
        )
        assert done.returncode == 0, done.stderr
        logs = [path.read_text() for path in workplace.folder.glob("logs/**/*.log")]
        states = [line for line in done.stdout.splitlines() if line.startswith('{"type": "STATE"')]
        (workplace.folder / "state.json").write_text(json.dumps(json.loads(states[-1])["value"]) if states else "{}")
        return done.stderr + "".join(logs)

    (workplace.folder / "catalog.json").write_text(json.dumps({"streams": [ENTRY]}))
    (workplace.folder / "state.json").write_text("{}")
    assert "open at the last sync" not in run()
    table.remove(unpaid)
    assert f"1 invoice open at the last sync, no longer in the list: {unpaid}." in run()
