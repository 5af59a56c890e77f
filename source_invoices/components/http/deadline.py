"""A deadline for a whole request: connection, header and body.

This module is here because the timeouts of requests count for each piece of an answer. A provider, or a proxy before
it, that sends a byte every few seconds would keep a request for ever.
"""

import io
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import SWITCHING_PROTOCOLS, HTTPResponse
from socket import SocketIO, socket
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection


class NoWholeAnswer(requests.Timeout):
    """A request had no whole answer at its deadline."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class _InFlight(threading.local):
    """The request that a thread has in flight: when its deadline is."""

    until = math.inf


_in_flight = _InFlight()


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Ends what this thread requests through a DeadlineAdapter. Raises NoWholeAnswer if it has not ended in time."""
    _in_flight.until = time.monotonic() + seconds
    try:
        yield
    except Exception as error:
        if time.monotonic() < _in_flight.until:
            raise
        raise NoWholeAnswer(seconds) from error
    finally:
        _in_flight.until = math.inf


class DeadlineAdapter(HTTPAdapter):
    """An adapter whose connections keep to the deadline of their request.

    Its requests to a host all have the same proxies and certificates, so the host's pool is looked up once. requests
    looks it up for each request, which is a fourteenth of what the connector computes for an invoice's detail.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._pools: dict[str, Any] = {}

    def get_connection_with_tls_context(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> Any:
        host = _host(request)
        if host not in self._pools:
            self._pools[host] = super().get_connection_with_tls_context(request, *args, **options)
        return self._pools[host]

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        if isinstance(manager, ProxyManager):  # and no SOCKS proxy, which has pools of its own
            manager.pool_classes_by_scheme = _POOLS
        return manager


def _host(request: requests.PreparedRequest) -> str:
    """Returns the address of a request without what comes after the host."""
    return "/".join(str(request.url).split("/", 3)[:3])


class _Reader(io.RawIOBase):
    """What comes from a socket, until the deadline. Each piece must come within what is left of it."""

    def __init__(self, raw: SocketIO, connection: socket, until: float) -> None:
        self._raw, self._connection, self._until = raw, connection, until
        self._timeout = connection.gettimeout() or math.inf

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left < self._timeout:
            if left <= 0:
                raise TimeoutError("the deadline has passed")
            self._connection.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimelyResponse(HTTPResponse):
    """An answer that is read until the deadline. Interim answers (1xx) before it are skipped."""

    def __init__(self, connection: socket, *args: Any, **options: Any) -> None:
        super().__init__(connection, *args, **options)
        raw: Any = self.fp
        self.fp = io.BufferedReader(_Reader(raw.detach(), connection, _in_flight.until))

    def begin(self) -> None:
        super().begin()
        while self.status < requests.codes.ok and self.status != SWITCHING_PROTOCOLS:
            self.headers: Any = None
            super().begin()


class _Connection(HTTPConnection):
    response_class = _TimelyResponse


class _SecureConnection(HTTPSConnection):
    response_class = _TimelyResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}
