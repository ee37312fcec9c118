"""Expressions of polars, read as predicates.

polars tells what an expression is made of only in its JSON form, which may change with every
version. So whatever is not in a form that is known here is `Unreadable`, which costs bytes and
nothing else. Values are not read from that form: polars itself evaluates them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from dune_frames._predicate.algebra import (
    MIRRORED,
    And,
    Comparison,
    HasText,
    In,
    IsNotNaN,
    IsNotNull,
    IsNull,
    Not,
    Operator,
    Or,
    Place,
    Predicate,
    Unreadable,
)
from dune_frames._predicate.polars_values import Node, expression_of, members_of, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

_COMPARISONS: dict[str, Operator] = {
    "Eq": "=", "NotEq": "!=", "Lt": "<", "LtEq": "<=", "Gt": ">", "GtEq": ">=",
}  # fmt: skip
_BOUNDS: dict[str, tuple[Operator, Operator]] = {
    "Both": (">=", "<="), "Left": (">=", "<"), "Right": (">", "<="), "None": (">", "<"),
}  # fmt: skip
_SHOWN = 200
_PLACES: dict[str, Place] = {"StartsWith": "start", "EndsWith": "end"}
#: What makes a text a pattern where a regular expression is expected.
_PATTERN_CHARACTERS = frozenset(r"\.+*?()|[]{}^$")
#: Casts of a column that change no comparison with a value: exact ones, and those of integers to
#: floats, which round from 2^53 on but never past a smaller float. (Larger ones are never said.)
_HARMLESS_CASTS = {
    "Int8": ("Int16", "Int32", "Int64", "Int128", "Float64"),
    "Int16": ("Int32", "Int64", "Int128", "Float64"),
    "Int32": ("Int64", "Int128", "Float64"),
    "Int64": ("Int128", "Float64"),
    "Float32": ("Float64",),
    "Date": ("Datetime",),
    "Decimal": ("Decimal",),
}


def read(expression: pl.Expr, schema: Mapping[str, pl.DataType]) -> Predicate:
    """Return an expression as a predicate, and as `Unreadable` whatever of it is not understood.

    Parameters
    ----------
    expression : polars.Expr
        Of booleans, as polars hands it to a source of rows. It is never evaluated here.
    schema : mapping of str to polars.DataType
        The columns of that source.
    """
    try:
        tree = _tree(expression)
    except Exception:  # noqa: BLE001 - the form is polars' own: there may be none, or one too deep
        return Unreadable(str(expression))
    return _Reader(schema).predicate(tree)


def evaluable(expression: pl.Expr) -> pl.Expr | None:
    """Return an expression without the conditions that a source of rows cannot evaluate.

    Some versions of polars hand over hints to themselves among the conditions, which they can show
    but not evaluate (https://github.com/pola-rs/polars/issues/28629). Without them more rows are
    kept, and polars drops those later.
    """
    try:
        parts = list(_conjuncts(_tree(expression)))
        kept = [part for part in parts if "Display" not in part]
        if len(kept) == len(parts):
            return expression
        return reduce(and_, map(expression_of, kept)) if kept else None
    except Exception:  # noqa: BLE001 - as in `read`
        return expression


def _tree(expression: pl.Expr) -> Node:
    return json.loads(expression.meta.serialize(format="json"))


def _conjuncts(node: Node) -> Iterator[Node]:
    match node:
        case {"BinaryExpr": {"left": left, "op": "And" | "LogicalAnd", "right": right}}:
            yield from _conjuncts(left)
            yield from _conjuncts(right)
        case _:
            yield node


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads nodes over columns of a schema."""

    schema: Mapping[str, pl.DataType]

    def predicate(self, node: Node) -> Predicate:
        """Return what a node of booleans says."""
        try:
            found = self._read(node)
        except Exception:  # noqa: BLE001 - a known name may stand for another form, or be too deep
            found = None
        return found or Unreadable(str(node)[:_SHOWN])

    def _read(self, node: Node) -> Predicate | None:
        match node:
            case {"BinaryExpr": {"left": left, "op": operator, "right": right}}:
                return self._binary(left, operator, right)
            case {"Function": {"input": inputs, "function": {"Boolean": function}}}:
                return self._boolean(function, inputs)
            case {"Function": {"input": [column, text], "function": {"StringExpr": function}}}:
                return self._has_text(function, column, text)
        return None

    def _binary(self, left: Node, operator: str, right: Node) -> Predicate | None:
        match operator:
            case "And" | "LogicalAnd":
                return And((self.predicate(left), self.predicate(right)))
            case "Or" | "LogicalOr":
                return Or((self.predicate(left), self.predicate(right)))
            case "EqValidity":
                return _never_unknown(self._comparison(left, "=", right))
            case "NotEqValidity":
                return _never_unknown(self._comparison(left, "!=", right))
        return self._comparison(left, _COMPARISONS.get(operator), right)

    def _comparison(self, left: Node, operator: Operator | None, right: Node) -> Comparison | None:
        if operator is None:
            return None
        column = self._column(left)
        if column is None:
            column, operator, right = self._column(right), MIRRORED[operator], left
        value = value_of(right)
        return None if column is None or value is None else Comparison(column, operator, value)

    def _boolean(self, function: Node, inputs: list[Node]) -> Predicate | None:
        match function, inputs:
            case "AllHorizontal", _:
                return And(tuple(map(self.predicate, inputs)))
            case "AnyHorizontal", _:
                return Or(tuple(map(self.predicate, inputs)))
            case "Not", [inner]:
                return Not(self.predicate(inner))
            case str(), [inner]:
                column = self._column(inner)
                return None if column is None else _of_column(function, column)
        return self._of_range(function, inputs)

    def _of_range(self, function: Node, inputs: list[Node]) -> Predicate | None:
        match function, inputs:
            case {"IsBetween": {"closed": closed}}, [column, low, high]:
                return self._between(_BOUNDS[closed], column, low, high)
            case {"IsIn": {"nulls_equal": nulls_equal}}, [column, values]:
                found = self._in(column, values)
                return _never_unknown(found) if nulls_equal else found
        return None

    def _between(
        self, bounds: tuple[Operator, Operator], column: Node, low: Node, high: Node
    ) -> Predicate | None:
        above = self._comparison(column, bounds[0], low)
        below = self._comparison(column, bounds[1], high)
        return And((above, below)) if above and below else None

    def _in(self, column: Node, values: Node) -> In | None:
        name, members = self._column(column), members_of(values)
        return In(name, tuple(members)) if name is not None and members else None

    def _has_text(self, function: Node, column: Node, text: Node) -> Predicate | None:
        name, value = self._column(column), value_of(text)
        if name is None or not isinstance(value, str):
            return None
        match function:
            case "StartsWith" | "EndsWith":
                return HasText(name, _PLACES[function], value)
            case {"Contains": {"literal": literal}} if literal or not _is_pattern(value):
                return HasText(name, "anywhere", value)
        return None

    def _column(self, node: Node) -> str | None:
        """Return the column that a node is, a harmless cast aside."""
        match node:
            case {"Column": str(name)} if name in self.schema:
                return name
            case {"Cast": {"expr": {"Column": str(name)}, "dtype": to}} if name in self.schema:
                return name if _is_harmless(self.schema[name], to) else None
        return None


def _never_unknown(found: Comparison | In | None) -> Predicate | None:
    """Return a comparison for which null is a value like others, and equals none of those named."""
    match found:
        case None:
            return None
        case Comparison(column, "!=", _):
            return Or((found, IsNull(column)))
    return And((found, IsNotNull(found.column)))


def _of_column(function: str, column: str) -> Predicate | None:
    match function:
        case "IsNull":
            return IsNull(column)
        case "IsNotNull":
            return IsNotNull(column)
        case "IsNotNan":
            return IsNotNaN(column)
        case "IsNan":
            return Not(IsNotNaN(column))
        case "IsFinite":
            return And((IsNotNaN(column), Unreadable(f"{column} is finite")))
    return None


def _is_pattern(text: str) -> bool:
    return not _PATTERN_CHARACTERS.isdisjoint(text)


def _is_harmless(own: pl.DataType, to: Node) -> bool:
    """Tell whether a cast from a column's own type changes no comparison."""
    match to:
        case {"Literal": inner}:
            return _is_harmless(own, inner)
        case {"Unknown": "Float"}:
            name = "Float64"
        case {"Datetime": [_, None]}:
            name = "Datetime"
        case {"Decimal": [int(digits), int(scale)]}:
            name = "Decimal" if _holds_all(own, digits, scale) else ""
        case _:
            name = str(to)
    return name in _HARMLESS_CASTS.get(own.base_type().__name__, ())


def _holds_all(own: pl.DataType, digits: int, scale: int) -> bool:
    """Tell whether a decimal type holds all values of a column's own decimal type."""
    import polars as pl

    if not isinstance(own, pl.Decimal) or own.precision is None:
        return False
    return scale >= own.scale and digits - scale >= own.precision - own.scale
