"""The embedded Dune: a server over DuckDB, with tables, saved queries and stored results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dune_frames.local.api import Api, StoredExecution
from dune_frames.local.executions import COMPLETED, ExecutionError
from dune_frames.local.folders import Folder
from dune_frames.local.frames import Types, typed_result
from dune_frames.local.gate import Gate, any_key, only_key
from dune_frames.local.queries import SavedQuery
from dune_frames.local.server import DuneServer, new_key
from dune_frames.local.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from dune_frames.client import Dune
    from dune_frames.local.recorder import RecordingDune
    from dune_frames.local.replayer import ReplayingDune
    from dune_frames.local.results import Result


class LocalDune(DuneServer, Settings):
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
    rate_limit : int, optional
        How many requests any sixty seconds may have, as a plan's: 40 is the free one's. Those that
        start runs are counted for themselves and may be three eighths of it, 15 of 40. One too many
        is answered 429, without a Retry-After.
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
        self._gate = Gate(only_key(self.api_key) if self.api_key else any_key, self.rate_limit)
        key = self.api_key or new_key()
        self._prepare(self._api, self._gate, key, latency=self.latency, port=self.port)

    def reset(self) -> None:
        """Be as just started, at the same address.

        What runs is cancelled; tables, saved queries, results, faults and the log are forgotten.
        Sample tables stay, and are as they were.
        """
        self._api.reset()
        self._gate.reset()
        self._key = self.api_key or new_key()
        self.clear_faults()
        self.clear_requests()

    # Recordings

    @staticmethod
    def record(client: Dune, folder: str | PathLike[str] = "dune_recording") -> RecordingDune:
        """Return a Dune that passes requests on to a real one, and keeps its answers in a folder.

        What it kept is served again by `replay`, without network, account or cost. No key is in the
        folder, in no header, address or body, so that it can be committed.

        Parameters
        ----------
        client : Dune
            Whose account and address the requests go to. What they cost, it costs.
        folder : str or path
            Where the answers go. An earlier recording in it is replaced.

        Returns
        -------
        RecordingDune
            Use it in a ``with`` block. Its ``client()`` reads through it; any other client can,
            too, with its ``url`` and its ``key``.

        Examples
        --------
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> with LocalDune() as real, LocalDune.record(real.client(), folder) as dune:
        ...     dune.client().read_sql("SELECT 1 AS one")["one"].to_list()
        [1]
        >>> with LocalDune.replay(folder) as dune:
        ...     dune.client().read_sql("SELECT 1 AS one")["one"].to_list()
        [1]
        """
        from dune_frames.local.recorder import RecordingDune

        return RecordingDune(client, folder)

    @staticmethod
    def replay(folder: str | PathLike[str] = "dune_recording") -> ReplayingDune:
        """Return a Dune that answers from a folder what `record` kept in it.

        Requests may come in another order, and more or less often, as when a run is polled: each
        gets in turn the answers that it got then, and the last one ever after. A request that was
        not recorded is refused with 400, and the error names it. Answers that a client overcame by
        asking again (429 and 5xx) are left out. Moments are those of the recording, which `max_age`
        compares with today.

        Parameters
        ----------
        folder : str or path
            The folder of the recording.

        Raises
        ------
        FileNotFoundError
            There is no recording in it, or one of its files is missing.
        """
        from dune_frames.local.replayer import ReplayingDune

        return ReplayingDune(folder)

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

    def register_folder(self, folder: str | PathLike[str]) -> None:
        """Serve the files of a folder: Parquet and CSV as tables, SQL as saved queries.

        ``dex/trades.parquet`` is the table ``dex.trades``, and folders may be nested further. A
        file is read when a query first names its table. A Parquet file tells its types; those of a
        CSV are the narrowest that give every value back, null is an empty field or Dune's
        ``<nil>``, and its first line has the names. How an SQL file tells id, name and parameters
        is described in `dune_frames.local.query_files`. Other and hidden files are left out.

        Parameters
        ----------
        folder : str or path
            The folder.

        Raises
        ------
        FolderError
            A ValueError: it is no folder, a file in it cannot be served, or two of them stand for
            one table or query. Nothing of it is served then.
        """
        served = Folder.of(folder)
        for name, read in served.tables.items():
            self._api.engine.register_later(name, read)
        for query in served.queries:
            self._api.save_query(query)

    def save_query(
        self,
        query_id: int,
        sql: str,
        params: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
    ) -> None:
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
        name : str, optional
            What it is called.
        """
        self._api.save_query(SavedQuery.of(query_id, sql, params, name))

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
