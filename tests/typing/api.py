"""What type checkers see. This file is never run: `mypy` reads it (see pyproject.toml).

Each line states the type that one call has for its users. A line that says `type: ignore` states
that the call is refused: mypy complains about it when it is not.
"""

from __future__ import annotations

from typing import assert_type

import pandas as pd
import polars as pl
import pyarrow as pa

import dune_frames as dune
from dune_frames._wire.answers import Status
from dune_frames._wire.catalog import PipelineStatus, SavedQuery, Usage
from dune_frames._wire.plans import Pipeline
from dune_frames.execution import Execution
from dune_frames.pipeline import PipelineExecution


def functions(client: dune.Dune) -> None:
    """The frame decides the type; pandas is the default."""
    assert_type(dune.read_dune_query(7), pd.DataFrame)
    assert_type(dune.read_dune_query("7", {"n": 1}, frame="pandas"), pd.DataFrame)
    assert_type(dune.read_dune_query(7, [{"n": 1}, {"n": 2}], frame="polars"), pl.DataFrame)
    assert_type(dune.read_dune_query(7, frame="pyarrow", client=client), pa.Table)
    assert_type(dune.read_dune_sql("SELECT 1", max_age="1h"), pd.DataFrame)
    assert_type(dune.read_dune_sql("SELECT 1", frame="polars", uint256="decimal"), pl.DataFrame)
    assert_type(dune.read_dune_sql("SELECT 1", frame="pyarrow", limit=5), pa.Table)
    assert_type(dune.read_dune_execution("01K"), pd.DataFrame)
    assert_type(dune.read_dune_execution("01K", frame="polars"), pl.DataFrame)
    assert_type(dune.read_dune_execution("01K", frame="pyarrow"), pa.Table)
    assert_type(dune.scan_dune_query(7), pl.LazyFrame)
    assert_type(dune.scan_dune_sql("SELECT 1"), pl.LazyFrame)
    assert_type(dune.scan_dune_execution("01K"), pl.LazyFrame)
    assert_type(dune.execute_dune_query(7, {"n": 1}), Execution)
    assert_type(dune.execute_dune_sql("SELECT 1"), Execution)
    assert_type(dune.execute_dune_pipeline(7), PipelineExecution)


async def coroutines() -> None:
    """The twins have the types of what they are twins of."""
    assert_type(await dune.read_dune_query_async(7), pd.DataFrame)
    assert_type(await dune.read_dune_query_async(7, frame="polars"), pl.DataFrame)
    assert_type(await dune.read_dune_sql_async("SELECT 1", frame="pyarrow"), pa.Table)
    assert_type(await dune.read_dune_execution_async("01K", frame="polars"), pl.DataFrame)


def methods(client: dune.Dune) -> None:
    """A client's methods are typed as the functions are."""
    assert_type(client.read_query(7), pd.DataFrame)
    assert_type(client.read_query(7, [{"n": 1}], frame="polars"), pl.DataFrame)
    assert_type(client.read_sql("SELECT 1", frame="pyarrow"), pa.Table)
    assert_type(client.read_execution("01K", frame="polars"), pl.DataFrame)
    assert_type(client.scan_sql("SELECT 1"), pl.LazyFrame)
    assert_type(client.execution("01K").read(frame="pyarrow"), pa.Table)
    assert_type(client.execution("01K").status(), Status)
    assert_type(client.latest_execution(7, {"n": 1}), Execution)
    assert_type(client.execute_pipeline(7).executions, list[Execution])
    assert_type(client.pipeline(7), Pipeline)
    assert_type(client.query(7), SavedQuery)
    assert_type(client.usage("2025-01-01"), Usage)


async def coroutine_methods(client: dune.Dune) -> None:
    """So are their coroutines, and those of the handles."""
    assert_type(await client.read_query_async(7, frame="polars"), pl.DataFrame)
    assert_type(await client.read_sql_async("SELECT 1"), pd.DataFrame)
    assert_type(await client.read_execution_async("01K", frame="pyarrow"), pa.Table)
    run = await client.execute_sql_async("SELECT 1")
    assert_type(run, Execution)
    assert_type(await run.wait_async(5), Status)
    assert_type(await run.cancel_async(), bool)
    assert_type(await run.read_async(), pd.DataFrame)
    assert_type(await run.read_async(frame="polars", limit=5), pl.DataFrame)
    pipeline = await client.execute_pipeline_async(7)
    assert_type(await pipeline.wait_async(), PipelineStatus)


def refused(client: dune.Dune) -> None:
    """What nobody can mean is no call."""
    dune.read_dune_query(7, frame="spark")  # type: ignore[call-overload]
    dune.read_dune_query(7, columms=["a"])  # type: ignore[call-overload]
    dune.read_dune_query(7, uint256="int")  # type: ignore[call-overload]
    dune.read_dune_execution("01K", max_age=5)  # type: ignore[call-overload]
    client.read_sql(7)  # type: ignore[call-overload]
    client.read_sql("SELECT 1", [{"n": 1}])  # type: ignore[call-overload]
    dune.scan_dune_query(7, dtype_backend="pyarrow")  # type: ignore[call-arg]
    dune.read_dune_query(7, 5)  # type: ignore[call-overload]
