"""A uvicorn server in a thread of its own, quick to start and quick to stop."""

from __future__ import annotations

import asyncio
import socket
import threading

import uvicorn
from starlette.types import ASGIApp

ADDRESS = "127.0.0.1"
KEEP_ALIVE = 3600
"""Seconds that an idle connection stays open: closing one just when a client writes to it is a fault that nobody
asked for."""


class QuickServer(uvicorn.Server):
    """uvicorn looks ten times a second whether it should stop, and lets connections finish. A sandbox stops at once."""

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
        """Ends `main_loop`, from any thread."""
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
            self._ready.set()  # also after a failed start, so that nobody waits for ever


def listen(port: int) -> socket.socket:
    """A listening socket on the loopback interface; port 0 takes any free one."""
    # Named as TCP: only then does asyncio set TCP_NODELAY, without which answers wait for delayed acknowledgements.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ADDRESS, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener
