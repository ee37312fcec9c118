"""The reader of Spark's filters: what `pushFilters` is given, as predicates.

Spark applies every filter itself all the same; what cannot be read costs bytes and nothing else.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeGuard

from dune_frames._predicate.algebra import (
    And,
    Comparison,
    HasText,
    In,
    IsNotNull,
    IsNull,
    Not,
    Operator,
    Place,
    Predicate,
    Unreadable,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql.datasource import Filter

_OPERATORS: dict[str, Operator] = {
    "EqualTo": "=",
    "GreaterThan": ">",
    "GreaterThanOrEqual": ">=",
    "LessThan": "<",
    "LessThanOrEqual": "<=",
}
_PLACES: dict[str, Place] = {
    "StringStartsWith": "start",
    "StringContains": "anywhere",
    "StringEndsWith": "end",
}
_PLAIN = bool | int | float | Decimal | str | bytes | date


def read_filters(filters: Iterable[Filter]) -> Predicate:
    """Return what is worth asking for of filters that all have to hold.

    Spark adds to every comparison that its column is not null. Beside the comparison that says
    nothing more, and where Dune cannot say the comparison it would be a filter for little.
    """
    read = [read_filter(each) for each in filters]
    compared = {part.column for part in read if isinstance(part, Comparison | In | HasText)}
    kept = (p for p in read if not (isinstance(p, IsNotNull) and p.column in compared))
    return And(tuple(kept))


def read_filter(told: Any) -> Predicate:
    """Return what a filter of Spark means; `Unreadable` where nobody here knows."""
    kind = type(told).__name__
    if kind == "Not":
        return Not(read_filter(told.child))
    column = told.attribute[0] if len(getattr(told, "attribute", ())) == 1 else None
    found = None if column is None else _leaf(kind, column, getattr(told, "value", None))
    return found or Unreadable(str(told))


def _leaf(kind: str, column: str, value: Any) -> Predicate | None:
    match kind:
        case "IsNull":
            return IsNull(column)
        case "IsNotNull":
            return IsNotNull(column)
        case "EqualNullSafe":
            return _equal_or_null(column, value)
        case "In":
            members = tuple(value)
            return In(column, members) if members and all(map(_is_plain, members)) else None
    return _compared(kind, column, value) if _is_plain(value) else None


def _compared(kind: str, column: str, value: Value) -> Predicate | None:
    if kind in _PLACES and isinstance(value, str):
        return HasText(column, _PLACES[kind], value)
    return Comparison(column, _OPERATORS[kind], value) if kind in _OPERATORS else None


def _equal_or_null(column: str, value: Any) -> Predicate | None:
    """Return a comparison for which null is a value like others."""
    if value is None:
        return IsNull(column)
    same = Comparison(column, "=", value) if _is_plain(value) else None
    return same and And((same, IsNotNull(column)))


def _is_plain(value: Any) -> TypeGuard[Value]:
    return isinstance(value, _PLAIN)
