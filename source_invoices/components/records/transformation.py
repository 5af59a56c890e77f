"""Transformations that take a whole page.

This module is here because the CDK calls a transformation once for each record. A call for each page costs a tenth.
"""

from abc import abstractmethod
from collections.abc import MutableMapping, Sequence
from typing import Any

from airbyte_cdk.sources.declarative.transformations import RecordTransformation
from airbyte_cdk.sources.types import Config, StreamSlice, StreamState


class PageTransformation(RecordTransformation):
    """A transformation of all rows of a page, in place."""

    @abstractmethod
    def transform_rows(self, rows: Sequence[MutableMapping[str, Any]]) -> None:
        """Changes the rows of a page. Raises AirbyteTracedException if one of them cannot be used."""

    def transform(
        self,
        record: MutableMapping[str, Any],
        config: Config | None = None,
        stream_state: StreamState | None = None,
        stream_slice: StreamSlice | None = None,
    ) -> None:
        """The CDK's own signature: one record."""
        self.transform_rows([record])
