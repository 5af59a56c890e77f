"""A limit on what a stream's cursor observes.

This module is here because a row that is dated ahead would take the state along, and the next sync would miss what is
updated until then.
"""

from airbyte_cdk.sources.streams.concurrent.cursor import Cursor
from airbyte_cdk.sources.types import Record


def observe_until(latest: str, cursor: Cursor, field: str) -> None:
    """Makes a cursor observe no record whose cursor field is later than this time, in RFC 3339 (see times.py).

    It replaces the cursor's method `observe`, since the CDK builds its cursors itself (airbyte-cdk 7.39.1).
    """
    observe = cursor.observe

    def observe_if_not_later(record: Record) -> None:
        if (record.data.get(field) or "") <= latest:
            observe(record)

    cursor.observe = observe_if_not_later  # type: ignore[method-assign]
