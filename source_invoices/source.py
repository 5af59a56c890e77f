"""Builds the source from manifest, schemas, configuration, catalog and state."""

import json
import logging
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from airbyte_cdk.models import (
    AirbyteCatalog,
    AirbyteConnectionStatus,
    AirbyteErrorTraceMessage,
    AirbyteMessage,
    AirbyteStateMessage,
    ConfiguredAirbyteCatalog,
    FailureType,
    Status,
    SyncMode,
    Type,
)
from airbyte_cdk.sources.declarative.concurrent_declarative_source import (
    ConcurrentDeclarativeSource,
    TestLimits,
)
from airbyte_cdk.sources.declarative.parsers.manifest_reference_resolver import ManifestReferenceResolver
from airbyte_cdk.sources.streams.concurrent.abstract_stream import AbstractStream
from airbyte_cdk.utils.airbyte_secrets_utils import filter_secrets
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from airbyte_cdk.utils.yaml_loader import safe_load_yaml

from source_invoices.components.answers import ACCESS_REFUSED
from source_invoices.components.backlog import Backlog
from source_invoices.components.gate import shared
from source_invoices.components.newest_only import observe_newest_only
from source_invoices.components.progress import Progress
from source_invoices.config import PROVIDERS, validation_errors, with_defaults

# Repeats every failure, in its Python form; `read` ends in a summary of its own.
_CDK_SUMMARY = "During the sync, the following streams did not sync successfully"
# The one that a person must act on first.
_FAILURE_TYPES = (FailureType.config_error, FailureType.system_error, FailureType.transient_error)


PROBE = TestLimits(1, 1, 1, 1)
"""Enough to see whether a stream can be read."""


def load_manifest() -> dict[str, Any]:
    """The manifest, its references resolved and the schemas put in.

    Both stand inside the installed package, or beside it in a checkout; never in the working directory, where another
    connector's manifest may be.
    """
    package = Path(__file__).parent
    home = package if (package / "manifest.yaml").exists() else package.parent
    manifest = safe_load_yaml((home / "manifest.yaml").read_text("utf-8"))
    schemas = sorted((home / "schemas").glob("*.json"))
    manifest["schemas"] = {path.stem: json.loads(path.read_text("utf-8")) for path in schemas}
    resolved = ManifestReferenceResolver().preprocess_manifest(manifest)
    del resolved["definitions"]
    return resolved


