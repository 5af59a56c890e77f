"""Reads a JSON file that a person names: once, so that it may be a pipe, in UTF-8, UTF-16 or UTF-32.

Every fault is a ValueError in words that complete the sentence "The file … ".
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

DEEPEST = 100
"""Further levels than any configuration, catalog or state has, and fewer than Python's recursion allows."""


def read_lines(path: str) -> Iterator[bytes]:
    """Yields the lines of a file in UTF-8 while it is read; their line breaks are kept."""
    if not path or not Path(path).exists():
        raise ValueError("is not there")
    if Path(path).is_dir():
        raise ValueError("is a folder")
    try:
        with Path(path).open("rb") as file:
            first = file.readline()
            encoding = json.detect_encoding(first)
            if encoding == "utf-8":
                yield first
                yield from file
            elif encoding == "utf-8-sig":
                yield first.removeprefix(b"\xef\xbb\xbf")
                yield from file
            else:  # a line break is more than one byte
                yield from _text(first + file.read(), encoding).encode().splitlines(keepends=True)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None


def parse(content: Iterable[bytes], *, unique: bool = False) -> Any:
    """Returns the value of a JSON text.

    unique: refuses a key that an object has twice. Otherwise its last value counts: PyAirbyte writes such states.
    """
    text = _text(b"".join(content), "utf-8")
    if not text.strip():
        raise ValueError("is empty")
    return parse_text(text, unique=unique)


def parse_text(text: str, *, unique: bool = False) -> Any:
    """Returns the value of a JSON text that is not empty. unique: as for `parse`."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique if unique else None)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg} in line {error.lineno}") from None
    except _Refused:
        raise
    except ValueError:
        raise ValueError("has a number of too many digits") from None
    if is_deep(value):
        raise ValueError(_TOO_DEEP)
    return value


def is_deep(value: Any) -> bool:
    """Returns whether a value has more levels than DEEPEST."""
    level = [value]
    for _ in range(DEEPEST):
        level = [item for part in level for item in _items(part)]
        if not level:
            return False
    return True


_TOO_DEEP = f"is nested deeper than {DEEPEST} levels"


class _Refused(ValueError):
    pass


def _text(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text; save it as UTF-8") from None


def _items(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()


def _refuse_constant(name: str) -> None:
    raise _Refused(f"has {name}, which JSON does not have")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Refused(f"has the key `{twice:.80}` twice in one object")
    return found
