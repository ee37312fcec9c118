"""Failures: why a query failed, in Trino's words where it is the same thing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import duckdb

from dune_frames.local.executions import ExecutionError
from dune_frames.local.sql import SqlError

if TYPE_CHECKING:
    from dune_frames.local.executions import Execution

#: What DuckDB puts before a message, what it adds for a function in Python, and what follows.
_BEFORE = re.compile(r"^(?:[\w-]+ )*Error: ")
_PYTHON = re.compile(r"^Python exception occurred while executing the UDF: \w+: ")
_AFTER = re.compile(r"\n\n?(?:LINE|At:).*", re.DOTALL)


def failure(error: Exception, execution: Execution) -> ExecutionError:
    """Return why an execution failed, with line and column where they are known."""
    if not isinstance(error, SqlError):
        return _signed(_plain(error), execution)
    place = error.place(execution.sql)
    if place is None:
        return _signed(error.message, execution)
    message = f"line {place[0]}:{place[1]}: {error.message}"
    return _signed(message, execution, place=place)


def timeout_failure(seconds: float, execution: Execution) -> ExecutionError:
    """Return that an execution took too long."""
    message = f"Query exceeded the maximum run time of {seconds:g} seconds"
    return _signed(message, execution, kind="FAILED_TYPE_EXECUTION_TIMEOUT")


def internal_failure(execution: Execution) -> ExecutionError:
    """Return that this server has a defect."""
    return _signed("An internal error occured", execution, kind="FAILED_TYPE_UNSPECIFIED")


def _signed(
    message: str,
    execution: Execution,
    *,
    kind: str = "FAILED_TYPE_EXECUTION_FAILED",
    place: tuple[int, int] | None = None,
) -> ExecutionError:
    line, column = place or (None, None)
    return ExecutionError(
        f"{message} [Execution ID: {execution.execution_id}]", kind, line=line, column=column
    )


def _plain(error: Exception) -> str:
    """Return DuckDB's message without its own wrapping."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return "Query exceeded the memory limit"
    return _PYTHON.sub("", _BEFORE.sub("", _AFTER.sub("", str(error)))).strip()
