"""Nexudus: password tokens that rotate, HTTP Basic, and the list of payout invoices.

Documented at developers.nexudus.com and learn.nexudus.com, which differ on the meaning of `dir` and on the limits.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections import deque
from datetime import timedelta
from typing import Any

from sandbox.exchange import Answer, Endpoint, ListSettings, Provider, Request, form_fields, whole_number
from sandbox.nexudus_filters import BadFilter, conditions, moment
from sandbox.nexudus_rows import NexudusSource
from sandbox.queries import Query, Selections
from sandbox.tables import Table
from sandbox.tokens import Tokens, bearer

STREAM = "nexudus_payout_invoices"
REFRESH_LIFETIME = 15 * 86_400
"""Seconds that a refresh token is good for (documented)."""

DOCUMENTED_LIMITS = ((1, 0.1), (120, 60.0))
"""The newer of the documented limits, as (requests, seconds): one each 100 ms, and 120 a minute."""


class Nexudus(Provider):
    """The provider's state and its endpoints.

    `direction_reading`: how `dir` is understood: "signed" (1 ascending, -1 descending), "flag" (0 and 1) or "word"
    (Ascending and Descending). `limits`: (requests, seconds) pairs, or None for no limits. `totp`: when set, signing
    in with a password needs it. `token_lifetime` is in seconds.
    """

    def __init__(self, username: str, password: str, table: Table, source: NexudusSource) -> None:
        super().__init__({STREAM: ListSettings(1000)})
        self.username = username
        self.password = password
        self.token_lifetime: float = 604799
        self.direction_reading = "signed"
        self.limits: tuple[tuple[int, float], ...] | None = DOCUMENTED_LIMITS
        self.missing_role = False
        self.totp: str | None = None
        self.tokens = Tokens()
        self._refresh_tokens = Tokens()
        self._refresh_token_of: dict[str, str] = {}
        self._served: deque[float] = deque()
        self._source = source
        self._selections = Selections(table, "Id")
        self._fields = frozenset(source.row(0, 0))

    @property
    def utc_offset(self) -> timedelta:
        """How far the provider's clock is off, although its times end in Z."""
        return self._source.utc_offset

    @utc_offset.setter
    def utc_offset(self, offset: timedelta) -> None:
        self._source.utc_offset = offset

    def revoke_tokens(self) -> None:
        """Makes every access and refresh token issued so far useless."""
        self.tokens.revoke()
        self._refresh_tokens.revoke()

    def api(self) -> list[Endpoint]:
        """The endpoints of the provider's one host."""
        page = (("CurrentPage",), ("PageNumber",))
        return [
            Endpoint("nexudus_token", "/api/token", self._token, token_report, method="POST", data=False),
            Endpoint(STREAM, "/api/sys/payoutinvoices", self._list, report, rows=("Records",), page=page),
        ]

    def _token(self, request: Request) -> Answer:
        fields = form_fields(request)
        grant = (fields or {}).get("grant_type")
        if fields is None or grant not in ("password", "refresh_token"):
            return Answer(400, {"error": "unsupported_grant_type"})
        client = request.headers.get("client_id")
        if grant == "refresh_token":
            owner = self._refresh_tokens.take(fields.get("refresh_token", ""))
            if not client or owner is None or client not in owner:
                return token_report(400, "The refresh token is invalid, expired or used.")
            return self._signed_in(client)
        known = (fields.get("username"), fields.get("password")) == (self.username, self.password)
        if not known or (self.totp is not None and fields.get("totp") != self.totp):
            return token_report(400, "The user name or password is incorrect.")
        return self._signed_in(client or self.username)

    def _signed_in(self, client: str) -> Answer:
        """A new pair of tokens. The client's earlier refresh token ends, its access tokens stay good (documented)."""
        self._refresh_tokens.revoke(self._refresh_token_of.get(client, ""))
        self._refresh_token_of[client] = refresh = self._refresh_tokens.issue({client}, REFRESH_LIFETIME)
        return Answer(
            body={
                "access_token": self.tokens.issue((), self.token_lifetime),
                "token_type": "bearer",
                "expires_in": int(self.token_lifetime),
                "refresh_token": refresh,
            }
        )

    def _allowed(self, request: Request) -> bool:
        """Whether the request carries a good token, or name and password (never enough where TOTP is on; inferred)."""
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return self.tokens.scopes(bearer(request.headers)) is not None
        try:
            pair = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return self.totp is None and pair == f"{self.username}:{self.password}"

    def _throttled(self) -> bool:
        """Whether a limit is reached. Requests turned away do not count."""
        if self.limits is None:
            return False
        now = time.monotonic()
        longest = max((seconds for _, seconds in self.limits), default=0)
        while self._served and now - self._served[0] >= longest:
            self._served.popleft()
        if any(sum(now - then < seconds for then in self._served) >= count for count, seconds in self.limits):
            return True
        self._served.append(now)
        return False

    def _list(self, request: Request) -> Answer:
        if self._throttled():
            return report(409, "")
        if not self._allowed(request):
            return report(401, "Authorization has been denied for this request.")
        if self.missing_role:
            # The same status as for a bad token (documented).
            return report(401, "The user lacks the role PayoutInvoice-List.")
        try:
            return self._page(request)
        except BadFilter as bad:
            return refusal(bad.name, bad.value, str(bad))

    def _page(self, request: Request) -> Answer:
        given = {name.lower(): value for name, value in request.query if value}  # .NET ignores case (inferred)
        page, size = whole_number(given.get("page"), 1), whole_number(given.get("size"), 25)
        if page is None or size is None:
            name = "page" if page is None else "size"
            raise BadFilter(name, given[name], "The value is not a whole number of at least 1.")
        field = given.get("orderby", "Id")
        if field not in self._fields:
            raise BadFilter("orderBy", field, f"The property '{field}' does not exist.")
        descending, direction = self._direction(given.get("dir"))
        settings = self.lists[STREAM]
        size = min(size, settings.max_page_size)
        order = ((settings.sorted_by, True),) if settings.sorted_by else ((field, descending),)
        order = (("UpdatedOn", False),) if settings.ignore_sort else order
        since, until = (
            moment(given, f"{side}_payoutinvoice_updatedon", self._source.offset) for side in ("from", "to")
        )
        query = Query(
            order,
            conditions(given, self._source.offset),
            since=since,
            until=until,
            rows_behind=request.rows_behind,
            ties=settings.unstable_ties,
        )
        offset = (page - 1) * size
        total, rows = self._selections.page(query, offset, size)
        total = total if settings.stated_total is None else settings.stated_total
        return Answer(
            body={
                "Records": rows,
                "CurrentPageSize": size,
                "CurrentPage": page,
                "CurrentOrderField": field,
                "CurrentSortDirection": direction,
                "FirstItem": offset + 1,
                "HasNextPage": offset + size < total,
                "HasPreviousPage": page > 1,
                "LastItem": offset + len(rows),
                "PageNumber": page,
                "PageSize": size,
                "TotalItems": total,
                "TotalPages": -(-total // size),
            }
        )

    def _direction(self, text: str | None) -> tuple[bool, Any]:
        """Whether `dir` means descending, and what the envelope then says."""
        if self.direction_reading == "word":
            return text == "Descending", text if text == "Descending" else "Ascending"
        if self.direction_reading == "flag":
            return text == "1", int(text == "1")
        return text == "-1", -1 if text == "-1" else 1


def refusal(name: str, value: object, text: str) -> Answer:
    """Status 400 with the body documented for writes."""
    errors = [{"AttemptedValue": value, "Message": text, "PropertyName": name}]
    return Answer(400, {"Message": text, "Value": None, "Errors": errors, "WasSuccessful": False})


def report(status: int, text: str) -> Answer:
    """An error of the API; a 409 means too many requests, has no body and names one second (documented)."""
    if status == 409:
        return Answer(409, b"", {"Retry-After": "1"})
    if status == 401:
        return Answer(401, {"Message": text})
    return Answer(status, {"Message": text, "Value": None, "Errors": None, "WasSuccessful": False})


def token_report(status: int, text: str) -> Answer:
    """An error of the token endpoint (documented)."""
    return Answer(status, {"error": "invalid_grant" if status == 400 else "server_error", "error_description": text})
