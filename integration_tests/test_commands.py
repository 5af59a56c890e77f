"""The commands around the connector, each as a process: `make demo` up to where it syncs, and `python -m sandbox`."""

import errno
import os
import re
import shutil
import socket
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from demo import environment
from demo.private import close_to_others

ROOT = Path(__file__).parent.parent
VERSION = "{}.{}".format(*sys.version_info)
# Replaces the Python of the demo's environment, and prints its arguments.
PYTHON = '#!/bin/sh\nprintf "%s\\n" "$@"\n'


def run(*command: str | Path, folder: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    # A make that another one starts names the folders that it enters.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)


def python(version: tuple[int, ...], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs demo/environment.py with a Python that takes itself for this version."""
    code = (
        f"import runpy, sys; sys.version_info = {version}; sys.argv = {['environment.py', *arguments]}"
        "; runpy.run_path('demo/environment.py', run_name='__main__')"
    )
    return run(sys.executable, "-c", code)


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 9, 18), (3, 14, 0)])
def test_make_demo_refuses_an_unsupported_python_before_it_installs(tmp_path: Path, version: tuple[int, ...]) -> None:
    done = python(version, str(tmp_path / "made"))

    number = "{}.{}".format(*version)
    sentence = rf"The demo needs Python 3\.10, 3\.11, 3\.12 or 3\.13, and this is {number}\. Run make demo PYTHON=python3\.1\d\.\n"
    assert re.fullmatch(sentence, done.stderr)
    assert (done.returncode, done.stdout) == (1, "")
    assert not (tmp_path / "made").exists()


def test_an_environment_of_another_python_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands: list[list[str]] = []

    def succeed(command: list[str]) -> int:
        commands.append(command)
        return 0

    monkeypatch.setattr(subprocess, "call", succeed)
    folder = tmp_path / "made"
    (folder / "lib").mkdir(parents=True)
    (folder / "installed").write_text("3.9")
    (folder / "lib" / "left").touch()

    assert environment.main(folder) == 0
    assert not (folder / "lib" / "left").exists()
    assert (folder / "bin" / "python").exists()
    assert [str(ROOT / "locks/demo.txt") in command for command in commands] == [True, False]
    assert re.fullmatch(
        rf"Installing what the demo needs into {folder}: \d+ MB to download, \d+ MB on disk\."
        r" This takes some minutes, once\.\n",
        capsys.readouterr().out,
    )

    assert environment.main(folder) == 0
    assert (len(commands), capsys.readouterr().out) == (2, "")


def test_an_installation_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "call", lambda command: 1)
    monkeypatch.setattr(venv, "create", lambda folder, **_: Path(folder).mkdir())

    assert environment.main(tmp_path / "made") == 1
    assert not environment.is_ready(tmp_path / "made", VERSION)


def test_the_demo_installs_no_developer_tools_and_what_the_tests_test() -> None:
    demo, dev = (
        set(re.findall(r"(?m)^([\w.-]+==\S+)", (ROOT / "locks" / f"{name}.txt").read_text()))
        for name in ("demo", "dev")
    )
    names = {line.split("==")[0] for line in demo}

    assert {"airbyte", "airbyte-cdk", "duckdb", "rich"} <= names
    assert not names & {"pytest", "mypy", "ruff", "hypothesis", "coverage", "pip-audit", "types-requests"}
    # The tests are run with PyAirbyte up to Python 3.12. What 3.13 gets besides is a newer version of the same.
    assert {line.split("==")[0] for line in demo - dev} <= {line.split("==")[0] for line in dev}


@pytest.mark.parametrize("config", ["my dir/it's.json", 'a "b" $HOME $(touch x) `c`.json', "-x.json", "a#b;c&d.json"])
def test_make_demo_takes_any_path_as_its_configuration(tmp_path: Path, config: str) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed here")
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "environment.py").touch()
    interpreter = tmp_path / ".venv-demo" / "bin" / "python"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text(PYTHON)
    interpreter.chmod(0o700)

    done = run("make", "demo", f"CONFIG={config}", "IPXO_CURRENCY=USD", f"PYTHON={sys.executable}", folder=tmp_path)
    assert (done.stdout.splitlines(), done.stderr) == (["-m", "demo", f"--config={config}", "--ipxo-currency=USD"], "")

    done = run("make", "demo", f"PYTHON={sys.executable}", folder=tmp_path)
    assert done.stdout.splitlines() == ["-m", "demo"]


def test_what_an_earlier_run_left_open_is_closed(tmp_path: Path) -> None:
    database, folder = tmp_path / "a.duckdb", tmp_path / "a-csv"
    files = [database, tmp_path / "a.duckdb.wal", tmp_path / "a.duckdb.tmp" / "block", folder / "x.csv"]
    other = tmp_path / "b.duckdb"
    for file in (*files, other):
        file.parent.mkdir(exist_ok=True, mode=0o755)
        file.touch(0o644)

    close_to_others(database, tmp_path / "absent.html", folder)

    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert {file.parent.stat().st_mode & 0o777 for file in files[2:]} == {0o700}
    assert other.stat().st_mode & 0o777 == 0o644


def sandbox(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return run(sys.executable, "-m", "sandbox", *arguments)


def test_a_port_in_use_is_refused_in_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = sandbox("--rows", "1", "--port", str(port))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Port {port} of 127.0.0.1 cannot be opened: {os.strerror(errno.EADDRINUSE)}."
        " The sandbox needs 4 ports in a row. Without --port it takes free ones.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--rows", "many"), "not a number of rows from 0 to 5,000,000: 'many'"),
        (("--rows=-5",), "not a number of rows from 0 to 5,000,000: '-5'"),
        (("--rows", "9" * 5000), "not a number of rows from 0 to 5,000,000: '999"),
        (("--rows", "bills=3"), "there is no stream 'bills', but ipxo_payout_invoices, "),
        (("--latency", "nan"), "not a number of seconds from 0 to 3,600: 'nan'"),
        (("--latency=-1",), "not a number of seconds from 0 to 3,600: '-1'"),
        (("--latency", "1e9"), "not a number of seconds from 0 to 3,600: '1e9'"),
        (("--latency", "soon"), "invalid latency value: 'soon'"),
        (("--port", "65533"), "not a port from 1 to 65532, nor 0 for any: '65533'"),
        (("--port=-1",), "not a port from 1 to 65532, nor 0 for any: '-1'"),
        (("--port", "http"), "invalid port value: 'http'"),
        (("--seed", "lucky"), "invalid int value: 'lucky'"),
    ],
)
def test_odd_values_for_the_sandbox_are_refused_in_a_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    done = sandbox(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert sentence in done.stderr.splitlines()[-1]
