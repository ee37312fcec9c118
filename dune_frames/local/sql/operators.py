"""Operators: moments, intervals, comparison and concatenation by the types of their operands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dune_frames.local.sql.arithmetic import number_arithmetic, typed
from dune_frames.local.sql.binding import bound
from dune_frames.local.sql.casts import cast
from dune_frames.local.sql.types import (
    BOOLEAN,
    DATE,
    DAY_TO_SECOND,
    DOUBLE,
    INTEGERS,
    INTERVALS,
    UNKNOWN,
    VARBINARY,
    VARCHAR,
    YEAR_TO_MONTH,
    can_become,
    common_type,
    fraction_digits,
    is_moment,
    is_number,
)
from dune_frames.local.sql.values import Value, failing

if TYPE_CHECKING:
    from collections.abc import Callable

    from dune_frames._types.table import DuneType


class OperatorError(Exception):
    """An operator that does not take such operands."""

    def __init__(self, symbol: str, left: Value, right: Value) -> None:
        super().__init__(f"Cannot apply operator: {left.type} {symbol} {right.type}")
        self.symbol = symbol


class NegationError(OperatorError):
    """A value that has no negative."""

    def __init__(self, value: Value) -> None:
        super().__init__("-", value, value)
        self.args = (f"Cannot apply operator: -{value.type}",)


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
    if dune.name in (*INTEGERS, "decimal", "real", "double"):
        return "number"
    return "moment" if is_moment(dune) else dune.name


def _moved(symbol: str, left: Value, right: Value) -> Value:
    moved = f"({left.sql} {symbol} {right.sql})"
    if left.type != DATE:
        return typed(moved, left.type if right.type == YEAR_TO_MONTH else _with_millis(left.type))
    if right.type == YEAR_TO_MONTH:
        return Value(f"CAST({moved} AS DATE)", DATE)
    raised = failing("'Cannot add hour, minutes or seconds to a date'", DATE)

    def whole_days(moment: str) -> str:
        day = f"CAST({moment} AS DATE)"
        return f"CASE WHEN {moment} <> {day} THEN {raised} ELSE {day} END"

    return Value(bound(whole_days, moved), DATE)


def _with_millis(dune: DuneType) -> DuneType:
    """Return a timestamp's type with the digits that an interval may add."""
    return replace(dune, arguments=(max(fraction_digits(dune), 3),))


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
    if count.type.name in INTEGERS:
        return Value(f"({span.sql} * {count.sql})", span.type)
    return _scaled(span, f"* {cast(count, DOUBLE).sql}")


def _divided(_: str, left: Value, right: Value) -> Value:
    return _scaled(left, f"/ {cast(right, DOUBLE).sql}")


def _scaled(span: Value, by: str) -> Value:
    """Scale an interval, and drop the fraction of its months or milliseconds."""
    if span.type == YEAR_TO_MONTH:
        months = f"(date_part('year', {span.sql}) * 12 + date_part('month', {span.sql}))"
        return Value(f"to_months(CAST(trunc({months} {by}) AS INTEGER))", span.type)
    millis = f"CAST(trunc(epoch_us({span.sql}) // 1000 {by}) AS BIGINT)"
    return Value(f"to_microseconds({millis} * 1000)", span.type)


_TEMPORAL: dict[tuple[str, str, str], Callable[[str, Value, Value], Value]] = {
    ("moment", "+", "interval"): _moved,
    ("moment", "-", "interval"): _moved,
    ("interval", "+", "moment"): _moved_by,
    ("moment", "-", "moment"): _apart,
    ("interval", "+", "interval"): _intervals,
    ("interval", "-", "interval"): _intervals,
    ("interval", "*", "number"): _times,
    ("number", "*", "interval"): _times,
    ("interval", "/", "number"): _divided,
}


def negated(value: Value) -> Value:
    """Apply the unary minus."""
    if value.type.name == "int256":
        return Value(f"CAST(int256_sub('0', CAST({value.sql} AS VARCHAR)) AS BIGNUM)", value.type)
    if value.type.name in INTERVALS or (is_number(value.type) and value.type.name != "uint256"):
        negative = value.literal and f"-{value.literal}"
        return Value(f"(- {value.sql})", value.type, negative)
    raise NegationError(value)


