"""The page with the pictures, parsed as HTML. `make picture-test` tests it in a browser."""

import importlib.util
import re
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

if sys.version_info >= (3, 13):
    pytest.skip("PyAirbyte, the demo's engine, supports Python 3.10 to 3.12", allow_module_level=True)
if importlib.util.find_spec("airbyte") is None:
    pytest.skip("the demo's engine is not installed: pip install -e '.[demo]'", allow_module_level=True)

import duckdb

from demo import page, pictures
from demo.accounts import SANDBOX, Run
from demo.charts import axis_limit
from demo.command_line import draw
from demo.database import Database, StreamSync
from demo.streams import COLUMNS
from integration_tests.support.invoices_page import EMOJI, INVISIBLE, INVISIBLE_SHOWN, QUOTES, SCRIPT, Page
from source_invoices.manifest_file import load_manifest

STARTED = datetime(2026, 3, 15, 12, tzinfo=timezone.utc)
RUN = Run(STARTED, 0, SANDBOX)
BEGAN = datetime(2026, 3, 15, 12, 0, 1)
# The elements that the page may have. None of them runs code or loads anything.
TAGS = re.findall(
    r"\w+",
    "html head meta title style body header section article h1 h2 h3 p b code ul li figure figcaption div details summary"
    " table thead tbody tr th td svg g path rect line text tspan defs clippath",
)
SYNC = """
    CREATE TABLE payhubix_invoices
        (link VARCHAR, status VARCHAR, created_at TIMESTAMP, currency_symbol VARCHAR,
         currency_amount DECIMAL(38, 9), remaining_currency_amount DECIMAL(38, 9))
"""


