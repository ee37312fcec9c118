"""The module-level functions: signatures and documentation. The work is the client's."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, overload

from dune_frames._network.key import Key
from dune_frames._network.settings import KEY_VARIABLE, URL_VARIABLE
from dune_frames._read.options import (
    Reading,
    ReadOptions,
    Running,
    RunOptions,
    ScanOptions,
    ScanRunOptions,
    shows_options,
)
from dune_frames.client import Dune

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from IPython.core.interactiveshell import InteractiveShell

    from dune_frames._ask.query import QueryReference
    from dune_frames._frame.frames import Pandas, Polars, PyArrow
    from dune_frames._wire.plans import Pipeline
    from dune_frames.execution import Execution
    from dune_frames.pipeline import PipelineExecution

    Params = Mapping[str, Any] | None
    ManyParams = Params | Sequence[Mapping[str, Any]]


@cache
def _client_of(_key: Key, _url: str | None) -> Dune:
    return Dune()


def default_client() -> Dune:
    """Return the client that the environment describes; a changed environment gives a new one."""
    import os

    return _client_of(Key(os.environ.get(KEY_VARIABLE, "")), os.environ.get(URL_VARIABLE))


@overload
def read_dune_query(
    query: QueryReference,
    params: ManyParams = None,
    *,
    frame: Pandas = "pandas",
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> pd.DataFrame: ...
@overload
def read_dune_query(
    query: QueryReference,
    params: ManyParams = None,
    *,
    frame: Polars,
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> pl.DataFrame: ...
@overload
def read_dune_query(
    query: QueryReference,
    params: ManyParams = None,
    *,
    frame: PyArrow,
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> pa.Table: ...
@shows_options(Running)
def read_dune_query(
    query: QueryReference,
    params: ManyParams = None,
    *,
    frame: Any = "pandas",
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> Any:
    """Read a saved query into a frame: its stored result, or a new run where there is none.

    GET /query/{query_id}/results finds the latest run and brings its first rows; all further rows
    come from GET /execution/{execution_id}/results of that one run, so that a newer run can never
    mix in. Where a run is needed, POST /query/{query_id}/execute starts one, never two.

    Parameters
    ----------
    query : int or str
        The query's id (``3493826``, ``"3493826"``) or its URL.
    params : mapping of str to value, or sequence of such mappings, optional
        The query's parameters: text, numbers, dates and datetimes (aware ones are converted to
        UTC), booleans, bytes (as ``0x…``), or lists for a multi-select. Without any, Dune's latest
        result is that of the last run with *any* parameters, not of the defaults. Several sets of
        parameters make one frame: the parameters are its first columns, and the rows come in the
        order of the sets.
    frame : {"pandas", "polars", "pyarrow"}
        What to return.
    client : Dune, optional
        The client to use instead of the one that the environment describes.
    {options}

    Returns
    -------
    pandas.DataFrame, polars.DataFrame or pyarrow.Table
        Every row of the one execution, in order, with the dtypes that follow from Dune's types.
        ``DataFrame.attrs["dune"]`` (pyarrow: the schema's metadata) tells where it comes from.

    Raises
    ------
    FanOutError
        Some of several sets of parameters failed: it names them with their errors, and holds the
        frame of the others.
    DuneError
        Always a subclass that says what happened and what to do; see `dune_frames.errors`.

    Notes
    -----
    Dune bills the export by its size, and a run by its compute. A stored result costs only its
    export.

    Of several sets of parameters, as many are read at once as the account may have runs (Dune's
    states tell it; where they do not, three; never more than twelve), and equal ones only once. The
    options hold for each set, `timeout` for all together. A parameter called like a column of the
    result becomes the column ``params.<name>``.

    Examples
    --------
    >>> from dune_frames.local import LocalDune
    >>> with LocalDune() as local:
    ...     local.save_query(7, "SELECT {{n}} AS n", {"n": 1})
    ...     read_dune_query(7, {"n": 5}, client=local.client())["n"].tolist()
    [5]
    """
    chosen = client or default_client()
    return chosen.read_query(query, params, frame=frame, **options)


@overload
def read_dune_sql(
    sql: str,
    params: Params = None,
    *,
    frame: Pandas = "pandas",
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> pd.DataFrame: ...
@overload
def read_dune_sql(
    sql: str,
    params: Params = None,
    *,
    frame: Polars,
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> pl.DataFrame: ...
@overload
def read_dune_sql(
    sql: str,
    params: Params = None,
    *,
    frame: PyArrow,
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> pa.Table: ...
@shows_options(Running)
def read_dune_sql(
    sql: str,
    params: Params = None,
    *,
    frame: Any = "pandas",
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> Any:
    """Run SQL and read its result into a frame.

    POST /sql/execute starts one run, GET /execution/{execution_id}/status (free) follows it, and
    GET /execution/{execution_id}/results brings its rows.

    Parameters
    ----------
    sql : str
        DuneSQL.
    params : mapping of str to value, optional
        Values for ``{{name}}`` placeholders, bound on this side as literals that no value can break
        out of.
    frame : {"pandas", "polars", "pyarrow"}
        What to return.
    client : Dune, optional
        The client to use instead of the one that the environment describes.
    {options}

    Returns
    -------
    pandas.DataFrame, polars.DataFrame or pyarrow.Table
        Every row, in order.

    Raises
    ------
    QueryFailedError
        Dune could not run the SQL; the message shows the place. Failed runs are billed too.
    DuneError
        Anything else; see `dune_frames.errors`.

    Notes
    -----
    When the call is interrupted or its `timeout` is over, the run is cancelled.

    Examples
    --------
    >>> from dune_frames.local import LocalDune
    >>> with LocalDune() as local:
    ...     read_dune_sql("SELECT 1 AS one", client=local.client())["one"].tolist()
    [1]
    """
    chosen = client or default_client()
    return chosen.read_sql(sql, params, frame=frame, **options)


@overload
def read_dune_execution(
    execution_id: str,
    *,
    frame: Pandas = "pandas",
    client: Dune | None = None,
    **options: Unpack[ReadOptions],
) -> pd.DataFrame: ...
@overload
def read_dune_execution(
    execution_id: str, *, frame: Polars, client: Dune | None = None, **options: Unpack[ReadOptions]
) -> pl.DataFrame: ...
@overload
def read_dune_execution(
    execution_id: str, *, frame: PyArrow, client: Dune | None = None, **options: Unpack[ReadOptions]
) -> pa.Table: ...
@shows_options(Reading)
def read_dune_execution(
    execution_id: str,
    *,
    frame: Any = "pandas",
    client: Dune | None = None,
    **options: Unpack[ReadOptions],
) -> Any:
    """Read the result of an execution into a frame, waiting for it while it is under way.

    GET /execution/{execution_id}/status (free), then GET /execution/{execution_id}/results. Nothing
    is executed, and the execution is never cancelled.

    Parameters
    ----------
    execution_id : str
        Dune's id, 26 characters.
    frame : {"pandas", "polars", "pyarrow"}
        What to return.
    client : Dune, optional
        The client to use instead of the one that the environment describes.
    {options}

    Returns
    -------
    pandas.DataFrame, polars.DataFrame or pyarrow.Table
        Every row, in order.

    Raises
    ------
    DuneError
        Always a subclass that says what happened and what to do; see `dune_frames.errors`.

    Examples
    --------
    >>> from dune_frames.local import LocalDune
    >>> with LocalDune() as local:
    ...     run = local.client().execute_sql("SELECT 1 AS one")
    ...     read_dune_execution(run.execution_id, client=local.client())["one"].tolist()
    [1]
    """
    chosen = client or default_client()
    return chosen.read_execution(execution_id, frame=frame, **options)


@overload
async def read_dune_query_async(
    query: QueryReference,
    params: ManyParams = None,
    *,
    frame: Pandas = "pandas",
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> pd.DataFrame: ...
@overload
async def read_dune_query_async(
    query: QueryReference,
    params: ManyParams = None,
    *,
    frame: Polars,
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> pl.DataFrame: ...
@overload
async def read_dune_query_async(
    query: QueryReference,
    params: ManyParams = None,
    *,
    frame: PyArrow,
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> pa.Table: ...
@shows_options(Running)
async def read_dune_query_async(
    query: QueryReference,
    params: ManyParams = None,
    *,
    frame: Any = "pandas",
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> Any:
    """Do what `read_dune_query` does on an event loop.

    It runs inside a running loop and blocks it nowhere. A cancelled task cancels the run that it
    started.

    Parameters
    ----------
    query, params
        As in `read_dune_query`.
    frame, client
        As in `read_dune_query`.
    {options}
    """
    chosen = client or default_client()
    return await chosen.read_query_async(query, params, frame=frame, **options)


@overload
async def read_dune_sql_async(
    sql: str,
    params: Params = None,
    *,
    frame: Pandas = "pandas",
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> pd.DataFrame: ...
@overload
async def read_dune_sql_async(
    sql: str,
    params: Params = None,
    *,
    frame: Polars,
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> pl.DataFrame: ...
@overload
async def read_dune_sql_async(
    sql: str,
    params: Params = None,
    *,
    frame: PyArrow,
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> pa.Table: ...
@shows_options(Running)
async def read_dune_sql_async(
    sql: str,
    params: Params = None,
    *,
    frame: Any = "pandas",
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> Any:
    """Do what `read_dune_sql` does on an event loop.

    It runs inside a running loop and blocks it nowhere. A cancelled task cancels the run that it
    started.

    Parameters
    ----------
    sql, params
        As in `read_dune_sql`.
    frame, client
        As in `read_dune_sql`.
    {options}
    """
    chosen = client or default_client()
    return await chosen.read_sql_async(sql, params, frame=frame, **options)


@overload
async def read_dune_execution_async(
    execution_id: str,
    *,
    frame: Pandas = "pandas",
    client: Dune | None = None,
    **options: Unpack[ReadOptions],
) -> pd.DataFrame: ...
@overload
async def read_dune_execution_async(
    execution_id: str, *, frame: Polars, client: Dune | None = None, **options: Unpack[ReadOptions]
) -> pl.DataFrame: ...
@overload
async def read_dune_execution_async(
    execution_id: str, *, frame: PyArrow, client: Dune | None = None, **options: Unpack[ReadOptions]
) -> pa.Table: ...
@shows_options(Reading)
async def read_dune_execution_async(
    execution_id: str,
    *,
    frame: Any = "pandas",
    client: Dune | None = None,
    **options: Unpack[ReadOptions],
) -> Any:
    """Do what `read_dune_execution` does on an event loop.

    It runs inside a running loop and blocks it nowhere. A cancelled task cancels the run that it
    started.

    Parameters
    ----------
    execution_id
        As in `read_dune_execution`.
    frame, client
        As in `read_dune_execution`.
    {options}
    """
    chosen = client or default_client()
    return await chosen.read_execution_async(execution_id, frame=frame, **options)


@shows_options(Running, without=("dtype_backend",))
def scan_dune_query(
    query: QueryReference,
    params: Params = None,
    *,
    client: Dune | None = None,
    **options: Unpack[ScanRunOptions],
) -> pl.LazyFrame:
    """Scan a saved query: a lazy frame of its stored result, or of a new run where there is none.

    GET /query/{query_id}/results finds the latest run without exporting a row of it; where one is
    needed, POST /query/{query_id}/execute starts one. So the frame knows its schema and stands for
    one execution, however often it is collected. Collecting it sends
    GET /execution/{execution_id}/results: the columns that are used as `columns`, what can be said
    of the filters as `filters`, and `head` as `limit`.

    Parameters
    ----------
    query : int or str
        The query's id (``3493826``, ``"3493826"``) or its URL.
    params : mapping of str to value, optional
        As in `read_dune_query`.
    client : Dune, optional
        The client to use instead of the one that the environment describes.
    {options}

    Returns
    -------
    polars.LazyFrame
        With the dtypes of ``read_dune_query(..., frame="polars")``. It always holds the same rows
        as filtering that frame would: what Dune cannot say exactly is filtered here.

    Raises
    ------
    DuneError
        Always a subclass that says what happened and what to do; see `dune_frames.errors`. While
        the frame is collected, polars before 2.0 puts its text into a ``ComputeError``.

    Notes
    -----
    Dune is asked for comparisons with numbers, texts, dates and times, ``is_in``, ``is_between``,
    ``is_null``, ``is_not_null``, ``starts_with``, ``ends_with``, ``contains``, and their ``&``,
    ``|`` and ``~``. Types decide: comparisons of uint256, boolean and nested columns, and matches
    of a text with ``%`` or ``_``, are filtered here. So is ``amount > 5`` on a double, because NaN
    is larger than 5 in polars and not on Dune; ``amount.is_between(5, 1e12)`` goes to Dune, and
    of ``(amount > 5) & amount.is_not_nan()`` what matters.

    ``explain()`` shows what polars hands over: ``PROJECT``, ``SELECTION`` and ``SLICE``. What is
    then sent, and what of the selection stays here, is logged at level INFO by the logger
    ``dune_frames``. ``limit``, ``offset`` and ``sample_count`` count rows before polars filters
    them, so with these no filter of polars' is sent. `timeout` holds for the scan itself and anew
    for each time that the frame is collected.

    Examples
    --------
    >>> import polars as pl
    >>> from dune_frames.local import LocalDune
    >>> with LocalDune() as local:
    ...     local.save_query(7, "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t (n, name)")
    ...     frame = scan_dune_query(7, client=local.client())
    ...     frame.filter(pl.col("n") > 1).select("name").collect().to_series().to_list()
    ['b']
    """
    return (client or default_client()).scan_query(query, params, **options)


@shows_options(Running, without=("dtype_backend",))
def scan_dune_sql(
    sql: str,
    params: Params = None,
    *,
    client: Dune | None = None,
    **options: Unpack[ScanRunOptions],
) -> pl.LazyFrame:
    """Run SQL, once and at once, and return a lazy frame of its result.

    POST /sql/execute starts the run and GET /execution/{execution_id}/status (free) follows it and
    tells the schema. Collecting the frame exports what it needs and runs nothing.

    Parameters
    ----------
    sql : str
        DuneSQL.
    params : mapping of str to value, optional
        As in `read_dune_sql`.
    client : Dune, optional
        The client to use instead of the one that the environment describes.
    {options}

    Returns
    -------
    polars.LazyFrame
        As of `scan_dune_query`, whose notes tell what goes to Dune.

    Raises
    ------
    QueryFailedError
        Dune could not run the SQL; the message shows the place. Failed runs are billed too.
    DuneError
        Anything else; see `dune_frames.errors`.

    Examples
    --------
    >>> from dune_frames.local import LocalDune
    >>> with LocalDune() as local:
    ...     frame = scan_dune_sql("SELECT 1 AS one, 2 AS two", client=local.client())
    ...     frame.select("two").collect().item()
    2
    """
    return (client or default_client()).scan_sql(sql, params, **options)


@shows_options(Reading, without=("dtype_backend",))
def scan_dune_execution(
    execution_id: str, *, client: Dune | None = None, **options: Unpack[ScanOptions]
) -> pl.LazyFrame:
    """Scan the result of an execution, waiting for it while it is under way.

    GET /execution/{execution_id}/status (free) tells the schema. Nothing is executed.

    Parameters
    ----------
    execution_id : str
        Dune's id, 26 characters.
    client : Dune, optional
        The client to use instead of the one that the environment describes.
    {options}

    Returns
    -------
    polars.LazyFrame
        As of `scan_dune_query`, whose notes tell what goes to Dune.

    Raises
    ------
    DuneError
        Always a subclass that says what happened and what to do; see `dune_frames.errors`.

    Examples
    --------
    >>> from dune_frames.local import LocalDune
    >>> with LocalDune() as local:
    ...     run = local.client().execute_sql("SELECT 1 AS one")
    ...     frame = scan_dune_execution(run.execution_id, client=local.client())
    ...     frame.head(1).collect().item()
    1
    """
    return (client or default_client()).scan_execution(execution_id, **options)


def execute_dune_query(
    query: QueryReference,
    params: Params = None,
    *,
    performance: str | None = None,
    client: Dune | None = None,
) -> Execution:
    """Start a run of a saved query and return its handle at once.

    POST /query/{query_id}/execute. The run is billed, also when it fails or nobody reads it.

    Parameters
    ----------
    query
        As in `read_dune_query`.
    params : mapping of str to value, optional
        As in `read_dune_query`.
    performance : str, optional
        Dune's tier for the run. Sent only when named.
    client : Dune, optional
        The client to use instead of the one that the environment describes.

    Returns
    -------
    Execution
        With `status`, `wait`, `cancel` and `read`.

    Raises
    ------
    MaybeStartedError
        The answer was lost: the run may have started. It is never started twice.
    DuneError
        Anything else; see `dune_frames.errors`.

    Examples
    --------
    >>> from dune_frames.local import LocalDune
    >>> with LocalDune() as local:
    ...     local.save_query(7, 'SELECT 1 AS one')
    ...     run = execute_dune_query(7, client=local.client())
    ...     run.wait().word
    'COMPLETED'
    """
    return (client or default_client()).execute_query(query, params, performance=performance)


def execute_dune_pipeline(
    query: QueryReference | Pipeline,
    params: Params = None,
    *,
    performance: str | None = None,
    client: Dune | None = None,
) -> PipelineExecution:
    """Run a saved query together with what it depends on, and return the handle at once.

    POST /query/{query_id}/pipeline/execute. Dune refreshes the materialized views and runs the
    queries that the query reads, in the order of their dependencies. Every run is billed.

    Parameters
    ----------
    query : int, str or Pipeline
        As in `read_dune_query`. Or what `Dune.pipeline` returned, which tells for free what would
        run, as it is or changed: POST /pipelines/execute, of which only the documentation is known.
    params : mapping of str to value, optional
        As in `read_dune_query`, one set.
    performance : str, optional
        Dune's tier for the runs. Sent only when named.
    client : Dune, optional
        The client to use instead of the one that the environment describes.

    Returns
    -------
    PipelineExecution
        With `status`, `wait` and `executions`.

    Raises
    ------
    MaybeStartedError
        The answer was lost: the pipeline may have started. It is never started twice.
    DuneError
        Anything else; see `dune_frames.errors`.

    Notes
    -----
    Dune has no way to stop a pipeline: unlike a run, it goes on when the call is interrupted.

    Examples
    --------
    >>> from dune_frames.local import LocalDune
    >>> with LocalDune() as local:
    ...     local.save_query(7, "SELECT 20 AS n")
    ...     local.save_query(8, "SELECT n + 1 AS n FROM query_7")
    ...     pipeline = execute_dune_pipeline(8, client=local.client())
    ...     pipeline.wait().word
    ...     [run.read()["n"].tolist() for run in pipeline.executions]
    'COMPLETED'
    [[20], [21]]
    """
    return (client or default_client()).execute_pipeline(query, params, performance=performance)


def execute_dune_sql(
    sql: str,
    params: Params = None,
    *,
    performance: str | None = None,
    client: Dune | None = None,
) -> Execution:
    """Start a run of SQL and return its handle at once.

    POST /sql/execute. The run is billed, also when it fails or nobody reads it.

    Parameters
    ----------
    sql
        As in `read_dune_sql`.
    params : mapping of str to value, optional
        As in `read_dune_sql`.
    performance : str, optional
        Dune's tier for the run. Sent only when named.
    client : Dune, optional
        The client to use instead of the one that the environment describes.

    Returns
    -------
    Execution
        With `status`, `wait`, `cancel` and `read`.

    Raises
    ------
    MaybeStartedError
        The answer was lost: the run may have started. It is never started twice.
    DuneError
        Anything else; see `dune_frames.errors`.

    Examples
    --------
    >>> from dune_frames.local import LocalDune
    >>> with LocalDune() as local:
    ...     client = local.client()
    ...     run = execute_dune_sql('SELECT 1 AS one', client=client)
    ...     run.wait().word
    'COMPLETED'
    """
    return (client or default_client()).execute_sql(sql, params, performance=performance)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the magics ``%dune`` and ``%%dune`` to IPython: ``%load_ext dune_frames`` calls this."""
    from dune_frames.magic import load_ipython_extension

    load_ipython_extension(shell)
