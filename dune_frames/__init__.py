"""Dune Analytics in pandas, polars and pyarrow: exact, complete, careful with money.

Start with `read_dune_query` and `read_dune_sql`. Without an account: `dune_frames.local.LocalDune`.

Importing this package imports none of the frame libraries: each is loaded when it is first needed.
"""

from dune_frames._api import (
    execute_dune_pipeline,
    execute_dune_query,
    execute_dune_sql,
    read_dune_execution,
    read_dune_execution_async,
    read_dune_query,
    read_dune_query_async,
    read_dune_sql,
    read_dune_sql_async,
    scan_dune_execution,
    scan_dune_query,
    scan_dune_sql,
)
from dune_frames._provenance import provenance
from dune_frames.client import Dune
from dune_frames.errors import DuneError
from dune_frames.execution import Execution
from dune_frames.pipeline import PipelineExecution

__version__ = "0.1.0"

__all__ = [
    "Dune",
    "DuneError",
    "Execution",
    "PipelineExecution",
    "__version__",
    "errors",
    "execute_dune_pipeline",
    "execute_dune_query",
    "execute_dune_sql",
    "provenance",
    "read_dune_execution",
    "read_dune_execution_async",
    "read_dune_query",
    "read_dune_query_async",
    "read_dune_sql",
    "read_dune_sql_async",
    "scan_dune_execution",
    "scan_dune_query",
    "scan_dune_sql",
]
