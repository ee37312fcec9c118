"""Operators: moments, intervals, comparison and concatenation by the types of their operands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dune_frames.local.sql.arithmetic import number_arithmetic, typed
from dune_frames.local.sql.casts import cast
from dune_frames.local.sql.types import (
    BOOLEAN,
    DATE,
    DAY_TO_SECOND,
    INTEGERS,
    INTERVALS,
    UNKNOWN,
    VARBINARY,
    VARCHAR,
    YEAR_TO_MONTH,
    can_become,
    common_type,
    is_moment,
    is_number,
)
from dune_frames.local.sql.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from dune_frames._types.table import DuneType


class OperatorError(Exception):
    """An operator that does not take such operands."""

    def __init__(self, symbol: str, left: Value, right: Value) -> None:
        super().__init__(f"Cannot apply operator: {left.type} {symbol} {right.type}")


def arithmetic(symbol: str, left: Value, right: Value, *, attempt: bool) -> Value:
    """Apply ``+ - * / %``.

    Parameters
    ----------
    symbol : str
        The operator.
    left, right : Value
        The operands.
    attempt : bool
        Whether an error inside becomes null, as within ``try``.

    Raises
    ------
    OperatorError
        The operands' types have no such operator.
    """
    if UNKNOWN in (left.type, right.type) and left.type != right.type:
        known = right.type if left.type == UNKNOWN else left.type
        left, right = cast(left, known), cast(right, known)
    if is_number(left.type) and is_number(right.type):
        return number_arithmetic(symbol, left, right, attempt=attempt)
    return _temporal(symbol, left, right)


def _temporal(symbol: str, left: Value, right: Value) -> Value:
    kinds = (_kind(left.type), _kind(right.type))
    rule = _TEMPORAL.get((kinds[0], symbol, kinds[1]))
    if rule is None:
        raise OperatorError(symbol, left, right)
    return rule(symbol, left, right)


def _kind(dune: DuneType) -> str:
    if dune.name in INTERVALS:
        return "interval"
    if dune.name in INTEGERS:
        return "integer"
    return "moment" if is_moment(dune) else dune.name


def _moved(symbol: str, left: Value, right: Value) -> Value:
    moved = f"({left.sql} {symbol} {right.sql})"
    if left.type != DATE:
        return typed(moved, left.type)
    raised = "CAST(error('Cannot add hour, minutes or seconds to a date') AS TIMESTAMP)"
    whole = f"CASE WHEN {moved} = CAST({moved} AS DATE) THEN {moved} ELSE {raised} END"
    checked = moved if right.type == YEAR_TO_MONTH else f"({whole})"
    return Value(f"CAST({checked} AS DATE)", DATE)


def _moved_by(symbol: str, left: Value, right: Value) -> Value:
    return _moved(symbol, right, left)


def _apart(_: str, left: Value, right: Value) -> Value:
    zoned = any(value.type.name.endswith("zone") for value in (left, right))
    wanted = common_type(left.type, right.type) or left.type
    sides = [cast(value, wanted).sql for value in (left, right)]
    if not zoned:
        sides = [f"CAST({side} AS TIMESTAMP)" for side in sides]
    return Value(f"({sides[0]} - {sides[1]})", DAY_TO_SECOND)


def _intervals(symbol: str, left: Value, right: Value) -> Value:
    if left.type != right.type:
        raise OperatorError(symbol, left, right)
    return Value(f"({left.sql} {symbol} {right.sql})", left.type)


def _times(_: str, left: Value, right: Value) -> Value:
    span, count = (left, right) if left.type.name in INTERVALS else (right, left)
    return Value(f"({span.sql} * {count.sql})", span.type)


_TEMPORAL: dict[tuple[str, str, str], Callable[[str, Value, Value], Value]] = {
    ("moment", "+", "interval"): _moved,
    ("moment", "-", "interval"): _moved,
    ("interval", "+", "moment"): _moved_by,
    ("moment", "-", "moment"): _apart,
    ("interval", "+", "interval"): _intervals,
    ("interval", "-", "interval"): _intervals,
    ("interval", "*", "integer"): _times,
    ("integer", "*", "interval"): _times,
}


def negated(value: Value) -> Value:
    """Apply the unary minus."""
    if value.type.name == "int256":
        return Value(f"CAST(int256_sub('0', CAST({value.sql} AS VARCHAR)) AS BIGNUM)", value.type)
    if value.type.name in INTERVALS or (is_number(value.type) and value.type.name != "uint256"):
        negative = value.literal and f"-{value.literal}"
        return Value(f"(- {value.sql})", value.type, negative)
    raise OperatorError("-", Value("", UNKNOWN), value)


def compared(symbol: str, left: Value, right: Value) -> Value:
    """Apply ``= <> < <= > >=``. NaN compares as in Trino: only ``<>`` holds for it."""
    common = common_type(left.type, right.type)
    if common is None:
        raise OperatorError(symbol, left, right)
    a, b = cast(left, common), cast(right, common)
    plain = f"({a.sql} {symbol} {b.sql})"
    if common.name not in ("real", "double"):
        return Value(plain, BOOLEAN)
    return Value(_compared_floats(symbol, plain, a, b), BOOLEAN)


def _compared_floats(symbol: str, plain: str, left: Value, right: Value) -> str:
    """Mend DuckDB's comparison, which takes NaN as the largest number and equal to itself."""
    nans = {
        "<": [right], "<=": [right],
        ">": [left], ">=": [left],
        "=": [left, right], "<>": [left, right],
    }[symbol]  # fmt: skip
    # A literal is no NaN, and NaN equals only another NaN.
    if any(value.literal is not None for value in nans):
        return plain
    is_nan = " AND ".join(f"isnan({value.sql})" for value in nans)
    return f"({plain} OR {is_nan})" if symbol == "<>" else f"({plain} AND NOT ({is_nan}))"


def distinct(left: Value, right: Value, *, negate: bool) -> Value:
    """Apply ``IS [NOT] DISTINCT FROM``."""
    common = common_type(left.type, right.type)
    if common is None:
        raise OperatorError("IS DISTINCT FROM", left, right)
    word = "IS NOT DISTINCT FROM" if negate else "IS DISTINCT FROM"
    return Value(f"({cast(left, common).sql} {word} {cast(right, common).sql})", BOOLEAN)


def concatenated(left: Value, right: Value) -> Value:
    """Apply ``||`` to texts, bytes or arrays; an array also takes an item of its own."""
    for wanted in (VARCHAR, VARBINARY):
        if can_become(left.type, wanted) and can_become(right.type, wanted):
            return typed(f"{cast(left, wanted).sql} || {cast(right, wanted).sql}", wanted)
    if "array" not in (left.type.name, right.type.name):
        raise OperatorError("||", left, right)
    whole, part = (left, right) if left.type.name == "array" else (right, left)
    if part.type.name != "array" or can_become(part.type, whole.type.children[0].type):
        item = cast(part, whole.type.children[0].type)
        alone = Value(f"[{item.sql}]", whole.type)
        left, right = (left, alone) if whole is left else (alone, right)
    common = common_type(left.type, right.type)
    if common is None:
        raise OperatorError("||", left, right)
    sides = [cast(value, common).sql for value in (left, right)]
    missing = " OR ".join(f"{side} IS NULL" for side in sides)
    return Value(
        f"(CASE WHEN {missing} THEN NULL ELSE list_concat({', '.join(sides)}) END)", common
    )
