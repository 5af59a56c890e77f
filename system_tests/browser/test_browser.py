"""The page with the pictures as Chromium shows it."""

import base64
import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from demo.command_line import run
from integration_tests.support.invoices_page import (
    EMOJI,
    INVISIBLE,
    INVISIBLE_SHOWN,
    KEPT,
    QUOTES,
    SCRIPT,
    expected_bars,
)
from sandbox import Fault, Sandbox
from system_tests.browser.chromium import Chromium

WIDTHS = (1280, 768, 360)
DAYS_COLUMN, CURRENCY_COLUMN, OPEN_COLUMN = 5, 7, 9
"""Of the list of open invoices."""
# For each picture of a stream: its title, and the label, the tooltip and the height on the screen of each bar.
BARS = """
    [...document.querySelectorAll("#STREAM figure")].map(figure => [
        figure.querySelector("figcaption").textContent,
        [...figure.querySelectorAll("[aria-roledescription=bar]")].map(bar => ({
            words: bar.getAttribute("aria-label"),
            title: bar.querySelector("title").textContent,
            height: bar.getBoundingClientRect().height,
        })),
    ])
"""


def sync_hostile_data(folder: Path) -> Path:
    """Syncs accounts with hostile texts, an empty list and a failing list. Returns the database."""
    counts = {
        "ipxo_payout_invoices": 90,
        "ipxo_invoices": 12,
        "ipxo_ecommerce_invoices": 90,
        "payhubix_invoices": 9,
    }
    with Sandbox(counts) as sandbox:
        payouts, ecommerce = sandbox.tables["ipxo_payout_invoices"], sandbox.tables["ipxo_ecommerce_invoices"]
        for key, status in zip(payouts.keys(), (SCRIPT, QUOTES, EMOJI, INVISIBLE), strict=False):
            payouts.change(key, status=status)
        for key, currency in zip(ecommerce.keys(), (SCRIPT, QUOTES, EMOJI), strict=False):
            total = {"currency": currency, "amount": "12.50", "amount_minor": 1250}
            ecommerce.change(key, status="unpaid", total=total)
        invoices = sandbox.tables["ipxo_invoices"]
        invoices.change(invoices.keys()[0], status="unpaid", total=80, total_left_to_pay=12.5)
        invoices.change(invoices.keys()[-1], status="unpaid", total=80, total_left_to_pay=12.5)
        sandbox.payhubix.max_page_size = 3
        fault = Fault("status", "payhubix_invoices", status=404, times=None, when=lambda request: request.page == 2)
        sandbox.faults.append(fault)
        config = folder / "my.json"
        config.write_text(json.dumps(sandbox.config()))
        database = folder / "hostile.duckdb"
        with patch.dict(os.environ), redirect_stdout(io.StringIO()):
            assert run(["--config", str(config), "--database", str(database)]) == 1
    return database


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a sync of hostile data; the page is beside it."""
    return sync_hostile_data(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with Chromium() as running:
        yield running


@pytest.fixture
def opened(browser: Chromium, hostile: Path) -> Chromium:
    """The browser with the page."""
    browser.open(hostile.with_suffix(".html"), WIDTHS[0])
    return browser


def bars(browser: Chromium, stream: str) -> dict[str, list[dict[str, Any]]]:
    return dict(browser.evaluate(BARS.replace("STREAM", stream)))


def test_the_browser_reports_what_a_page_does(browser: Chromium, tmp_path: Path) -> None:
    page = tmp_path / "noisy.html"
    page.write_text("<img src='http://127.0.0.1:9/x.png'><script>console.error('noise'); broken()</script>")
    browser.open(page, WIDTHS[0])

    assert complaints(browser)
    assert [url for url in requests(browser) if url.startswith("http")] == ["http://127.0.0.1:9/x.png"]


def test_the_page_reports_no_error_and_loads_nothing(opened: Chromium, hostile: Path) -> None:
    assert complaints(opened) == []
    assert requests(opened) == [hostile.with_suffix(".html").as_uri()]


def complaints(browser: Chromium) -> list[dict[str, Any]]:
    """Messages of any level on the console, errors and dialogs."""
    kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening")
    return [report for kind in kinds for report in browser.reported(kind)]


def requests(browser: Chromium) -> list[str]:
    """The addresses that the page loaded, its own first."""
    return [report["request"]["url"] for report in browser.reported("Network.requestWillBeSent")]


@pytest.mark.parametrize("stream", [stream for stream in KEPT if "nexudus" not in stream])
def test_the_pictures_agree_with_the_database(opened: Chromium, hostile: Path, stream: str) -> None:
    expected = expected_bars(hostile, "main", stream)
    shown = bars(opened, stream)

    assert {title: sorted(bar["words"] for bar in found) for title, found in shown.items()} == expected
    assert all(bar["title"] == bar["words"] for found in shown.values() for bar in found)


@pytest.mark.parametrize("stream", ["ipxo_payout_invoices", "ipxo_ecommerce_invoices"])
def test_the_heights_of_the_bars_are_to_scale(opened: Chromium, stream: str) -> None:
    for title, found in bars(opened, stream).items():
        # A bar of amounts is cut where it goes beyond the axis. Bars of counts are never cut.
        if title.startswith("Amount"):
            continue
        values = [number(bar["words"]) for bar in found]
        scale = found[values.index(max(values))]["height"] / max(values)
        assert [bar["height"] for bar in found] == pytest.approx([value * scale for value in values], abs=1.5), title


def number(words: str) -> float:
    """The number in the label of a bar."""
    found = re.search(r": (-?[\d,]+(\.\d+)?)", words)
    assert found
    return float(found[1].replace(",", ""))


def test_hostile_text_is_shown_and_not_executed(opened: Chromium) -> None:
    legend = opened.evaluate(
        "[...document.querySelectorAll('#ipxo_payout_invoices li')].map(item => item.innerText.trim())"
    )

    assert {f"{text} (open)" for text in (SCRIPT, QUOTES, EMOJI, INVISIBLE_SHOWN)} <= set(legend)
    assert opened.evaluate("document.title") == "Invoices"
    assert opened.evaluate("document.scripts.length") == 1
    assert opened.evaluate("document.querySelectorAll('[onload], [onerror], img, iframe').length") == 0


def test_the_page_names_failed_and_empty_streams(opened: Chromium) -> None:
    assert "1 of 5 streams failed in this sync: payhubix_invoices." in opened.evaluate(
        "document.querySelector('header').innerText"
    )
    assert "The last sync of this stream failed" in opened.evaluate(
        "document.querySelector('#payhubix_invoices').innerText"
    )
    assert "No invoices." in opened.evaluate("document.querySelector('#nexudus_payout_invoices').innerText")


def test_the_sync_shows_its_streams(opened: Chromium) -> None:
    words = opened.evaluate(
        "[...document.querySelectorAll('#sync [aria-roledescription=bar]')].map(bar => bar.getAttribute('aria-label'))"
    )
    shown = opened.evaluate("document.querySelector('#sync figure').textContent")

    assert [line.split(":")[0] for line in words] == [
        "ipxo_payout_invoices",
        "ipxo_ecommerce_invoices",
        "ipxo_invoices",
        "nexudus_payout_invoices",
        "payhubix_invoices",
    ]
    assert all(line in shown for line in words)
    assert [line for line in words if "90 rows, " in line] == words[:2]
    assert words[-1].endswith(", failed")


def test_a_table_opens_on_a_click(opened: Chromium) -> None:
    visible = "document.querySelector('#ipxo_payout_invoices tbody').checkVisibility()"
    assert not opened.evaluate(visible)

    opened.evaluate("document.querySelector('#ipxo_payout_invoices summary').click()")
    assert opened.evaluate(visible)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_the_window(browser: Chromium, hostile: Path, width: int) -> None:
    browser.open(hostile.with_suffix(".html"), width)
    browser.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")

    assert browser.evaluate("document.documentElement.scrollWidth") == width
    outside = "[...document.querySelectorAll('figure, h3, p, li, .scroll')].filter(e => e.getBoundingClientRect().right > innerWidth).length"
    assert browser.evaluate(outside) == 0
    sizes = "[...document.querySelectorAll('figure svg text')].filter(t => t.textContent).map(t => t.getBoundingClientRect().height)"
    assert min(browser.evaluate(sizes)) > 8, "letters that can be read"


def test_no_text_in_a_picture_covers_another(opened: Chromium) -> None:
    covered = opened.evaluate(
        """[...document.querySelectorAll('figure')].flatMap(figure => {
            const texts = [...figure.querySelectorAll('svg text')].filter(t => t.textContent && t.textContent !== '▲')
                .map(t => [t.textContent, t.getBoundingClientRect()]);
            return texts.flatMap(([one, a], number) => texts.slice(number + 1)
                .filter(([_, b]) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
                .map(([other]) => `${one} and ${other}`));
        })"""
    )

    assert covered == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_background(browser: Chromium, hostile: Path, scheme: str) -> None:
    # The contrast that WCAG 2.1 asks of text, criterion 1.4.3. The dark page inverts the pictures, and with them their
    # letters, whose contrast stays.
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.open(hostile.with_suffix(".html"), WIDTHS[0])
    colours = browser.evaluate(
        """[...new Set([...document.querySelectorAll('body *')].filter(e => !(e instanceof SVGElement))
            .map(e => getComputedStyle(e).color))]"""
    )
    backgrounds = browser.evaluate(
        """[...new Set([...document.querySelectorAll('body, body *')].map(e => getComputedStyle(e).backgroundColor))]
            .filter(colour => !colour.endsWith(', 0)'))"""
    )
    letters = browser.evaluate(
        "[...new Set([...document.querySelectorAll('svg text')].map(e => e.getAttribute('fill')))]"
    )
    browser.call("Emulation.setEmulatedMedia", features=[])

    assert len(colours) > 2
    assert len(backgrounds) > 2
    assert (luminance(backgrounds[0]) > 0.5) == (scheme == "light")
    assert [(one, other) for one in colours for other in backgrounds if contrast(one, other) < 4.5] == []
    assert [colour for colour in letters if contrast(colour, "#ffffff") < 4.5] == []


@pytest.fixture
def listed(browser: Chromium, hostile: Path) -> Chromium:
    """The browser with the page anew, so that its lists are as they came."""
    browser.open(hostile.with_suffix(".html"), WIDTHS[0])
    return browser


def cells(browser: Chromium, column: int) -> list[str]:
    """What a column of the list of open invoices shows."""
    shown: list[str] = browser.evaluate(
        "[...document.querySelectorAll('#open tbody tr')].filter(row => row.checkVisibility())"
        f".map(row => row.cells[{column}].innerText)"
    )
    return shown


def sort_by(browser: Chromium, column: int) -> None:
    browser.evaluate(f"document.querySelectorAll('#open th button')[{column}].click()")


def search(browser: Chromium, words: str) -> None:
    browser.evaluate(
        f"{{const field = document.querySelector('#open input'); field.value = {json.dumps(words)};"
        "field.dispatchEvent(new Event('input'))}"
    )


def test_the_list_of_open_invoices_is_sorted_by_a_click(listed: Chromium) -> None:
    amounts = [float(text.replace(",", "")) for text in cells(listed, OPEN_COLUMN)]
    assert amounts != sorted(amounts)

    sort_by(listed, OPEN_COLUMN)
    assert [float(text.replace(",", "")) for text in cells(listed, OPEN_COLUMN)] == sorted(amounts)
    sort_by(listed, OPEN_COLUMN)
    assert [float(text.replace(",", "")) for text in cells(listed, OPEN_COLUMN)] == sorted(amounts, reverse=True)
    sort_by(listed, 0)
    assert cells(listed, 0) == sorted(cells(listed, 0), key=str.lower)


def test_the_list_of_open_invoices_is_searched_by_words(listed: Chromium) -> None:
    number, rows = cells(listed, 0)[0], len(cells(listed, 0))
    search(listed, number.upper())
    assert cells(listed, 0) == [number]
    assert listed.evaluate("document.querySelector('#open output').textContent") == f"1 of {rows}"

    search(listed, "ipxo by us")
    assert set(cells(listed, 1)) == {"by us"}
    search(listed, "no such invoice")
    assert cells(listed, 0) == []
    search(listed, "")
    assert len(cells(listed, 0)) == rows


def test_hostile_text_in_the_list_is_found_as_it_stands(listed: Chromium) -> None:
    search(listed, EMOJI)

    assert cells(listed, CURRENCY_COLUMN) == [EMOJI]


def test_what_is_overdue_comes_first_and_is_marked(listed: Chromium) -> None:
    marked = listed.evaluate("[...document.querySelectorAll('#open tbody tr')].map(row => row.className)")
    days = cells(listed, DAYS_COLUMN)

    assert marked == sorted(marked, reverse=True)
    assert "overdue" in marked
    assert [day.endswith((" day", " days")) for day in days] == [name == "overdue" for name in marked]


def test_a_phone_says_which_date_and_which_amount_it_shows(browser: Chromium, hostile: Path) -> None:
    browser.open(hostile.with_suffix(".html"), WIDTHS[-1])
    words = browser.evaluate(
        """[...document.querySelectorAll('#open tr.overdue:first-child td')].map(
            cell => getComputedStyle(cell, '::before').content.replaceAll('"', ''))"""
    )

    assert words[3:6] == ["issued ", "due ", "overdue "]
    assert words[8] == "total "


def test_the_page_prints_whole_on_a4(browser: Chromium, hostile: Path) -> None:
    browser.call("Emulation.setEmulatedMedia", media="print")
    # 186 mm between the margins.
    browser.open(hostile.with_suffix(".html"), 703)
    cut = browser.evaluate(
        """[...document.querySelectorAll('.scroll')].filter(e => e.checkVisibility())
            .filter(e => e.scrollWidth > 703 || getComputedStyle(e).overflowY !== 'visible')
            .map(e => e.closest('section').id)"""
    )
    field = browser.evaluate("document.querySelector('#open input').checkVisibility()")
    # Chromium repeats a head on each sheet only if no button is drawn in it.
    drawn = browser.evaluate("[...document.querySelectorAll('th button')].map(e => getComputedStyle(e).display)")
    printed = browser.call("Page.printToPDF", preferCSSPageSize=True)["data"]
    browser.call("Emulation.setEmulatedMedia", media="")

    assert (cut, field) == ([], False)
    assert set(drawn) == {"contents"}
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", base64.b64decode(printed))
    assert {(round(float(width)), round(float(height))) for width, height in boxes} == {(595, 842)}


def contrast(one: str, other: str) -> float:
    """The contrast between two colours."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    if colour.startswith("#"):
        values = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    else:
        values = [int(value) for value in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in values)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
