"""What the page's pictures show: which bars there are, in which colours, and what each says in words."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import cycle, pairwise

from markupsafe import Markup

from demo.charts import Axis, Bar, bar_chart
from demo.invoices import AGES, Group, StreamInvoices

MONTHS = 25
"""How many months the pictures show: the one of the sync, and two years before it."""
SETTLED_COLOURS = ("#2f6690", "#1b8a8f", "#5b5f97", "#3a7d44", "#7a8ba0")
GREY = "#6b7280"
OPEN_COLOURS = ("#d9480f", "#7a1f3d", "#d97706", "#c2185b", "#6f5a17", "#a0522d")
AGE_NAMES = (
    f"{AGES[0]} days or less",
    *(f"{younger + 1} to {older} days" for younger, older in pairwise(AGES)),
    f"over {AGES[-1]} days",
)
NO_DATE = "no date"


@dataclass(frozen=True)
class Picture:
    """A picture as SVG; None where it would be empty."""

    title: str
    svg: Markup | None


@dataclass(frozen=True)
class Look:
    """How a status looks, and its place in a bar: what is settled is at the bottom."""

    colour: str
    rank: int


class Looks:
    """The look of each status of a stream: cold colours for what is settled, warm ones for what is open, grey where
    there is no status."""

    def __init__(self, stream: StreamInvoices) -> None:
        counts: Counter[tuple[bool, str | None]] = Counter()
        for group in stream.months:
            counts[group.is_open, group.status] += group.invoices
        frequent_first = sorted(counts, key=lambda kind: (kind[0], -counts[kind], kind[1] or ""))
        colours = {False: cycle(SETTLED_COLOURS if stream.has_status else (GREY,)), True: cycle(OPEN_COLOURS)}
        self._looks = {kind: Look(next(colours[kind[0]]), rank) for rank, kind in enumerate(frequent_first)}

    def of(self, group: Group) -> Look:
        """The look of this group's status."""
        return self._looks[group.is_open, group.status]


def month_pictures(stream: StreamInvoices, last: int, looks: Looks) -> list[Picture]:
    """The number of invoices by month, and their amount in each currency, up to the last month."""
    months = range(last - MONTHS + 1, last + 1)
    axis = Axis("month of issue", {month_name(month): month_label(month) for month in months})
    recent = [group for group in stream.months if group.place in months]
    pictures = [Picture("Invoices by month", chart(count_bars(stream, recent, looks), axis, "invoices", whole=True))]
    for currency in currencies(stream.months):
        bars = amount_bars(stream, recent, currency, month_name, looks)
        pictures.append(Picture(f"Amount by month, {unit(currency)}", chart(bars, axis, unit(currency), cut=True)))
    return pictures


def age_pictures(stream: StreamInvoices, looks: Looks) -> list[Picture]:
    """The open amount by age, in each currency."""
    labels = {
        AGE_NAMES[0]: ["up to", str(AGES[0])],
        **{
            name: [f"{younger + 1}\N{EN DASH}", str(older)]
            for name, (younger, older) in zip(AGE_NAMES[1:-1], pairwise(AGES), strict=True)
        },
        AGE_NAMES[-1]: ["over", str(AGES[-1])],
    }
    if any(group.place is None for group in stream.ages):
        labels[NO_DATE] = NO_DATE.split()
    axis = Axis("days since issue", labels)
    pictures = []
    for currency in currencies(stream.ages):
        bars = amount_bars(stream, stream.ages, currency, age_name, looks)
        pictures.append(Picture(f"Open amount by age, {unit(currency)}", chart(bars, axis, unit(currency))))
    return pictures


def count_bars(stream: StreamInvoices, groups: Iterable[Group], looks: Looks) -> list[Bar]:
    """Bars that count the invoices of these months, whatever their currency."""
    counts: dict[Group, int] = {}
    for group in groups:
        kind = replace(group, currency=None, invoices=0, amount=None)
        counts[kind] = counts.get(kind, 0) + group.invoices
    return [
        bar(stream, kind, month_name(kind.place), looks, invoices, invoice_count(invoices))
        for kind, invoices in counts.items()
    ]


def amount_bars(
    stream: StreamInvoices,
    groups: Iterable[Group],
    currency: str | None,
    place_name: Callable[[int | None], str],
    looks: Looks,
) -> list[Bar]:
    """Bars of the amounts in one currency."""
    return [
        bar(stream, group, place_name(group.place), looks, float(group.amount), priced(group.amount, currency))
        for group in groups
        if group.currency == currency and group.amount is not None
    ]


def bar(stream: StreamInvoices, group: Group, place: str, looks: Looks, value: float, shown: str) -> Bar:
    """The bar of a group."""
    status = f", {status_name(group)}" if stream.has_status else ""
    look = looks.of(group)
    return Bar(place, value, look.colour, look.rank, f"{place}{status}: {shown}")


def chart(bars: list[Bar], axis: Axis, unit: str, whole: bool = False, cut: bool = False) -> Markup | None:
    """The picture of these bars. It is no text of others: the library has escaped what the bars say."""
    return Markup(bar_chart(bars, axis, unit, whole, cut)) if bars else None  # noqa: S704


def currencies(groups: Iterable[Group]) -> list[str | None]:
    """The currencies of these groups, in the order of the alphabet; None at the end."""
    return sorted({group.currency for group in groups}, key=lambda currency: (currency is None, currency or ""))


def month_number(time: datetime) -> int:
    """The month of a time, counted from the year 0."""
    return time.year * 12 + time.month - 1


def month_name(month: int | None) -> str:
    """A month in words."""
    return NO_DATE if month is None else f"{calendar.month_name[month % 12 + 1]} {month // 12}"


def month_label(month: int) -> list[str]:
    """What stands below a month in a picture: every third one is named, and of each year the first month."""
    if month % 3:
        return [""]
    return [calendar.month_abbr[month % 12 + 1], *([] if month % 12 else [str(month // 12)])]


def age_name(age: int | None) -> str:
    """An age in words."""
    return NO_DATE if age is None else AGE_NAMES[age]


def status_name(group: Group) -> str:
    """A status in words."""
    return group.status or "no status"


def unit(currency: str | None) -> str:
    """A currency in words."""
    return currency or "no currency"


def money(amount: Decimal | None) -> str:
    """An amount in words: to the cent, and below one with every digit, as of a currency whose unit is worth much."""
    if amount is None:
        return "none"
    cents = f"{amount:,.2f}"
    digits = f"{amount:f}".rstrip("0")
    return digits if abs(amount) < 1 and len(digits) > len(cents) else cents


def priced(amount: Decimal, currency: str | None) -> str:
    """An amount with its currency in words."""
    return f"{money(amount)} {currency}" if currency else f"{money(amount)}, {unit(currency)}"


def invoice_count(invoices: int) -> str:
    """A number of invoices in words."""
    return f"{invoices:,} invoice{'' if invoices == 1 else 's'}"
