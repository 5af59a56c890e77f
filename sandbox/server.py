"""A uvicorn server in its own thread. It starts and stops quickly."""

from __future__ import annotations

import asyncio
import socket
import threading

import uvicorn
from starlette.types import ASGIApp

ADDRESS = "127.0.0.1"
KEEP_ALIVE = 3600
"""How many seconds an idle connection stays open. If the server closed one while a client writes to it, a test would
see a fault that it did not ask for."""


class QuickServer(uvicorn.Server):
    """A server that stops at once. uvicorn itself checks ten times a second and lets connections finish."""

    def __init__(self, config: uvicorn.Config, ready: threading.Event) -> None:
        super().__init__(config)
        self._ready = ready
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    async def main_loop(self) -> None:
        """Waits for `stop`."""
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Closes the listeners and every connection."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()

    def stop(self) -> None:
        """Ends `main_loop`. Any thread may call it."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)


class ServerThread:
    """Serves an application on several sockets until stopped."""

    def __init__(self, application: ASGIApp, sockets: list[socket.socket]) -> None:
        self._ready = threading.Event()
        config = uvicorn.Config(
            application,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE,
        )
        self._server = QuickServer(config, self._ready)
        self._sockets = sockets
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    def start(self) -> None:
        """Returns when requests are answered."""
        self._thread.start()
        self._ready.wait()
        if not self._thread.is_alive():
            raise RuntimeError("The sandbox's server ended before it had started.")

    def stop(self) -> None:
        """Returns when the thread has ended and the ports are free."""
        self._server.stop()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._server.run(sockets=self._sockets)
        finally:
            self._ready.set()  # also after a failed start, so that `start` returns


class PortRefused(Exception):
    """A port cannot be opened. The message says why."""


def listen(port: int) -> socket.socket:
    """Returns a listening socket on the loopback interface. Port 0 means any free port. Raises PortRefused."""
    # Only if the protocol is named does asyncio set TCP_NODELAY. Without it, answers wait for delayed acknowledgements.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ADDRESS, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise PortRefused(f"Port {port} of {ADDRESS} cannot be opened: {error.strerror}.") from error
    return listener
