"""The pictures: bars by month, by age, and of the last sync, each as SVG that needs no script and no network."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert

INK, GRID = "#424a53", "#e4e8ec"
COMPLETE, FAILED = "#2f6690", "#b3261e"
HEIGHT, WIDTH = 130, 250
LABELS = 10
"""The size of the letters."""
FAR = 10
"""How often the usual bar a bar must be to go beyond the axis, ..."""
NEAR = 5
"""... which then ends at the highest of those that are no more than so often the usual one."""
AMOUNT_LABEL = "abs(datum.value) < 1 ? format(datum.value, '~g') : replace(format(datum.value, '.3~s'), 'G', ' bn')"
BAR = re.compile(r'(<path aria-label="([^"]*)" role="graphics-symbol" aria-roledescription="bar"[^>]*)/>')


@dataclass(frozen=True)
class Bar:
    """A part of a bar. Parts of one place stand on each other, the one with the lowest rank at the bottom; `words` say
    what it shows."""

    place: str
    value: float
    colour: str
    rank: int
    words: str


@dataclass(frozen=True)
class Axis:
    """The places of a chart from left to right, each with its label, which may be empty or have two lines."""

    title: str
    labels: dict[str, list[str]]


@dataclass(frozen=True)
class Span:
    """A stream in the picture of the sync; seconds are counted from the start of the first one."""

    words: str
    start: float | None
    end: float | None
    failed: bool


def bar_chart(bars: Sequence[Bar], axis: Axis, unit: str, whole: bool, cut: bool = False) -> str:
    """Bars over places. `whole`: they count something. `cut`: a few towering bars may go beyond the axis, where they
    would flatten all others."""
    totals = {place: sum(bar.value for bar in bars if bar.place == place and bar.value > 0) for place in axis.labels}
    below = [sum(bar.value for bar in bars if bar.place == place and bar.value < 0) for place in axis.labels]
    limit = axis_limit(list(totals.values())) if cut else None
    scale = alt.Scale() if limit is None else alt.Scale(domain=[min(below), limit], nice=False)
    x = alt.X(
        "place:N",
        title=axis.title,
        scale=alt.Scale(domain=list(axis.labels)),
        axis=alt.Axis(labelAngle=0, labelExpr=f"{json.dumps(axis.labels)}[datum.value]", ticks=False),
    )
    ticks: dict[str, Any] = (
        {"format": ",d", "tickCount": min(4, int(max(totals.values())))}
        if whole
        else {"labelExpr": AMOUNT_LABEL, "tickCount": 4}
    )
    chart = (
        alt.Chart(alt.InlineData([vars(bar) for bar in bars]))
        .mark_bar(stroke="white", strokeWidth=0.5, clip=limit is not None)
        .encode(
            x=x,
            y=alt.Y("value:Q", title=unit, scale=scale, axis=alt.Axis(titleLimit=HEIGHT, **ticks)),
            color=alt.Color("colour:N", scale=None),
            order=alt.Order("rank:O"),
            description="words:N",
        )
    )
    if limit is None:
        return drawn(chart)
    towering = [{"place": place} for place, total in totals.items() if total > limit]
    marks = (
        alt.Chart(alt.InlineData(towering))
        .mark_text(text="\N{BLACK UP-POINTING TRIANGLE}", dy=-6, fontSize=LABELS, color=INK, aria=False)
        .encode(x=x, y=alt.datum(limit))
    )
    return drawn(chart + marks)


def axis_limit(totals: Sequence[float]) -> float | None:
    """Where the axis ends if some bars tower over the usual one; else None."""
    usual = statistics.median_low([total for total in totals if total > 0] or [0])
    if max(totals, default=0) <= FAR * usual:
        return None
    return max(total for total in totals if total <= NEAR * usual)


def sync_chart(spans: Sequence[Span]) -> str:
    """The streams of a sync, one below the other, with a bar from the start to the end of each."""
    rows: list[dict[str, Any]] = [
        {**vars(span), "row": number, "colour": FAILED if span.failed else COMPLETE}
        for number, span in enumerate(spans)
    ]
    y = alt.Y("row:O", axis=None)
    bars = (
        alt.Chart(alt.InlineData([row for row in rows if None not in (row["start"], row["end"])]))
        .mark_bar(height=8, yOffset=8)
        .encode(
            x=alt.X("start:Q", title="seconds since the sync began", axis=alt.Axis(tickCount=6)),
            x2="end",
            y=y,
            color=alt.Color("colour:N", scale=None),
            description="words:N",
        )
    )
    words = (
        alt.Chart(alt.InlineData(rows))
        .mark_text(align="left", dy=-5, fontSize=LABELS + 1, color=INK, aria=False)
        .encode(x=alt.datum(0), y=y, text="words:N")
    )
    return drawn(bars + words, height=30 * len(spans), width=330)


def drawn(chart: alt.Chart | alt.LayerChart, height: int = HEIGHT, width: int = WIDTH) -> str:
    """The picture. Each bar has what it says as its title, which browsers show where the mouse rests."""
    shaped = (
        chart.properties(width=width, height=height, background="transparent")
        .configure(font="system-ui, sans-serif")
        .configure_axis(
            labelColor=INK, titleColor=INK, titleFontWeight="normal", gridColor=GRID, domainColor=GRID, tickColor=GRID,
            labelFontSize=LABELS, titleFontSize=LABELS + 1, labelLimit=0,
        )
        .configure_axisX(grid=False)
        .configure_view(stroke=None)
    )  # fmt: skip
    svg = str(vl_convert.vegalite_to_svg(shaped.to_dict(), allowed_base_urls=[]))
    return BAR.sub(r"\1><title>\2</title></path>", svg)
