"""The process: `source-invoices`, the same as `python -m source_invoices`."""

import ctypes
import enum
import gc
import linecache
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

_OBJECTS_BETWEEN_COLLECTIONS = 20_000
_M_ARENA_MAX = -8  # of glibc's malloc.h
_STACK = 32_768  # values, 8 bytes each


def _with_one_stack(function: Callable[[], None]) -> Callable[[], None]:
    """With room for the frames of all that it calls.

    CPython, since 3.11, takes that room from the system in pieces of 16 kB and gives each back as soon as it is empty:
    imports, deeply nested, go to and fro over its edge thousands of times, a twelfth of the start-up. A function that
    needs more at once gets a piece of twice its size, which lasts for the others.
    """
    function.__code__ = function.__code__.replace(co_stacksize=_STACK)
    return function


@_with_one_stack
def main() -> None:
    """Runs the command line, with imports, memory and a garbage collector that fit a sync.

    What the imports make stays, and records hold no cycles: collecting as often as usual is a tenth of the start-up and
    of all reading.
    """
    _use_one_heap()
    gc.disable()
    with _without_source_texts():
        from source_invoices.run import run  # noqa: PLC0415

    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    gc.enable()
    run()


def _use_one_heap() -> None:
    """For all threads: with one for each, as glibc has it, they grow by turns as long as a sync goes on."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


@contextmanager
def _without_source_texts() -> Iterator[None]:
    """Two modules count as installed without their source.

    The CDK makes its serializers when it is imported; for comments on fields, which nobody reads here, they parse these
    files again for each class: a third of the start-up.
    """
    files = [Path(enum.__file__)]
    protocol = find_spec("airbyte_protocol_dataclasses")
    for folder in (protocol and protocol.submodule_search_locations) or ():
        files.append(Path(folder, "models", "airbyte_protocol.py"))
    for file in files:
        linecache.cache[str(file)] = (0, None, [], str(file))
    try:
        yield
    finally:
        for file in files:
            linecache.cache.pop(str(file), None)


if __name__ == "__main__":
    main()
