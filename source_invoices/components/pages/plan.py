"""The plan of a slice: what is asked for next, and which rows count.

A router puts a plan into each slice that it yields, the retriever follows it, and prefetching looks at the positions.
Plans are free of the CDK and of HTTP, so that a model of a moving list can be read with them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeAlias

from airbyte_cdk.sources.types import StreamSlice

from source_invoices.components.pages.page import Page, Row

_PLAN = "plan"


class Purpose(Enum):
    """Why a page is asked for.

    READ: for its rows, in their order. COUNT: to count the list. CHECK: to see whether rows have moved. FRONT: for rows
    that came to the front of the list while it was read.
    """

    READ = "read"
    COUNT = "count"
    CHECK = "check"
    FRONT = "front"


@dataclass(frozen=True)
class PageNumber:
    """The position of a page in a list.

    last: the number of the last page, as far as the pages before have shown; 0 where they have not.
    is_counted_at_end: the list states no total, so that its last page shows how many rows there are.
    direction: the order to ask for, where it is not the stream's usual one. size: the page size to ask for, likewise.
    """

    number: int = 1
    purpose: Purpose = Purpose.READ
    last: int = 0
    is_counted_at_end: bool = False
    direction: str | None = None
    size: int | None = None

    def at(self, number: int, purpose: Purpose = Purpose.READ) -> "PageNumber":
        """Returns the position of another page of the same list."""
        return PageNumber(number, purpose, self.last, self.is_counted_at_end, self.direction, self.size)


@dataclass(frozen=True)
class InvoiceKey:
    """The position of one invoice, asked for by its primary key. later: the keys that are asked for after it."""

    key: str
    later: Sequence[str] = ()


@dataclass(frozen=True)
class Figures:
    """What a plan has read of its list.

    distinct: invoices that were met. counted: by the provider; None where it does not say. since: down to which time a
    list was read that was not read to its end.
    """

    readings: int
    distinct: int
    counted: int | None
    is_whole: bool
    since: str = ""


Position: TypeAlias = PageNumber | InvoiceKey


class Plan(Protocol):
    """How one slice is read."""

    @property
    def first_position(self) -> Position | None:
        """What is asked for first; None where there is nothing to ask for."""

    def accept(self, rows: Sequence[Row], position: Position) -> Sequence[Row]:
        """Returns the rows of a page that are to be emitted."""

    def next_position(self, page: Page, position: Position) -> Position | None:
        """Returns what is asked for after a page, or None at the end.

        Raises ValueError with a sentence where pages contradict each other or the list never comes to rest.
        """

    def expected_rows(self, page: Page) -> int | None:
        """Returns how many rows the slice will emit, as far as this page shows; None if it does not."""

    def figures(self) -> Figures | None:
        """Returns what was read so far; None for a plan that reads no list."""


def with_plan(
    plan: Plan, partition: Mapping[str, Any] | None = None, cursor_slice: Mapping[str, Any] | None = None, **fields: str
) -> StreamSlice:
    """Returns a slice that carries a plan. fields: more of its extra fields, which templates may mention."""
    return StreamSlice(partition=partition or {}, cursor_slice=cursor_slice or {}, extra_fields={_PLAN: plan, **fields})


def plan_of(stream_slice: StreamSlice) -> Plan | None:
    """Returns the plan that a slice carries; None for a slice of the CDK's own."""
    plan: Plan | None = stream_slice.extra_fields.get(_PLAN)
    return plan


def read_keys(keys: Sequence[str]) -> InvoiceKey | None:
    """Returns the position of the first of these keys; None if there is none."""
    return InvoiceKey(keys[0], tuple(keys[1:])) if keys else None
