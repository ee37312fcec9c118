"""The client: one key, one address, and every way to read and run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from dune_frames import _flow, _params
from dune_frames._calls import Calls
from dune_frames._options import (
    Reading,
    ReadOptions,
    Running,
    RunOptions,
    ScanOptions,
    ScanRunOptions,
    shows_options,
)
from dune_frames._pin import latest_id
from dune_frames._query import query_id_of
from dune_frames._settings import key_of, url_of
from dune_frames._source import Existing, Saved, Sql
from dune_frames._transport import Transport
from dune_frames.errors import InvalidRequestError
from dune_frames.execution import Execution

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    Params = Mapping[str, Any] | None

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from dune_frames._frames import Pandas, Polars, PyArrow
    from dune_frames._query import QueryReference


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
        self._calls = Calls(Transport(url_of(base_url), key_of(api_key)))

    def __repr__(self) -> str:
        """Name the address, never the key."""
        return f"Dune(base_url={self._calls.transport.base_url!r})"

    def close(self) -> None:
        """Close the kept connections; using the client again opens new ones."""
        self._calls.transport.close()

    @overload
    def read_query(
        self,
        query: QueryReference,
        params: Params = None,
        *,
        frame: Pandas = "pandas",
        **options: Unpack[RunOptions],
    ) -> pd.DataFrame: ...
    @overload
    def read_query(
        self,
        query: QueryReference,
        params: Params = None,
        *,
        frame: Polars,
        **options: Unpack[RunOptions],
    ) -> pl.DataFrame: ...
    @overload
    def read_query(
        self,
        query: QueryReference,
        params: Params = None,
        *,
        frame: PyArrow,
        **options: Unpack[RunOptions],
    ) -> pa.Table: ...
    @shows_options(Running)
    def read_query(
        self,
        query: QueryReference,
        params: Params = None,
        *,
        frame: Any = "pandas",
        **options: Unpack[RunOptions],
    ) -> Any:
        """Read a saved query as `dune_frames.read_dune_query` does."""
        reading = Running(**options)
        return self._calls.read(frame, reading).run(_saved(query, params, reading.performance))

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
        params: Params = None,
        *,
        frame: Pandas = "pandas",
        **options: Unpack[RunOptions],
    ) -> pd.DataFrame: ...
    @overload
    async def read_query_async(
        self,
        query: QueryReference,
        params: Params = None,
        *,
        frame: Polars,
        **options: Unpack[RunOptions],
    ) -> pl.DataFrame: ...
    @overload
    async def read_query_async(
        self,
        query: QueryReference,
        params: Params = None,
        *,
        frame: PyArrow,
        **options: Unpack[RunOptions],
    ) -> pa.Table: ...
    @shows_options(Running)
    async def read_query_async(
        self,
        query: QueryReference,
        params: Params = None,
        *,
        frame: Any = "pandas",
        **options: Unpack[RunOptions],
    ) -> Any:
        """Read a saved query as `dune_frames.read_dune_query` does, on an event loop."""
        reading = Running(**options)
        return await self._calls.read(frame, reading).run_async(
            _saved(query, params, reading.performance)
        )

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
        return self._calls.scan(_saved(query, params, reading.performance), reading)

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

    def execute_query(
        self, query: QueryReference, params: Params = None, *, performance: str | None = None
    ) -> Execution:
        """Start a run of a saved query as `dune_frames.execute_dune_query` does."""
        return self.execution(self._calls.run(_flow.start(_saved(query, params, performance))))

    def execute_sql(
        self, sql: str, params: Params = None, *, performance: str | None = None
    ) -> Execution:
        """Start a run of SQL as `dune_frames.execute_dune_sql` does."""
        return self.execution(self._calls.run(_flow.start(_sql(sql, params, performance))))

    def execution(self, execution_id: str) -> Execution:
        """Return the handle of an execution by its id. Sends nothing."""
        return Execution(execution_id, self._calls)

    def latest_execution(self, query: QueryReference, params: Params = None) -> Execution:
        """Return the handle of the latest run of a saved query, finished or not.

        GET /query/{query_id}/results with one row, because Dune has no free way to tell.

        Raises
        ------
        NoStoredResultError
            There is none.
        """
        return self.execution(self._calls.run(latest_id(_saved(query, params, None))))


def _saved(query: QueryReference, params: Params, performance: str | None) -> Saved:
    return Saved(query_id_of(query), _params.encode(params), performance)


def _sql(sql: str, params: Params, performance: str | None) -> Sql:
    if not sql.strip():
        raise InvalidRequestError("the SQL is empty", advice="give a query, such as 'SELECT 1'.")
    return Sql(_params.bind(sql, params), performance)
