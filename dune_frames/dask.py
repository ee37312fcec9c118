"""Dask: an execution as a `dask.dataframe`, whose partitions workers read apart from each other.

It needs the extra ``dune-frames[dask]``. The functions are those of `dune_frames` and take the same
options; the work is done when Dask computes, by threads, processes or `dask.distributed` workers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dune_frames._api import default_client
from dune_frames._parts.access import key_in
from dune_frames._parts.divisions import divided, refuse_unsorted
from dune_frames._parts.frames import Frames
from dune_frames._read.options import Reading, ReadOptions, Running, RunOptions, shows_options
from dune_frames.client import Dune
from dune_frames.errors import ConfigurationError

try:
    import dask
    import dask.dataframe as dd
except ImportError as problem:
    raise ConfigurationError(
        f"dune_frames.dask needs Dask's frames ({problem})",
        advice="pip install 'dune-frames[dask]'",
    ) from None

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Unpack

    from dune_frames._ask.query import QueryReference
    from dune_frames._parts.parts import Parts

    Params = Mapping[str, Any] | None
    KeyFile = str | os.PathLike[str] | None

__all__ = ["read_dune_execution", "read_dune_query", "read_dune_sql"]


@shows_options(Running, without=("sample_count",))
def read_dune_query(
    query: QueryReference,
    params: Params = None,
    *,
    index: str | None = None,
    partition_rows: int | None = None,
    api_key_file: KeyFile = None,
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> dd.DataFrame:
    """Read a saved query into a Dask frame: its stored result, or a new run where there is none.

    Which execution it is, is settled at once, as `dune_frames.read_dune_query` does; whatever is
    computed later is of that one. See `read_dune_execution` for the frame and its cost.

    Parameters
    ----------
    query : int or str
        The query's id or its URL.
    params : mapping of str to value, optional
        The query's parameters, one set of them.
    index, partition_rows, api_key_file, client
        As for `read_dune_execution`.
    {options}

    Returns
    -------
    dask.dataframe.DataFrame
        Every row of the one execution, in order.

    Raises
    ------
    DuneError
        As `dune_frames.read_dune_query`; what concerns a partition is raised when it is computed.
    """
    chosen = _client(client, api_key_file)
    plan = chosen.plan_query(
        query, params, partition_rows=partition_rows, api_key_file=api_key_file, **options
    )
    return _frame_of(plan, index)


@shows_options(Running, without=("sample_count",))
def read_dune_sql(
    sql: str,
    params: Params = None,
    *,
    index: str | None = None,
    partition_rows: int | None = None,
    api_key_file: KeyFile = None,
    client: Dune | None = None,
    **options: Unpack[RunOptions],
) -> dd.DataFrame:
    """Run SQL and read its result into a Dask frame.

    The run is started and awaited at once, as by `dune_frames.read_dune_sql`, and only once however
    often the frame is computed. See `read_dune_execution` for the frame and its cost.

    Parameters
    ----------
    sql : str
        DuneSQL.
    params : mapping of str to value, optional
        Values for ``{{name}}`` placeholders.
    index, partition_rows, api_key_file, client
        As for `read_dune_execution`.
    {options}

    Returns
    -------
    dask.dataframe.DataFrame
        Every row, in order.

    Raises
    ------
    DuneError
        As `dune_frames.read_dune_sql`; what concerns a partition is raised when it is computed.
    """
    chosen = _client(client, api_key_file)
    plan = chosen.plan_sql(
        sql, params, partition_rows=partition_rows, api_key_file=api_key_file, **options
    )
    return _frame_of(plan, index)


@shows_options(Reading, without=("sample_count",))
def read_dune_execution(
    execution_id: str,
    *,
    index: str | None = None,
    partition_rows: int | None = None,
    api_key_file: KeyFile = None,
    client: Dune | None = None,
    **options: Unpack[ReadOptions],
) -> dd.DataFrame:
    """Read the result of an execution into a Dask frame.

    GET /execution/{execution_id}/status (free) tells columns, types and size, of which partitions
    and dtypes follow. GET /execution/{execution_id}/results brings a partition's rows when it is
    computed, and of the columns only those that are used.

    Parameters
    ----------
    execution_id : str
        Dune's id of it.
    index : str, optional
        The column that becomes the index; `sort_by` must sort by it alone, upwards. Its divisions
        are then known: they are found with one request for each partition, which exports up to 513
        values of that column. Edges move to where the value changes, and partitions without a
        change near their edge become one. Without `index` the rows are numbered from 0, with known
        divisions at no cost. With `filters` divisions of a column stay unknown.
    partition_rows : int, optional
        Rows of a partition. Without, it has whole pages of about 64 MB, as Dune tells sizes.
    api_key_file : str or path-like, optional
        A file that holds the key, on this machine and those of the workers. Without, each process
        takes ``DUNE_API_KEY`` from its environment. The key is never in the graph.
    client : Dune, optional
        What plans, and what threads of this process read with. Other processes use their own key.
    {options}

    Returns
    -------
    dask.dataframe.DataFrame
        Every row of the one execution, in order, with the same dtypes as the pandas frame: Dask's
        own conversion of objects to strings is left out. ``attrs["dune"]`` of what is computed
        tells where it comes from.

    Raises
    ------
    DuneError
        As `dune_frames.read_dune_execution`; what concerns a partition is raised when it is
        computed.

    Notes
    -----
    Dask computes anew for every result that is asked for. The rows that came are in the cache of
    the machine that read them, so that they are exported once; on machines without a common folder
    (``DUNE_FRAMES_CACHE_DIR``), or with ``cache=False``, call ``persist()`` on what is used again.
    To count rows Dask reads all columns; ``dune_frames.Execution.estimate()`` tells them for free.
    Its shuffles between workers refuse objects such as exact integers: give ``uint256="string"``,
    or set Dask's ``dataframe.shuffle.method`` to ``"tasks"``.

    A partition is checked for its number of rows, and tried again by itself after errors that pass.
    It asks for two pages at a time; when Dune's rate limit strikes, all of a process waits.
    `timeout` holds for each partition by itself. A filter leaves nobody knowing how many rows there
    are: partitions behind the last match come back empty, for one request each.

    Examples
    --------
    >>> from dune_frames.local import LocalDune
    >>> with LocalDune() as local:
    ...     run = local.client().execute_sql("SELECT * FROM dex.trades")
    ...     trades = read_dune_execution(
    ...         run.execution_id, partition_rows=10_000, client=local.client()
    ...     )
    ...     (trades.npartitions, int(trades["amount_usd"].count().compute()))
    (3, 27157)
    """
    chosen = _client(client, api_key_file)
    plan = chosen.plan_execution(
        execution_id, partition_rows=partition_rows, api_key_file=api_key_file, **options
    )
    return _frame_of(plan, index)


def _client(client: Dune | None, api_key_file: KeyFile) -> Dune:
    if client is None and api_key_file is not None:
        return Dune(key_in(api_key_file))
    return client or default_client()


def _frame_of(plan: Parts, index: str | None) -> dd.DataFrame:
    refuse_unsorted(index, plan.reading.sort_by)
    frames = Frames(plan, plan.reading.frame_options("pandas"), index)
    known = divided(frames)
    # Dask would make text of all that stands as objects: exact integers, decimals, lists.
    with dask.config.set({"dataframe.convert-string": False}):
        return dd.from_map(  # type: ignore[no-any-return, no-untyped-call]
            frames,
            known.parts,
            known.bounds,
            meta=frames.meta,
            divisions=known.divisions,
            label="read-dune",
        )
