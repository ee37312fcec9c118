"""The client: one key, one address, and every way to read and run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from dune_frames import pipeline
from dune_frames._ask.binding import bind
from dune_frames._ask.params import encode
from dune_frames._ask.query import execution_id_of, query_id_of
from dune_frames._network.key import Key
from dune_frames._network.settings import key_of, url_of
from dune_frames._network.transport import Transport
from dune_frames._parts.planning import Cutting, plan_parts
from dune_frames._read.calls import Calls
from dune_frames._read.fan_out import FanOut, Part, is_fan_out
from dune_frames._read.options import (
    Reading,
    ReadOptions,
    Running,
    RunOptions,
    ScanOptions,
    ScanRunOptions,
    shows_options,
)
from dune_frames._run import lifecycle
from dune_frames._run.account import saved_query, usage
from dune_frames._run.declared import refuse_undeclared
from dune_frames._run.pin import latest_id
from dune_frames._run.source import Existing, Saved, Sql
from dune_frames._wire.plans import Pipeline
from dune_frames.errors import InvalidRequestError
from dune_frames.execution import Execution
from dune_frames.pipeline import PipelineExecution

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from datetime import date
    from typing import Unpack

    Params = Mapping[str, Any] | None
    ManyParams = Params | Sequence[Mapping[str, Any]]

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from dune_frames._ask.query import QueryReference
    from dune_frames._frame.frames import FrameName, Pandas, Polars, PyArrow
    from dune_frames._parts.parts import Parts
    from dune_frames._wire.catalog import SavedQuery, Usage


class Dune:
    """A client of the Dune API. Safe to use from several threads.

    Parameters
    ----------
    api_key : str, optional
        Taken from ``DUNE_API_KEY`` when left out. It travels in a header to `base_url` only, and is
        in no repr, message or log.
    base_url : str, optional
        Taken from ``DUNE_API_BASE_URL`` when left out, else ``https://api.dune.com``. Plain http is
        accepted for addresses of this machine only.

    Raises
    ------
    ConfigurationError
        There is no usable key or address. Nothing is sent.

    Examples
    --------
    >>> from dune_frames.local import LocalDune
    >>> with LocalDune() as local:
    ...     local.client().read_sql("SELECT 1 AS one")["one"].tolist()
    [1]
    """

    def __init__(self, api_key: str | None = None, *, base_url: str | None = None) -> None:
        key = None if api_key is None else Key(api_key)
        del api_key  # from here on no variable that a traceback may show holds it
        self._calls = Calls(Transport(url_of(base_url), key_of(key)))
        self._looked_up: dict[int, SavedQuery] = {}

    def __repr__(self) -> str:
        """Name the address, never the key."""
        calls = getattr(self, "_calls", None)  # a traceback may show a client that is half made
        return f"Dune(base_url={calls and calls.transport.base_url!r})"

    def close(self) -> None:
        """Close the kept connections; using the client again opens new ones."""
        self._calls.transport.close()

    @overload
    def read_query(
        self,
        query: QueryReference,
        params: ManyParams = None,
        *,
        frame: Pandas = "pandas",
        **options: Unpack[RunOptions],
    ) -> pd.DataFrame: ...
    @overload
    def read_query(
        self,
        query: QueryReference,
        params: ManyParams = None,
        *,
        frame: Polars,
        **options: Unpack[RunOptions],
    ) -> pl.DataFrame: ...
    @overload
    def read_query(
        self,
        query: QueryReference,
        params: ManyParams = None,
        *,
        frame: PyArrow,
        **options: Unpack[RunOptions],
    ) -> pa.Table: ...
    @shows_options(Running)
    def read_query(
        self,
        query: QueryReference,
        params: ManyParams = None,
        *,
        frame: Any = "pandas",
        **options: Unpack[RunOptions],
    ) -> Any:
        """Read a saved query as `dune_frames.read_dune_query` does."""
        reading = Running(**options)
        if is_fan_out(params):
            return self._fan_out(query, params, frame, reading).run()
        saved = self._saved(query, params, reading.performance)
        return self._calls.read(frame, reading).run(saved)

    @overload
    def read_sql(
        self,
        sql: str,
        params: Params = None,
        *,
        frame: Pandas = "pandas",
        **options: Unpack[RunOptions],
    ) -> pd.DataFrame: ...
    @overload
    def read_sql(
        self, sql: str, params: Params = None, *, frame: Polars, **options: Unpack[RunOptions]
    ) -> pl.DataFrame: ...
    @overload
    def read_sql(
        self, sql: str, params: Params = None, *, frame: PyArrow, **options: Unpack[RunOptions]
    ) -> pa.Table: ...
    @shows_options(Running)
    def read_sql(
        self,
        sql: str,
        params: Params = None,
        *,
        frame: Any = "pandas",
        **options: Unpack[RunOptions],
    ) -> Any:
        """Run SQL and read its result as `dune_frames.read_dune_sql` does."""
        reading = Running(**options)
        return self._calls.read(frame, reading).run(_sql(sql, params, reading.performance))

    @overload
    def read_execution(
        self, execution_id: str, *, frame: Pandas = "pandas", **options: Unpack[ReadOptions]
    ) -> pd.DataFrame: ...
    @overload
    def read_execution(
        self, execution_id: str, *, frame: Polars, **options: Unpack[ReadOptions]
    ) -> pl.DataFrame: ...
    @overload
    def read_execution(
        self, execution_id: str, *, frame: PyArrow, **options: Unpack[ReadOptions]
    ) -> pa.Table: ...
    @shows_options(Reading)
    def read_execution(
        self, execution_id: str, *, frame: Any = "pandas", **options: Unpack[ReadOptions]
    ) -> Any:
        """Read an execution as `dune_frames.read_dune_execution` does."""
        reading = Reading(**options)
        return self._calls.read(frame, reading).run(Existing(execution_id))

    @overload
    async def read_query_async(
        self,
        query: QueryReference,
        params: ManyParams = None,
        *,
        frame: Pandas = "pandas",
        **options: Unpack[RunOptions],
    ) -> pd.DataFrame: ...
    @overload
    async def read_query_async(
        self,
        query: QueryReference,
        params: ManyParams = None,
        *,
        frame: Polars,
        **options: Unpack[RunOptions],
    ) -> pl.DataFrame: ...
    @overload
    async def read_query_async(
        self,
        query: QueryReference,
        params: ManyParams = None,
        *,
        frame: PyArrow,
        **options: Unpack[RunOptions],
    ) -> pa.Table: ...
    @shows_options(Running)
    async def read_query_async(
        self,
        query: QueryReference,
        params: ManyParams = None,
        *,
        frame: Any = "pandas",
        **options: Unpack[RunOptions],
    ) -> Any:
        """Read a saved query as `dune_frames.read_dune_query` does, on an event loop."""
        reading = Running(**options)
        if is_fan_out(params):
            return await self._fan_out(query, params, frame, reading).run_async()
        saved = self._saved(query, params, reading.performance)
        return await self._calls.read(frame, reading).run_async(saved)

    @overload
    async def read_sql_async(
        self,
        sql: str,
        params: Params = None,
        *,
        frame: Pandas = "pandas",
        **options: Unpack[RunOptions],
    ) -> pd.DataFrame: ...
    @overload
    async def read_sql_async(
        self, sql: str, params: Params = None, *, frame: Polars, **options: Unpack[RunOptions]
    ) -> pl.DataFrame: ...
    @overload
    async def read_sql_async(
        self, sql: str, params: Params = None, *, frame: PyArrow, **options: Unpack[RunOptions]
    ) -> pa.Table: ...
    @shows_options(Running)
    async def read_sql_async(
        self,
        sql: str,
        params: Params = None,
        *,
        frame: Any = "pandas",
        **options: Unpack[RunOptions],
    ) -> Any:
        """Run SQL and read its result as `dune_frames.read_dune_sql` does, on an event loop."""
        reading = Running(**options)
        return await self._calls.read(frame, reading).run_async(
            _sql(sql, params, reading.performance)
        )

    @overload
    async def read_execution_async(
        self, execution_id: str, *, frame: Pandas = "pandas", **options: Unpack[ReadOptions]
    ) -> pd.DataFrame: ...
    @overload
    async def read_execution_async(
        self, execution_id: str, *, frame: Polars, **options: Unpack[ReadOptions]
    ) -> pl.DataFrame: ...
    @overload
    async def read_execution_async(
        self, execution_id: str, *, frame: PyArrow, **options: Unpack[ReadOptions]
    ) -> pa.Table: ...
    @shows_options(Reading)
    async def read_execution_async(
        self, execution_id: str, *, frame: Any = "pandas", **options: Unpack[ReadOptions]
    ) -> Any:
        """Read an execution as `dune_frames.read_dune_execution` does, on an event loop."""
        reading = Reading(**options)
        return await self._calls.read(frame, reading).run_async(Existing(execution_id))

    @shows_options(Running, without=("dtype_backend",))
    def scan_query(
        self, query: QueryReference, params: Params = None, **options: Unpack[ScanRunOptions]
    ) -> pl.LazyFrame:
        """Scan a saved query as `dune_frames.scan_dune_query` does."""
        reading = Running(**options)
        return self._calls.scan(self._saved(query, params, reading.performance), reading)

    @shows_options(Running, without=("dtype_backend",))
    def scan_sql(
        self, sql: str, params: Params = None, **options: Unpack[ScanRunOptions]
    ) -> pl.LazyFrame:
        """Run SQL and scan its result as `dune_frames.scan_dune_sql` does."""
        reading = Running(**options)
        return self._calls.scan(_sql(sql, params, reading.performance), reading)

    @shows_options(Reading, without=("dtype_backend",))
    def scan_execution(self, execution_id: str, **options: Unpack[ScanOptions]) -> pl.LazyFrame:
        """Scan an execution as `dune_frames.scan_dune_execution` does."""
        return self.execution(execution_id).scan(**options)

    @shows_options(Running, without=("dtype_backend", "sample_count"))
    def plan_query(
        self,
        query: QueryReference,
        params: Params = None,
        *,
        partition_rows: int | None = None,
        api_key_file: str | os.PathLike[str] | None = None,
        **options: Unpack[RunOptions],
    ) -> Parts:
        """Plan to read a saved query in parts, as `plan_execution` does."""
        reading = Running(**options)
        saved = self._saved(query, params, reading.performance)
        return plan_parts(self._calls, saved, reading, Cutting(partition_rows, api_key_file))

    @shows_options(Running, without=("dtype_backend", "sample_count"))
    def plan_sql(
        self,
        sql: str,
        params: Params = None,
        *,
        partition_rows: int | None = None,
        api_key_file: str | os.PathLike[str] | None = None,
        **options: Unpack[RunOptions],
    ) -> Parts:
        """Run SQL and plan to read its result in parts, as `plan_execution` does."""
        reading = Running(**options)
        source = _sql(sql, params, reading.performance)
        return plan_parts(self._calls, source, reading, Cutting(partition_rows, api_key_file))

    @shows_options(Reading, without=("dtype_backend", "sample_count"))
    def plan_execution(
        self,
        execution_id: str,
        *,
        partition_rows: int | None = None,
        api_key_file: str | os.PathLike[str] | None = None,
        **options: Unpack[ReadOptions],
    ) -> Parts:
        """Plan to read an execution in parts, as engines on many threads or machines do.

        GET /execution/{execution_id}/status (free); where CSV may carry the result, one row of GET
        /execution/{execution_id}/results proves for all parts that it does.

        Parameters
        ----------
        partition_rows : int, optional
            Rows of a part. Without, a part has whole pages of about 64 MB, as Dune tells sizes.
        api_key_file : str or path-like, optional
            A file with the key on every machine that reads parts. Without, these take the key from
            their ``DUNE_API_KEY``; this process goes on with the client's.
        {options}

        Returns
        -------
        Parts
            A plan that can be pickled and holds no key: ``parts`` are runs of rows that together
            are all rows, each once; ``schema`` is theirs; ``read(part)`` returns a pyarrow.Table.
            `timeout` holds for the planning and for each part by itself.

        Examples
        --------
        >>> from dune_frames.local import LocalDune
        >>> with LocalDune() as local:
        ...     run = local.client().execute_sql("SELECT * FROM dex.trades")
        ...     plan = local.client().plan_execution(run.execution_id)
        ...     sum(plan.read(part).num_rows for part in plan.parts)
        30000
        """
        cutting = Cutting(partition_rows, api_key_file)
        return plan_parts(self._calls, Existing(execution_id), Reading(**options), cutting)

    def execute_query(
        self, query: QueryReference, params: Params = None, *, performance: str | None = None
    ) -> Execution:
        """Start a run of a saved query as `dune_frames.execute_dune_query` does."""
        run = lifecycle.start(self._saved(query, params, performance))
        return self.execution(self._calls.run(run))

    def execute_sql(
        self, sql: str, params: Params = None, *, performance: str | None = None
    ) -> Execution:
        """Start a run of SQL as `dune_frames.execute_dune_sql` does."""
        return self.execution(self._calls.run(lifecycle.start(_sql(sql, params, performance))))

    async def execute_query_async(
        self, query: QueryReference, params: Params = None, *, performance: str | None = None
    ) -> Execution:
        """Start a run of a saved query as `execute_query` does, on an event loop."""
        run = lifecycle.start(self._saved(query, params, performance))
        return self.execution(await self._calls.run_async(run))

    async def execute_sql_async(
        self, sql: str, params: Params = None, *, performance: str | None = None
    ) -> Execution:
        """Start a run of SQL as `execute_sql` does, on an event loop."""
        run = lifecycle.start(_sql(sql, params, performance))
        return self.execution(await self._calls.run_async(run))

    def execution(self, execution_id: str) -> Execution:
        """Return the handle of an execution by its id. Sends nothing."""
        return Execution(execution_id_of(execution_id), self._calls)

    def latest_execution(self, query: QueryReference, params: Params = None) -> Execution:
        """Return the handle of the latest run of a saved query, finished or not.

        GET /query/{query_id}/results with one row, because Dune has no free way to tell.

        Raises
        ------
        NoStoredResultError
            There is none.
        """
        return self.execution(self._calls.run(latest_id(self._saved(query, params, None))))

    def pipeline(
        self, query: QueryReference, params: Params = None, *, performance: str | None = None
    ) -> Pipeline:
        """Ask what the pipeline of a query would run: GET /query/{query_id}/pipeline, free.

        Returns
        -------
        Pipeline
            Its nodes with their dependencies. `execute_pipeline` takes it, as it is or changed.

        Raises
        ------
        QueryNotFoundError
            There is no such query, or it is private and not yours.

        Examples
        --------
        >>> from dune_frames.local import LocalDune
        >>> with LocalDune() as local:
        ...     local.save_query(7, "SELECT 20 AS n")
        ...     local.save_query(8, "SELECT n + 1 AS n FROM query_7")
        ...     [(node.query_id, node.dependencies) for node in local.client().pipeline(8).nodes]
        [(7, ()), (8, (1,))]
        """
        return self._calls.run(pipeline.plan(self._saved(query, params, performance)))

    def execute_pipeline(
        self,
        query: QueryReference | Pipeline,
        params: Params = None,
        *,
        performance: str | None = None,
    ) -> PipelineExecution:
        """Start a pipeline as `dune_frames.execute_dune_pipeline` does."""
        run = self._planned(query, params, performance)
        return self.pipeline_execution(self._calls.run(pipeline.start(run)))

    async def execute_pipeline_async(
        self,
        query: QueryReference | Pipeline,
        params: Params = None,
        *,
        performance: str | None = None,
    ) -> PipelineExecution:
        """Start a pipeline as `execute_pipeline` does, on an event loop."""
        run = self._planned(query, params, performance)
        return self.pipeline_execution(await self._calls.run_async(pipeline.start(run)))

    def pipeline_execution(self, pipeline_execution_id: str) -> PipelineExecution:
        """Return the handle of a pipeline's execution by its id. Sends nothing."""
        return PipelineExecution(pipeline_execution_id, self._calls)

    def query(self, query: QueryReference) -> SavedQuery:
        """Look a saved query up: GET /query/{query_id}, free of charge.

        From then on this client refuses parameters that the query does not declare, and values that
        it does not allow, before anything is sent. Look it up again after an edit.

        Parameters
        ----------
        query : int or str
            The query's id or its URL.

        Returns
        -------
        SavedQuery
            Its name, SQL and declared parameters.

        Raises
        ------
        ForbiddenError, PaymentRequiredError
            The plan does not have it, or the key is not of the team that owns the query.
        QueryNotFoundError
            There is none, or it is private and not yours.

        Examples
        --------
        >>> from dune_frames.local import LocalDune
        >>> with LocalDune() as local:
        ...     local.save_query(7, "SELECT {{n}} AS n", {"n": 1})
        ...     local.client().query(7).parameters
        (QueryParameter(name='n', type='number', default='1', choices=()),)
        """
        found = self._calls.run(saved_query(query_id_of(query)))
        self._looked_up[query_id_of(query)] = found
        return found

    def usage(
        self, start_date: date | str | None = None, end_date: date | str | None = None
    ) -> Usage:
        """Ask what the account has used: POST /usage, free of charge.

        Parameters
        ----------
        start_date, end_date : datetime.date or str, optional
            Days, as text ``"2025-01-31"``; both go to Dune as they are. Without them Dune tells the
            present billing period.

        Returns
        -------
        Usage
            Credits for each billing period, private queries and dashboards, storage.

        Raises
        ------
        ForbiddenError, PaymentRequiredError
            The plan does not have it.

        Examples
        --------
        >>> from dune_frames.local import LocalDune
        >>> with LocalDune() as local:
        ...     local.client().usage("2025-01-01").billing_periods[0].credits_included
        2500
        """
        return self._calls.run(usage(start_date, end_date))

    def _fan_out(
        self, query: QueryReference, sets: Any, frame: FrameName, reading: Running
    ) -> FanOut:
        parts = [Part(each, self._saved(query, each, reading.performance)) for each in sets]
        return self._calls.fan_out(frame, reading, parts)

    def _saved(self, query: QueryReference, params: Any, performance: str | None) -> Saved:
        if is_fan_out(params):
            raise InvalidRequestError(
                "many sets of parameters at once are for read_dune_query",
                advice="give one set of parameters as a dict.",
            )
        query_id = query_id_of(query)
        parameters = encode(params)
        if query_id in self._looked_up:
            refuse_undeclared(self._looked_up[query_id], parameters)
        return Saved(query_id, parameters, performance)

    def _planned(
        self, query: QueryReference | Pipeline, params: Params, performance: str | None
    ) -> Saved | Pipeline:
        if not isinstance(query, Pipeline):
            return self._saved(query, params, performance)
        if params or performance:
            raise InvalidRequestError(
                "a pipeline's nodes hold their own parameters and tiers",
                advice="give them to client.pipeline(query, params, performance=...).",
            )
        return query


def _sql(sql: str, params: Params, performance: str | None) -> Sql:
    if not isinstance(sql, str) or not sql.strip():
        what = "the SQL is empty" if isinstance(sql, str) else f"{sql!r} is no SQL"
        raise InvalidRequestError(what, advice="give a query, such as 'SELECT 1'.")
    return Sql(bind(sql, params), performance)
