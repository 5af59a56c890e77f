"""`python -m demo [--config my.json]`."""

import sys


def main() -> int:
    """Runs the command line, if this Python can."""
    if sys.version_info >= (3, 13):
        version = ".".join(str(number) for number in sys.version_info[:2])
        print(f"The demo needs Python 3.10, 3.11 or 3.12, as PyAirbyte does; this is {version}.", file=sys.stderr)
        return 1
    # On a Python that PyAirbyte does not support, what this imports is not installed.
    from demo.command_line import run  # noqa: PLC0415

    return run()


if __name__ == "__main__":
    sys.exit(main())
