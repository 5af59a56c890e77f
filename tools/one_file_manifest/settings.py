"""The settings, where nothing but the manifest and its components runs.

Here because the CDK's own source puts no defaults into settings, checks them by a schema alone, and for `check` asks
the same streams whichever provider is configured. In the package SourceInvoices sees to that.
"""

from collections.abc import Mapping, MutableMapping
from dataclasses import InitVar, dataclass
from typing import Any

from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative.transformations.config_transformations.config_transformation import (
    ConfigTransformation,
)
from airbyte_cdk.sources.declarative.validators import ValidationStrategy
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_invoices.config import validation_errors, with_defaults

# Read by NoFaults, and by the CDK's CheckStream.
_FAULTS = "__faults"
_CHECKED = "__airbyte_check_stream_names"


@dataclass
class Settings(ConfigTransformation):
    """Puts in the defaults, or notes what is wrong; and names the streams that `check` asks.

    Nothing is refused here: for `spec` there are no settings yet.

    Parameters: `specification` of the settings; `checked`, of which the streams of the configured providers are asked.
    """

    parameters: InitVar[Mapping[str, Any]]

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self._specification = parameters["specification"]
        self._checked = parameters["checked"]

    def transform(self, config: MutableMapping[str, Any]) -> None:
        faults = validation_errors(config, self._specification)
        usable = config if faults else with_defaults(config, self._specification)
        added = {
            _FAULTS: " ".join(faults),
            _CHECKED: [name for name in self._checked if usable.get(name.partition("_")[0])],
        }
        settings = {**usable, **added}
        config.clear()
        config.update(settings)


class NoFaults(ValidationStrategy):
    """Refuses settings in which Settings has found something wrong, with its sentences."""

    def validate(self, value: Any) -> None:
        if value:
            raise AirbyteTracedException(message=value, failure_type=FailureType.config_error)
