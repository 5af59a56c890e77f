"""What a release needs besides its files: `python -m tools.release check v0.1.0`, `python -m tools.release notes`.

check: whether a tag names the version of the project. notes: what CHANGELOG.md says of that version.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


class NotReleasable(Exception):
    """The version cannot be released, in words."""


def version() -> str:
    """The version of the project."""
    (found,) = re.findall(r'(?m)^version = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"))
    return str(found)


def check(tag: str, released: str) -> None:
    """Raises NotReleasable unless the tag is `v` and the version."""
    if tag != f"v{released}":
        raise NotReleasable(f"The tag is {tag or 'missing'}, but pyproject.toml has version {released}.")


def notes(changelog: str, released: str) -> str:
    """The section of a changelog for a version. Raises NotReleasable if there is none."""
    sections = re.split(r"(?m)^## ", changelog)[1:]
    found = [section for section in sections if section.startswith(f"[{released}]")]
    if len(found) != 1:
        raise NotReleasable(f"CHANGELOG.md has {len(found)} sections for version {released}; a release needs one.")
    return found[0].partition("\n")[2].strip() + "\n"


def main(*arguments: str) -> None:
    """Runs one of the two commands. Exits with a sentence where the version cannot be released."""
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    try:
        text = notes(changelog, version())
        match arguments:
            case ["check", tag]:
                check(tag, version())
            case ["notes"]:
                sys.stdout.write(text)
            case _:
                sys.exit("Usage: python -m tools.release check TAG, or notes.")
    except NotReleasable as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
