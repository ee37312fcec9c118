"""Arithmetic: the operators on numbers, each kind with its own rules of type, overflow and zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dune_frames.local.duckdb_types import computed_type
from dune_frames.local.sql.binding import bound
from dune_frames.local.sql.casts import cast
from dune_frames.local.sql.types import (
    BIG_INTEGERS,
    INTEGERS,
    MAX_DIGITS,
    as_decimal,
    common_type,
    decimal,
    digits,
)
from dune_frames.local.sql.values import Value, failing

if TYPE_CHECKING:
    from dune_frames._types.table import DuneType

_NAMES = {"+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod"}


def typed(sql: str, dune: DuneType) -> Value:
    """Return SQL whose value gets a type."""
    return Value(f"CAST({sql} AS {computed_type(dune)})", dune)


def number_arithmetic(symbol: str, left: Value, right: Value, *, attempt: bool) -> Value:
    """Apply ``+ - * / %`` to two numbers of any kinds."""
    common = common_type(left.type, right.type) or left.type
    if common.name == "decimal":
        return _decimal(symbol, left, right, attempt=attempt)
    left, right = cast(left, common), cast(right, common)
    if common.name in BIG_INTEGERS:
        return _big(symbol, left, right, attempt=attempt)
    if common.name in INTEGERS:
        return _integer(symbol, left, right, attempt=attempt)
    return typed(f"{left.sql} {symbol} {right.sql}", common)


def _big(symbol: str, left: Value, right: Value, *, attempt: bool) -> Value:
    name = f"{'try_' if attempt else ''}{left.type.name}_{_NAMES[symbol]}"
    operands = f"CAST({left.sql} AS VARCHAR), CAST({right.sql} AS VARCHAR)"
    return typed(f"{name}({operands})", left.type)


def _integer(symbol: str, left: Value, right: Value, *, attempt: bool) -> Value:
    if symbol not in "/%":
        return typed(f"{left.sql} {symbol} {right.sql}", left.type)
    word = "//" if symbol == "/" else "%"
    return typed(f"{left.sql} {word} {_divisor(right, attempt=attempt)}", left.type)


def _divisor(right: Value, *, attempt: bool) -> str:
    """Return a divisor that is not zero: DuckDB's answer to zero depends on its release."""
    if right.literal is not None and float(right.literal):
        return right.sql
    if attempt:
        return f"nullif({right.sql}, 0)"
    raised = failing("'Division by zero'", right.type)
    return bound(lambda value: f"(CASE WHEN {value} = 0 THEN {raised} ELSE {value} END)", right.sql)


def _decimal(symbol: str, left: Value, right: Value, *, attempt: bool) -> Value:
    """Apply an operator to decimals, integers among them as decimals without a fraction."""
    left, right = (cast(value, as_decimal(value.type)) for value in (left, right))
    wanted = _decimal_type(symbol, left.type, right.type)
    scale = digits(wanted)[1]
    if symbol == "/":
        name = "try_decimal_div" if attempt else "decimal_div"
        return typed(
            f"{name}(CAST({left.sql} AS VARCHAR), CAST({right.sql} AS VARCHAR), {scale})", wanted
        )
    if symbol == "%":
        whole = computed_type(decimal(MAX_DIGITS, scale))
        divisor = _divisor(right, attempt=attempt)
        return typed(f"CAST({left.sql} AS {whole}) % CAST({divisor} AS {whole})", wanted)
    if symbol == "*":
        return typed(f"{left.sql} * {right.sql}", wanted)
    return typed(f"{cast(left, wanted).sql} {symbol} {cast(right, wanted).sql}", wanted)


def _decimal_type(symbol: str, left: DuneType, right: DuneType) -> DuneType:
    """Return Trino's precision and scale (https://trino.io/docs/current/functions/decimal.html)."""
    (p1, s1), (p2, s2) = digits(left), digits(right)
    scale = max(s1, s2)
    if symbol == "*":
        return decimal(p1 + p2, s1 + s2)
    if symbol == "/":
        return decimal(p1 + s2 + max(s2 - s1, 0), scale)
    if symbol == "%":
        return decimal(min(p1 - s1, p2 - s2) + scale, scale)
    return decimal(max(p1 - s1, p2 - s2) + scale + 1, scale)
