"""Runs the connector for the tests: in this process where that is enough, as a process where it matters."""

import contextlib
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from integration_tests.support import timing
from source_invoices.cli import main

STREAMS = {
    "ipxo_payout_invoices": "uuid",
    "ipxo_invoices": "uuid",
    "ipxo_ecommerce_invoices": "uuid",
    "nexudus_payout_invoices": "Id",
    "payhubix_invoices": "link",
}
SECRETS = ("client_id", "client_secret", "password", "access_token", "api_key")


@dataclass
class Output:
    """What a command of the connector left behind."""

    exit_code: int
    messages: list[dict[str, Any]]
    text: str
    logs: list[str] = field(default_factory=list)

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [message[kind.lower()] for message in self.messages if message["type"] == kind]

    def records(self, stream: str) -> list[dict[str, Any]]:
        return [record["data"] for record in self.of_type("RECORD") if record["stream"] == stream]

    def status(self, stream: str) -> str | None:
        """The last status of a stream."""
        traces = [trace["stream_status"] for trace in self.of_type("TRACE") if trace["type"] == "STREAM_STATUS"]
        statuses = [trace["status"] for trace in traces if trace["stream_descriptor"]["name"] == stream]
        return statuses[-1] if statuses else None

    def errors(self) -> list[dict[str, Any]]:
        return [trace["error"] for trace in self.of_type("TRACE") if trace["type"] == "ERROR"]

    def error_of(self, stream: str) -> dict[str, Any]:
        """The one error of a stream."""
        (error,) = [error for error in self.errors() if error.get("stream_descriptor", {}).get("name") == stream]
        return error

    def state(self) -> list[dict[str, Any]]:
        """The last state of each stream, as a platform would hand it back."""
        latest = {state["stream"]["stream_descriptor"]["name"]: state for state in self.of_type("STATE")}
        return [{"type": "STREAM", "stream": state["stream"]} for state in latest.values()]

    def connection_status(self) -> dict[str, Any]:
        (message,) = [message for message in self.messages if message["type"] == "CONNECTION_STATUS"]
        status: dict[str, Any] = message["connectionStatus"]
        return status


def catalog_of(streams: Iterable[str], sync_mode: str = "incremental") -> dict[str, Any]:
    return {
        "streams": [
            {
                "stream": {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]},
                "sync_mode": sync_mode,
                "destination_sync_mode": "append",
            }
            for name in streams
        ]
    }


def command(folder: Path, verb: str, **files: Any) -> list[str]:
    """The arguments of a command, with a file written for each of config, catalog and state that is given."""
    arguments = [verb]
    for option, content in files.items():
        path = folder / f"{option}.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        arguments += [f"--{option}", str(path)]
    return arguments


def call(verb: str, **files: Any) -> Output:
    """A command of the connector, in this process."""
    logs: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: logs.append(f"{record.levelname}: {record.getMessage()}")  # type: ignore[method-assign]
    logger = logging.getLogger("airbyte")
    with TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as stdout:
        logger.addHandler(handler)
        try:
            main(command(Path(folder), verb, **files), timing.make_source)
            exit_code = 0
        except SystemExit as stop:
            exit_code = int(stop.code or 0)
        finally:
            logger.removeHandler(handler)
    output = Output(exit_code, messages_in(stdout.getvalue()), stdout.getvalue(), logs)
    assert_no_secret(output, files.get("config"))
    return output


def read(
    config: Mapping[str, Any],
    streams: Sequence[str] = tuple(STREAMS),
    state: Sequence[Mapping[str, Any]] | None = None,
    sync_mode: str = "incremental",
) -> Output:
    files = {"state": list(state)} if state is not None else {}
    return call("read", config=dict(config), catalog=catalog_of(streams, sync_mode), **files)


def start(
    arguments: Sequence[str],
    working_directory: Path | None = None,
    program: Sequence[str] = (sys.executable, "-m", "source_invoices"),
    environment: Mapping[str, str] | None = None,
) -> Output:
    """A command of the connector, as a process of its own."""
    process = subprocess.run(
        [*program, *arguments],
        capture_output=True,
        text=True,
        cwd=working_directory,
        env=environment,
        check=False,
    )
    output = Output(process.returncode, messages_in(process.stdout), process.stdout + process.stderr)
    if "--config" in arguments:
        path = Path(arguments[list(arguments).index("--config") + 1])
        assert_no_secret(output, json.loads(path.read_text()) if path.is_file() else None)
    return output


def assert_no_secret(output: Output, config: Any) -> None:
    """No message, log line or traceback has a secret of the configuration."""
    said = output.text + "".join(output.logs)
    for secret in secrets_in(config):
        assert secret not in said


def secrets_in(value: Any, name: str = "") -> Iterator[str]:
    """The secrets in a configuration. Short ones are left out, because other text can have them by chance."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from secrets_in(inner, key)
    elif name in SECRETS and isinstance(value, str) and len(value) > 7:
        yield value


def messages_in(text: str) -> list[dict[str, Any]]:
    """The messages of the Airbyte protocol in the output of a command."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
