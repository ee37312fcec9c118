"""Failures: why a query failed, in Trino's words where it is the same thing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import duckdb

from dune_frames.local.executions import ExecutionError
from dune_frames.local.sql import SqlError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dune_frames.local.executions import Execution

#: What DuckDB puts before a message, what it adds for a function in Python, and what follows.
_BEFORE = re.compile(r"^(?:[\w-]+ )*Error: ")
_PYTHON = re.compile(r"^Python exception occurred while executing the UDF: \w+: ")
_AFTER = re.compile(r"\n\n?(?:LINE|At:).*", re.DOTALL)


#: What DuckDB raises before it runs anything: what was written for it is not right.
_NOT_TAKEN = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
_WIDTHS = {"8": "tinyint", "16": "smallint", "32": "integer", "64": "bigint"}


def _overflow(match: re.Match[str]) -> str:
    return f"{_WIDTHS.get(match[2], 'bigint')} {match[1]} overflow: {match[3]}"


def _out_of_range(match: re.Match[str]) -> str:
    return f"Out of range for {_WIDTHS.get(match[2], 'bigint')}: {match[1]}"


#: What DuckDB says, and what Trino says of the same.
_SAME: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern, re.DOTALL), words)
    for pattern, words in (
        (r"Overflow in (\w+) of INT(\d+) \((.*)\)!", _overflow),
        (r"Type \w+ with value (\S+) can't be cast because .* type INT(\d+).*", _out_of_range),
        (r"Could not convert string '(-?\d+)' to INT(\d+).*", _out_of_range),
        (
            r"(timestamp|date|time) field value out of range: \"(.*)\".*",
            r"Value cannot be cast to \1: \2",
        ),
        (r"Could not parse string \"(.*?)\" according to format.*", r'Invalid format: "\1"'),
        (
            r"More than one row returned by a subquery.*",
            "Scalar sub-query has returned multiple rows",
        ),
        (r"Unknown TimeZone '(.*?)'.*", r"'\1' is not a valid time zone"),
        (r"Map keys must be unique.*", "Duplicate map keys are not allowed"),
        (r"Map keys can not be NULL.*", "map key cannot be null"),
        (r"The map key list does not align.*", "Key and value arrays must be the same length"),
        (r"Overflow on abs\((.*)\).*", r"Value \1 is out of range for abs(bigint)"),
        (r"Query interrupted.*|Interrupted!.*", "Query was interrupted"),
    )
)


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
    if isinstance(error, _NOT_TAKEN):
        return f"the embedded Dune cannot run this: {str(error).splitlines()[0]}"
    whole = _BEFORE.sub("", str(error))
    for pattern, words in _SAME:
        match = pattern.fullmatch(whole)
        if match:
            return match.expand(words) if isinstance(words, str) else words(match)
    return _PYTHON.sub("", _AFTER.sub("", whole)).strip()
