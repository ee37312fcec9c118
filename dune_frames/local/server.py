"""A server on loopback, whatever its answers come from: life, log, faults."""

from __future__ import annotations

import atexit
import secrets
from typing import TYPE_CHECKING, Self

from dune_frames.local.connections import Connections
from dune_frames.local.faults import Fault, Faults
from dune_frames.local.requests_log import RequestRecord, RequestsLog
from dune_frames.local.routes import Answers, Surroundings
from dune_frames.local.serving import ServerThread

if TYPE_CHECKING:
    from types import TracebackType

    from dune_frames.client import Dune
    from dune_frames.local.gate import Gate


class DuneServer:
    """What every embedded Dune is: a server in a thread of this process, with a log and faults.

    Notes
    -----
    It listens on 127.0.0.1 only. Closing never waits, neither for queries nor for hanging answers.
    All methods can be called from any thread.
    """

    def _prepare(
        self, answers: Answers, gate: Gate, key: str, *, latency: float = 0.0, port: int = 0
    ) -> None:
        """Put together what it consists of; nothing listens yet."""
        self._faults = Faults()
        self._log = RequestsLog()
        self._key = key
        self._port = port
        self._connections = Connections()
        self._around = Surroundings(
            answers, gate, latency, self._faults, self._log, self._connections
        )
        self._thread: ServerThread | None = None

    # Life

    def start(self) -> Self:
        """Start serving; returns when requests are answered."""
        if self._thread is None:
            self._thread = ServerThread(self._around, self._port)
            self._thread.start()
            atexit.register(self.close)
        return self

    def close(self) -> None:
        """Stop serving at once: runs are cancelled, hanging answers end."""
        if self._thread is not None:
            atexit.unregister(self.close)
            self._thread.stop()
            self._thread = None
        self._around.answers.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Return the base address, for example ``http://127.0.0.1:41234``.

        Raises
        ------
        RuntimeError
            It is not started.
        """
        if self._thread is None:
            name = type(self).__name__
            raise RuntimeError(f"this {name} is not started; use it in a with block or start()")
        return self._thread.url

    @property
    def key(self) -> str:
        """Return a key that it accepts, for clients that `client` does not make."""
        return self._key

    def client(self) -> Dune:
        """Return a client of this server."""
        from dune_frames.client import Dune

        return Dune(api_key=self._key, base_url=self.url)

    # What went on, and what shall go wrong

    @property
    def requests(self) -> tuple[RequestRecord, ...]:
        """Return what was asked since the start or the last `clear_requests`, oldest first."""
        return self._log.all()

    def clear_requests(self) -> None:
        """Forget the requests so far."""
        self._log.clear()

    def inject(
        self, fault: Fault, *, endpoint: str | None = None, times: int = 1, skip: int = 0
    ) -> None:
        """Let a fault strike the next requests.

        Parameters
        ----------
        fault : Fault
            One of `dune_frames.local.faults`.
        endpoint : str, optional
            The endpoint whose requests it strikes, one of `dune_frames.local.faults.ENDPOINTS`;
            without, those of every endpoint.
        times : int
            How many matching requests it strikes.
        skip : int
            How many matching requests it lets pass first.

        Raises
        ------
        ValueError
            There is no such endpoint.

        Examples
        --------
        >>> from dune_frames.local import LocalDune, Status
        >>> with LocalDune() as dune:
        ...     dune.inject(Status(503), endpoint="results", times=2)
        """
        self._faults.add(fault, endpoint, times, skip)

    def clear_faults(self) -> None:
        """Forget the faults that have not struck yet."""
        self._faults.clear()


def new_key() -> str:
    """Return a key of its own, so that no other server shares the cache of its clients."""
    return f"local-{secrets.token_hex(8)}"
