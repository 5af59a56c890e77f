"""The sandbox: three invoice providers served over HTTP on the loopback interface."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import Any

from sandbox.exchange import ListSettings, Request
from sandbox.faults import Fault
from sandbox.ipxo import Ipxo
from sandbox.ipxo_rows import EcommerceSource, InvoiceSource, PayoutSource
from sandbox.nexudus import Nexudus
from sandbox.nexudus_rows import NexudusSource
from sandbox.payhubix import Payhubix
from sandbox.payhubix_rows import PayhubixSource
from sandbox.server import ADDRESS, ServerThread, listen
from sandbox.tables import Source, Table
from sandbox.timeline import SPAN, Timeline
from sandbox.values import nanoseconds
from sandbox.web import Application, Host

TENANT = "5a9db0c5-3c1e-4f7a-9b2d-7e61c0ffee42"
CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105
USERNAME = "reader@example.com"
PASSWORD = "sandbox-password"  # noqa: S105
API_KEY = "sandbox-api-key"

DIGITS: dict[str, tuple[int, ...]] = {
    "ipxo_payout_invoices": (0,),
    "ipxo_invoices": (0,),
    "ipxo_ecommerce_invoices": (0,) * 21 + tuple(range(1, 10)) + (0,) * 2,
    "nexudus_payout_invoices": (0,) * 9 + tuple(range(1, 8)),
    "payhubix_invoices": (6,) * 22 + tuple(range(10)),
}
"""How many digits of a second's fraction the times of each list have; see `Timeline`."""
STREAMS = tuple(DIGITS)


class Sandbox:
    """The three providers, their tables, and the faults that a test adds. Use it as a context manager.

    `rows`: how many rows each list holds, or a mapping from stream to number (others are empty). `newest`: the time
    of the newest generated row and of the sandbox's clock at the start. `span`: the time that generated rows cover.
    `large_amounts`: whether an amount is now and then beyond 32 bits, which no invoice is but a program must bear.
    `latency`: seconds before a data request is answered. `port`: the first of four ports in a row; 0 takes any free
    ones.
    """

    def __init__(
        self,
        rows: int | Mapping[str, int] = 250,
        seed: int = 7,
        newest: datetime | None = None,
        latency: float = 0.0,
        port: int = 0,
        span: timedelta = timedelta(microseconds=SPAN // 1000),
        large_amounts: bool = False,
    ) -> None:
        counts = {name: rows if isinstance(rows, int) else rows.get(name, 0) for name in STREAMS}
        unknown = set() if isinstance(rows, int) else set(rows) - set(STREAMS)
        if unknown:
            raise ValueError(f"there is no stream {', '.join(sorted(unknown))}")
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.errors: list[Exception] = []
        self.latency = latency
        self.on_request: Callable[[Request], None] | None = None
        self._port = port
        self._thread: ServerThread | None = None
        self._ports: list[int] = []
        self._newest = nanoseconds((newest or datetime.now(timezone.utc)).replace(microsecond=0))
        self._begun = time.monotonic_ns()

        timelines = {
            name: Timeline(
                counts[name], self._newest, seed + number, DIGITS[name], span // timedelta(microseconds=1) * 1000
            )
            for number, name in enumerate(STREAMS)
        }
        payouts, invoices, ecommerce, nexudus, payhubix = (timelines[name] for name in STREAMS)
        nexudus_source = NexudusSource(seed + 103, nexudus)
        payhubix_source = PayhubixSource(seed + 104, payhubix)
        sources: tuple[Source, ...] = (
            PayoutSource(seed + 100, TENANT, payouts),
            InvoiceSource(seed + 101, TENANT, invoices),
            EcommerceSource(seed + 102, TENANT, ecommerce),
            nexudus_source,
            payhubix_source,
        )
        for source in sources:
            source.large_amounts = large_amounts
        self.tables = {
            name: Table(name, source, timelines[name], self.clock)
            for name, source in zip(STREAMS, sources, strict=True)
        }
        self.ipxo = Ipxo(TENANT, CLIENT_ID, CLIENT_SECRET, {name: self.tables[name] for name in STREAMS[:3]})
        self.nexudus = Nexudus(USERNAME, PASSWORD, self.tables["nexudus_payout_invoices"], nexudus_source)
        self.payhubix = Payhubix(API_KEY, self.tables["payhubix_invoices"], payhubix_source)
        self.lists: dict[str, ListSettings] = self.ipxo.lists | self.nexudus.lists | self.payhubix.lists

    def clock(self) -> int:
        """Returns the sandbox's time in nanoseconds. It starts at `newest` and runs on."""
        return self._newest + time.monotonic_ns() - self._begun

    def start(self) -> None:
        """Returns when requests are answered."""
        if self._thread is not None:
            raise RuntimeError("the sandbox is running already")
        endpoints = (self.ipxo.api(), self.ipxo.token_host(), self.nexudus.api(), self.payhubix.api())
        sockets = [listen(self._port + number if self._port else 0) for number in range(len(endpoints))]
        self._ports = [listener.getsockname()[1] for listener in sockets]
        hosts = {port: Host(served) for port, served in zip(self._ports, endpoints, strict=True)}
        self._thread = ServerThread(Application(self, hosts), sockets)
        self._thread.start()

    def stop(self) -> None:
        """Returns when the ports are free. Raises the first error that happened inside the sandbox."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
        if self.errors:
            raise self.errors[0]

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        except Exception:
            if error is None:
                raise

    def config(self) -> dict[str, Any]:
        """A connector configuration for the running sandbox."""
        api, token, nexudus, payhubix = (f"http://{ADDRESS}:{port}" for port in self._ports)
        return {
            "ipxo": {
                "tenant_uuid": self.ipxo.tenant,
                "credentials": {
                    "auth_type": "client_credentials",
                    "client_id": self.ipxo.client_id,
                    "client_secret": self.ipxo.client_secret,
                },
                "api_url": api,
                "token_url": f"{token}/oauth2/token",
            },
            "nexudus": {
                "credentials": {
                    "auth_type": "password",
                    "username": self.nexudus.username,
                    "password": self.nexudus.password,
                },
                "api_url": nexudus,
            },
            "payhubix": {"api_key": self.payhubix.api_key, "api_url": payhubix},
        }

    def count(self, route: str) -> int:
        """Returns how many requests of a route have arrived."""
        return sum(request.route == route for request in list(self.requests))
