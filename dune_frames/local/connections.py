"""Connections: the sockets under the requests, for what HTTP itself has no words for."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send
    from uvicorn import Server

    from dune_frames.local.answers import Answer
    from dune_frames.local.delivery import Delivery

_LINGER_NOT = struct.pack("ii", 1, 0)


class Connections:
    """The open connections of one server.

    Attributes
    ----------
    server : uvicorn.Server
        The server; set before the first request.
    closing : asyncio.Event
        Set when the server closes; it ends every pause.
    """

    server: Server
    closing: asyncio.Event

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than the server lives."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.closing.wait(), seconds)

    async def deliver(self, delivery: Delivery, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what was prepared, as it was prepared."""
        answer = delivery.answer
        if answer is None:
            self._reset(scope)
            await _gone(receive)
            return
        await send(_start(answer, delivery.declared_length))
        bounds = [len(answer.body) * n // delivery.pieces for n in range(delivery.pieces + 1)]
        for start, end in pairwise(bounds):
            await self.pause(delivery.pause)
            await send(_piece(answer.body[start:end], more=True))
        if len(answer.body) < delivery.declared_length:
            self._transport(scope).close()
            await _gone(receive)
        else:
            await send(_piece(b"", more=False))

    def _reset(self, scope: Scope) -> None:
        transport = self._transport(scope)
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        transport.abort()

    def _transport(self, scope: Scope) -> asyncio.Transport:
        client = tuple(scope["client"])
        open_ones = self.server.server_state.connections
        protocol = next(one for one in open_ones if getattr(one, "client", None) == client)
        return protocol.transport


def _start(answer: Answer, length: int) -> dict[str, object]:
    headers = {"content-type": answer.content_type, "content-length": str(length)} | {
        name.lower(): value for name, value in answer.headers.items()
    }
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": answer.status, "headers": encoded}


def _piece(body: bytes, *, more: bool) -> dict[str, object]:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
