"""How the CDK is imported, which is most of a short sync.

This module is here because two fifths of the import serve nothing that the connector does. Measured with Debian's
Python 3.11 and airbyte-cdk 7.39.1, in seconds of CPU:
- serpyco_rs, with which the CDK writes messages, parses the source code of each message class to find the docstrings of
  its fields, for JSON schemas that nobody asks for. Without them the import takes 1.32 instead of 1.87.
- requests_cache, with which the CDK can keep responses, imports boto3 for a cache in DynamoDB. It has a substitute for
  where boto3 is not installed. With it the import takes 1.11.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

try:
    import attributes_doc
except ImportError:  # serpyco_rs may come to do without it
    attributes_doc = None  # type: ignore[assignment]


@contextmanager
def quick_import() -> Iterator[None]:
    """What is imported here finds no docstrings of fields, and no boto3."""
    with _without_docstrings_of_fields(), _without("boto3"):
        yield


@contextmanager
def _without_docstrings_of_fields() -> Iterator[None]:
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


@contextmanager
def _without(package: str) -> Iterator[None]:
    """Importing a package raises ImportError here, as if it was not installed; not where it was imported before."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]
