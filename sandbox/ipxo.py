"""IPXO: OAuth 2.0 with scopes, the billing lists and the e-commerce list.

Documented at apidocs.ipxo.com. Where the documentation is silent, it behaves as Laravel does, whose pages it sends.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

from sandbox.exchange import HTML, Answer, Endpoint, ListSettings, Provider, Request, form_fields
from sandbox.ipxo_rows import INVOICE_STATUSES
from sandbox.laravel import Validation, any_item, equal, one_of, report, served, token_report
from sandbox.queries import Condition, Query, Selections
from sandbox.tables import Row, Table
from sandbox.tokens import Tokens, bearer
from sandbox.values import SECOND

PAYOUT_SORTS = ("invoice_number", "status", "date", "date_paid", "total", "address", "cidr", "start", "end")
SUMMARY = ("uuid", "invoice_number", "date", "date_due", "subtotal_with_taxes", "status", "items_count")
ECOMMERCE_FILTERS = ("invoicable_id", "invoicable_type", "uuid", "status", "placed_at")
LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form>Sign in</form></body></html>"


class Ipxo(Provider):
    """The provider's state and its endpoints.

    `granted_scopes` are those the app was given; `token_lifetime` is in seconds. `list_as_bare_array` makes the list
    of invoices a bare array: of all rows (True), of the page asked for ("pages"), or of the first page whatever page is
    asked for ("first_page").
    """

    def __init__(self, tenant: str, client_id: str, client_secret: str, tables: dict[str, Table]) -> None:
        super().__init__({name: ListSettings(100) for name in tables})
        self.tenant = tenant
        self.client_id = client_id
        self.client_secret = client_secret
        self.granted_scopes = {"billing", "ecommerce"}
        self.token_lifetime: float = 86399
        self.list_as_bare_array: Literal[False, True, "pages", "first_page"] = False
        self.tokens = Tokens()
        self._invoices = tables["ipxo_invoices"]
        ties = {"ipxo_payout_invoices": "invoice_number", "ipxo_invoices": "invoice_number"}
        self._selections = {name: Selections(table, ties.get(name, "uuid")) for name, table in tables.items()}

    def revoke_tokens(self) -> None:
        """Makes every token issued so far useless."""
        self.tokens.revoke()

    def api(self) -> list[Endpoint]:
        """The endpoints of the API host."""
        page = (("meta", "current_page"),)
        tenant = "/billing/v1/{tenant}"
        return [
            Endpoint("ipxo_login", "/login", self._login, report, data=False),
            Endpoint("ipxo_tenants", "/billing/v1", self._tenants, report, rows=("data",)),
            Endpoint("ipxo_tenant", tenant, self._tenant, report),
            Endpoint(
                "ipxo_payout_invoices",
                f"{tenant}/market/payouts_invoices",
                self._payouts,
                report,
                rows=("data",),
                page=page,
            ),
            Endpoint("ipxo_invoices", f"{tenant}/invoices", self._list, report, rows=("data",), page=page),
            Endpoint("ipxo_invoice", f"{tenant}/invoices/{{invoice}}", self._detail, report),
            Endpoint(
                "ipxo_ecommerce_invoices",
                "/ecommerce/public/{tenant}/invoices",
                self._ecommerce,
                report,
                rows=("data",),
                page=page,
            ),
        ]

    def token_host(self) -> list[Endpoint]:
        """The endpoints of the token host."""
        return [Endpoint("ipxo_token", "/oauth2/token", self._token, token_report, method="POST", data=False)]

    def _token(self, request: Request) -> Answer:
        fields = form_fields(request)
        if fields is None:
            return token_report(400, "The request is not a form, or names a field twice.")
        if fields.get("grant_type") != "client_credentials":
            return token_report(400, "The grant type is not supported.", "unsupported_grant_type")
        if (fields.get("client_id"), fields.get("client_secret")) != (self.client_id, self.client_secret):
            return token_report(401, "Client authentication failed (unknown client or wrong secret).", "invalid_client")
        scope = fields.get("scope", "")
        if not set(scope.split()) <= self.granted_scopes:
            return token_report(400, "The requested scope is invalid or was not granted to this app.", "invalid_scope")
        token = self.tokens.issue(scope.split(), self.token_lifetime)
        lifetime = int(self.token_lifetime)
        return Answer(
            body={"access_token": token, "expires_in": lifetime, "scope": scope, "token_type": "bearer"},
            headers={"Cache-Control": "no-store"},
        )

    def _login(self, _request: Request) -> Answer:
        return Answer(body=LOGIN_PAGE, content_type=HTML)

    def _refusal(self, request: Request, scope: str) -> Answer | None:
        """The answer to a request that its token, scope or tenant does not allow; None if all is well."""
        scopes = self.tokens.scopes(bearer(request.headers))
        if scopes is None:
            # Laravel sends a browser to its login page, and takes for a browser whoever does not ask for JSON.
            if "json" not in request.headers.get("accept", ""):
                return Answer(302, LOGIN_PAGE, {"Location": "/login"}, HTML)
            return report(401, "Unauthenticated.")
        if scope not in scopes:
            return report(403, f"Invalid scope(s) provided: the token lacks '{scope}'.")
        if request.parameters.get("tenant", self.tenant) != self.tenant:
            return report(403, "This action is unauthorized.")
        return None

    def _tenants(self, request: Request) -> Answer:
        return self._refusal(request, "billing") or Answer(body={"data": [self._company()]})

    def _tenant(self, request: Request) -> Answer:
        return self._refusal(request, "billing") or Answer(body=self._company())

    def _company(self) -> Row:
        return {
            "uuid": self.tenant,
            "title": "Sandbox Networks Ltd",
            "email": "billing@example.com",
            "status": "active",
            "code": "SBX",
        }

    def _payouts(self, request: Request) -> Answer:
        refusal = self._refusal(request, "billing")
        return refusal or served(self._payouts_page, request)

    def _payouts_page(self, request: Request) -> Answer:
        form = Validation(request)
        order = form.sort(PAYOUT_SORTS)
        conditions: list[Condition] = []
        for name in ("invoice_number", "status"):
            conditions += equal(name, form.choice(name, ("paid", "unpaid") if name == "status" else ()))
        conditions += equal("total", form.decimal("total"))
        conditions += any_item("service_uuid", form.text("service_uuid"), lambda item: (item["service_uuid"],))
        conditions += any_item(
            "subnet", form.text("subnet"), lambda item: (item["address"], f"{item['address']}/{item['cidr']}")
        )
        start, end = form.integer("start"), form.integer("end")
        if start is not None:
            conditions.append(
                Condition("start", start, lambda row: any(i["period_start"] >= start for i in row["items"]))
            )
        if end is not None:
            conditions.append(Condition("end", end, lambda row: any(i["period_end"] <= end for i in row["items"])))
        query = Query(order or (("date", False),), tuple(conditions), key=form.text("uuid"))
        return self._paged("ipxo_payout_invoices", query, form, 15)

    def _list(self, request: Request) -> Answer:
        return self._refusal(request, "billing") or served(self._list_page, request)

    def _list_page(self, request: Request) -> Answer:
        form = Validation(request)
        sort = form.choice("sort", ("date", "date_due", "invoice_number", "status")) or "date"
        descending = (form.choice("direction", ("asc", "desc")) or "desc") == "desc"
        conditions = equal("invoice_number", form.text("invoice_number"))
        numbers = form.array("invoice_number_bulk")
        statuses = form.array("statuses", INVOICE_STATUSES)
        if numbers:
            conditions.append(Condition("numbers", numbers, lambda row: row["invoice_number"] in numbers))
        if statuses:
            conditions.append(Condition("statuses", statuses, lambda row: row["status"] in statuses))
        since, until = form.integer("period_start"), form.integer("period_end")
        query = Query(
            ((sort, descending),),
            tuple(conditions),
            since=None if since is None else since * SECOND,
            until=None if until is None else until * SECOND,
        )
        answer = self._paged("ipxo_invoices", query, form, 15)
        answer.body["data"] = [{name: row[name] for name in SUMMARY} for row in answer.body["data"]]
        return Answer(body=answer.body["data"]) if self.list_as_bare_array else answer

    def _detail(self, request: Request) -> Answer:
        row = self._selections["ipxo_invoices"].find(request.parameters["invoice"], request.rows_behind)
        unknown = report(404, "No query results for model [Invoice].")
        return self._refusal(request, "billing") or (unknown if row is None else Answer(body=row))

    def _ecommerce(self, request: Request) -> Answer:
        return self._refusal(request, "ecommerce") or served(self._ecommerce_page, request)

    def _ecommerce_page(self, request: Request) -> Answer:
        form = Validation(request)
        keys = [key for key in (form.text("sort") or "").split(",") if key]
        if not {key.lstrip("-") for key in keys} <= {"placed_at"}:
            return report(400, f"Requested sort(s) `{','.join(keys)}` is not allowed. Allowed sort(s) are `placed_at`.")
        filters = {match[1]: value for name, value in request.query if (match := re.fullmatch(r"filter\[(.*)\]", name))}
        unknown = sorted(set(filters) - set(ECOMMERCE_FILTERS))
        if unknown:
            allowed = ", ".join(ECOMMERCE_FILTERS)
            return report(400, f"Requested filter(s) `{', '.join(unknown)}` are not allowed. Allowed are `{allowed}`.")
        key = filters.pop("uuid", None)
        wanted = [one_of(name, value) for name, value in filters.items() if value]
        if key and "," in key:
            wanted.append(one_of("uuid", key))
            key = None
        order = tuple((name.lstrip("-"), name.startswith("-")) for name in keys[:1])
        query = Query(order or (("placed_at", False),), tuple(wanted), key=key or None)
        answer = self._paged("ipxo_ecommerce_invoices", query, form, 10)
        meta = answer.body["meta"]
        answer.body["meta"] = {name: meta[name] for name in ("current_page", "total", "per_page")}
        return answer

    def _paged(self, name: str, query: Query, form: Validation, default: int) -> Answer:
        """A page in Laravel's envelope."""
        page, size = form.whole("page", 1), form.whole("per_page", default)
        form.check()
        settings = self.lists[name]
        size = min(size, settings.max_page_size)
        if settings.sorted_by or settings.ignore_sort:
            query = replace(query, order=((settings.sorted_by or query.order[0][0], settings.sorted_by is not None),))
        query = replace(query, rows_behind=form.request.rows_behind, ties=settings.unstable_ties)
        offset = (page - 1) * size
        if name == "ipxo_invoices" and self.list_as_bare_array:
            offset = offset if self.list_as_bare_array == "pages" else 0
            size = max(1, len(self._invoices)) if self.list_as_bare_array is True else size
        total, rows = self._selections[name].page(query, offset, size)
        total = total if settings.stated_total is None else settings.stated_total
        meta = {
            "current_page": page,
            "from": offset + 1 if rows else None,
            "last_page": max(1, -(-total // size)),
            "per_page": size,
            "to": offset + len(rows) if rows else None,
            "total": total,
        }
        return Answer(body={"data": rows, "meta": meta})
