"""The manifest agrees with the providers' documentation, and every name in it exists."""

from typing import Any

from source_invoices.manifest_file import load_manifest

# Every query parameter of the providers' documentation.
DOCUMENTED = {
    "ipxo_payout_invoices": {
        "uuid", "invoice_number", "service_uuid", "subnet", "total", "status", "start", "end", "sort", "page", "per_page",
    },
    "ipxo_ecommerce_invoices": {
        "sort", "filter[invoicable_id]", "filter[invoicable_type]", "filter[uuid]", "filter[status]", "filter[placed_at]",
    },
    "nexudus_payout_invoices": {
        "page", "size", "orderBy", "dir", "PayoutInvoice_Invoice_InvoiceNumber", "PayoutInvoice_Invoice_ResellerAmount",
        "PayoutInvoice_Invoice_CreatedOn", "PayoutInvoice_Invoice_Currency_Code", "PayoutInvoice_Invoice_Business_Id",
        "PayoutInvoice_Invoice_Business_Name", "PayoutInvoice_ResellerPayout", "from_PayoutInvoice_InvoiceResellerAmount",
        "to_PayoutInvoice_InvoiceResellerAmount", "from_PayoutInvoice_InvoiceBusinessId",
        "to_PayoutInvoice_InvoiceBusinessId", "from_PayoutInvoice_Amount", "to_PayoutInvoice_Amount",
        "from_PayoutInvoice_CreatedOn", "to_PayoutInvoice_CreatedOn", "from_PayoutInvoice_UpdatedOn",
        "to_PayoutInvoice_UpdatedOn",
    },
    "payhubix_invoices": {"page", "per_page", "status", "created_at", "currency_symbol"},
}  # fmt: skip
# Statuses change while pages are read, so the connector applies these filters and never sends them.
APPLIED_HERE = {"status", "filter[status]"}
# Not documented for this list, but its responses number the pages.
UNDOCUMENTED = {"ipxo_ecommerce_invoices": {"page", "per_page"}}


def streams() -> dict[str, Any]:
    groups = load_manifest()["streams"]
    return {stream["$parameters"]["name"]: stream for group in groups for stream in group["streams"]}


def test_every_documented_parameter_is_sent_or_offered_as_a_filter() -> None:
    for name, documented in DOCUMENTED.items():
        stream = streams()[name]
        facts = stream["$parameters"]
        requester = stream["retriever"]["requester"]
        paging = {requester["page_parameter"], requester["page_size_parameter"]}
        used = {*facts["request_parameters"], *facts["filters"], *paging}
        assert used | APPLIED_HERE & documented == documented | UNDOCUMENTED.get(name, set())
        assert not APPLIED_HERE & used


def test_every_filter_is_a_setting_and_every_filter_setting_is_used() -> None:
    specification = load_manifest()["spec"]["connection_specification"]["properties"]
    for name in DOCUMENTED:
        facts = streams()[name]["$parameters"]
        paths = {tuple(path) for path in facts["filters"].values()}
        if "status_setting" in facts:
            paths.add(tuple(facts["status_setting"]))
        ((provider, filters),) = {path[:2] for path in paths}
        known = specification[provider]["properties"][filters]["properties"]
        assert {path[2] for path in paths} == set(known)


def test_every_setting_has_a_title_a_description_and_an_order() -> None:
    def visit(schema: dict[str, Any], path: str) -> None:
        for part in [schema, *schema.get("oneOf", [])]:
            orders = []
            for name, rule in part.get("properties", {}).items():
                orders.append(rule["order"])
                assert rule["title"], path + name
                assert rule["description"].endswith("."), path + name
                assert rule.get("airbyte_hidden", False) == (name.endswith("_url") or name == "requests_per_minute")
                visit(rule, f"{path}{name}.")
            assert orders == list(range(len(orders))), path

    visit(load_manifest()["spec"]["connection_specification"], "")


def test_the_request_limits_are_those_that_nexudus_publishes() -> None:
    (policy,) = load_manifest()["api_budget"]["policies"]
    rates = [(rate["limit"], rate["interval"]) for rate in policy["rates"]]
    assert rates[0] == (1, "PT0.11S")
    assert "120" in rates[1][0]
    assert rates[1][1] == "PT1M"


def test_every_requester_has_timeouts() -> None:
    def visit(node: Any) -> int:
        if isinstance(node, list):
            return sum(map(visit, node))
        if not isinstance(node, dict):
            return 0
        if node.get("type") == "CustomRequester":
            assert all(seconds > 0 for seconds in node["timeouts"])
        return (node.get("type") == "CustomRequester") + sum(map(visit, node.values()))

    assert visit(load_manifest()["streams"]) == 7
