"""What a provider sends is text: no markup to rich, no HTML to the page, no formula to a spreadsheet, nothing unseen."""

import csv
import io
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from demo import page
from demo.books import Line, make_books, open_books
from demo.csv_files import write_csv
from demo.database import StreamSync
from demo.summary import book_table, print_summary
from demo.words import plain
from integration_tests.support.invoices_page import EMOJI, MARKUP, QUOTES, SCRIPT, TURNED, TURNED_SHOWN, Page
from integration_tests.test_page import BEGAN, RUN, STARTED, Held

TEXTS = (SCRIPT, QUOTES, EMOJI, MARKUP, TURNED)
SHOWN = (SCRIPT, QUOTES, EMOJI, MARKUP, TURNED_SHOWN)
FORMULAS = ("=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201")


def screen(*lines: Line) -> str:
    """The tables of the demo for lines in these currencies."""
    console = Console(file=io.StringIO(), width=400, markup=False, emoji=False, highlight=False)
    console.print(book_table({"Owed to us": lines}, first=True))
    totals = [("payhubix_invoices", line.currency, 1, Decimal(1)) for line in lines]
    print_summary(console, ["payhubix_invoices"], {}, totals, [], first=True)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(("sent", "shown"), zip(TEXTS, SHOWN, strict=True))
def test_a_provider_s_text_is_no_markup_on_the_screen(sent: str, shown: str) -> None:
    text = screen(Line("", sent, 1, Decimal(1)))

    assert text.count(f"│ {shown} ") == 2
    assert not set(text) & set("\x1b\u202e\u2066\u200f\u061c\ufeff")


def test_the_words_of_a_failure_keep_their_lines_and_hide_nothing() -> None:
    assert plain(f"one\n{TURNED}\n[b]") == f"one\n{TURNED_SHOWN}\n[b]"


@pytest.fixture
def hostile(tmp_path: Path) -> Held:
    """Invoices whose number, status, currency and party are each of the texts, and a failure in such words."""
    held = Held(tmp_path)
    names = "link, status, created_at, currency_symbol, currency_amount, remaining_currency_amount"
    rows = [[text, text, BEGAN, text, 10, 10] for text in (*TEXTS, *FORMULAS)]
    held.rows("payhubix_invoices", names, rows)
    names = "id, invoiceinvoicenumber, invoicebusinessname, createdon, invoicecurrencycode, amount"
    businesses = [[number, text, text, BEGAN, text, 10] for number, text in enumerate((*TEXTS, *FORMULAS))]
    held.rows("nexudus_payout_invoices", names, businesses)
    held.synced(StreamSync(MARKUP, 1, BEGAN, datetime(2026, 3, 16), TURNED))
    make_books(held.database, RUN)
    return held


def test_a_provider_s_text_is_no_markup_on_the_page(hostile: Held) -> None:
    html = page.page(hostile.database, RUN, STARTED)
    root = Page(html).root  # which fails where a text closes an element

    assert not root.all("a")
    assert not set(html) & set("\x1b\u202e\u2066\u200f\u061c\ufeff")
    (opened,), (sync,) = root.all("section", id="open"), root.all("section", id="sync")
    cells = [[cell.text for cell in row.all("td")] for row in opened.all("tr")]
    for text in SHOWN:
        assert [f"payhubix {text}", text] in [[row[0], row[7]] for row in cells if row]
    assert [cell.text for cell in sync.all("td")[:2]] == [MARKUP, f"failed: {TURNED_SHOWN}"]


def test_no_cell_of_a_csv_file_is_a_formula(hostile: Held, tmp_path: Path) -> None:
    write_csv(hostile.database, tmp_path / "csv")

    files = {path.name: path.read_bytes().decode() for path in (tmp_path / "csv").iterdir()}
    assert len(files) == 8
    for name, text in files.items():
        texts = {cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row}
        assert not [cell for cell in texts if cell.startswith(tuple(FORMULAS))], name
    rows = list(csv.DictReader(io.StringIO(files["invoices.csv"], newline="")))
    harmless = {*TEXTS, *(f"'{text}" for text in FORMULAS)}
    assert {row["invoice_number"] for row in rows if row["provider"] == "nexudus"} == harmless
    assert {row["counterparty_name"] for row in rows if row["provider"] == "nexudus"} == harmless
    assert {row["invoice_id"] for row in rows if row["provider"] == "payhubix"} == harmless


def test_the_books_keep_the_text_as_it_was_sent(hostile: Held) -> None:
    with open_books(hostile.database) as books:
        assert {invoice.number for invoice in books.open_invoices()} == {*TEXTS, *FORMULAS}
