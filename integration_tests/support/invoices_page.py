"""What the page must show, counted without the code of the demo, and texts that could break the page."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb

Row = dict[str, Any]

SCRIPT = "</script></svg><script>document.title = 'broken'</script>"
QUOTES = """paid" onload="document.title='broken'" x='"""
EMOJI = "💶 <b>bold</b> &amp; {{ 7 * 7 }}"
INVISIBLE = "un\u202epaid\x07"
MARKUP = "[red]x[/red] [/] :warning: </title><a href=javascript:alert(1)>"
TURNED = "\u200fshalom\u202e\u2066 \u061cx\ufeff\x1b[31m"
TURNED_SHOWN = "?shalom?? ?x??[31m".replace("?", "\N{REPLACEMENT CHARACTER}")
INVISIBLE_SHOWN = "un\N{REPLACEMENT CHARACTER}paid\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class Kept:
    """Where a row has its values."""

    issued: Callable[[Row], datetime | None]
    amount: Callable[[Row], Decimal]
    left: Callable[[Row], Decimal]
    currency: Callable[[Row], str | None]
    settled: set[str]
    status: str = "status"

    def is_open(self, row: Row) -> bool:
        """Whether the invoice is neither settled nor a draft."""
        return row[self.status] not in self.settled | {"draft"}


def unix_time(row: Row) -> datetime:
    return datetime(1970, 1, 1) + timedelta(seconds=row["date"])


def no_currency(row: Row) -> None:
    return None


KEPT = {
    "ipxo_payout_invoices": Kept(unix_time, lambda row: row["total"], lambda row: row["total"], no_currency, {"paid"}),
    "ipxo_invoices": Kept(
        unix_time,
        lambda row: row["total"],
        lambda row: row["total_left_to_pay"],
        no_currency,
        {"paid", "cancelled", "refunded"},
    ),
    "ipxo_ecommerce_invoices": Kept(
        lambda row: row["placed_at"],
        lambda row: Decimal(json.loads(row["total"])["amount_minor"]) / 100,
        lambda row: Decimal(json.loads(row["total"])["amount_minor"]) / 100,
        lambda row: json.loads(row["total"])["currency"],
        {"paid", "refunded", "written_off"},
    ),
    "nexudus_payout_invoices": Kept(
        lambda row: row["createdon"],
        lambda row: row["amount"],
        lambda row: row["amount"],
        lambda row: row["invoicecurrencycode"],
        set(),
    ),
    "payhubix_invoices": Kept(
        lambda row: row["created_at"],
        lambda row: row["currency_amount"],
        lambda row: row["remaining_currency_amount"],
        lambda row: row["currency_symbol"],
        {"Paid", "Canceled", "PartiallyExpired", "Expired"},
    ),
}
AGES = {
    30: "30 days or less",
    60: "31 to 60 days",
    90: "61 to 90 days",
    180: "91 to 180 days",
    365: "181 to 365 days",
    10**9: "over 365 days",
}


def expected_bars(database: Path, schema: str, stream: str) -> dict[str, list[str]]:
    """The labels of the bars in a stream's pictures, by the titles of the pictures."""
    kept = KEPT[stream]
    found: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    with duckdb.connect(str(database), read_only=True) as connection:
        (started,) = connection.execute(f"SELECT max(started) FROM {schema}._demo_runs").fetchone() or (None,)
        result = connection.execute(f"SELECT * FROM {schema}.{stream}")
        names = [column[0] for column in result.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    for row in rows:
        issued, currency = kept.issued(row), shown(kept.currency(row))
        status = f", {shown(row[kept.status])}" if kept.status in row else ""
        unit = currency or "no currency"
        if issued:
            month = f"{issued:%B %Y}{status}"
            found["Invoices by month", "", month] += 1
            found[f"Amount by month, {unit}", unit, month] += kept.amount(row)
        if status and kept.is_open(row):
            age = (started.date() - issued.date()).days if issued else None
            name = "no date" if age is None else next(name for most, name in AGES.items() if age <= most)
            found[f"Open amount by age, {unit}", unit, f"{name}{status}"] += kept.left(row)
    bars = defaultdict(list)
    for (title, unit, place), value in found.items():
        money = f"{value:,.2f}, {unit}" if unit == "no currency" else f"{value:,.2f} {unit}"
        number = money if unit else f"{value:,} invoice{'' if value == 1 else 's'}"
        bars[title].append(f"{place}: {number}")
    return {title: sorted(words) for title, words in bars.items()}


def shown(text: str | None) -> str | None:
    return INVISIBLE_SHOWN if text == INVISIBLE else text


class Element:
    """An element of a page."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.parts: list[Element | str] = []

    def __iter__(self) -> Iterator["Element"]:
        """The element and all elements inside it."""
        yield self
        for part in self.parts:
            if isinstance(part, Element):
                yield from part

    @property
    def text(self) -> str:
        """Its text, with the text of all elements inside it."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    def all(self, tag: str, **attributes: str) -> list["Element"]:
        """The elements of this kind inside it."""
        return [element for element in self if element.tag == tag and attributes.items() <= element.attributes.items()]

    def line(self) -> str:
        """Its text in one line, as a browser shows it."""
        return " ".join(self.text.split())


class Page(HTMLParser):
    """A page as a browser reads it."""

    EMPTY = ("meta", "link", "img", "br", "hr", "input")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root = Element("", {})
        self._open = [self.root]
        self.feed(html)
        self.close()
        assert self._open == [self.root], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        element = self._open[-1].parts[-1]
        if tag not in self.EMPTY and isinstance(element, Element):
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].parts.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self._open[-1].parts.append(data)

    def bars(self, stream: str) -> dict[str, list[str]]:
        """The labels of the bars in a stream's pictures, by the titles of the pictures."""
        (article,) = self.root.all("article", id=stream)
        return {
            figure.all("figcaption")[0].text: sorted(
                bar.attributes["aria-label"] for bar in figure.all("path", **{"aria-roledescription": "bar"})
            )
            for figure in article.all("figure")
        }

    def table(self, stream: str, number: int) -> list[list[str]]:
        """The rows of one of a stream's tables."""
        (article,) = self.root.all("article", id=stream)
        body = article.all("tbody")[number]
        return [[cell.text for cell in row.all("td")] for row in body.all("tr")]
