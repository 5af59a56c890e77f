"""The ASGI application. It finds the endpoint, logs the request, applies faults and sends the answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import chain, repeat
from typing import Protocol
from urllib.parse import parse_qsl

from starlette.routing import Match, Route
from starlette.types import Message, Receive, Scope, Send

from sandbox.exchange import Answer, Endpoint, Request
from sandbox.faults import Fault, answer_with, struck

SILENCE = 0.1
"""After how many seconds it is looked whether the client of a silent connection has gone."""

Report = Callable[[int, str], Answer]


class Settings(Protocol):
    """What the application reads from the sandbox for each request."""

    faults: list[Fault]
    requests: list[Request]
    errors: list[Exception]
    latency: float
    on_request: Callable[[Request], None] | None


class Host:
    """The endpoints that one listening address serves."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        self._error = endpoints[0].error
        self._routes = [
            (Route(endpoint.path, endpoint.answer, methods=[endpoint.method], name=endpoint.route), endpoint)
            for endpoint in endpoints
        ]

    def endpoint(self, scope: Scope) -> tuple[Endpoint, dict[str, str]]:
        """Returns the requested endpoint, or one that answers 404 or 405; and the parameters in the path."""
        status = 404
        for route, endpoint in self._routes:
            match, found = route.matches(scope)
            if match is Match.FULL and scope["method"] == endpoint.method:
                return endpoint, {name: str(value) for name, value in found["path_params"].items()}
            status = 405 if match is not Match.NONE else status
        text = "Not Found" if status == 404 else "Method Not Allowed"
        return Endpoint("unknown", "", lambda _: self._error(status, text), self._error, data=False), {}


class Application:
    """One ASGI application for all providers. The port of the connection says which of them is meant."""

    def __init__(self, settings: Settings, hosts: dict[int, Host]) -> None:
        self._settings = settings
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        port = scope["server"][1]
        endpoint, parameters = self._hosts[port].endpoint(scope)
        request = Request(
            route=endpoint.route,
            method=scope["method"],
            host_port=port,
            path=scope["path"],
            query=parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True),
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            body=await read_body(receive),
            started=time.monotonic(),
            parameters=parameters,
        )
        self._settings.requests.append(request)
        fault = struck(self._settings.faults, request)
        pause = (self._settings.latency if endpoint.data else 0.0) + (
            fault.delay if fault is not None and fault.kind == "slow" else 0.0
        )
        if pause > 0:
            await asyncio.sleep(pause)
        if fault is not None and fault.kind == "raw":
            await send_raw(fault, receive)
            request.ended = time.monotonic()
            await close_connection(receive)
            return
        answer = self._answer(endpoint, request, fault)
        if fault is not None and fault.kind == "drop":
            request.ended = time.monotonic()
            await close_connection(receive)
            return
        await respond(request, answer, send, cut=fault is not None and fault.kind == "half")
        if fault is not None and fault.kind == "half":
            await close_connection(receive)

    def _answer(self, endpoint: Endpoint, request: Request, fault: Fault | None) -> Answer:
        try:
            if endpoint.data and self._settings.on_request is not None:
                self._settings.on_request(request)
            return answer_with(fault, endpoint, request)
        except Exception as error:  # raised when the sandbox stops, because a client would only retry a 500
            self._settings.errors.append(error)
            return endpoint.error(500, "The sandbox itself failed.")


async def read_body(receive: Receive) -> str:
    """The whole body of a request."""
    content = b""
    while True:
        message: Message = await receive()
        part: bytes = message.get("body", b"")
        content += part
        if not message.get("more_body", False):
            return content.decode("utf-8", "replace")


async def respond(request: Request, answer: Answer, send: Send, cut: bool) -> None:
    """Sends an answer. With `cut`, sends only half of its body."""
    content = answer.encoded()
    headers = {"Content-Type": answer.content_type, "Content-Length": str(len(content))} | answer.headers
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    request.status = answer.status
    request.ended = time.monotonic()
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    body = content[: len(content) // 2] if cut else content
    await send({"type": "http.response.body", "body": body, "more_body": cut})


async def send_raw(fault: Fault, receive: Receive) -> None:
    """Sends the pieces of a fault as they are, past uvicorn. Returns at the end, or when the client has gone."""
    transport = receive.__self__.transport  # type: ignore[attr-defined]
    pieces = chain(fault.pieces, repeat(fault.pieces[-1])) if fault.endless else iter(fault.pieces)
    for number, piece in enumerate(pieces):
        if number:
            await asyncio.sleep(fault.delay)
        if transport.is_closing():
            return
        transport.write(piece)
    while not fault.pieces and not transport.is_closing():
        await asyncio.sleep(SILENCE)


async def close_connection(receive: Receive) -> None:
    """Closes the connection behind a request.

    ASGI has no message for this. If the application returns without an answer, uvicorn sends a 500. The `receive` that
    uvicorn passes is a method of its request cycle, which has the transport. Waiting for the disconnect prevents
    uvicorn from reporting the missing end of the answer as an error.
    """
    receive.__self__.transport.close()  # type: ignore[attr-defined]
    while (await receive())["type"] != "http.disconnect":
        pass
