"""Dune Analytics in pandas, polars and pyarrow: exact, complete, careful with money.

Start with `read_dune_query` and `read_dune_sql`. Without an account: `dune_frames.local.LocalDune`.

Importing this package costs next to nothing: its names are loaded when they are first used, and so
are the frame libraries behind them.

The code follows the way of the data, and so can a reader; each room imports only from those before:

==============  =================================================================================
``_types``      what Dune's type texts mean in Arrow
``_ask``        what to ask: query, parameters, window of rows
``_wire``       Dune's endpoints and answers as values: URLs, headers and JSON keys are here only
``_progress``   who watches a call, and what they see
``_network``    the money rules, the transport, the drivers on threads and on an event loop
``_run``        submit, poll, cancel; from a query, SQL or an id to one pinned execution
``_decode``     the bytes of a page into an Arrow table
``_download``   pages side by side, in order, each row once; what is kept on disk
``_frame``      Arrow into pandas, polars, Parquet; where a frame comes from
``_predicate``  what of a condition Dune can say exactly
``_read``       one call's options, and the way from its source to its frame
``_parts``      one execution in runs of rows, for engines that read them apart from each other
==============  =================================================================================

On top stand the handles (`execution`, `pipeline`), the `client` and the functions of ``_api``;
beside them the shell (``cli``), the notebook's magic (``magic``), the embedded Dune (``local``)
with its pytest fixture (``pytest_plugin``), and the ways to two engines (``dask``, ``spark``).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dune_frames import errors, progress
    from dune_frames._api import (
        execute_dune_pipeline,
        execute_dune_query,
        execute_dune_sql,
        load_ipython_extension,
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
    from dune_frames._frame.provenance import provenance
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
    "load_ipython_extension",
    "progress",
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

#: Where the names are that do not come from ``_api``.
_HOMES = {
    "Dune": "client",
    "DuneError": "errors",
    "Execution": "execution",
    "PipelineExecution": "pipeline",
    "provenance": "_frame.provenance",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in ("errors", "progress"):
        return import_module(f"dune_frames.{name}")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"dune_frames.{_HOMES.get(name, '_api')}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
