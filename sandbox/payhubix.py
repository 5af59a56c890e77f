"""Payhubix: an API key, the list of invoices, and each invoice.

Documented at docs.payhubix.com; its back end is written in Go.
"""

from __future__ import annotations

from urllib.parse import urlencode

from sandbox.exchange import Answer, Endpoint, ListSettings, Provider, Request, whole_number
from sandbox.payhubix_rows import PayhubixSource
from sandbox.queries import Condition, Query, Selections
from sandbox.tables import Table

STREAM = "payhubix_invoices"
STATUSES = ("Created", "Pending", "Paid", "Canceled", "Partially", "PartiallyExpired", "Expired")
"""The documented statuses."""


class Payhubix(Provider):
    """The provider's state and its endpoints. `empty_is_null`: an empty page says null, as Go writes an empty slice."""

    def __init__(self, api_key: str, table: Table, source: PayhubixSource) -> None:
        super().__init__({STREAM: ListSettings(100)})
        self.api_key = api_key
        self.missing_permission = False
        self.empty_is_null = True
        self._source = source
        self._selections = Selections(table, "link")

    def api(self) -> list[Endpoint]:
        """The endpoints of the provider's one host."""
        rows, page = ("message", "invoices"), (("message", "page"),)
        return [
            Endpoint(STREAM, "/v1/invoices/", self._list, report, rows=rows, page=page),
            Endpoint("payhubix_invoice", "/v1/invoices/{link}/", self._detail, report),
            Endpoint("payhubix_redirect", "/v1/invoices", self._redirect, report, data=False),
            Endpoint("payhubix_redirect", "/v1/invoices/{link}", self._redirect, report, data=False),
        ]

    def _redirect(self, request: Request) -> Answer:
        """Sends a path without its final slash to the documented one."""
        query = urlencode(request.query)
        return Answer(301, b"", {"Location": f"{request.path}/" + (f"?{query}" if query else "")})

    def _refusal(self, request: Request) -> Answer | None:
        """The answer to a request that its key does not allow; None if all is well."""
        if request.headers.get("x-api-key") != self.api_key:
            return report(401, "invalid api key")
        return report(403, "this api key has no permission: Invoices") if self.missing_permission else None

    def _detail(self, request: Request) -> Answer:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        row = self._selections.find(request.parameters["link"], request.rows_behind)
        if row is None:
            return report(404, "invoice not found")
        return Answer(body={"error": False, "number": 0, "message": self._source.detail(row)})

    def _list(self, request: Request) -> Answer:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        page = whole_number(request.value("page"), None)
        size = whole_number(request.value("per_page"), None)
        if page is None or size is None:
            return report(400, f"{'page' if page is None else 'per_page'} is required and must be a positive integer")
        direction = request.value("created_at") or "desc"
        if direction not in ("asc", "desc"):
            return report(400, "created_at must be asc or desc")
        status, symbol = request.value("status"), request.value("currency_symbol")
        if status and status not in STATUSES:
            return report(400, f"status must be one of {', '.join(STATUSES)}")
        conditions = [
            Condition(name, value, lambda row, name=name, value=value: row[name] == value)  # type: ignore[misc]
            for name, value in (("status", status), ("currency_symbol", symbol))
            if value
        ]
        settings = self.lists[STREAM]
        size = min(size, settings.max_page_size)
        descending = direction == "desc" and not settings.ignore_sort
        order = (("created_at", descending),) if settings.sorted_by is None else ((settings.sorted_by, True),)
        query = Query(order, tuple(conditions), rows_behind=request.rows_behind, ties=settings.unstable_ties)
        total, rows = self._selections.page(query, (page - 1) * size, size)
        total = total if settings.stated_total is None else settings.stated_total
        pages = -(-total // size)
        invoices = [{"index": number, **row} for number, row in enumerate(rows, 1)]
        return Answer(
            body={
                "error": False,
                "number": 0,
                "message": {
                    "page_count": pages,
                    "page": page,
                    "previous_page": page - 1,
                    "next_page": page + 1 if page < pages else 0,
                    "invoices": None if not invoices and self.empty_is_null else invoices,
                },
            }
        )


def report(status: int, text: str) -> Answer:
    """An error in the documented envelope. The catalogue of numbers is not public; here it is the status."""
    return Answer(status, {"error": True, "number": status, "message": text})
