"""The rows of every stream equal the provider's, field by field, with any page size."""

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from airbyte_cdk.sources.streams.concurrent.cursor import ConcurrentCursor

from integration_tests.support.connector import STREAMS, call, read
from sandbox import Sandbox

TEXT_TIMES = ("placed_at", "created_at", "CreatedOn", "UpdatedOn", "InvoiceCreatedOn")


def expected(stream: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row as the connector should emit it: times in one form, no `index`, no nulls at the top level."""
    row = {name: _time(value) if name in TEXT_TIMES and value else value for name, value in row.items()}
    row.pop("index", None)
    if stream in ("ipxo_payout_invoices", "ipxo_invoices"):
        seconds = max(row["date"] or 0, row["date_paid"] or 0)
        instant = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
        row["updated_at"] = instant.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    return {name: value for name, value in row.items() if value is not None}


def _time(text: str) -> str:
    """The sandbox writes every time in UTC, so only the fraction and the zone differ."""
    day, clock, fraction = re.match(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?", text).groups()  # type: ignore[union-attr]
    return f"{day}T{clock}.{(fraction or '').ljust(6, '0')[:6]}Z"


@pytest.mark.usefixtures("no_limits_of_nexudus")
@pytest.mark.parametrize("largest_page", [None, 7])
@pytest.mark.parametrize("rows", [0, 1, 15, 100, 101, 250])
def test_every_row_arrives_once_with_its_own_values(rows: int, largest_page: int | None) -> None:
    with Sandbox(rows=rows) as sandbox:
        sandbox.nexudus.limits = None
        for settings in sandbox.lists.values():
            settings.max_page_size = largest_page or settings.max_page_size
        output = read(sandbox.config())
        assert output.exit_code == 0
        for stream, key in STREAMS.items():
            assert output.status(stream) == "COMPLETE"
            arrived = {record[key]: record for record in output.records(stream)}
            assert len(output.records(stream)) == rows
            assert arrived == {row[key]: expected(stream, row) for row in sandbox.tables[stream].rows()}


def test_requests_have_the_documented_parameters(sandbox: Sandbox) -> None:
    read(sandbox.config())
    first = {request.route: dict(request.query) for request in reversed(sandbox.requests)}
    assert first["ipxo_payout_invoices"] == {"page": "1", "per_page": "100", "sort": "-date,-invoice_number"}
    assert first["ipxo_invoices"] == {"page": "1", "per_page": "100", "direction": "desc"}
    assert first["ipxo_invoice"] == {}
    assert first["ipxo_ecommerce_invoices"] == {"page": "1", "per_page": "100", "sort": "-placed_at"}
    assert first["nexudus_payout_invoices"]["size"] == "1000"
    assert {request.value("orderBy") for request in sandbox.requests if request.route == "nexudus_payout_invoices"} == {
        "Id",
        "UpdatedOn",
    }
    assert first["payhubix_invoices"] == {"page": "1", "per_page": "100", "created_at": "desc"}
    # 9 rows in pages of 3, and no request beyond the last page. Page 1 of a list that is fetched ahead is requested again.
    # Payhubix's list is also counted on its last page. Nexudus is read in six windows, three of which are
    # empty, and counted by two requests.
    assert {route: sandbox.count(route) for route in STREAMS} == {
        "ipxo_payout_invoices": 4,
        "ipxo_invoices": 3,
        "ipxo_ecommerce_invoices": 4,
        "nexudus_payout_invoices": 10,
        "payhubix_invoices": 5,
    }


@pytest.mark.parametrize("direction_reading", ["signed", "flag", "word"])
def test_every_row_of_nexudus_arrives_with_any_reading_of_the_direction(
    sandbox: Sandbox, direction_reading: str
) -> None:
    sandbox.nexudus.direction_reading = direction_reading
    output = read(sandbox.config(), ["nexudus_payout_invoices"])
    assert {record["Id"] for record in output.records("nexudus_payout_invoices")} == set(
        sandbox.tables["nexudus_payout_invoices"].keys()
    )


def test_an_ipxo_list_without_pages_is_complete(sandbox: Sandbox) -> None:
    sandbox.ipxo.list_as_bare_array = True
    output = read(sandbox.config(), ["ipxo_invoices"])
    assert output.status("ipxo_invoices") == "COMPLETE"
    assert {record["uuid"] for record in output.records("ipxo_invoices")} == set(sandbox.tables["ipxo_invoices"].keys())


def test_payhubix_without_invoices_is_complete() -> None:
    for empty_is_null in (True, False):
        with Sandbox(rows=0) as sandbox:
            sandbox.payhubix.empty_is_null = empty_is_null
            output = read(sandbox.config(), ["payhubix_invoices"])
            assert (output.status("payhubix_invoices"), output.exit_code) == ("COMPLETE", 0)


@pytest.mark.parametrize("stream", STREAMS)
def test_a_full_refresh_reads_the_same_rows(sandbox: Sandbox, stream: str) -> None:
    incremental = read(sandbox.config(), [stream])
    full = read(sandbox.config(), [stream], sync_mode="full_refresh")
    key = STREAMS[stream]
    assert {record[key] for record in full.records(stream)} == {record[key] for record in incremental.records(stream)}
    assert full.status(stream) == "COMPLETE"


def test_only_the_configured_providers_have_streams(sandbox: Sandbox) -> None:
    for provider in ("ipxo", "nexudus", "payhubix"):
        output = call("discover", config={provider: sandbox.config()[provider]})
        (catalog,) = output.of_type("CATALOG")
        names = {stream["name"] for stream in catalog["streams"]}
        assert names == {name for name in STREAMS if name.startswith(provider)}
    assert not sandbox.requests


def test_a_catalog_with_a_stream_of_an_unconfigured_provider_fails(sandbox: Sandbox) -> None:
    config = {"ipxo": sandbox.config()["ipxo"]}
    output = read(config, ["ipxo_payout_invoices", "nexudus_payout_invoices"])
    (error,) = output.errors()
    assert output.exit_code == 1
    assert "Nexudus is not configured" in error["message"]
    assert error["failure_type"] == "config_error"
    assert not sandbox.requests


def test_a_catalog_that_names_a_stream_twice_fails(sandbox: Sandbox) -> None:
    output = read(sandbox.config(), ["payhubix_invoices", "payhubix_invoices"])
    assert output.exit_code == 1
    assert "more than once" in output.errors()[0]["message"]


def test_a_catalog_with_an_unknown_stream_fails(sandbox: Sandbox) -> None:
    output = read(sandbox.config(), ["ipxo_credits"])
    assert output.exit_code == 1
    assert "ipxo_credits" in output.errors()[0]["message"]


def test_only_the_invoices_that_the_settings_name_are_read(sandbox: Sandbox) -> None:
    wanted = sandbox.tables["ipxo_invoices"].keys()[2:5]
    config = sandbox.config()
    config["ipxo"]["invoice_uuids"] = wanted
    output = read(config, ["ipxo_invoices"])
    assert {record["uuid"] for record in output.records("ipxo_invoices")} == set(wanted)
    assert sandbox.count("ipxo_invoices") == 0


def test_a_named_invoice_that_does_not_exist_fails_the_stream(sandbox: Sandbox) -> None:
    config = sandbox.config()
    config["ipxo"]["invoice_uuids"] = ["00000000-0000-0000-0000-00000000gone"]
    output = read(config, ["ipxo_invoices"])
    assert (output.status("ipxo_invoices"), output.exit_code) == ("INCOMPLETE", 1)
    assert "HTTP 404" in output.error_of("ipxo_invoices")["message"]


def test_the_start_date_applies_to_named_invoices_too(sandbox: Sandbox) -> None:
    keys = sandbox.tables["ipxo_invoices"].keys()
    config = {**sandbox.config(), "start_date": datetime.now(timezone.utc).strftime("%Y-%m-%d")}
    config["ipxo"]["invoice_uuids"] = [keys[0], keys[-1]]
    output = read(config, ["ipxo_invoices"])
    assert keys[-1] not in {record["uuid"] for record in output.records("ipxo_invoices")}


def test_a_listed_invoice_that_is_deleted_is_skipped(sandbox: Sandbox) -> None:
    gone = str(sandbox.tables["ipxo_invoices"].keys()[4])
    sandbox.on_request = lambda request: (
        sandbox.tables["ipxo_invoices"].remove(gone) if request.path.endswith(gone) else None
    )
    output = read(sandbox.config(), ["ipxo_invoices"])
    assert (output.status("ipxo_invoices"), output.exit_code) == ("COMPLETE", 0)
    assert len(output.records("ipxo_invoices")) == 8
    assert any(gone in log and "HTTP 404" in log for log in output.logs)


def test_all_details_of_a_stream_share_one_cursor(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ConcurrentCursor] = []
    begin = ConcurrentCursor.__init__

    def note(cursor: ConcurrentCursor, *arguments: Any, **options: Any) -> None:
        made.append(cursor)
        begin(cursor, *arguments, **options)

    monkeypatch.setattr(ConcurrentCursor, "__init__", note)
    output = read(sandbox.config(), ["ipxo_invoices"])
    assert len(output.records("ipxo_invoices")) == 9
    assert len(made) == 1
