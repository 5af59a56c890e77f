"""The contents of what `make dist` builds. The wheel runs in clean environments with each Python version."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from integration_tests.support.connector import STREAMS, catalog_of, command, start
from sandbox import Sandbox

ROOT = Path(__file__).parent.parent.parent
VERSIONS = ("3.10", "3.11", "3.12", "3.13")


def sources() -> dict[str, bytes]:
    """The files of the connector, by their paths in the wheel."""
    files = {
        f"source_invoices/{path.name}": path for path in [ROOT / "manifest.yaml", ROOT / "source_invoices/py.typed"]
    }
    files |= {f"source_invoices/schemas/{path.name}": path for path in (ROOT / "schemas").iterdir()}
    files |= {str(path.relative_to(ROOT)): path for path in (ROOT / "source_invoices").rglob("*.py")}
    return {name: path.read_bytes() for name, path in files.items()}


@pytest.fixture(scope="session")
def wheel() -> Path:
    (path,) = (ROOT / "dist").glob("*.whl")
    return path


def test_the_wheel_has_the_files_of_the_connector_and_no_others(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    packed = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == sources()


def test_the_sdist_has_the_sources_of_the_wheel_and_no_others() -> None:
    (path,) = (ROOT / "dist").glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    moved = {name.replace("source_invoices/schemas", "schemas") for name in sources()}
    needed = {name.replace("source_invoices/manifest.yaml", "manifest.yaml") for name in moved}
    assert needed | {"pyproject.toml", "README.md"} <= names
    assert names <= needed | {"pyproject.toml", "README.md", "LICENSE", "PKG-INFO", ".gitignore"}


def interpreter(version: str) -> str | None:
    """The Python of a version, from the path or from pyenv."""
    for candidate in candidates(version):
        asked = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        answer = subprocess.run(asked, capture_output=True, text=True, check=False)
        if answer.stdout.strip() == version:
            return candidate
    return None


def candidates(version: str) -> Iterator[str]:
    if found := shutil.which(f"python{version}"):
        yield found
    if pyenv := shutil.which("pyenv"):
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=True).stdout.strip()
        yield from map(str, sorted(Path(root, "versions").glob(f"{version}.*/bin/python{version}")))


def clean_environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def uv(*arguments: str | Path) -> str:
    """Runs uv from the environment of these tests. Its messages are not captured."""
    program = [str(Path(sys.executable).with_name("uv")), *map(str, arguments)]
    return subprocess.run(program, stdout=subprocess.PIPE, text=True, env=clean_environment(), check=True).stdout


def install(wheel: Path, python: str, folder: Path) -> Path:
    """Makes an environment with the wheel and the locked packages. Returns its folder of programs."""
    uv("venv", "--quiet", "--python", python, folder)
    programs = folder / "bin"
    into = ("pip", "install", "--quiet", "--python", programs / "python", "--no-deps")
    uv(*into, "--require-hashes", "--requirement", ROOT / "locks/runtime.txt")
    uv(*into, wheel)
    uv("pip", "check", "--quiet", "--python", programs / "python")
    return programs


@pytest.mark.parametrize("version", VERSIONS)
def test_the_installed_wheel_reads_every_stream(wheel: Path, version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} is not installed here: it is neither on the path nor known to pyenv")
    programs = install(wheel, python, tmp_path / "environment")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    program, environment = [str(programs / "source-invoices")], clean_environment()
    (spec,) = start(["spec"], elsewhere, program, environment).of_type("SPEC")
    assert "payhubix" in spec["connectionSpecification"]["properties"]
    with Sandbox(rows=9) as sandbox:
        arguments = command(elsewhere, "read", config=sandbox.config(), catalog=catalog_of(STREAMS))
        output = start(arguments, elsewhere, program, environment)
        assert output.exit_code == 0
        for stream, key in STREAMS.items():
            assert output.status(stream) == "COMPLETE"
            assert {row[key] for row in output.records(stream)} == set(sandbox.tables[stream].keys())


def test_a_type_checker_sees_the_types_of_the_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    programs = install(wheel, sys.executable, tmp_path / "environment")
    code = "from source_invoices.components.pages.page import Envelope\nreveal_type(Envelope('uuid', ()).key)\n"
    (tmp_path / "user.py").write_text(code)
    checker = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file=",
        "--python-executable",
        str(programs / "python"),
        "user.py",
    ]
    said = subprocess.run(
        checker, cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, check=False
    ).stdout
    assert re.search(r'Revealed type is "(builtins\.)?str"', said), said
    assert "Success" in said
