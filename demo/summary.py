"""The tables and lines at the end of a sync."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from demo.database import StreamSummary, Total

NONE = "-"


def news_line(summaries: Sequence[StreamSummary]) -> str:
    """What is new, in one line."""
    new = sum(summary.new for summary in summaries)
    changed = sum(summary.changed for summary in summaries)
    if not new and not changed:
        return "Since the last run: nothing new."
    return f"Since the last run: {new:,} new invoice{'' if new == 1 else 's'}, {changed:,} changed."


def print_summary(
    console: Console, summaries: Sequence[StreamSummary], totals: Sequence[Total], failed: Sequence[str], first: bool
) -> None:
    """Prints the tables, and after the first run what is new."""
    console.print(stream_table(summaries, failed))
    console.print(total_table(totals))
    if not first:
        console.print(news_line(summaries), highlight=False)


def stream_table(summaries: Sequence[StreamSummary], failed: Sequence[str]) -> Table:
    """The table of the streams."""
    table = Table("Stream", title="Invoices", title_justify="left")
    for heading in ("Rows", "New", "Changed", "Open", "Settled"):
        table.add_column(heading, justify="right")
    for summary in summaries:
        name = f"{summary.name} (failed)" if summary.name in failed else summary.name
        numbers = (summary.rows, summary.new, summary.changed, summary.opened, summary.settled)
        table.add_row(name, *(NONE if number is None else f"{number:,}" for number in numbers))
    return table


def total_table(totals: Sequence[Total]) -> Table:
    """The table of the amounts."""
    table = Table("Stream", "Currency", title="Totals", title_justify="left")
    for heading in ("Rows", "Total"):
        table.add_column(heading, justify="right")
    earlier = None
    for total in totals:
        amount = NONE if total.amount is None else f"{total.amount:,.2f}"
        name = "" if total.stream == earlier else total.stream
        table.add_row(name, total.currency or NONE, f"{total.rows:,}", amount)
        earlier = total.stream
    return table
