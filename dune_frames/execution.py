"""The handle of one execution: look at it, wait for it, stop it, read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from dune_frames._facts import Fact, ShowsFacts
from dune_frames._read.estimate import Estimate, estimate
from dune_frames._read.options import Reading, ReadOptions, ScanOptions, shows_options
from dune_frames._run import lifecycle
from dune_frames._run.source import Existing

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from typing import Unpack

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from dune_frames._frame.frames import Pandas, Polars, PyArrow
    from dune_frames._read.calls import Calls
    from dune_frames._wire.answers import Status
    from dune_frames.progress import Progress


class Execution(ShowsFacts):
    """One execution on Dune, finished or not.

    `Dune.execution`, `execute_dune_query` and `execute_dune_sql` make these. Making one sends
    nothing.

    Attributes
    ----------
    execution_id : str
        Dune's id of it. `read_dune_execution` takes it, also from another machine.
    """

    def __init__(self, execution_id: str, calls: Calls) -> None:
        self.execution_id = execution_id
        self._calls = calls
        self._seen: Status | None = None

    def _facts(self) -> Iterator[tuple[str, Fact]]:
        """Name the execution, and what this handle was told of it last."""
        yield "execution", self.execution_id
        yield from () if self._seen is None else self._seen.news()

    def status(self) -> Status:
        """Ask for the state: GET /execution/{execution_id}/status, free of charge.

        Returns
        -------
        Status
            With the column names and types, row count and size once the run is complete. A failed
            run is a status too, with its `failure`; it is not raised here.

        Raises
        ------
        APIError, TransportError
            Dune did not tell.
        """
        self._seen = self._calls.run(lifecycle.status(self.execution_id))
        return self._seen

    async def status_async(self) -> Status:
        """Do what `status` does on an event loop."""
        self._seen = await self._calls.run_async(lifecycle.status(self.execution_id))
        return self._seen

    def wait(self, timeout: float | None = None, *, progress: Progress = None) -> Status:
        """Wait until the run is over, asking in growing intervals.

        GET /execution/{execution_id}/status, free of charge.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most. The run goes on afterwards: this handle did not start it.
        progress : bool or callable, optional
            Who is told how the run stands, as in `read`.

        Returns
        -------
        Status
            Of the finished run, however it ended.

        Raises
        ------
        DeadlineError
            It is still under way after `timeout`.
        """
        self._seen = self._calls.wait(lifecycle.wait(self.execution_id), timeout, progress)
        return self._seen

    async def wait_async(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - as `wait`
        *,
        progress: Progress = None,
    ) -> Status:
        """Do what `wait` does on an event loop.

        A cancelled task waits no longer; the run goes on. Many waits take the time of one.
        """
        waiting = lifecycle.wait(self.execution_id)
        self._seen = await self._calls.wait_async(waiting, timeout, progress)
        return self._seen

    def cancel(self) -> bool:
        """Stop the run: POST /execution/{execution_id}/cancel, free of charge.

        Returns
        -------
        bool
            Whether the run is cancelled; false when it was over before. What it used is billed.
        """
        return self._calls.run(lifecycle.cancel(self.execution_id))

    async def cancel_async(self) -> bool:
        """Do what `cancel` does on an event loop."""
        return await self._calls.run_async(lifecycle.cancel(self.execution_id))

    def estimate(self) -> Estimate:
        """Estimate what exporting the whole result would take, before any of it is exported.

        GET /execution/{execution_id}/status, free of charge.

        Returns
        -------
        Estimate
            Rows, megabytes, and credits for each plan. `columns`, `filters` and `limit` make an
            export smaller than that.
        """
        return estimate(self.status())

    @overload
    def read(self, *, frame: Pandas = "pandas", **options: Unpack[ReadOptions]) -> pd.DataFrame: ...
    @overload
    def read(self, *, frame: Polars, **options: Unpack[ReadOptions]) -> pl.DataFrame: ...
    @overload
    def read(self, *, frame: PyArrow, **options: Unpack[ReadOptions]) -> pa.Table: ...
    @shows_options(Reading)
    def read(self, *, frame: Any = "pandas", **options: Unpack[ReadOptions]) -> Any:
        """Wait for the run and read its result, as `read_dune_execution` does.

        Parameters
        ----------
        frame : {"pandas", "polars", "pyarrow"}
            What to return.
        {options}
        """
        read = self._calls.read(frame, Reading(**options))
        return read.run(Existing(self.execution_id))

    @overload
    async def read_async(
        self, *, frame: Pandas = "pandas", **options: Unpack[ReadOptions]
    ) -> pd.DataFrame: ...
    @overload
    async def read_async(
        self, *, frame: Polars, **options: Unpack[ReadOptions]
    ) -> pl.DataFrame: ...
    @overload
    async def read_async(self, *, frame: PyArrow, **options: Unpack[ReadOptions]) -> pa.Table: ...
    @shows_options(Reading)
    async def read_async(self, *, frame: Any = "pandas", **options: Unpack[ReadOptions]) -> Any:
        """Do what `read` does on an event loop. The run goes on when the task is cancelled.

        Parameters
        ----------
        frame : {"pandas", "polars", "pyarrow"}
            What to return.
        {options}
        """
        read = self._calls.read(frame, Reading(**options))
        return await read.run_async(Existing(self.execution_id))

    @shows_options(Reading, without=("dtype_backend",))
    def scan(self, **options: Unpack[ScanOptions]) -> pl.LazyFrame:
        """Wait for the run and scan its result, as `dune_frames.scan_dune_execution` does.

        Parameters
        ----------
        {options}
        """
        return self._calls.scan(Existing(self.execution_id), Reading(**options))

    @shows_options(Reading)
    def batches(self, **options: Unpack[ReadOptions]) -> pa.RecordBatchReader:
        """Wait for the run and stream its result: a few pages are in memory at a time.

        DuckDB, polars, pyarrow datasets, and whatever else knows Arrow streams read it.

        Parameters
        ----------
        {options}

        Returns
        -------
        pyarrow.RecordBatchReader
            Of the whole result, in order. It raises while it is read if rows are missing.

        Raises
        ------
        DuneError
            As `read`.
        """
        read = self._calls.read("pyarrow", Reading(**options))
        return read.batches(Existing(self.execution_id))

    @shows_options(Reading)
    def sink_parquet(self, path: str | os.PathLike[str], **options: Unpack[ReadOptions]) -> Path:
        """Wait for the run and write its result to a Parquet file, in constant memory.

        The file appears under its name when it is whole. Until then the pages that came are kept in
        a hidden folder beside it: called again after a failure, only missing ones are exported.

        Parameters
        ----------
        path : str or path-like
            The file; one that is there is replaced.
        {options}

        Returns
        -------
        Path
            The file.

        Raises
        ------
        DuneError
            As `read`.
        """
        read = self._calls.read("pyarrow", Reading(**options))
        return read.sink_parquet(Existing(self.execution_id), Path(path))
