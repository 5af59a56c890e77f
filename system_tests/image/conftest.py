"""Fixtures: the image and a sandbox. At the end, the time that the image takes to start."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import STREAMS, Sandbox
from system_tests.image.container import Image


@pytest.fixture
def image(tmp_path: Path) -> Image:
    tmp_path.chmod(0o755)
    return Image(tmp_path)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rows=dict.fromkeys(STREAMS, 30)) as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Reports how long the image takes to start, beside Python alone in the same image."""
    if config.option.collectonly:
        return
    image = Image(Path("/"))
    command = [image.engine, "run", "--rm", "--network=host"]
    alone = seconds([*command, "--entrypoint=python", image.name, "-c", "pass"])
    spec = seconds([*command, image.name, "spec"])
    terminalreporter.write_line(f"start-up: spec {spec:.1f} s, Python alone {alone:.1f} s")


def seconds(command: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, capture_output=True, check=True)
    return time.monotonic() - began
