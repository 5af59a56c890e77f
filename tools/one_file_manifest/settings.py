"""The settings, for where only the manifest and its components run.

The CDK's own source puts no defaults into settings and checks them only by a schema. Its `check` reads the same streams
whichever provider is configured. In the package, SourceInvoices does this work; here these classes do.
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
    """Adds the defaults, or notes what is wrong, and names the streams that `check` reads.

    It refuses nothing, because `spec` has no settings.

    Parameters: the `specification` of the settings; `checked`, the streams to choose from by provider.
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
    """Refuses settings in which Settings found something wrong, with its messages."""

    def validate(self, value: Any) -> None:
        if value:
            raise AirbyteTracedException(message=value, failure_type=FailureType.config_error)
