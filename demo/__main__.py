"""`python -m demo [--config my.json]`."""

import importlib.util
import sys


def main() -> int:
    """Runs the command line, if its packages are here."""
    if importlib.util.find_spec("airbyte") is None:
        print("PyAirbyte, with which the demo syncs, is not in this environment. Run: make demo", file=sys.stderr)
        return 1
    # What this imports is in the demo's own environment only.
    from demo.command_line import run  # noqa: PLC0415

    return run()


if __name__ == "__main__":
    sys.exit(main())
