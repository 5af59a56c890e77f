"""The files of the project that several tests read: its metadata, and pages of its documentation."""

import re
import sys
from pathlib import Path
from typing import Any

import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
METADATA: dict[str, Any] = yaml.safe_load((ROOT / "metadata.yaml").read_text("utf-8"))
DATA: dict[str, Any] = METADATA["data"]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT: dict[str, Any] = PYPROJECT["project"]


class Page:
    """A Markdown file. Lines inside code blocks are no headings."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text("utf-8")
        # Each heading with its signs, such as `## Prerequisites`, and the text from there to the next one.
        self._sections: list[tuple[str, str]] = []
        heading, lines, in_code = "", list[str](), False
        for line in self.text.splitlines():
            in_code ^= line.lstrip().startswith("```")
            if re.match(r"#+ ", line) and not in_code:
                self._sections.append((heading, "\n".join(lines)))
                heading, lines = line, []
            else:
                lines.append(line)
        self._sections.append((heading, "\n".join(lines)))

    @property
    def headings(self) -> list[str]:
        return [heading for heading, _ in self._sections if heading]

    @property
    def anchors(self) -> set[str]:
        """What a link to a heading can have after its `#`."""
        titles = [heading.lstrip("#").strip().lower() for heading in self.headings]
        return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}

    def section(self, title: str) -> str:
        """The text below the only heading with this title."""
        (body,) = [body for heading, body in self._sections if heading.lstrip("#").strip() == title]
        return body.strip()

    def table(self, title: str) -> list[list[str]]:
        """The rows of the only table in a section, without its head."""
        rows = [line.strip("|").split("|") for line in self.section(title).splitlines() if line.startswith("|")]
        return [[cell.strip() for cell in row] for row in rows[2:]]

    def code(self, language: str) -> str:
        """The only code block in a language."""
        (block,) = re.findall(rf"```{language}\n(.*?)```", self.text, re.DOTALL)
        return str(block)

    @property
    def links(self) -> list[str]:
        """The targets of all links outside of code blocks."""
        prose = re.sub(r"```.*?```", "", self.text, flags=re.DOTALL)
        return re.findall(r"\]\(([^)\s]+)\)", prose)
