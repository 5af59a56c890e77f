"""Builds the source from manifest, schemas, configuration, catalog and state."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from airbyte_cdk.models import (
    AirbyteCatalog,
    AirbyteConnectionStatus,
    AirbyteErrorTraceMessage,
    AirbyteMessage,
    AirbyteRecordMessage,
    AirbyteStateMessage,
    ConfiguredAirbyteCatalog,
    Status,
    Type,
)
from airbyte_cdk.sources.declarative.concurrent_declarative_source import TestLimits
from airbyte_cdk.sources.streams.concurrent.abstract_stream import AbstractStream
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_invoices.catalog import (
    names_of,
    of_incremental_streams,
    only_named,
    refuse_a_bad_catalog,
    refuse_a_bad_state,
    unusable_state,
)
from source_invoices.cdk_internals import BoundSource
from source_invoices.check import check_streams
from source_invoices.components.http.throttling import RetryPolicy
from source_invoices.components.pages.whole_page import RecordPage
from source_invoices.config import validation_errors, with_defaults
from source_invoices.errors import FailureLog, config_error, summary
from source_invoices.manifest_file import load_manifest
from source_invoices.masking import mask_logs, mask_message, mask_status, masked_failures, secrets_of
from source_invoices.progress_log import ProgressLog
from source_invoices.secrets import Secrets
from source_invoices.settings import without_injected_keys
from source_invoices.stream_messages import add_window_state, is_first_failure, log_receipt
from source_invoices.sync_context import SyncContext

CHECK_LIMITS = TestLimits(1, 1, 1, 1)
"""Enough to see whether a stream can be read."""


class SourceInvoices(BoundSource):
    """The invoices of the configured providers.

    A configuration with a fault builds and sends nothing: `check` reports it, `discover` and `read` raise
    AirbyteTracedException with a sentence that names the key. A source that is built without a configuration takes what
    each command is given.
    """

    # The entrypoint's own validation names no key where a pattern or an alternative does not match.
    check_config_against_spec = False

    def __init__(
        self,
        catalog: ConfiguredAirbyteCatalog | None = None,
        config: Mapping[str, Any] | None = None,
        state: list[AirbyteStateMessage] | None = None,
        limits: TestLimits | None = None,
        *,
        manifest: Mapping[str, Any] | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        """catalog: only its streams are built. limits: reads no further, and asks as the manifest's `check` says.

        manifest and retry_policy replace those of the package.
        """
        self._given_manifest, self._retry_policy = manifest, retry_policy
        whole = dict(manifest or load_manifest())
        self._catalog_names = None if catalog is None else names_of(catalog)
        if self._catalog_names is not None:
            whole["streams"] = [only_named(self._catalog_names, group) for group in whole["streams"]]
        specification = whole["spec"]["connection_specification"]
        config = without_injected_keys(config)
        self._secrets = Secrets(secrets_of(config, specification))
        mask_logs()
        self._is_check = limits is not None
        self._is_configured = config is not None
        self._validation_errors = [] if config is None else validation_errors(config, specification)
        usable = with_defaults({} if config is None or self._validation_errors else config, specification)
        if limits:
            usable |= whole["check"]["config_overrides"]
        self._given_state = state or []
        self._state = of_incremental_streams(self._given_state, catalog)
        super().__init__(source_config=whole, catalog=catalog, config=usable, state=self._state, limits=limits)
        self.let_pages_through()
        self.hands_over_pages = False

    def new_context(self) -> SyncContext:
        return SyncContext(self._retry_policy, whole_pages=True)

    def configure(self, config: Mapping[str, Any], temp_dir: str) -> Mapping[str, Any]:
        """Returns the configuration without injected keys. The CDK would write it to a file, with its secrets."""
        return without_injected_keys(config)  # type: ignore[no-any-return]

    def check(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteConnectionStatus:
        """Sends one cheap request for each configured provider; for IPXO one for each scope, of which one must work."""
        if not self._is_configured:
            return self._another(config=config, limits=CHECK_LIMITS).check(logger, config)
        if self._validation_errors:
            return mask_status(AirbyteConnectionStatus(Status.FAILED, " ".join(self._validation_errors)))
        with masked_failures():
            source = self if self._is_check else self._another(config=self._config, limits=CHECK_LIMITS)
            names = self.resolved_manifest["check"]["stream_names"]
            streams = [stream for stream in source.streams(self._config) if stream.name in names]
            return mask_status(check_streams(streams, logger, source.context.retry_policy.whole_check))

    def streams(self, config: Mapping[str, Any]) -> list[AbstractStream]:
        """Returns the catalog's streams, else all of the configured providers, with the state that they go on from."""
        try:
            return super().streams(config)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            if not self._state:
                raise
            raise unusable_state(self._state, error) from None

    def discover(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteCatalog:
        if not self._is_configured or self._catalog_names is not None:
            return self._another(config=config).discover(logger, config)
        mask_logs()
        with masked_failures():
            self._refuse_a_bad_configuration()
            return super().discover(logger, config)

    def read(
        self,
        logger: logging.Logger,
        config: Mapping[str, Any],
        catalog: ConfiguredAirbyteCatalog,
        state: list[AirbyteStateMessage] | None = None,
    ) -> Iterator[AirbyteMessage]:
        """Yields a message for each record, and all other messages."""
        for message in self.read_pages(logger, config, catalog, state):
            if self.hands_over_pages or not isinstance(message, RecordPage):
                yield message  # type: ignore[misc]
                continue
            for row in message.rows:
                record = AirbyteRecordMessage(message.stream, dict(row), message.emitted_at)
                yield AirbyteMessage(type=Type.RECORD, record=record)

    def read_pages(
        self,
        logger: logging.Logger,
        config: Mapping[str, Any],
        catalog: ConfiguredAirbyteCatalog,
        state: list[AirbyteStateMessage] | None = None,
    ) -> Iterator[AirbyteMessage | RecordPage]:
        """Yields the records of a page at a time, and all other messages. None of these has a secret."""
        if not self._is_configured or self._catalog_names not in (None, names_of(catalog)):
            yield from self._another(catalog, config, state).read_pages(logger, config, catalog, state)
            return
        mask_logs()
        with masked_failures():
            for message in self._messages(catalog, super().read(logger, config, catalog, state)):
                if not isinstance(message, RecordPage):
                    mask_message(message)
                yield message

    def _messages(
        self, catalog: ConfiguredAirbyteCatalog, messages: Iterator[AirbyteMessage]
    ) -> Iterator[AirbyteMessage | RecordPage]:
        self._refuse_a_bad_configuration()
        refuse_a_bad_state(self._given_state)
        refuse_a_bad_catalog(names_of(catalog), self.resolved_manifest["schemas"], self._config)
        failures: dict[str, AirbyteErrorTraceMessage] = {}
        failure_log = FailureLog()
        self.logger.filters.insert(0, failure_log)  # it needs the exception, which masking may turn into text
        progress_log = ProgressLog(lambda: self.context, (self._retry_policy or RetryPolicy()).progress, self.logger)
        try:
            for message in messages:
                if isinstance(message, RecordPage):
                    yield message
                    self.context.backpressure.written(len(message.rows))
                    continue
                progress_log.note(message)
                if is_first_failure(message, failures):
                    add_window_state(message, self.context)
                    log_receipt(message, self.context, self.logger)
                    yield message
        except AirbyteTracedException as error:
            raise summary(failures) if failures else error from None
        finally:
            progress_log.stop()
            self.context.backpressure.give_up()
            self.logger.removeFilter(failure_log)

    def _another(self, *args: Any, **options: Any) -> "SourceInvoices":
        return type(self)(*args, **options, manifest=self._given_manifest, retry_policy=self._retry_policy)

    def _refuse_a_bad_configuration(self) -> None:
        if self._validation_errors:
            raise config_error(" ".join(self._validation_errors))
