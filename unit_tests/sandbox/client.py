"""A client that asks a running sandbox, signed in where that is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import requests

from sandbox import Sandbox

NEWEST = datetime(2025, 6, 1, 12, tzinfo=timezone.utc)
LIST_PATHS = {
    "ipxo_payout_invoices": "/billing/v1/{tenant}/market/payouts_invoices",
    "ipxo_invoices": "/billing/v1/{tenant}/invoices",
    "ipxo_ecommerce_invoices": "/ecommerce/public/{tenant}/invoices",
    "nexudus_payout_invoices": "/api/sys/payoutinvoices",
    "payhubix_invoices": "/v1/invoices/",
}


@dataclass
class Client:
    """Asks a running sandbox."""

    sandbox: Sandbox
    session: requests.Session

    def token(self, scope: str | None = "billing ecommerce", **fields: str) -> requests.Response:
        """Asks IPXO for a token."""
        config = self.sandbox.config()["ipxo"]
        form = {
            "grant_type": "client_credentials",
            "client_id": config["credentials"]["client_id"],
            "client_secret": config["credentials"]["client_secret"],
        }
        scopes = {} if scope is None else {"scope": scope}
        return self.session.post(config["token_url"], data=form | scopes | fields)

    def sign_in(self, headers: dict[str, str] | None = None, **fields: str) -> requests.Response:
        """Asks Nexudus for a token."""
        config = self.sandbox.config()["nexudus"]
        form = {
            "grant_type": "password",
            "username": config["credentials"]["username"],
            "password": config["credentials"]["password"],
        }
        return self.session.post(config["api_url"] + "/api/token", data=form | fields, headers=headers)

    def headers(self, stream: str) -> dict[str, str]:
        """Headers that open a stream."""
        if stream.startswith("payhubix"):
            return {"X-Api-Key": self.sandbox.config()["payhubix"]["api_key"]}
        answer = self.token() if stream.startswith("ipxo") else self.sign_in()
        return {"Authorization": f"Bearer {answer.json()['access_token']}", "Accept": "application/json"}

    def get(
        self,
        stream: str,
        query: Mapping[str, Any] | None = None,
        /,
        *,
        path: str | None = None,
        headers: Mapping[str, str] | None = None,
        **parameters: Any,
    ) -> requests.Response:
        """Asks for a stream's list, or for another path on its host."""
        config = self.sandbox.config()
        tenant = config["ipxo"]["tenant_uuid"]
        address = config[stream.partition("_")[0]]["api_url"] + (path or LIST_PATHS[stream]).format(tenant=tenant)
        given = self.headers(stream) if headers is None else headers
        return self.session.get(address, params={**parameters, **(query or {})}, headers=given, allow_redirects=False)
