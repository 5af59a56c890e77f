"""How the CDK is imported, which is most of a short sync.

This module is here because a third of the import describes JSON schemas that nobody asks for. serpyco_rs, with which
the CDK writes messages, parses the source code of each message class to find the docstrings of its fields. Without them
the import takes 1.26 s of CPU instead of 1.81 (Debian's Python 3.11, airbyte-cdk 7.39.1).
"""

from collections.abc import Iterator
from contextlib import contextmanager

try:
    import attributes_doc
except ImportError:  # serpyco_rs may come to do without it
    attributes_doc = None  # type: ignore[assignment]


@contextmanager
def without_docstrings_of_fields() -> Iterator[None]:
    """What is imported here finds no docstrings of fields."""
    if attributes_doc is None:
        yield
        return
    read = attributes_doc.get_attributes_doc
    attributes_doc.get_attributes_doc = _no_docstrings
    try:
        yield
    finally:
        attributes_doc.get_attributes_doc = read


def _no_docstrings(cls: type) -> dict[str, str]:
    return {}
