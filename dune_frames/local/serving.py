"""Serving: uvicorn in a thread of this process, which starts and stops at once."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING

from uvicorn import Config, Server

from dune_frames.local.routes import Surroundings, application

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dune_frames.local.connections import Connections

_HOST = "127.0.0.1"
#: Longer than any test: a connection that the server closed while a request was on its way would
#: look like a fault.
_KEEP_ALIVE_SECONDS = 3600
_TICK_SECONDS = 1.0


class ServerThread(threading.Thread):
    """A thread that serves on loopback from `start` to `stop`.

    Attributes
    ----------
    url : str
        The base address.
    """

    def __init__(self, around: Surroundings, port: int) -> None:
        super().__init__(daemon=True, name="dune-frames-local")
        self._socket = socket.create_server((_HOST, port), backlog=128)
        # Accepted connections inherit it; without, each answer's body waits 40 ms for an ACK.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.url = f"http://{_HOST}:{self._socket.getsockname()[1]}"
        config = Config(
            application(around),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
        self._server = _Server(config, around.connections)

    def start(self) -> None:
        """Start; returns when requests are answered."""
        super().start()
        self._server.ready.wait()

    def run(self) -> None:
        """Serve. This is what runs in the thread."""
        try:
            asyncio.run(self._server.serve(sockets=[self._socket]))
        finally:
            self._server.ready.set()

    def stop(self) -> None:
        """Stop at once: open connections are dropped."""
        self._server.stop()
        self.join()


class _Server(Server):
    """uvicorn, but it waits for an event to stop, where uvicorn looks ten times a second."""

    def __init__(self, config: Config, connections: Connections) -> None:
        super().__init__(config)
        self._connections = connections
        self.ready = threading.Event()

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._connections.server, self._connections.closing = self, asyncio.Event()
        self.ready.set()
        while not await self.on_tick(0):
            await self._connections.pause(_TICK_SECONDS)

    async def shutdown(self, sockets: Sequence[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for protocol in list(self.server_state.connections):
            protocol.transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)
        for listening in sockets or ():
            listening.close()

    def stop(self) -> None:
        """Stop from another thread."""
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._connections.closing.set)
