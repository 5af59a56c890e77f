"""A tap made with Meltano's singer-sdk: `python -m tools.benchmarks.read_singer CONFIG STREAM`."""

import json
import sys
from pathlib import Path
from typing import Any, ClassVar

import requests
from singer_sdk import RESTStream, Stream, Tap
from singer_sdk.pagination import BasePageNumberPaginator

from tools.benchmarks.lists import InvoiceList, invoice_list

SCHEMAS = Path(__file__).parent.parent.parent / "schemas"


class _Pages(BasePageNumberPaginator):
    def __init__(self, invoices: InvoiceList) -> None:
        super().__init__(1)
        self._invoices = invoices

    def has_more(self, response: requests.Response) -> bool:
        return self.current_value < self._invoices.page_count(response.json())


class _Invoices(RESTStream[int]):
    def __init__(self, tap: Tap, name: str, invoices: InvoiceList) -> None:
        self._invoices = invoices
        super().__init__(tap, name, json.loads((SCHEMAS / f"{name}.json").read_text()), invoices.path)
        self.primary_keys = (invoices.key,)

    @property
    def records_jsonpath(self) -> str:
        return "$." + ".".join(self._invoices.rows) + "[*]"

    @property
    def url_base(self) -> str:
        return self._invoices.base

    @property
    def http_headers(self) -> dict[str, str]:
        return dict(self._invoices.headers)

    def get_new_paginator(self) -> _Pages:
        return _Pages(self._invoices)

    def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:
        return {**self._invoices.parameters, "page": next_page_token or 1}


class _Tap(Tap):
    name = "tap-invoices"
    config_jsonschema: ClassVar[dict[str, Any]] = {"type": "object", "properties": {}}
    invoices: ClassVar[tuple[str, InvoiceList]]

    def discover_streams(self) -> list[Stream]:
        return [_Invoices(self, *self.invoices)]


def main(config_path: str, stream: str) -> None:
    config = json.loads(Path(config_path).read_text())
    _Tap.invoices = (stream, invoice_list(stream, config))
    _Tap(config={}).sync_all()


if __name__ == "__main__":
    main(*sys.argv[1:])
