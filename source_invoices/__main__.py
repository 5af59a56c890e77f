"""The process: `source-invoices`, the same as `python -m source_invoices`."""

import enum
import gc
import linecache
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

_OBJECTS_BETWEEN_COLLECTIONS = 20_000


def main() -> None:
    """Runs the command line, with imports and a garbage collector that fit a sync.

    What the imports make stays, and records hold no cycles: collecting as often as usual is a tenth of the start-up and
    of all reading.
    """
    gc.disable()
    with _without_source_texts():
        from source_invoices.run import run  # noqa: PLC0415

    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    gc.enable()
    run()


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
