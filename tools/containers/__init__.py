"""Builds the connector's image with podman or docker, whichever answers."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
STAND_IN = "localhost/python-connector-base:stand-in"


class NoEngine(Exception):
    """Neither podman nor docker can be used, in words."""


def engine() -> str:
    """The container engine that answers. Raises NoEngine."""
    for name in ("podman", "docker"):
        if shutil.which(name) and subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0:
            return name
    raise NoEngine("Neither podman nor docker answers. On Debian, tools/containers/install.sh installs podman.")


def version() -> str:
    """The connector's version."""
    (found,) = re.findall(r'(?m)^version = "(.+)"$', (ROOT / "pyproject.toml").read_text())
    return str(found)


def image() -> str:
    """The name of the image with its version."""
    return f"localhost/airbyte/source-invoices:{version()}"


def base_image() -> str:
    """Airbyte's base image, as the Dockerfile pins it."""
    (found,) = re.findall(r"(?m)^ARG BASE_IMAGE=(.+)$", (ROOT / "Dockerfile").read_text())
    return str(found)


def build(may_stand_in: bool) -> None:
    """Builds the image. Raises NoEngine; CalledProcessError where a step fails.

    may_stand_in: where the base image cannot be pulled, one made of Debian packages takes its place.
    """
    tool, base = engine(), base_image()
    if may_stand_in and subprocess.run([tool, "pull", "--quiet", base], check=False).returncode:
        print(f"{base} cannot be pulled: a stand-in of Debian packages takes its place.", file=sys.stderr)
        if subprocess.run([tool, "image", "inspect", STAND_IN], capture_output=True, check=False).returncode:
            subprocess.run([ROOT / "containers" / "stand_in_base.sh", tool, STAND_IN], check=True)
        base = STAND_IN
    arguments = [f"--build-arg=BASE_IMAGE={base}", f"--build-arg=VERSION={version()}", f"--tag={image()}"]
    subprocess.run([tool, "build", *arguments, str(ROOT)], check=True)
