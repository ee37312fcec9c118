"""A server of raw sockets, for what no HTTP library would do: drip, lie, hang up, say nothing."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any, Self

#: Answers one connection: receives the socket and the bytes of the request's head and body.
Script = Callable[[Any, bytes], None]


def http(status: str = "200 OK", body: bytes = b"{}", **headers: str) -> bytes:
    """Return an answer with an honest length, or the one that is given."""
    named = {"Content-Length": str(len(body))}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def reset(connection: socket.socket) -> None:
    """Hang up without a word: the other side sees a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def request_of(connection: socket.socket) -> bytes:
    """Receive one request."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (
            int(v.split(b":")[1])
            for v in head.split(b"\r\n")
            if v[:15].lower() == b"content-length:"
        ),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


class RawServer:
    """Listens on loopback and answers each connection with the next script, the last one for ever.

    Attributes
    ----------
    requests : list of bytes
        What came, in order.
    connections : int
        How many were made.
    port, url : int, str
        Where it listens.
    """

    def __init__(
        self, *scripts: Script, wrap: Callable[[socket.socket], socket.socket] | None = None
    ) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.closing = threading.Event()
        self._scripts = list(scripts)
        self._wrap = wrap or (lambda connection: connection)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.closing.set()
        for each in (self._socket, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
                self.connections += 1
                self._open.append(connection)
                thread = threading.Thread(
                    target=self._serve, args=(connection, script), daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def _serve(self, plain: socket.socket, script: Script) -> None:
        with contextlib.suppress(OSError), plain, self._wrap(plain) as connection:
            while request := request_of(connection):
                self.requests.append(request)
                script(connection, request)
