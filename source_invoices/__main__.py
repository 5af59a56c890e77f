"""The process: `source-invoices`, the same as `python -m source_invoices`."""

import gc

_OBJECTS_BETWEEN_COLLECTIONS = 20_000


def main() -> None:
    """Runs the command line with a garbage collector that fits a sync.

    What the imports make stays, and records hold no cycles: collecting as often as usual is a tenth of the start-up and
    of all reading.
    """
    gc.disable()
    from source_invoices.run import run  # noqa: PLC0415

    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    gc.enable()
    run()


if __name__ == "__main__":
    main()
