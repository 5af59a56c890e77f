"""The connector's image, built before, run with a read-only root and without capabilities."""

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox import STREAMS, Sandbox
from tools import containers

SECRETS = ("client_id", "client_secret", "password", "api_key", "access_token")


@dataclass
class Output:
    """What a container wrote and how it ended."""

    exit_code: int
    messages: list[dict[str, Any]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def keys(self, stream: str, key: str) -> set[Any]:
        records = [message["record"] for message in self.of("RECORD")]
        return {record["data"][key] for record in records if record["stream"] == stream}


class Image:
    """Runs the image. folder: what the container sees as /files."""

    def __init__(self, folder: Path) -> None:
        self.engine = containers.engine()
        self.name = containers.image()
        self.folder = folder
        self._secrets: set[str] = set()

    def write(self, name: str, content: Any) -> str:
        """A file for the container; returns its path there."""
        if isinstance(content, dict):
            self._secrets |= set(_secrets(content))
        (self.folder / name).write_text(json.dumps(content))
        (self.folder / name).chmod(0o644)
        return f"/files/{name}"

    def run(self, *arguments: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """One run, in whose output no secret may stand that has been written to a file."""
        hardened = ("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges")
        files = f"--volume={self.folder}:/files:ro"
        command = [self.engine, "run", "--rm", "--network=host", *hardened, files, *options, self.name, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        for secret in self._secrets:
            assert secret not in done.stdout + done.stderr
        return done

    def connector(self, *arguments: str) -> Output:
        """One run of the connector."""
        done = self.run(*arguments)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return Output(done.returncode, lines)

    def python(self, code: str) -> str:
        """What Python in the image prints."""
        done = self.run("-c", code, options=("--entrypoint=python",))
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def inspect(self) -> dict[str, Any]:
        done = subprocess.run([self.engine, "image", "inspect", self.name], capture_output=True, text=True, check=True)
        (found,) = json.loads(done.stdout)
        return dict(found)


def _secrets(node: Any) -> Iterator[str]:
    for name, value in node.items():
        if isinstance(value, dict):
            yield from _secrets(value)
        elif name in SECRETS:
            yield str(value)


@pytest.fixture
def image(tmp_path: Path) -> Image:
    tmp_path.chmod(0o755)
    return Image(tmp_path)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rows=dict.fromkeys(STREAMS, 30)) as running:
        yield running


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says how long the image takes to start, beside Python alone in the same image."""
    image = Image(Path("/"))
    command = [image.engine, "run", "--rm", "--network=host"]
    alone = _seconds([*command, "--entrypoint=python", image.name, "-c", "pass"])
    spec = _seconds([*command, image.name, "spec"])
    terminalreporter.write_line(f"start-up: spec {spec:.1f} s, Python alone {alone:.1f} s")


def _seconds(command: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, capture_output=True, check=True)
    return time.monotonic() - began
