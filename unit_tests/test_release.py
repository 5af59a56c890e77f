"""A tag is released only if it names the project's version and the changelog has that version."""

import subprocess
import sys

import pytest

from tools import release
from unit_tests.project_files import PROJECT, ROOT

CHANGELOG = """# Changelog

## [0.2.0] - 2026-12-01

### Added

- More.

## [0.1.0] - 2026-11-22

- The beginning.
"""


def test_the_notes_are_the_section_of_the_version() -> None:
    assert release.notes(CHANGELOG, "0.2.0") == "### Added\n\n- More.\n"
    assert release.notes(CHANGELOG, "0.1.0") == "- The beginning.\n"


def test_a_version_without_a_section_is_refused() -> None:
    with pytest.raises(release.NotReleasable, match=r"has 0 sections for version 0\.3\.0"):
        release.notes(CHANGELOG, "0.3.0")


def test_the_tag_must_be_the_version() -> None:
    release.check("v0.1.0", "0.1.0")
    for tag in ("v0.1.1", "0.1.0", "", "v0.1.0-rc1"):
        with pytest.raises(release.NotReleasable, match=r"pyproject\.toml has version 0\.1\.0"):
            release.check(tag, "0.1.0")


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    program = [sys.executable, "-m", "tools.release", *arguments]
    return subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_accepts_the_tag_of_this_version_only() -> None:
    assert run("check", f"v{PROJECT['version']}").returncode == 0
    refused = run("check", "v9.9.9")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "The tag is v9.9.9" in refused.stderr
    assert run("notes").stdout.startswith("###")
