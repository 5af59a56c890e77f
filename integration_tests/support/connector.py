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

from source_invoices.run import run
from source_invoices.source import load_manifest

STREAMS = {
    "ipxo_payout_invoices": "uuid",
    "ipxo_invoices": "uuid",
    "ipxo_ecommerce_invoices": "uuid",
    "nexudus_payout_invoices": "Id",
    "payhubix_invoices": "link",
}


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
            run(command(Path(folder), verb, **files))
            exit_code = 0
        except SystemExit as stop:
            exit_code = int(stop.code or 0)
        finally:
            logger.removeHandler(handler)
    output = Output(exit_code, _messages(stdout.getvalue()), stdout.getvalue(), logs)
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
    output = Output(process.returncode, _messages(process.stdout), process.stdout + process.stderr)
    if "--config" in arguments:
        path = Path(arguments[list(arguments).index("--config") + 1])
        assert_no_secret(output, json.loads(path.read_text()) if path.is_file() else None)
    return output


def unhurried_manifest() -> dict[str, Any]:
    """The manifest without the pause between two requests to Nexudus, for a sandbox that has no limits."""
    manifest = load_manifest()
    manifest["api_budget"]["policies"][0]["rates"][0]["interval"] = "PT0.001S"
    return manifest


def impatient_manifest() -> dict[str, Any]:
    """The same with half a second to wait for an answer."""

    def shorten(node: Any) -> Any:
        if isinstance(node, list):
            return [shorten(item) for item in node]
        if isinstance(node, dict):
            return {key: 0.5 if key == "read_timeout_in_seconds" else shorten(item) for key, item in node.items()}
        return node

    manifest: dict[str, Any] = shorten(unhurried_manifest())
    return manifest


def assert_no_secret(output: Output, config: Any) -> None:
    """Whatever a command says, it says no secret."""
    said = output.text + "".join(output.logs)
    for secret in _secrets(config):
        assert secret not in said


def _secrets(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _secrets(inner, key)
    elif name in ("client_secret", "password", "access_token", "api_key") and isinstance(value, str) and len(value) > 7:
        yield value


def _messages(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
