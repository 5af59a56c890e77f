"""Fixtures: Java 17, and a folder for Spark with one for the accounts."""

import os
from pathlib import Path

import pytest


def java_home() -> str:
    """Where Java 17 is. Spark 4 does not run with every later one."""
    found = sorted(Path("/usr/lib/jvm").glob("java-17-openjdk-*/bin/java"))
    home = found[0].parent.parent if found else Path(os.environ.get("JAVA_HOME_17_X64", ""))
    if not (home / "bin" / "java").is_file():
        pytest.skip(
            "NOT TESTED: there is no Java 17 here. On Debian, root installs it by system_tests/spark/install.sh."
        )
    return str(home)


@pytest.fixture(scope="session")
def java() -> str:
    return java_home()
