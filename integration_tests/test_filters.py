"""The settings that choose invoices: what the provider is sent, what the connector applies, and which rows remain."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from integration_tests.support.connector import STREAMS, read
from sandbox import Sandbox

UUID = "5a9db0c5-3c1e-4f7a-9b2d-7e61c0ffee42"

SENT: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
    (
        "ipxo_payout_invoices",
        "ipxo.payout_filters",
        {"uuid": UUID, "invoice_number": "'007'", "service_uuid": UUID, "subnet": "192.0.2.0/24", "total": 12.5,
         "start": 1735689600, "end": 1767225600},
        {"uuid": UUID, "invoice_number": "'007'", "service_uuid": UUID, "subnet": "192.0.2.0/24", "total": "12.5",
         "start": "1735689600", "end": "1767225600"},
    ),
    (
        "ipxo_ecommerce_invoices",
        "ipxo.ecommerce_filters",
        {"invoicable_id": "[1, 2]", "invoicable_type": "order", "uuid": UUID, "placed_at": "2023-10-07T12:16:27+00:00"},
        {"filter[invoicable_id]": "[1, 2]", "filter[invoicable_type]": "order", "filter[uuid]": UUID,
         "filter[placed_at]": "2023-10-07T12:16:27+00:00"},
    ),
    (
        "nexudus_payout_invoices",
        "nexudus.filters",
        {"invoice_invoice_number": "1e5", "invoice_reseller_amount": 1, "invoice_created_on": "2025-01-01T00:00",
         "invoice_currency_code": "GBP", "invoice_business_id": 7, "invoice_business_name": "{{ 7*7 }}",
         "reseller_payout": 8, "min_invoice_reseller_amount": 0.5, "max_invoice_reseller_amount": 9,
         "min_invoice_business_id": 1, "max_invoice_business_id": 9, "min_amount": 0, "max_amount": 10,
         "from_created_on": "2025-01-01T00:00", "to_created_on": "2026-01-01T00:00"},
        {"PayoutInvoice_Invoice_InvoiceNumber": "1e5", "PayoutInvoice_Invoice_ResellerAmount": "1",
         "PayoutInvoice_Invoice_CreatedOn": "2025-01-01T00:00", "PayoutInvoice_Invoice_Currency_Code": "GBP",
         "PayoutInvoice_Invoice_Business_Id": "7", "PayoutInvoice_Invoice_Business_Name": "{{ 7*7 }}",
         "PayoutInvoice_ResellerPayout": "8", "from_PayoutInvoice_InvoiceResellerAmount": "0.5",
         "to_PayoutInvoice_InvoiceResellerAmount": "9", "from_PayoutInvoice_InvoiceBusinessId": "1",
         "to_PayoutInvoice_InvoiceBusinessId": "9", "from_PayoutInvoice_Amount": "0", "to_PayoutInvoice_Amount": "10",
         "from_PayoutInvoice_CreatedOn": "2025-01-01T00:00", "to_PayoutInvoice_CreatedOn": "2026-01-01T00:00"},
    ),
    ("payhubix_invoices", "payhubix.filters", {"currency_symbol": "USD"}, {"currency_symbol": "USD"}),
]  # fmt: skip
OWN = {"page", "per_page", "size", "sort", "created_at", "orderBy", "dir"}
OWN |= {"from_PayoutInvoice_UpdatedOn", "to_PayoutInvoice_UpdatedOn"}


def with_settings(config: dict[str, Any], path: str, settings: dict[str, Any]) -> dict[str, Any]:
    provider, name = path.split(".")
    config[provider][name] = settings
    return config


@pytest.mark.parametrize(
    ("stream", "path", "settings", "sent"), SENT, ids=lambda item: item if isinstance(item, str) else ""
)
def test_filters_are_sent_exactly_as_they_are_set(
    sandbox: Sandbox, stream: str, path: str, settings: dict[str, Any], sent: dict[str, str]
) -> None:
    read(with_settings(sandbox.config(), path, settings), [stream])
    query = dict(next(request for request in sandbox.requests if request.route == stream).query)
    assert {name: value for name, value in query.items() if name not in OWN} == sent


@pytest.mark.parametrize(
    ("stream", "path", "status"),
    [
        ("ipxo_payout_invoices", "ipxo.payout_filters", "unpaid"),
        ("ipxo_ecommerce_invoices", "ipxo.ecommerce_filters", "paid"),
        ("payhubix_invoices", "payhubix.filters", "Expired"),
    ],
)
def test_a_status_filter_is_applied_by_the_connector_and_never_sent(stream: str, path: str, status: str) -> None:
    with Sandbox(rows=120) as sandbox:
        sandbox.lists[stream].max_page_size = 50
        output = read(with_settings(sandbox.config(), path, {"status": status}), [stream])
        wanted = {row[STREAMS[stream]] for row in sandbox.tables[stream].rows() if row["status"] == status}
        assert 0 < len(wanted) < 120
        assert {record[STREAMS[stream]] for record in output.records(stream)} == wanted
        assert not [request for request in sandbox.requests if "status" in str(request.query)]
        assert sandbox.count(stream) == (5 if stream == "payhubix_invoices" else 4)


def test_the_provider_applies_a_filter_that_is_sent(sandbox: Sandbox) -> None:
    row = next(sandbox.tables["ipxo_payout_invoices"].rows())
    config = with_settings(sandbox.config(), "ipxo.payout_filters", {"uuid": row["uuid"]})
    (record,) = read(config, ["ipxo_payout_invoices"]).records("ipxo_payout_invoices")
    assert record["uuid"] == row["uuid"]


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.123456789+02:00"])
@pytest.mark.parametrize("stream", STREAMS)
def test_only_invoices_since_the_start_date_arrive(stream: str, form: str) -> None:
    newest = datetime(2026, 1, 1, tzinfo=timezone.utc)
    with Sandbox(rows=40, newest=newest) as sandbox:
        start = newest - timedelta(days=365)
        output = read({**sandbox.config(), "start_date": start.strftime(form)}, [stream])
        if form.endswith("+02:00"):
            start = start - timedelta(hours=2) + timedelta(microseconds=123456)
        assert output.exit_code == 0
        expected = set()
        for row in sandbox.tables[stream].rows():
            issued = row.get("placed_at") or row.get("UpdatedOn") or row.get("created_at") or row.get("date")
            if isinstance(issued, str):
                text = issued.replace(" ", "T")[:19]
                issued = datetime.fromisoformat(text + "+00:00").timestamp()
            if not issued or issued >= start.timestamp():
                expected.add(row[STREAMS[stream]])
        assert 0 < len(expected) < 40
        assert {record[STREAMS[stream]] for record in output.records(stream)} == expected


def test_details_before_the_start_date_are_not_requested() -> None:
    with Sandbox(rows=40, newest=datetime(2026, 1, 1, tzinfo=timezone.utc)) as sandbox:
        output = read({**sandbox.config(), "start_date": "2025-12-01"}, ["ipxo_invoices"])
        assert sandbox.count("ipxo_invoice") == len(output.records("ipxo_invoices")) < 40
