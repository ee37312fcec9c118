"""The embedded Dune: a server in a thread of this process."""

from __future__ import annotations

import atexit
import secrets
from typing import TYPE_CHECKING, Any, Self

from dune_frames.local.api import Api, StoredExecution
from dune_frames.local.connections import Connections
from dune_frames.local.executions import COMPLETED, ExecutionError
from dune_frames.local.faults import Fault, Faults
from dune_frames.local.frames import Types, typed_result
from dune_frames.local.requests_log import RequestRecord, RequestsLog
from dune_frames.local.routes import Surroundings
from dune_frames.local.serving import ServerThread
from dune_frames.local.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from dune_frames.client import Dune
    from dune_frames.local.results import Result


class LocalDune(Settings):
    """A Dune of one's own: a real HTTP server on loopback with the same API, over DuckDB.

    It answers as the real API does, odd parts included, needs no account, and never spends money.
    It has a few generated sample tables (`dune_frames.local.samples`), and whatever is registered,
    saved or stored in it. Everything that it was asked can be looked at, and what goes wrong can be
    ordered.

    Parameters
    ----------
    page_rows : int
        The rows of a page; a larger limit is lowered silently.
    max_datapoints : int
        The rows times columns that one request may have, unless it says
        ``ignore_max_datapoints_per_request=true``.
    latency : float
        Seconds before each answer.
    queue_seconds, execution_seconds : float
        How long an execution is pending, and how long it executes at least.
    execution_timeout : float
        Seconds after which a query fails.
    api_key : str, optional
        The one key that is accepted; without, any key is. A request without a key is refused.
    tiers : tuple of str
        The performance tiers that the plan has.
    memory_limit_mb : int
        The memory of all queries together, in 2**20 bytes.
    body_cache_mb : int
        How much of rendered answers is kept, in 2**20 bytes.
    port : int
        The port; 0 takes a free one.
    quirks : Quirks
        What the real API does sometimes, or may do.

    Notes
    -----
    It listens on 127.0.0.1 only. SQL reaches no file, no network and no setting. A start takes some
    milliseconds, and closing never waits, neither for queries nor for hanging answers. All methods
    can be called from any thread.

    Examples
    --------
    >>> from dune_frames.local import LocalDune
    >>> with LocalDune() as dune:
    ...     frame = dune.client().read_sql("SELECT 1 AS x")
    """

    def __post_init__(self) -> None:
        """Make what the server consists of; nothing listens yet."""
        super().__post_init__()
        self._api = Api(self)
        self._faults = Faults()
        self._log = RequestsLog()
        # Of its own, so that no other server at this address ever shares its clients' cache.
        self._any_key = f"local-{secrets.token_hex(8)}"
        self._connections = Connections()
        self._thread: ServerThread | None = None

    # Life

    def start(self) -> Self:
        """Start serving; returns when requests are answered."""
        if self._thread is None:
            around = Surroundings(self._api, self._faults, self._log, self._connections)
            self._thread = ServerThread(around, self.port)
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
        """Return the base address, for example ``http://127.0.0.1:41234``.

        Raises
        ------
        RuntimeError
            It is not started.
        """
        if self._thread is None:
            raise RuntimeError("this LocalDune is not started; use it in a with block or start()")
        return self._thread.url

    def client(self) -> Dune:
        """Return a client of this server."""
        from dune_frames.client import Dune

        return Dune(api_key=self.api_key or self._any_key, base_url=self.url)

    # Data

    def register(self, name: str, frame: Any, types: Types | None = None) -> None:
        """Make a frame a table that queries can name.

        Parameters
        ----------
        name : str
            The table's name; dots part it as in ``dex.trades``. A table of that name is replaced,
            a sample table too.
        frame : pandas or polars DataFrame, pyarrow Table, anything that streams Arrow, or path
            The rows; a path names a Parquet file. A pandas index is not a column.
        types : mapping of str to str, optional
            Dune's type text for each column, for what a frame cannot tell, as in
            ``{"amount": "uint256"}``. Only the columns named come along.

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
        result: Result | None = None
        if types is not None:
            result = typed_result([] if frame is None else frame, types)
        elif frame is not None:
            result = self._api.engine.ingest(frame)
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