def compared(symbol: str, left: Value, right: Value) -> Value:
    """Apply ``= <> < <= > >=``. NaN compares as in Trino: only ``<>`` holds for it."""
    common = common_type(left.type, right.type)
    if common is None:
        raise OperatorError(symbol, left, right)
    a, b = cast(left, common), cast(right, common)
    if common.children:
        return compared_nested(symbol, a, b)
    if common.name not in ("real", "double"):
        return Value(f"({a.sql} {symbol} {b.sql})", BOOLEAN)
    return Value(_compared_floats(symbol, a, b), BOOLEAN)


def compared_nested(symbol: str, left: Value, right: Value) -> Value:
    """Compare arrays or rows item by item: a null inside leaves the answer open, as in Trino."""
    kind = left.type.name
    if symbol not in ("=", "<>") or kind not in ("array", "row"):
        raise NestedComparisonError(symbol, left, right)
    equal = bound(
        lambda a, b: _equal_nested(Value(a, left.type), Value(b, right.type)), left.sql, right.sql
    )
    return Value(equal if symbol == "=" else f"(NOT {equal})", BOOLEAN)


class NestedComparisonError(OperatorError):
    """A comparison that Trino has and this server has not."""

    def __init__(self, symbol: str, left: Value, right: Value) -> None:
        super().__init__(symbol, left, right)
        shown = f"{left.type} {symbol} {right.type}"
        self.args = (f"{shown} is not supported by the embedded Dune",)


def _equal_nested(left: Value, right: Value) -> str:
    if left.type.name == "row":
        fields = [
            compared("=", _field(left, place), _field(right, place)).sql
            for place in range(len(left.type.children))
        ]
        missing = f"{left.sql} IS NULL OR {right.sql} IS NULL"
        return f"(CASE WHEN {missing} THEN NULL ELSE {' AND '.join(fields)} END)"
    depth = f"i{len(left.sql)}"
    item = left.type.children[0].type
    pair = compared("=", Value(f"{left.sql}[{depth}]", item), Value(f"{right.sql}[{depth}]", item))
    pairs = f"list_transform(range(1, len({left.sql}) + 1), lambda {depth}: {pair.sql})"
    decided = bound(
        lambda answers: (
            f"CASE WHEN list_contains({answers}, false) THEN false "
            f"WHEN len(list_filter({answers}, lambda e: e IS NULL)) > 0 THEN NULL ELSE true END"
        ),
        pairs,
    )
    return f"(CASE WHEN len({left.sql}) <> len({right.sql}) THEN false ELSE {decided} END)"


def _field(row: Value, place: int) -> Value:
    return Value(f"struct_extract_at({row.sql}, {place + 1})", row.type.children[place].type)


def _compared_floats(symbol: str, left: Value, right: Value) -> str:
    """Mend DuckDB's comparison, which takes NaN as the largest number and equal to itself."""
    sides = {"<": (1,), "<=": (1,), ">": (0,), ">=": (0,), "=": (0, 1), "<>": (0, 1)}[symbol]
    # A literal is no NaN, and NaN equals only another NaN.
    if any((left, right)[side].literal is not None for side in sides):
        return f"({left.sql} {symbol} {right.sql})"

    def written(*operands: str) -> str:
        plain = f"{operands[0]} {symbol} {operands[1]}"
        is_nan = " AND ".join(f"isnan({operands[side]})" for side in sides)
        return f"({plain} OR {is_nan})" if symbol == "<>" else f"({plain} AND NOT ({is_nan}))"

    return bound(written, left.sql, right.sql)


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

    def joined(*operands: str) -> str:
        missing = " OR ".join(f"{operand} IS NULL" for operand in operands)
        return f"(CASE WHEN {missing} THEN NULL ELSE list_concat({', '.join(operands)}) END)"

    return Value(bound(joined, *(cast(value, common).sql for value in (left, right))), common)
