"""The tables of faults in docs/reliability.md say what happens."""

import re

import pytest
import reliability


def documented(route: str) -> dict[str, str]:
    """The connector's column of one table: what comes of each fault."""
    title = f"### {reliability.ROUTES[route]}" + (", details" if route == "ipxo_invoice" else "")
    section = reliability.PAGE.read_text().split(f"{title}\n")[1].split("###")[0]
    return dict(re.findall(r"(?m)^\| (.+?) \| (.+?) \| .+ \|$", section)[1:])


@pytest.mark.parametrize("route", ["ipxo_ecommerce_invoices", "nexudus_payout_invoices", "payhubix_invoices"])
def test_the_connector_s_column_is_true(route: str) -> None:
    assert {fault: reliability.by_connector(route, fault) for fault in reliability.FAULTS} == documented(route)


@pytest.mark.parametrize("route", reliability.ROUTES)
def test_nothing_the_connector_does_is_silent(route: str) -> None:
    assert len(documented(route)) > 10
    for fault, outcome in documented(route).items():
        assert re.match(r"COMPLETE, (\d) of \1 rows|INCOMPLETE", outcome), fault


def test_a_stock_manifest_loses_rows_in_silence() -> None:
    assert reliability.by_stock_manifest("payhubix_invoices", "HTML").startswith("**COMPLETE, 3 of 9 rows")
