"""The tables and lines at the end of a sync."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from rich.console import Console
from rich.table import Table

from demo.books import CHANGED, Line
from demo.pictures import money
from demo.words import shown

NONE = "-"
Total = tuple[str, str | None, int, Decimal | None]
"""A stream, a currency, how many invoices, and their sum."""


def news_line(counts: Mapping[str, Mapping[str, int]]) -> str:
    """What is new, in one line."""
    new, changed, deleted = (
        sum(found.get(kind, 0) for found in counts.values()) for kind in ("new", "changed", "deleted")
    )
    if not new and not changed and not deleted:
        return "Since the last run: nothing new."
    gone = f", {deleted:,} deleted" if deleted else ""
    return f"Since the last run: {new:,} new invoice{'' if new == 1 else 's'}, {changed:,} changed{gone}."


def book_table(headline: Mapping[str, Sequence[Line]], first: bool) -> Table:
    """The table of the books. On the first run nothing can have changed."""
    table = Table("The books", "", "Currency", title_justify="left")
    for heading in ("Invoices", "Amount"):
        table.add_column(heading, justify="right")
    for question, lines in headline.items():
        if question == CHANGED and first:
            continue
        table.add_section()
        for line in lines:
            name = question if line is lines[0] else ""
            table.add_row(name, line.side, currency(line), f"{line.invoices:,}", amount(line, question == CHANGED))
        if not lines:
            table.add_row(question, "", "", "0", NONE)
    return table


def currency(line: Line) -> str:
    """The currency of a line."""
    return shown(line.currency) or "unknown"


def amount(line: Line, is_change: bool) -> str:
    """The amount of a line, of a change with its sign."""
    if line.amount is None:
        return NONE
    return f"{'+' if is_change and line.amount > 0 else ''}{money(line.amount)}"


def print_summary(
    console: Console,
    streams: Sequence[str],
    counts: Mapping[str, Mapping[str, int]],
    totals: Sequence[Total],
    failed: Sequence[str],
    first: bool,
) -> None:
    """Prints the tables of the streams, and after the first run what is new."""
    table = Table("Stream", title="Invoices", title_justify="left")
    for heading in ("Rows", "New", "Changed", "Open", "Settled"):
        table.add_column(heading, justify="right")
    for name in streams:
        found = counts.get(name, {})
        # Without a status nobody knows what is open.
        kinds = ("rows", "new", "changed", *(("open", "settled") if found.get("with status") else ()))
        numbers = [found.get(kind, 0) for kind in kinds]
        title = f"{name} (failed)" if name in failed else name
        table.add_row(title, *(f"{number:,}" for number in numbers), *[NONE] * (5 - len(numbers)))
    console.print(table)
    console.print(total_table(totals))
    if not first:
        console.print(news_line(counts))


def total_table(totals: Sequence[Total]) -> Table:
    """The table of the amounts."""
    table = Table("Stream", "Currency", title="Totals", title_justify="left")
    for heading in ("Rows", "Total"):
        table.add_column(heading, justify="right")
    earlier = None
    for stream, code, invoices, total in totals:
        name = "" if stream == earlier else stream
        table.add_row(name, shown(code) or NONE, f"{invoices:,}", NONE if total is None else f"{total:,.2f}")
        earlier = stream
    return table
