"""docs/running.md and docs/many-accounts.md link to every example."""

import re

from system_tests.examples.workplace import EXAMPLES, ROOT


def test_the_pages_have_every_example_and_each_says_what_it_needs() -> None:
    page = "".join((ROOT / "docs" / name).read_text() for name in ("running.md", "many-accounts.md"))
    examples = {path.name: path.read_text() for path in EXAMPLES.iterdir() if path.is_file()}
    assert set(re.findall(r"\.\./examples/([\w.]+)\)", page)) == examples.keys()
    for text in examples.values():
        assert re.search(r"(?m)^(# )?Needs ", text)
