"""The command line of the Airbyte protocol. Without the CDK, which takes half a second to import, it answers
`--help`, `--version` and `spec`.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from source_invoices.process_end import end_well

_EXAMPLES = """examples:
  source-invoices spec
  source-invoices check --config config.json
  source-invoices discover --config config.json > catalog.json
  source-invoices read --config config.json --catalog catalog.json > out.jsonl
  source-invoices read --config config.json --catalog catalog.json --state out.jsonl > new.jsonl
"""
_OPTIONS = {
    "config": "path of the configuration, a JSON file",
    "catalog": "path of a configured catalog, or of what `discover` printed: then every stream, incremental",
    "streams": "only these streams, with commas between their names; without --catalog each is incremental",
    "state": "path of the last states as a JSON list, or of what the last `read` printed",
}
_COMMANDS = {
    "spec": ("print the JSON schema of the configuration", ()),
    "check": ("send one cheap request for each configured provider", ("config",)),
    "discover": ("print the streams of the configured providers", ("config",)),
    "read": ("print the records and states of the catalog's streams", ("config", "catalog", "streams", "state")),
}


class _Version(argparse.Action):
    """Prints the version. Looking it up costs more than the rest of `--help`."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import version  # noqa: PLC0415

        print(f"source-invoices {version('source-invoices')}")
        parser.exit()


def main(arguments: Sequence[str] | None = None, make_source: Callable[..., Any] | None = None) -> None:
    """Runs a command. Exits 1 after a failure and 2 for arguments that it does not know.

    arguments: those of the process by default, which then ends as process_end.py says. make_source: builds another
    source than SourceInvoices.
    """
    if arguments is None:
        end_well()
    parsed = parse(sys.argv[1:] if arguments is None else arguments)
    if parsed.command == "spec":
        from source_invoices.manifest_file import load_specification  # noqa: PLC0415

        print(json.dumps({"type": "SPEC", "spec": {"connectionSpecification": load_specification()}}))
        return
    from source_invoices.startup import quick_import  # noqa: PLC0415

    with quick_import():
        from source_invoices.entrypoint import run  # noqa: PLC0415

    run(parsed, make_source)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Returns the command and its options. Exits for `--help`, `--version` and arguments that are not known."""
    parser = argparse.ArgumentParser(
        prog="source-invoices",
        description="Reads invoices from IPXO, Nexudus and Payhubix. Messages of the Airbyte protocol go to stdout.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="{spec,check,discover,read}")
    for name, (summary, options) in _COMMANDS.items():
        example = next(line for line in _EXAMPLES.splitlines() if f"invoices {name}" in line)
        command = commands.add_parser(name, help=summary, description=summary, epilog=f"example:{example}")
        command.add_argument("--debug", action="store_true", help="log details of the sync")
        for option in options:
            command.add_argument(f"--{option}", required=option == "config", help=_OPTIONS[option])
        if name == "read":
            command.add_argument("--quiet", action="store_true", help="show no progress at a terminal")
    parsed = parser.parse_args(arguments)
    if parsed.command == "read" and parsed.catalog is None and parsed.streams is None:
        parser.error("read needs --catalog or --streams")
    if not parsed.command:
        parser.exit(1, "Say what to do: source-invoices spec, check, discover or read. More with --help.\n")
    return parsed