class SourceInvoices(ConcurrentDeclarativeSource):
    """The invoices of the configured providers.

    A configuration with a fault builds and sends nothing: `check` reports it, `discover` and `read` raise
    AirbyteTracedException with a sentence that names the key. Built without one, it takes what each command is given.
    """

    # The entrypoint's own validation names no key where a pattern or an alternative does not match.
    check_config_against_spec = False

    def __init__(
        self,
        catalog: ConfiguredAirbyteCatalog | None = None,
        config: Mapping[str, Any] | None = None,
        state: list[AirbyteStateMessage] | None = None,
        limits: TestLimits | None = None,
    ) -> None:
        """catalog: only its streams are built. limits: reads no further, and asks as the manifest's `check` says."""
        manifest = load_manifest()
        self._catalog_names = None if catalog is None else _names(catalog)
        if self._catalog_names is not None:
            manifest["streams"] = [_only(self._catalog_names, group) for group in manifest["streams"]]
        specification = manifest["spec"]["connection_specification"]
        self._is_probe = limits is not None
        self._is_configured = config is not None
        self._validation_errors = [] if config is None else validation_errors(config, specification)
        usable = with_defaults({} if config is None or self._validation_errors else config, specification)
        if limits:
            usable |= manifest["check"]["config_overrides"]
        self._state = _of_incremental_streams(state or [], catalog)
        self._backlog = Backlog()
        super().__init__(source_config=manifest, catalog=catalog, config=usable, state=self._state, limits=limits)

    def configure(self, config: Mapping[str, Any], temp_dir: str) -> Mapping[str, Any]:
        """The configuration as it was given. The CDK would write it to a file, with its secrets."""
        return config

    def check(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteConnectionStatus:
        """One cheap request for each configured provider; for IPXO one for each scope, of which one must be granted."""
        if not self._is_configured:
            return SourceInvoices(config=config, limits=PROBE).check(logger, config)
        if self._validation_errors:
            return AirbyteConnectionStatus(status=Status.FAILED, message=" ".join(self._validation_errors))
        probe = self if self._is_probe else SourceInvoices(config=self._config, limits=PROBE)
        names = self.resolved_manifest["check"]["stream_names"]
        results = {
            stream.name: _failure_to_read(stream) for stream in probe.streams(self._config) if stream.name in names
        }
        fatal = []
        for name, failure in results.items():
            if failure is None:
                continue
            sibling_works = any(_provider(name) == _provider(other) and not results[other] for other in results)
            if sibling_works and ACCESS_REFUSED in str(failure.message):
                logger.warning(f"The stream {name} cannot be read with this configuration. {failure.message}")
            elif failure.message not in fatal:
                fatal.append(str(failure.message))
        status = Status.FAILED if fatal else Status.SUCCEEDED
        return AirbyteConnectionStatus(status=status, message=" ".join(fatal) or None)

    def streams(self, config: Mapping[str, Any]) -> list[AbstractStream]:
        """The catalog's streams, else all of the configured providers, with the state that they go on from."""
        try:
            streams = super().streams(config)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if not self._state:
                raise
            names = ", ".join(item.stream.stream_descriptor.name for item in self._state if item.stream)
            raise config_error(
                f"The state of {names} cannot be used: {error}. Reset the stream whose state was changed by hand, or "
                "hand back the state that the connector last wrote."
            ) from None
        for stream in streams:
            observe_newest_only(stream.cursor)
        # The CDK offers none of these in public.
        if budget := self._constructor._api_budget:
            shared(budget, "progress", Progress).emit = self._message_repository.emit_message
            self._backlog = shared(budget, "backlog", Backlog)
            self._backlog.queue = self._concurrent_source._queue
        return streams

    def discover(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteCatalog:
        if not self._is_configured or self._catalog_names is not None:
            return SourceInvoices(config=config).discover(logger, config)
        self._refuse_a_bad_configuration()
        return super().discover(logger, config)

    def read(
        self,
        logger: logging.Logger,
        config: Mapping[str, Any],
        catalog: ConfiguredAirbyteCatalog,
        state: list[AirbyteStateMessage] | None = None,
    ) -> Iterator[AirbyteMessage]:
        names = _names(catalog)
        if not self._is_configured or self._catalog_names not in (None, names):
            yield from SourceInvoices(catalog, config, state).read(logger, config, catalog, state)
            return
        self._refuse_a_bad_configuration()
        for name in names:
            if names.count(name) > 1:
                raise config_error(f"The catalog names the stream {name} more than once.")
            if name not in self.resolved_manifest["schemas"]:
                raise config_error(f"The catalog names the stream {name}, which this connector does not have.")
            if not self._config.get(_provider(name)):
                provider = PROVIDERS[_provider(name)]
                raise config_error(
                    f"The catalog names the stream {name}, but {provider} is not configured. Fill in "
                    f"`{_provider(name)}` in the configuration, or take the stream out of the catalog."
                )
        failures: dict[str, AirbyteErrorTraceMessage] = {}
        failure_log = _FailureLog()
        self.logger.addFilter(failure_log)
        try:
            for message in super().read(logger, config, catalog, state):
                if message.type is Type.RECORD:
                    yield message
                    continue
                error = message.trace.error if message.type == Type.TRACE and message.trace else None
                if error and error.stream_descriptor:
                    # Each invoice whose detail was still to be read reports the failure that ended its stream.
                    if error.stream_descriptor.name in failures:
                        continue
                    failures[error.stream_descriptor.name] = error
                yield message
        except AirbyteTracedException as error:
            raise _summary(failures) if failures else error from None
        finally:
            self._backlog.give_up()
            self.logger.removeFilter(failure_log)

    def _refuse_a_bad_configuration(self) -> None:
        if self._validation_errors:
            raise config_error(" ".join(self._validation_errors))


def _names(catalog: ConfiguredAirbyteCatalog) -> list[str]:
    return [configured.stream.name for configured in catalog.streams]


def _only(names: Collection[str], group: Mapping[str, Any]) -> dict[str, Any]:
    """A group of the manifest's streams with those that are wanted: building all is a tenth of the start-up."""
    return {**group, "streams": [stream for stream in group["streams"] if stream["name"] in names]}


def _failure_to_read(stream: AbstractStream) -> AirbyteTracedException | None:
    """Reads the first row of a stream, if it has one."""
    try:
        for partition in stream.generate_partitions():
            for _ in partition.read():
                return None
    except AirbyteTracedException as error:
        return error
    except Exception as error:
        provider = PROVIDERS[_provider(stream.name)]
        return AirbyteTracedException(message=f"{provider}, {stream.name}: unexpected failure, {type(error).__name__}.")
    return None


def _summary(failures: Mapping[str, AirbyteErrorTraceMessage]) -> AirbyteTracedException:
    """What ends a read in which streams failed."""
    types = {failure.failure_type for failure in failures.values()}
    names = ", ".join(sorted(failures))
    return AirbyteTracedException(
        message=f"The sync is incomplete: {names} failed. The message of each stream says why and what to do.",
        failure_type=next(item for item in _FAILURE_TYPES if item in types),
    )


def _of_incremental_streams(
    state: list[AirbyteStateMessage], catalog: ConfiguredAirbyteCatalog | None
) -> list[AirbyteStateMessage]:
    """A full refresh reads everything, whatever state is handed in; the CDK would go on from there."""
    configured = catalog.streams if catalog else []
    in_full = {item.stream.name for item in configured if item.sync_mode == SyncMode.full_refresh}
    return [item for item in state if not item.stream or item.stream.stream_descriptor.name not in in_full]


def _provider(stream_name: str) -> str:
    return stream_name.split("_", maxsplit=1)[0]


def config_error(message: str) -> AirbyteTracedException:
    return AirbyteTracedException(message=message, failure_type=FailureType.config_error)


class _FailureLog(logging.Filter):
    """Logs a failure that its message explains once and without a traceback, which is for the unexpected."""

    def __init__(self) -> None:
        super().__init__()
        self._logged: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, AirbyteTracedException):
            text = f"{record.getMessage()}: {filter_secrets(str(error.message))}"
            record.msg, record.args, record.exc_info = text, (), None
            if text in self._logged:
                return False
            self._logged.add(text)
        return not record.getMessage().startswith(_CDK_SUMMARY)
