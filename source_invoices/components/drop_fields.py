"""Fields that are no data of the invoice.

Here because the stock RemoveFields searches every record with dpath: half of all CPU of a stream.
"""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airbyte_cdk.sources.declarative.transformations import RecordTransformation
from airbyte_cdk.sources.types import Config, StreamSlice, StreamState


@dataclass
class DropFields(RecordTransformation):
    """Takes fields out of a record; one that is not there is no error. fields: their names."""

    fields: Sequence[str] = field(default_factory=list)

    def transform(
        self,
        record: MutableMapping[str, Any],
        config: Config | None = None,
        stream_state: StreamState | None = None,
        stream_slice: StreamSlice | None = None,
    ) -> None:
        for name in self.fields:
            record.pop(name, None)
