"""Decimals and floats: the functions whose results follow rules of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dune_frames.local.duckdb_types import computed_type
from dune_frames.local.sql.types import MAX_DIGITS, decimal, digits
from dune_frames.local.sql.values import Value

if TYPE_CHECKING:
    from dune_frames._types.table import DuneType

#: Takes a plain call to the call with DISTINCT, FILTER and OVER.
Modify = Callable[[str], str]


_FLOATS = ("real", "double")


def _unchanged(call: str) -> str:
    return call


def exact_call(
    name: str, arguments: Sequence[Value], modified: Modify = _unchanged
) -> Value | None:
    """Return a call of a decimal or a float; None where there is no rule for it.

    Parameters
    ----------
    name : str
        The function.
    arguments : sequence of Value
        Its arguments.
    modified : callable
        For aggregates: adds what stands around them.
    """
    if name == "max" and len(arguments) == 1 and arguments[0].type.name in _FLOATS:
        return _float_max(arguments[0], modified)
    if not arguments or arguments[0].type.name != "decimal" or name not in _RULES:
        return None
    return _RULES[name](arguments, modified)


def _float_max(value: Value, modified: Modify) -> Value:
    """Take NaN for the largest only where there is nothing else, as Trino does."""
    numbers = modified(f"max(CASE WHEN NOT isnan({value.sql}) THEN {value.sql} END)")
    return _typed(f"coalesce({numbers}, {modified(f'max({value.sql})')})", value.type)


def _typed(sql: str, dune: DuneType) -> Value:
    return Value(f"CAST({sql} AS {computed_type(dune)})", dune)


def _sum(arguments: Sequence[Value], modified: Modify) -> Value:
    _, scale = digits(arguments[0].type)
    return _typed(modified(f"sum({arguments[0].sql})"), decimal(MAX_DIGITS, scale))


def _avg(arguments: Sequence[Value], modified: Modify) -> Value:
    """Divide the exact sum by the count, rounded to the argument's scale."""
    dune = arguments[0].type
    total, count = (modified(f"{name}({arguments[0].sql})") for name in ("sum", "count"))
    divided = (
        f"decimal_div(CAST({total} AS VARCHAR), CAST(nullif({count}, 0) AS VARCHAR), "
        f"{digits(dune)[1]})"
    )
    return _typed(divided, dune)


def _abs(arguments: Sequence[Value], _: Modify) -> Value:
    return _typed(f"abs({arguments[0].sql})", arguments[0].type)


def _whole(function: str) -> Callable[[Sequence[Value], Modify], Value]:
    def rule(arguments: Sequence[Value], _: Modify) -> Value:
        precision, scale = digits(arguments[0].type)
        wanted = decimal(max(precision - scale + min(scale, 1), 1), 0)
        return _typed(f"{function}({arguments[0].sql})", wanted)

    return rule


def _truncate(arguments: Sequence[Value], _: Modify) -> Value:
    precision, scale = digits(arguments[0].type)
    return _typed(f"trunc({arguments[0].sql})", decimal(max(precision - scale, 1), 0))


def _sign(arguments: Sequence[Value], _: Modify) -> Value:
    return _typed(f"sign({arguments[0].sql})", decimal(1, 0))


def _round(arguments: Sequence[Value], modified: Modify) -> Value:
    if len(arguments) == 1:
        return _whole("round")(arguments, modified)
    precision, scale = digits(arguments[0].type)
    rounded = f"round({arguments[0].sql}, CAST({arguments[1].sql} AS INTEGER))"
    return _typed(rounded, decimal(precision + 1, scale))


_RULES: dict[str, Callable[[Sequence[Value], Modify], Value]] = {
    "sum": _sum,
    "avg": _avg,
    "abs": _abs,
    "ceil": _whole("ceil"),
    "floor": _whole("floor"),
    "sign": _sign,
    "truncate": _truncate,
    "round": _round,
}
