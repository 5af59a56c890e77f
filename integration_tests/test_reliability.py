"""The tables of faults in docs/reliability.md say what happens, and nothing in them is silent."""

import re

import pytest

from integration_tests.support import reliability


def documented(route: str) -> dict[str, str]:
    """The connector's column of one table: what comes of each fault."""
    title = f"### {reliability.ROUTES[route]}" + (", details" if route == "ipxo_invoice" else "")
    section = reliability.PAGE.read_text().split(f"{title}\n")[1].split("###")[0]
    return dict(re.findall(r"(?m)^\| (.+?) \| (.+?) \| .+ \|$", section)[1:])


def outcome(cell: str) -> str:
    """All of a cell, but of a failure not how far other requests, which were under way, had come."""
    return cell.partition(",")[0] if cell.startswith("INCOMPLETE") else cell


@pytest.mark.parametrize("route", reliability.ROUTES)
def test_the_connector_s_column_is_true_and_nothing_in_it_is_silent(route: str) -> None:
    expected = documented(route)
    assert set(expected) == set(reliability.faults_of(route))
    for fault, cell in expected.items():
        found = reliability.by_connector(route, fault)
        print(f"{route} | {fault} | {found}")
        assert outcome(found) == outcome(cell), fault
        assert not found.startswith("**")
        if found.startswith("INCOMPLETE"):
            assert re.match(r"INCOMPLETE \((config|system|transient)_error\)", found)
