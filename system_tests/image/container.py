"""Runs the connector's image, which is built before, with a read-only root and without capabilities."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

from integration_tests.support.connector import Output, messages_in, secrets_in
from tools import containers


class Image:
    """Runs the image. folder: what the container sees as /files."""

    def __init__(self, folder: Path) -> None:
        self.engine = containers.engine()
        self.name = containers.image()
        self.folder = folder
        self._secrets: set[str] = set()

    def write(self, name: str, content: Any) -> str:
        """Writes a file for the container, and returns its path there."""
        self._secrets |= set(secrets_in(content))
        (self.folder / name).write_text(json.dumps(content))
        (self.folder / name).chmod(0o644)
        return f"/files/{name}"

    def run(self, *arguments: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """Runs a container once. Its output must have no secret that was written to a file."""
        done = subprocess.run(self._command(*arguments, options=options), capture_output=True, text=True, check=False)
        for secret in self._secrets:
            assert secret not in done.stdout + done.stderr
        return done

    def start(self, name: str, *arguments: str) -> "subprocess.Popen[str]":
        """Starts a container of this name. The connector is its process 1."""
        command = self._command(*arguments, options=(f"--name={name}",))
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Sends a signal to the process 1 of a container."""
        subprocess.run([self.engine, "kill", f"--signal={number.name}", name], capture_output=True, check=True)

    def _command(self, *arguments: str, options: tuple[str, ...]) -> list[str]:
        hardened = ("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges")
        files = f"--volume={self.folder}:/files:ro"
        return [self.engine, "run", "--rm", "--network=host", *hardened, files, *options, self.name, *arguments]

    def connector(self, *arguments: str) -> Output:
        """Runs a command of the connector. Each line that it writes must be a message."""
        done = self.run(*arguments)
        messages = messages_in(done.stdout)
        assert len(messages) == len(done.stdout.splitlines()), done.stdout
        return Output(done.returncode, messages, done.stdout + done.stderr)

    def python(self, code: str) -> str:
        """Runs Python code in the image, and returns what it prints."""
        done = self.run("-c", code, options=("--entrypoint=python",))
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def inspect(self) -> dict[str, Any]:
        """Returns what the engine knows about the image."""
        done = subprocess.run([self.engine, "image", "inspect", self.name], capture_output=True, text=True, check=True)
        (found,) = json.loads(done.stdout)
        return dict(found)
