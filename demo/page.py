"""The page: the books and the pictures, made from the database alone, in one file that loads nothing."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from demo import pictures
from demo.accounts import SANDBOX, Run
from demo.books import BUCKETS, CHANGED, SIDES, Aged, open_books
from demo.charts import Span, sync_chart
from demo.database import Database, StreamSync
from demo.invoices import Group, StreamInvoices, read_invoices
from demo.pictures import Looks, Picture
from demo.words import shown

TEMPLATE = Path(__file__).with_name("page.html")
STYLE = Path(__file__).with_name("page.css")
SCRIPT = Path(__file__).with_name("page.js")
MOST = 500
"""How many rows a list on the page has; the CSV files have all."""


@dataclass(frozen=True)
class Section:
    """A stream on the page."""

    stream: StreamInvoices
    sync: StreamSync | None
    """Its last sync; None if the last run did not read it."""
    legend: list[tuple[str, Group]]
    """The colour of each status."""
    months: list[Picture]
    left_out: list[str]
    """Which invoices are in the table only."""
    ages: list[Picture]


def write_page(database: Database, run: Run, path: Path) -> None:
    """Writes the page as of this run. What stood there stays until the new page is complete."""
    complete = path.with_name(f"{path.name}.new")
    complete.touch(mode=0o600)
    complete.chmod(0o600)
    complete.write_text(page(database, run, datetime.now(timezone.utc)), "utf-8")
    complete.replace(path)


def page(database: Database, run: Run, made: datetime) -> str:
    """The page as HTML."""
    syncs = database.stream_syncs(run)
    streams = read_invoices(database)
    with open_books(database) as books:
        answers = {
            "headline": books.headline(),
            "open_invoices": books.open_invoices(),
            "changes": books.changes(),
            "ageing": by_age(books.ageing()),
            "counterparties": books.counterparties(),
        }
    script = SCRIPT.read_text("utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "invoices": pictures.invoice_count,
        "money": pictures.money,
        "seconds": seconds_in_words,
        "shown": shown,
        "status": pictures.status_name,
        "time": time_in_words,
        "unit": pictures.unit,
    }
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(
        **answers,
        age_name=pictures.age_name,
        buckets=BUCKETS,
        accounts=None if run.accounts == SANDBOX else Path(run.accounts).name,
        changed=CHANGED,
        database=database.path.name,
        failures=[sync for sync in syncs if sync.failure],
        first=len(database.runs()) < 2,
        held={stream.name: stream.rows for stream in streams},
        made=made,
        month_name=pictures.month_name,
        most=MOST,
        run=run,
        # Both are this project's own, and no text of others is among them.
        script=Markup(script),  # noqa: S704
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        sections=[section(stream, syncs, pictures.month_number(run.started)) for stream in streams],
        sides=SIDES,
        style=Markup(STYLE.read_text("utf-8")),  # noqa: S704
        sync_picture=Markup(sync_chart(spans(syncs))) if syncs else None,  # noqa: S704  # Escaped by the library.
        syncs=syncs,
    )


def by_age(ageing: Sequence[Aged]) -> dict[tuple[str, str | None], dict[str, Decimal | None]]:
    """For each direction and currency, what is open of each age."""
    table: dict[tuple[str, str | None], dict[str, Decimal | None]] = {}
    for aged in ageing:
        table.setdefault((aged.direction, aged.currency), {})[aged.bucket] = aged.open
    return table


def section(stream: StreamInvoices, syncs: list[StreamSync], last: int) -> Section:
    """What the page says of a stream."""
    looks = Looks(stream)
    kinds = {(group.is_open, group.status): group for group in stream.months}.values()
    return Section(
        stream,
        next((sync for sync in syncs if sync.name == stream.name), None),
        [(looks.of(group).colour, group) for group in sorted(kinds, key=lambda group: looks.of(group).rank)],
        pictures.month_pictures(stream, last, looks),
        left_out(stream, last),
        pictures.age_pictures(stream, looks),
    )


def left_out(stream: StreamInvoices, last: int) -> list[str]:
    """How many invoices the pictures by month leave out, and why."""
    first = last - pictures.MONTHS + 1
    counts: Counter[str] = Counter()
    for group in stream.months:
        if group.place is None:
            counts["without a date"] += group.invoices
        elif group.place < first:
            counts[f"from before {pictures.month_name(first)}"] += group.invoices
        elif group.place > last:
            counts[f"from after {pictures.month_name(last)}"] += group.invoices
    return [f"{pictures.invoice_count(invoices)} {reason}" for reason, invoices in counts.items()]


def spans(syncs: list[StreamSync]) -> list[Span]:
    """The streams in the picture of the sync."""
    start = min((sync.began for sync in syncs if sync.began is not None), default=None)

    def since(time: datetime | None) -> float | None:
        return None if time is None or start is None else (time - start).total_seconds()

    return [
        Span(
            f"{shown(sync.name)}: {sync.rows:,} row{'' if sync.rows == 1 else 's'}, {seconds_in_words(sync.seconds)}"
            + (", failed" if sync.failure else ""),
            since(sync.began),
            since(sync.ended),
            bool(sync.failure),
        )
        for sync in syncs
    ]


def seconds_in_words(seconds: float | None) -> str:
    """A duration in words."""
    if seconds is None:
        return "duration not known"
    return f"{seconds:,.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))


def time_in_words(time: datetime) -> str:
    """A time in words."""
    return f"{time.day} {time:%B %Y, %H:%M} UTC"
