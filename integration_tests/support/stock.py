"""The streams as the CDK's own components read them: what the connector is compared with."""

from collections.abc import Callable, Mapping
from typing import Any

import requests

_Build = Callable[[Mapping[str, Any], int], dict[str, Any]]
PAGE_NUMBER = {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "page"}


def manifest(config: Mapping[str, Any], stream: str, page_size: int) -> dict[str, Any]:
    """A declarative manifest with one stream of a configuration, written as the CDK's documentation suggests."""
    return {
        "version": "7.39.1",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": [stream]},
        "streams": [_STREAMS[stream](config, page_size)],
    }


def _stream(name: str, key: str, requester: dict[str, Any], rows: list[str], **retriever: Any) -> dict[str, Any]:
    return {
        "type": "DeclarativeStream",
        "name": name,
        "primary_key": key,
        "schema_loader": {"type": "InlineSchemaLoader", "schema": {"type": "object", "properties": {}}},
        "retriever": {
            "type": "SimpleRetriever",
            "requester": {"type": "HttpRequester", "request_headers": {"Accept": "application/json"}, **requester},
            "record_selector": {
                "type": "RecordSelector",
                "extractor": {"type": "DpathExtractor", "field_path": rows},
            },
            **retriever,
        },
    }


def _paginator(page_size: int, size_parameter: str) -> dict[str, Any]:
    strategy = {
        "type": "PageIncrement",
        "start_from_page": 1,
        "page_size": page_size,
        "inject_on_first_request": True,
    }
    return {
        "type": "DefaultPaginator",
        "pagination_strategy": strategy,
        "page_token_option": PAGE_NUMBER,
        "page_size_option": {**PAGE_NUMBER, "field_name": size_parameter},
    }


def _ipxo_token(config: Mapping[str, Any], scope: str) -> dict[str, Any]:
    settings = config["ipxo"]
    form = {"grant_type": "client_credentials", "scope": scope, **settings["credentials"]}
    token = requests.post(settings["token_url"], form, timeout=10).json()["access_token"]
    return {"type": "BearerAuthenticator", "api_token": token}


def _ipxo(name: str, path: str, scope: str, **parameters: str) -> _Build:
    def build(config: Mapping[str, Any], page_size: int) -> dict[str, Any]:
        settings = config["ipxo"]
        requester = {
            "url": settings["api_url"] + path.format(tenant=settings["tenant_uuid"]),
            "authenticator": _ipxo_token(config, scope),
            "request_parameters": parameters,
        }
        return _stream(name, "uuid", requester, ["data"], paginator=_paginator(page_size, "per_page"))

    return build


def _ipxo_details(config: Mapping[str, Any], page_size: int) -> dict[str, Any]:
    parent = _ipxo("ipxo_invoice_list", "/billing/v1/{tenant}/invoices", "billing")(config, page_size)
    requester = {**parent["retriever"]["requester"], "request_parameters": {}}
    requester["url"] += "/{{ stream_partition['invoice_uuid'] }}"
    parents = [
        {"type": "ParentStreamConfig", "parent_key": "uuid", "partition_field": "invoice_uuid", "stream": parent}
    ]
    router = {"type": "SubstreamPartitionRouter", "parent_stream_configs": parents}
    return _stream("ipxo_invoices", "uuid", requester, [], partition_router=router)


def _nexudus(config: Mapping[str, Any], page_size: int) -> dict[str, Any]:
    settings = config["nexudus"]
    form = {name: value for name, value in settings["credentials"].items() if name != "auth_type"}
    form["grant_type"] = "password"
    token = requests.post(f"{settings['api_url']}/api/token", form, timeout=10).json()["access_token"]
    requester = {
        "url": f"{settings['api_url']}/api/sys/payoutinvoices",
        "authenticator": {"type": "BearerAuthenticator", "api_token": token},
        "request_parameters": {"orderBy": "Id", "dir": "1"},
    }
    return _stream("nexudus_payout_invoices", "Id", requester, ["Records"], paginator=_paginator(page_size, "size"))


def _payhubix(config: Mapping[str, Any], page_size: int) -> dict[str, Any]:
    settings = config["payhubix"]
    key = {"type": "RequestOption", "inject_into": "header", "field_name": "X-Api-Key"}
    requester = {
        "url": f"{settings['api_url']}/v1/invoices/",
        "authenticator": {"type": "ApiKeyAuthenticator", "api_token": settings["api_key"], "inject_into": key},
        "request_parameters": {"created_at": "desc"},
    }
    paginator = _paginator(page_size, "per_page")
    return _stream("payhubix_invoices", "link", requester, ["message", "invoices"], paginator=paginator)


_STREAMS: dict[str, _Build] = {
    "ipxo_payout_invoices": _ipxo(
        "ipxo_payout_invoices", "/billing/v1/{tenant}/market/payouts_invoices", "billing", sort="-date,-invoice_number"
    ),
    "ipxo_invoices": _ipxo_details,
    "ipxo_ecommerce_invoices": _ipxo(
        "ipxo_ecommerce_invoices", "/ecommerce/public/{tenant}/invoices", "ecommerce", sort="-placed_at"
    ),
    "nexudus_payout_invoices": _nexudus,
    "payhubix_invoices": _payhubix,
}
