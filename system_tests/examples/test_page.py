"""docs/running.md leads to every example."""

import re

from .conftest import EXAMPLES, ROOT


def test_every_example_is_on_the_page_and_says_what_it_needs() -> None:
    page = (ROOT / "docs" / "running.md").read_text()
    examples = {path.name: path.read_text() for path in EXAMPLES.iterdir() if path.is_file()}
    assert set(re.findall(r"\.\./examples/([\w.]+)\)", page)) == examples.keys()
    for text in examples.values():
        assert re.search(r"(?m)^(# )?Needs ", text)
