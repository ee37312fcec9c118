"""Sequences: arrays of numbers or moments from a start to a stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dune_frames.local.duckdb_types import computed_type
from dune_frames.local.sql.binding import bound
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

    from dune_frames._types.table import DuneType

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
    items = array_of(BIGINT)

    def written(start: str, stop: str, *given: str) -> str:
        step = given[0] if given else f"(CASE WHEN {start} <= {stop} THEN 1 ELSE -1 END)"
        span = _Span(start, stop, step, f"({stop} - {start}) // {step}", "0")
        return _checked(f"generate_series({start}, {span.near}, {step})", items, span)

    given = [*ends, *(cast(step, BIGINT) for step in steps)]
    return Value(bound(written, *(value.sql for value in given)), items)


def _moments(ends: Sequence[Value], steps: Sequence[Value]) -> Value | None:
    if not all(step.type in (DAY_TO_SECOND, YEAR_TO_MONTH) for step in steps):
        return None
    dune = ends[0].type
    by_months = bool(steps) and steps[0].type == YEAR_TO_MONTH

    def written(start: str, stop: str, *given: str) -> str:
        day = f"(CASE WHEN {start} <= {stop} THEN INTERVAL 1 DAY ELSE INTERVAL (-1) DAY END)"
        step = given[0] if given else day
        write = _by_months if by_months else _by_time
        return write(Value(start, dune), Value(stop, dune), step)

    return Value(bound(written, *(value.sql for value in (*ends, *steps))), array_of(dune))


def _by_time(first: Value, last: Value, step: str) -> str:
    dune, items = first.type, array_of(first.type)
    start, stop = _timestamp(first), _timestamp(last)
    count = f"(epoch_us({stop}) - epoch_us({start})) // epoch_us({step})"
    span = _Span(start, stop, step, count, "INTERVAL 0 DAY")
    series = f"generate_series({start}, {span.near}, {step})"
    made = f"list_transform({series}, lambda s: CAST(s AS {computed_type(dune)}))"
    checked = _checked(made, items, span)
    if dune != DATE:
        return checked
    partial = f"epoch_us({step}) % {_DAY} <> 0"
    return f"CASE WHEN {partial} THEN {failing(sql_string(_NO_DAY), items)} ELSE {checked} END"


def _by_months(first: Value, last: Value, step: str) -> str:
    """Count months from the start, so that a short month does not shorten those after it."""
    dune = first.type
    start, stop = _timestamp(first), _timestamp(last)
    months = f"(date_part('year', {step}) * 12 + date_part('month', {step}))"
    span = _Span(start, stop, months, f"date_diff('month', {start}, {stop}) // {months}", "0")
    moved = f"CAST({first.sql} + {step} * CAST(i AS INTEGER) AS {computed_type(dune)})"
    series = f"list_transform(range(least({span.count}, {_MOST}) + 2), lambda i: {moved})"
    inside = f"CASE WHEN {months} > 0 THEN m <= {last.sql} ELSE m >= {last.sql} END"
    return _checked(f"list_filter({series}, lambda m: {inside})", array_of(dune), span)


@dataclass(frozen=True, slots=True)
class _Span:
    """The way of a sequence, all as SQL.

    Attributes
    ----------
    start, stop, step : str
        Its ends, and how it goes.
    count : str
        How many steps there are.
    zero : str
        A step that goes nowhere.
    """

    start: str
    stop: str
    step: str
    count: str
    zero: str

    @property
    def near(self) -> str:
        """Return a stop that is not too far: DuckDB may make an array before it looks at checks."""
        return f"(CASE WHEN {self.count} < {_MOST} THEN {self.stop} ELSE {self.start} END)"


def _checked(made: str, items: DuneType, span: _Span) -> str:
    """Let a sequence that Dune refuses fail."""
    apart = f"{span.start} <> {span.stop}"
    failed = {
        f"{span.step} = {span.zero}": _NO_STEP,
        f"{apart} AND ({span.start} < {span.stop}) <> ({span.step} > {span.zero})": _WRONG_WAY,
        f"{span.count} >= {_MOST}": _TOO_LONG,
    }
    whens = " ".join(
        f"WHEN {condition} THEN {failing(sql_string(message), items)}"
        for condition, message in failed.items()
    )
    return f"CASE {whens} ELSE {made} END"


def _timestamp(moment: Value) -> str:
    return f"CAST({moment.sql} AS TIMESTAMP)" if moment.type == DATE else moment.sql
