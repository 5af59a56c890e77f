"""Builds and pushes the connector's image, with podman or else docker."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.release import version

ROOT = Path(__file__).parent.parent.parent
NAME = "source-invoices"
STAND_IN = "localhost/python-connector-base:stand-in"


class NoEngine(Exception):
    """Neither podman nor docker can be used. The message says what to do."""


def engine() -> str:
    """The container engine that works. Raises NoEngine."""
    for name in ("podman", "docker"):
        if shutil.which(name) and subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0:
            return name
    raise NoEngine("Neither podman nor docker works here. On Debian, tools/containers/install.sh installs podman.")


def image() -> str:
    """The name of the image with its version."""
    return f"localhost/airbyte/{NAME}:{version()}"


def base_image() -> str:
    """Airbyte's base image, as the Dockerfile pins it."""
    (found,) = re.findall(r"(?m)^FROM (.+) AS base$", (ROOT / "Dockerfile").read_text())
    return str(found)


def build(may_stand_in: bool) -> None:
    """Builds the image. Raises NoEngine; CalledProcessError where a step fails.

    may_stand_in: whether an image of Debian packages may replace a base image that cannot be pulled.
    """
    tool, base, dockerfile = engine(), base_image(), (ROOT / "Dockerfile").read_text()
    if may_stand_in and subprocess.run([tool, "pull", "--quiet", base], check=False).returncode:
        print(f"{base} cannot be pulled, so an image of Debian packages replaces it.", file=sys.stderr)
        if subprocess.run([tool, "image", "inspect", STAND_IN], capture_output=True, check=False).returncode:
            subprocess.run([Path(__file__).with_name("stand_in_base.sh"), tool, STAND_IN], check=True)
        dockerfile = dockerfile.replace(base, STAND_IN)
    arguments = [f"--build-arg=VERSION={version()}", f"--tag={image()}", "--file=-", str(ROOT)]
    subprocess.run([tool, "build", *arguments], input=dockerfile, text=True, check=True)


def push(registry: str) -> str:
    """Pushes the image, as built, to a registry and folder such as ghcr.io/someone. Returns its name there.

    Raises NoEngine; CalledProcessError where a step fails.
    """
    tool, name = engine(), f"{registry.lower()}/{NAME}:{version()}"
    subprocess.run([tool, "tag", image(), name], check=True)
    subprocess.run([tool, "push", name], check=True)
    return name
