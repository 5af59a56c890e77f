"""Airbyte's standard tests of a connector, with the configurations of acceptance-test-config.yml against a sandbox.

They do not test incremental syncs and states; test_incremental.py does.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import pytest
from airbyte_cdk.test.standard_tests import ConnectorTestScenario, SourceTestSuiteBase
from airbyte_cdk.test.standard_tests.docker_base import DockerConnectorTestSuite

from integration_tests.support.connector import STREAMS, call, read
from sandbox import Sandbox
from source_invoices import SourceInvoices

ROOT = Path(__file__).parent.parent
FILES = Path(__file__).parent
# The command that each test runs. It gets the configurations of the sections for that command.
COMMANDS: dict[str, Literal["spec", "check", "discover", "read"]] = {
    "test_config_matches_spec": "spec",
    "test_check": "check",
    "test_discover": "discover",
    "test_basic_read": "read",
    "test_fail_read_with_bad_catalog": "read",
}
# Later versions of the suite will fail on what this one warns of.
WARNINGS = "error::airbyte_cdk.test.standard_tests.DiscoveredCatalogWarning"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Gives each test only its own configurations. The suite's hook gives it all, and skips those of other tests."""
    if "scenario" in metafunc.fixturenames:
        command = COMMANDS[metafunc.definition.name]
        scenarios = [listed for listed in TestAirbyteStandards.get_scenarios() if listed.runs(command)]
        metafunc.parametrize("scenario", scenarios, indirect=True, ids=[listed.id for listed in scenarios])


@pytest.fixture
def scenario(request: pytest.FixtureRequest, sandbox: Sandbox) -> ConnectorTestScenario:
    listed: ConnectorTestScenario = request.param
    return listed.model_copy(update={"config_dict": at(sandbox, ROOT / str(listed.config_path))})


def at(sandbox: Sandbox, path: Path) -> dict[str, Any]:
    """The configuration in a file, with the addresses of a running sandbox for those that it names."""
    config: dict[str, Any] = json.loads(path.read_text())
    for provider, settings in sandbox.config().items():
        listed = config.get(provider, {})
        listed.update({name: settings[name] for name in listed if name.endswith("_url")})
    return config


@pytest.mark.filterwarnings(WARNINGS)
class TestAirbyteStandards(SourceTestSuiteBase):
    connector = SourceInvoices


# The tests of the image are left out, because they build it with Docker.
for name in vars(DockerConnectorTestSuite):
    if name.startswith("test_"):
        setattr(TestAirbyteStandards, name, None)


def test_the_suite_passes_on_its_command_line(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = tmp_path / "source-invoices"  # the command finds package and class by this name
    shutil.copytree(FILES, folder / FILES.name, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for path in (folder / FILES.name).glob("*config.json"):
        path.write_text(json.dumps(at(sandbox, path)))
    for name in ("acceptance-test-config.yml", "metadata.yaml"):
        shutil.copy(ROOT / name, folder)
    arguments = [str(folder), "--pytest-arg=-m", "--pytest-arg=not image_tests", f"--pytest-arg=-W{WARNINGS}"]
    command = [str(Path(sys.executable).with_name("airbyte-cdk")), "connector", "test", *arguments]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout
    assert set(passed(folder / "build/test-results/standard-tests-junit.xml")) == {"test_spec", *COMMANDS}


def passed(report: Path) -> Iterator[str]:
    """The names of the tests that were run and passed."""
    for case in ElementTree.parse(report).iter("testcase"):
        if not len(case):
            yield case.attrib["name"].split("[")[0]


def test_the_configured_catalog_is_the_whole_discovered_one(sandbox: Sandbox) -> None:
    (discovered,) = call("discover", config=sandbox.config()).of_type("CATALOG")
    configured = json.loads((FILES / "configured_catalog.json").read_text())["streams"]
    assert [item["stream"] for item in configured] == [
        {name: value for name, value in stream.items() if name in item["stream"]} | {"json_schema": {}}
        for stream, item in zip(discovered["streams"], configured, strict=True)
    ]


def test_a_sync_continues_from_the_sample_state() -> None:
    """The sandbox has the date of the state, so only the newest row of each stream is read again."""
    with Sandbox(rows=9, newest=datetime(2026, 1, 1, tzinfo=timezone.utc)) as sandbox:
        config = {**sandbox.config(), "full_read_days": 0}  # the last whole reading was long ago
        output = read(config, state=json.loads((FILES / "sample_state.json").read_text()))
    assert output.exit_code == 0
    assert {stream: len(output.records(stream)) for stream in STREAMS} == dict.fromkeys(STREAMS, 1)


def test_a_state_from_the_future_hides_no_new_invoice(sandbox: Sandbox) -> None:
    output = read(sandbox.config(), state=json.loads((FILES / "abnormal_state.json").read_text()))
    assert output.exit_code == 0
    for stream, key in STREAMS.items():
        newest = next(sandbox.tables[stream].rows())
        assert newest[key] in {row[key] for row in output.records(stream)}, stream
