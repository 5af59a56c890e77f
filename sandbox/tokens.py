"""Access tokens: their scopes, when they expire, and whether they are revoked."""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Iterable


class Tokens:
    """The tokens of one provider."""

    def __init__(self) -> None:
        self._issued: dict[str, tuple[frozenset[str], float]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def issue(self, scopes: Iterable[str], lifetime: float) -> str:
        """Returns a new token for `scopes`, valid for `lifetime` seconds."""
        with self._lock:
            token = f"sandbox-token-{next(self._numbers)}-{secrets.token_hex(8)}"
            self._issued[token] = (frozenset(scopes), time.monotonic() + lifetime)
            return token

    def scopes(self, token: str) -> frozenset[str] | None:
        """Returns the scopes of a valid token; None for one that is unknown, expired or revoked."""
        with self._lock:
            scopes, expires = self._issued.get(token, (frozenset[str](), 0.0))
            return scopes if time.monotonic() < expires else None

    def take(self, token: str) -> frozenset[str] | None:
        """Returns the scopes of a token and revokes it: a refresh token can be used once."""
        scopes = self.scopes(token)
        self.revoke(token)
        return scopes

    def revoke(self, token: str | None = None) -> None:
        """Revokes one token, or all of them."""
        with self._lock:
            if token is None:
                self._issued.clear()
            else:
                self._issued.pop(token, None)


def bearer(headers: dict[str, str]) -> str:
    """Returns the token in the Authorization header; "" if there is none."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""
