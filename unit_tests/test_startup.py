"""How the process starts, and how the messages of a sync are written."""

import json
import subprocess
import sys

import pytest

from source_invoices.manifest_file import load_specification


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", ["spec", "--help", "--version", "read --help"])
def test_the_cdk_is_not_imported_where_it_is_not_needed(arguments: str) -> None:
    process = run(
        f"""
import sys
from source_invoices.__main__ import main
try: main({arguments.split()})
finally: print("airbyte_cdk" in sys.modules, "requests" in sys.modules, file=sys.stderr)
"""
    )
    assert process.returncode == 0
    assert process.stdout
    assert process.stderr.splitlines()[-1] == "False False"


def test_the_import_of_the_cdk_parses_no_source_code() -> None:
    process = run(
        """
import inspect, sys
parsed, read = [], inspect.getsource
inspect.getsource = lambda of: [parsed.append(of), read(of)][1]
from source_invoices.__main__ import main
try: main(["check", "--config", "no file"])
finally: print("airbyte_cdk" in sys.modules, len(parsed), file=sys.stderr)
"""
    )
    assert process.stderr.splitlines()[-1] == "True 0"


def test_the_import_of_the_cdk_leaves_boto3_out_and_does_not_hide_it() -> None:
    process = run(
        """
import sys
from source_invoices.__main__ import main
try: main(["check", "--config", "no file"])
finally:
    print("airbyte_cdk" in sys.modules, "boto3" in sys.modules, file=sys.stderr)
    import boto3
"""
    )
    assert process.stderr.splitlines()[-1] == "True False"


def test_spec_prints_the_specification_of_the_manifest() -> None:
    process = subprocess.run([sys.executable, "-m", "source_invoices", "spec"], capture_output=True, check=True)
    message = json.loads(process.stdout)
    assert message == {"type": "SPEC", "spec": {"connectionSpecification": load_specification()}}


@pytest.mark.parametrize("command", ["spec", "check", "discover", "read"])
def test_the_help_of_each_command_has_an_example(command: str) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "source_invoices", command, "--help"], capture_output=True, text=True, check=True
    )
    assert f"source-invoices {command}" in process.stdout.split("example:")[1]
