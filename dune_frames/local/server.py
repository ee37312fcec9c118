"""The embedded Dune: a server in a thread of this process."""

from __future__ import annotations

import asyncio
import atexit
import socket
import threading
from typing import TYPE_CHECKING, Any, Self

from uvicorn import Config, Server

from dune_frames.local.api import Api, StoredExecution
from dune_frames.local.connections import Connections
from dune_frames.local.executions import (
    COMPLETED,
    ExecutionError,
)
from dune_frames.local.faults import Fault, Faults
from dune_frames.local.frames import Types, typed_result
from dune_frames.local.requests_log import RequestRecord, RequestsLog
from dune_frames.local.routes import Surroundings, application
from dune_frames.local.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from dune_frames.client import Dune

_HOST = "127.0.0.1"
_KEEP_ALIVE = 3600


class LocalDune(Settings):
    def __post_init__(self) -> None:
        super().__post_init__()
        self._api = Api(self)
        self._faults = Faults()
        self._log = RequestsLog()
        self._connections = Connections()
        self._thread: _Thread | None = None

    # Life

    def start(self) -> Self:
        """Start serving; returns when requests are answered."""
        if self._thread is None:
            around = Surroundings(self._api, self._faults, self._log, self._connections)
            self._thread = _Thread(around)
            self._thread.start()
            atexit.register(self.close)
        return self

    def close(self) -> None:
        """Stop serving at once: runs are cancelled, hanging answers end."""
        if self._thread is not None:
            atexit.unregister(self.close)
            self._thread.stop()
            self._thread = None
        self._api.close()

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
        """Return the base address, ``http://127.0.0.1:port``."""
        if self._thread is None:
            raise RuntimeError("this LocalDune is not started; use it in a with block or start()")
        return self._thread.url

    def client(self) -> Dune:
        """Return a client of this server."""
        from dune_frames.client import Dune

        return Dune(api_key=self.api_key or "local", base_url=self.url)

    # Data

    def register(self, name: str, frame: Any, types: Types | None = None) -> None:
        """Make a frame a table that queries can name.

        Parameters
        ----------
        name : str
            The table's name; dots part it as in ``dex.trades``. A table of that name is replaced,
            a sample table too.
        frame : pandas or polars DataFrame, pyarrow Table, anything with ``__arrow_c_stream__``, or path
            The rows; a path names a Parquet file. A pandas index is not a column.
        types : mapping of str to str, optional
            Dune's type text for each column, for what a frame cannot tell: ``{"amount": "uint256"}``.
            Only the columns named come along.

        Raises
        ------
        ValueError, KeyError, TypeError
            A value does not fit its type, the frame lacks a column, or it is no frame.

        Examples
        --------
        >>> import polars as pl
        >>> with LocalDune() as dune:
        ...     dune.register("my.prices", pl.DataFrame({"price": [1.5]}))
        """
        self._api.engine.register(name, frame, types)

    def save_query(self, query_id: int, sql: str, params: Mapping[str, Any] | None = None) -> None:
        """Save a query under a number.

        Parameters
        ----------
        query_id : int
            The number. Saved again with another text, the query has a new version, and its stored
            results are no longer the latest.
        sql : str
            DuneSQL, with ``{{name}}`` for parameters.
        params : mapping of str to object, optional
            A default for each parameter, which also tells its type: text, number, datetime, or a
            list whose first value is the default. `QueryParameter` says it in full.
        """
        self._api.save_query(query_id, sql, params or {})

    def store_result(
        self,
        frame: Any = None,
        types: Types | None = None,
        *,
        query_id: int = 0,
        params: Mapping[str, Any] | None = None,
        state: str = COMPLETED,
        error: ExecutionError | None = None,
        age: float = 0.0,
    ) -> str:
        """Store a finished execution, to serve any rows, types and states without running SQL.

        Parameters
        ----------
        frame : frame, path, or sequence of rows, optional
            As for `register`; or plain Python rows, which need `types`: mappings, or sequences in
            the order of `types`.
        types : mapping of str to str, or sequence of pairs, optional
            Column name to Dune's type text; pairs where names repeat. A text that no table lists
            keeps its values as the JSON they are.
        query_id : int
            The saved query that it belongs to; it is saved when it is not yet.
        params : mapping of str to object, optional
            The parameters it is found by.
        state : str
            Any state, known or not. Only the two completed ones have rows.
        error : ExecutionError, optional
            What a failed one shows.
        age : float
            How many seconds ago it ended.

        Returns
        -------
        str
            The execution id.
        """
        if types is not None:
            result = typed_result(frame, types)
        else:
            result = None if frame is None else self._api.engine.ingest(frame)
        finished = StoredExecution(result, query_id, params or {}, state, error, age)
        return self._api.store(finished)

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
        """Let a fault strike the next requests."""
        self._faults.add(fault, endpoint, times, skip)

    def clear_faults(self) -> None:
        """Forget the faults that have not struck yet."""
        self._faults.clear()


class _Thread(threading.Thread):
    """The thread in which uvicorn serves."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(daemon=True, name="dune-frames-local")
        self._socket = socket.create_server((_HOST, 0), backlog=128)
        # Accepted connections inherit it; without, each answer's body waits 40 ms for an ACK.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.url = f"http://{_HOST}:{self._socket.getsockname()[1]}"
        self._ready = threading.Event()
        self._around = around
        config = Config(
            application(around),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
        )
        self._server = _Server(config, around.connections, self._ready)

    def start(self) -> None:
        super().start()
        self._ready.wait()

    def run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def stop(self) -> None:
        self._server.stop()
        self.join()


class _Server(Server):
    """uvicorn, but it stops at once: it waits for an event instead of looking now and then."""

    def __init__(self, config: Config, connections: Connections, ready: threading.Event) -> None:
        super().__init__(config)
        self._connections = connections
        self._ready = ready

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._connections.server, self._connections.closing = self, asyncio.Event()
        self._ready.set()
        while not await self.on_tick(0):
            await self._connections.pause(1.0)

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