class Held:
    """A database with the rows that a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "held.duckdb"
        self.database = Database(self.path, "main", folder)
        self.database.remember(RUN, [])

    def payhubix(self, *rows: tuple[object, ...]) -> "Held":
        """Payhubix invoices: status, time, currency, amount, amount left."""
        with duckdb.connect(str(self.path)) as connection:
            connection.execute(SYNC)
            for number, row in enumerate(rows):
                connection.execute("INSERT INTO payhubix_invoices VALUES (?, ?, ?, ?, ?, ?)", [str(number), *row])
        return self

    def synced(self, *syncs: StreamSync) -> "Held":
        self.database.remember_streams(RUN, syncs)
        return self

    def page(self) -> Page:
        return Page(page.page(self.database, RUN, STARTED))


@pytest.fixture
def held(tmp_path: Path) -> Held:
    return Held(tmp_path)


@pytest.fixture
def hostile(held: Held) -> Held:
    """Invoices whose texts could break the page."""
    rows = [(text, BEGAN, text, Decimal("12.5"), Decimal("2.5")) for text in (SCRIPT, QUOTES, EMOJI, INVISIBLE)]
    return held.payhubix(*rows).synced(StreamSync(SCRIPT, 4, BEGAN, BEGAN, QUOTES))


def test_hostile_text_is_shown_as_plain_text(hostile: Held) -> None:
    shown = (SCRIPT, QUOTES, EMOJI, INVISIBLE_SHOWN)
    result = hostile.page()
    bars = result.bars("payhubix_invoices")

    assert {f"Amount by month, {text}": [f"March 2026, {text}: 12.50 {text}"] for text in shown}.items() <= bars.items()
    assert sorted(item.text.strip() for item in result.root.all("li")) == sorted(f"{text} (open)" for text in shown)
    assert [row[1:3] for row in result.table("payhubix_invoices", 0)] == [[text, text] for text in sorted(shown)]
    (sync,) = result.root.all("section", id="sync")
    assert [cell.text for cell in sync.all("td")[:2]] == [SCRIPT, f"failed: {QUOTES}"]
    assert f"{SCRIPT}: 4 rows, 0.0 s, failed" in sync.line()


def test_the_page_runs_nothing_and_loads_nothing(hostile: Held) -> None:
    read_page = hostile.page()
    elements = list(read_page.root)[1:]

    assert {element.tag for element in elements} <= set(TAGS)
    attributes = {name for element in elements for name in element.attributes}
    assert not {name for name in attributes if name.startswith("on")}
    assert not attributes & {
        "src",
        "href",
        "xlink:href",
        "srcset",
        "action",
        "formaction",
        "style",
        "background",
        "data",
    }
    (policy,) = read_page.root.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy.attributes["content"] == "default-src 'none'; style-src 'unsafe-inline'"
    (style,) = read_page.root.all("style")
    assert not re.search(r"url|@import", style.text)


def test_every_bar_has_a_tooltip_with_its_label(hostile: Held) -> None:
    bars = hostile.page().root.all("path", **{"aria-roledescription": "bar"})

    assert len(bars) == 4 + 4 + 4 + 1
    for bar in bars:
        assert [title.text for title in bar.all("title")] == [bar.attributes["aria-label"]]


def test_a_list_without_rows_says_so(held: Held) -> None:
    (article,) = held.payhubix().page().root.all("article", id="payhubix_invoices")

    assert "No invoices." in article.line()
    assert not article.all("figure")


def test_an_empty_database_says_so(held: Held) -> None:
    text = held.page().root.line()

    assert "The database holds no invoices." in text
    assert "The database does not say which streams the last sync read." in text


def test_the_last_sync_shows_rows_and_duration_of_each_stream(held: Held) -> None:
    held.synced(
        StreamSync("one", 1234, BEGAN, BEGAN.replace(second=4, microsecond=500_000), None),
        StreamSync("two", 1, BEGAN.replace(second=2), BEGAN.replace(minute=2), None),
        StreamSync("three", 7, None, BEGAN, "It <b>broke</b>."),
    )
    (sync,) = held.page().root.all("section", id="sync")

    assert [[cell.text for cell in row.all("td")] for row in sync.all("tr")[1:]] == [
        ["one", "complete", "1,234", "3.5 s", "\N{EN DASH}"],
        ["two", "complete", "1", "0:01:59", "\N{EN DASH}"],
        ["three", "failed: It <b>broke</b>.", "7", "duration not known", "\N{EN DASH}"],
    ]
    words = [bar.attributes["aria-label"] for bar in sync.all("path", **{"aria-roledescription": "bar"})]
    assert words == ["one: 1,234 rows, 3.5 s", "two: 1 row, 0:01:59"]
    assert "three: 7 rows, duration not known, failed" in sync.line()


def test_a_stream_that_the_last_sync_did_not_read_is_marked(held: Held) -> None:
    text = held.payhubix(("Paid", BEGAN, "EUR", 1, 0)).synced(StreamSync("other", 0, None, None, None)).page().root

    assert "The last sync did not read this stream" in text.line()


def test_invoices_outside_of_the_pictures_are_counted(held: Held) -> None:
    rows = [
        ("Paid", time, "EUR", 1, 0)
        for time in ("2024-03-01", "2024-02-29", "2026-04-01", "9999-12-31", "infinity", None)
    ]
    result = held.payhubix(*rows).page()

    assert result.bars("payhubix_invoices")["Invoices by month"] == ["March 2024, Paid: 1 invoice"]
    left_out = "2 invoices without a date, 2 invoices from after March 2026, 1 invoice from before March 2024"
    for part in left_out.split(", "):
        assert part in result.root.line()
    assert len(result.table("payhubix_invoices", 0)) == 5


def test_pictures_without_a_recent_invoice_say_so(held: Held) -> None:
    result = held.payhubix(("Paid", "2001-01-01", "EUR", 1, 0)).page()

    assert result.bars("payhubix_invoices") == {"Invoices by month": [], "Amount by month, EUR": []}
    assert result.root.line().count("None in these months.") == 2


def test_invoices_without_an_amount_are_counted_but_not_added_up(held: Held) -> None:
    result = held.payhubix(("Created", BEGAN, "EUR", None, None), ("Created", BEGAN, "EUR", 5, None)).page()

    assert "Without an amount, so counted but not added up: 1 invoice." in result.root.line()
    assert result.bars("payhubix_invoices") == {
        "Invoices by month": ["March 2026, Created: 2 invoices"],
        "Amount by month, EUR": ["March 2026, Created: 5.00 EUR"],
        "Open amount by age, EUR": ["30 days or less, Created: 5.00 EUR"],
    }


def test_ages_are_whole_days_until_the_sync(held: Held) -> None:
    ages = (-1, 0, 30, 31, 60, 61, 90, 91, 180, 181, 365, 366)
    rows = [("Created", STARTED - timedelta(days=age), "EUR", 10**number, None) for number, age in enumerate(ages)]

    assert held.payhubix(*rows).page().bars("payhubix_invoices")["Open amount by age, EUR"] == [
        "181 to 365 days, Created: 11,000,000,000.00 EUR",
        "30 days or less, Created: 111.00 EUR",
        "31 to 60 days, Created: 11,000.00 EUR",
        "61 to 90 days, Created: 1,100,000.00 EUR",
        "91 to 180 days, Created: 110,000,000.00 EUR",
        "over 365 days, Created: 100,000,000,000.00 EUR",
    ]


def test_the_open_amount_is_the_amount_that_remains_to_be_paid(held: Held) -> None:
    result = held.payhubix(("Partially", BEGAN, "EUR", 10, 4)).page()

    assert result.bars("payhubix_invoices")["Amount by month, EUR"] == ["March 2026, Partially: 10.00 EUR"]
    assert result.bars("payhubix_invoices")["Open amount by age, EUR"] == ["30 days or less, Partially: 4.00 EUR"]


@pytest.mark.parametrize(
    ("amount", "words"),
    [("0.00012", "0.00012"), ("-0.005", "-0.005"), ("0.5", "0.50"), ("0", "0.00"), ("1234.5678", "1,234.57")],
)
def test_a_small_amount_is_not_rounded_away(held: Held, amount: str, words: str) -> None:
    result = held.payhubix(("Created", BEGAN, "BTC", Decimal(amount), Decimal(amount))).page()

    assert result.bars("payhubix_invoices")["Amount by month, BTC"] == [f"March 2026, Created: {words} BTC"]


def test_a_credit_is_subtracted(held: Held) -> None:
    result = held.payhubix(
        ("Created", BEGAN, "EUR", 5, 5), ("Created", BEGAN, "EUR", Decimal("-7.25"), Decimal("-7.25"))
    ).page()

    assert result.bars("payhubix_invoices")["Open amount by age, EUR"] == ["30 days or less, Created: -2.25 EUR"]


def test_an_unreadable_amount_or_time_of_ipxo_breaks_nothing(held: Held) -> None:
    with duckdb.connect(str(held.path)) as connection:
        connection.execute("CREATE TABLE ipxo_ecommerce_invoices (status VARCHAR, placed_at TIMESTAMP, total JSON)")
        connection.execute(
            """INSERT INTO ipxo_ecommerce_invoices VALUES ('paid', NULL, '{"amount": "a lot"}'), (NULL, NULL, NULL)"""
        )
        connection.execute("CREATE TABLE ipxo_payout_invoices (status VARCHAR, date BIGINT, total DECIMAL(38, 9))")
        connection.execute("INSERT INTO ipxo_payout_invoices VALUES ('paid', 9223372036854775807, 1), ('paid', 0, 1)")
    result = held.page()

    assert result.table("ipxo_ecommerce_invoices", 0) == [
        ["no date", "paid", "no currency", "1", "none"],
        ["no date", "no status", "no currency", "1", "none"],
    ]
    assert result.table("ipxo_payout_invoices", 0) == [["no date", "paid", "no currency", "2", "2.00"]]


@pytest.mark.parametrize("stream", COLUMNS)
def test_the_final_statuses_are_those_of_the_connector(stream: str) -> None:
    parts = [
        found
        for group in load_manifest()["streams"]
        for found in group["streams"]
        if found["$parameters"]["name"] == stream
    ]
    final = {tuple(part["$parameters"]["final"]) for part in parts if "final" in part["$parameters"]}

    assert {COLUMNS[stream].final} == (final or {()})
    assert (COLUMNS[stream].status is None) == (not final)


@pytest.mark.parametrize("invoices", [1, 2, 3, 5])
def test_the_axis_of_a_few_invoices_shows_each_number_once(held: Held, invoices: int) -> None:
    figure = held.payhubix(*[("Paid", BEGAN, "EUR", 1, 0)] * invoices).page().root.all("figure")[0]

    numbers = [text.text for text in figure.all("text") if text.text.isdecimal()]
    assert numbers == [str(number) for number in range(invoices + 1)]


@pytest.mark.parametrize(
    ("totals", "limit"),
    [
        ([], None),
        ([0, 0], None),
        ([3, 4, 5, 40], None),
        ([3, 4, 5, 41], 5),
        ([3, 4, 20, 10_000, 50, 101], 50),
        ([0, 0, 0, 5], None),
    ],
)
def test_the_axis_ends_below_the_towering_bars(totals: list[float], limit: float | None) -> None:
    assert axis_limit(totals) == limit


def test_a_towering_month_is_marked_and_leaves_the_others_readable(held: Held) -> None:
    usual = [("Paid", datetime(2026, month, 1), "EUR", 100, 0) for month in (1, 2)]
    figure = held.payhubix(*usual, ("Paid", BEGAN, "EUR", 10**9, 0)).page().root.all("figure")[1]

    bars = {
        bar.attributes["aria-label"]: height(bar.attributes["d"])
        for bar in figure.all("path", **{"aria-roledescription": "bar"})
    }
    assert figure.line().count("▲") == 1
    assert bars["January 2026, Paid: 100.00 EUR"] == pytest.approx(bars["February 2026, Paid: 100.00 EUR"])
    assert bars["January 2026, Paid: 100.00 EUR"] > 100


def test_credits_below_a_towering_month_are_shown_in_full(held: Held) -> None:
    usual = [("Paid", datetime(2026, month, 1), "EUR", 100, 0) for month in (1, 2)]
    credits = [(status, datetime(2026, 1, 1), "EUR", -100, 0) for status in ("Expired", "Canceled")]
    figure = held.payhubix(*usual, *credits, ("Paid", BEGAN, "EUR", 10**9, 0)).page().root.all("figure")[1]

    (frame,) = figure.all("clippath")[0].all("rect")
    bars = figure.all("path", **{"aria-roledescription": "bar"})
    lowest = max(top(bar.attributes["d"]) + height(bar.attributes["d"]) for bar in bars)
    assert lowest == pytest.approx(float(frame.attributes["height"]))


def test_each_picture_is_clipped_to_its_own_frame(held: Held) -> None:
    rows = [
        ("Paid", datetime(2026, month, 1), currency, amount, 0)
        for currency in ("EUR", "USD")
        for month, amount in ((1, 100), (2, 100), (3, 10**9))
    ]
    root = held.payhubix(*rows).page().root

    # Two frames with the same name would both use the first one.
    frames = [f"url(#{frame.attributes['id']})" for frame in root.all("clippath")]
    assert [element.attributes["clip-path"] for element in root if "clip-path" in element.attributes] == frames
    assert len(set(frames)) == 2


def top(path: str) -> float:
    """The upper end of a bar in a picture."""
    return float(re.findall(r"M-?[\d.]+,(-?[\d.]+)", path)[0])


def height(path: str) -> float:
    """The height of a bar in a picture."""
    return float(re.findall(r"v(-?[\d.]+)", path)[0])


@pytest.mark.parametrize("colour", [*pictures.SETTLED_COLOURS, *pictures.OPEN_COLOURS, pictures.GREY])
def test_each_colour_stands_out_from_white(colour: str) -> None:
    # The contrast that WCAG 2.1 asks of graphics, criterion 1.4.11.
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)

    assert 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 3


def test_the_old_page_remains_if_the_new_one_cannot_be_written(held: Held) -> None:
    path = held.path.with_suffix(".html")
    path.write_text("old")
    (path.parent / "held.html.new").mkdir()

    assert draw(held.database, RUN, path) == f"The page {path} cannot be written: Is a directory."
    assert path.read_text() == "old"
