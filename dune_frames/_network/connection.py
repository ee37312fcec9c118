"""The connection: knows what it has sent, and reads no longer than its attempt lasts.

A timeout of a socket bounds the silence between two bytes, so a server that drips would hold a call
for ever. Here every single read is cut to what is left of the attempt, headers included. And where
`requests` lets one only guess from an exception whether a request had left, here it is noted.
"""

from __future__ import annotations

import http.client
import io
import time
from typing import TYPE_CHECKING, Any

from dune_frames._network.attempt import CURRENT, Attempt

if TYPE_CHECKING:
    import socket


class _TimedReader(io.RawIOBase):
    """What a socket receives, for as long as an attempt lasts."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, attempt: Attempt) -> None:
        self._raw = raw
        self._connection = connection
        self._attempt = attempt

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        since = time.monotonic()
        while True:
            patience = self._attempt.patience(since)
            if self._connection.gettimeout() != patience:  # a call to the system each time
                self._connection.settimeout(patience)
            try:
                return self._connection.recv_into(buffer)
            except TimeoutError:
                continue

    def close(self) -> None:
        self._raw.close()
        super().close()


class TimedResponse(http.client.HTTPResponse):
    """An answer whose every byte is read within the attempt that asked for it."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        raw: Any = self.fp.detach()
        self.fp = io.BufferedReader(_TimedReader(raw, sock, CURRENT.get()))


class NotesSending(http.client.HTTPConnection):
    """A connection that notes in the attempt when the request starts to leave.

    Until then there is only the way to the server: its name, its port, TLS, a proxy.
    """

    response_class = TimedResponse

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Connect, note, send."""
        if self.sock is None:
            self.connect()
        CURRENT.get().sent = True
        super().request(*args, **kwargs)
