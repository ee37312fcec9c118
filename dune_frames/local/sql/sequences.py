"""Sequences: arrays of numbers or moments from a start to a stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dune_frames.local.duckdb_types import computed_type
from dune_frames.local.sql.casts import cast
from dune_frames.local.sql.types import (
    BIGINT,
    DATE,
    DAY_TO_SECOND,
    YEAR_TO_MONTH,
    array_of,
    can_become,
    common_of,
    is_moment,
)
from dune_frames.local.sql.values import Value, failing, sql_string

if TYPE_CHECKING:
    from collections.abc import Sequence

#: https://trino.io/docs/current/functions/array.html#sequence
_MOST = 10_000
_TOO_LONG = f"result of sequence function must not have more than {_MOST} entries"
_WRONG_WAY = (
    "sequence stop value should be greater than or equal to start value if step is greater "
    "than zero otherwise stop should be less than or equal to start"
)
_NO_STEP = "step must not be zero"
_NO_DAY = "sequence step must be a day interval if start and end values are dates"
_DAY = 86_400_000_000


def sequence(values: Sequence[Value]) -> Value | None:
    """Return a sequence; None where there is none of such types.

    Parameters
    ----------
    values : sequence of Value
        Start, stop and perhaps the step.
    """
    ends, steps = values[:2], values[2:]
    common = common_of([value.type for value in ends])
    if common is None:
        return None
    if can_become(common, BIGINT):
        return _numbers([cast(value, BIGINT) for value in ends], steps)
    if not is_moment(common) or (common != DATE and not steps):
        return None
    return _moments([cast(value, common) for value in ends], steps)


def _numbers(ends: Sequence[Value], steps: Sequence[Value]) -> Value | None:
    if not all(can_become(step.type, BIGINT) for step in steps):
        return None
    start, stop = (end.sql for end in ends)
    step = (
        cast(steps[0], BIGINT).sql if steps else f"(CASE WHEN {start} <= {stop} THEN 1 ELSE -1 END)"
    )
    items = array_of(BIGINT)
    count = f"({stop} - {start}) // {step}"
    made = f"generate_series({start}, {_near(start, stop, count)}, {step})"
    return _checked(Value(made, items), f"{start} <= {stop}", count, step, "0")


def _moments(ends: Sequence[Value], steps: Sequence[Value]) -> Value | None:
    start, stop = (end.sql for end in ends)
    if not steps:
        forward = f"{start} <= {stop}"
        step = f"(CASE WHEN {forward} THEN INTERVAL 1 DAY ELSE INTERVAL (-1) DAY END)"
    elif steps[0].type in (DAY_TO_SECOND, YEAR_TO_MONTH):
        step = steps[0].sql
    else:
        return None
    by_months = bool(steps) and steps[0].type == YEAR_TO_MONTH
    return (_by_months if by_months else _by_time)(ends, step)


def _by_time(ends: Sequence[Value], step: str) -> Value:
    dune = ends[0].type
    start, stop = (_timestamp(end) for end in ends)
    count = f"(epoch_us({stop}) - epoch_us({start})) // epoch_us({step})"
    series = f"generate_series({start}, {_near(start, stop, count)}, {step})"
    made = f"list_transform({series}, lambda s: CAST(s AS {computed_type(dune)}))"
    value = _checked(
        Value(made, array_of(dune)), f"{start} <= {stop}", count, step, "INTERVAL 0 DAY"
    )
    if dune != DATE:
        return value
    failed = failing(sql_string(_NO_DAY), value.type)
    partial = f"epoch_us({step}) % {_DAY} <> 0"
    return Value(f"CASE WHEN {partial} THEN {failed} ELSE {value.sql} END", value.type)


def _by_months(ends: Sequence[Value], step: str) -> Value:
    """Count months from the start, so that a short month does not shorten those after it."""
    dune = ends[0].type
    start, stop = (_timestamp(end) for end in ends)
    months = f"(date_part('year', {step}) * 12 + date_part('month', {step}))"
    count = f"date_diff('month', {start}, {stop}) // {months}"
    moved = f"CAST({ends[0].sql} + {step} * CAST(i AS INTEGER) AS {computed_type(dune)})"
    series = f"list_transform(range(least({count}, {_MOST}) + 2), lambda i: {moved})"
    inside = f"CASE WHEN {months} > 0 THEN m <= {ends[1].sql} ELSE m >= {ends[1].sql} END"
    made = f"list_filter({series}, lambda m: {inside})"
    return _checked(Value(made, array_of(dune)), f"{start} <= {stop}", count, months, "0")


def _checked(made: Value, forward: str, count: str, step: str, zero: str) -> Value:
    """Let a sequence that Dune refuses fail."""
    failed = {
        f"{step} = {zero}": _NO_STEP,
        f"({forward}) <> ({step} > {zero}) AND {count} <> 0": _WRONG_WAY,
        f"{count} >= {_MOST}": _TOO_LONG,
    }
    whens = " ".join(
        f"WHEN {condition} THEN {failing(sql_string(message), made.type)}"
        for condition, message in failed.items()
    )
    return Value(f"CASE {whens} ELSE {made.sql} END", made.type)


def _near(start: str, stop: str, count: str) -> str:
    """Return a stop that is not too far: DuckDB may make the array before it looks at the check."""
    return f"(CASE WHEN {count} < {_MOST} THEN {stop} ELSE {start} END)"


def _timestamp(moment: Value) -> str:
    return f"CAST({moment.sql} AS TIMESTAMP)" if moment.type == DATE else moment.sql
