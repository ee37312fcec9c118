"""Predicates: the expressions that are true, false or unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from dune_frames.local.sql import operators
from dune_frames.local.sql.casts import cast
from dune_frames.local.sql.failures import failure, unsupported
from dune_frames.local.sql.operators import compared
from dune_frames.local.sql.types import BOOLEAN, common_of
from dune_frames.local.sql.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dune_frames.local.sql.expressions import Expressions
    from dune_frames.local.sql.nodes import Node
    from dune_frames.local.sql.scopes import Scope

_COMPARISONS: dict[type[Node], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_FLOATS = ("real", "double")


class Predicates:
    """Translates predicates; their operands go back to the expressions."""

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self.rules: dict[type[Node], Callable[[Any, Scope], Value]] = {
            **dict.fromkeys(_COMPARISONS, self._comparison),
            exp.And: self._logical,
            exp.Or: self._logical,
            exp.Not: self._not,
            exp.Like: self._like,
            exp.Escape: self._like,
            exp.In: self._in,
            exp.Between: self._between,
            exp.Is: self._is,
            exp.NullSafeEQ: self._distinct,
            exp.NullSafeNEQ: self._distinct,
            exp.Exists: self._exists,
        }

    def _comparison(self, node: exp.Binary, scope: Scope) -> Value:
        symbol = _COMPARISONS[type(node)]
        if isinstance(node.right, exp.Any | exp.All):
            return self._quantified(node, symbol, scope)
        return compared(
            symbol,
            self._expressions.value(node.left, scope),
            self._expressions.value(node.right, scope),
        )

    def _quantified(self, node: exp.Binary, symbol: str, scope: Scope) -> Value:
        left = self._expressions.value(node.left, scope)
        query, column = self._expressions.single_column(node.right.this, scope)
        wanted = common_of([left.type, column])
        if wanted is None or column != wanted or wanted.name in _FLOATS:
            raise unsupported(f"a quantified comparison of {left.type} and {column}", node)
        word = "ANY" if isinstance(node.right, exp.Any) else "ALL"
        return Value(f"({cast(left, wanted).sql} {symbol} {word} ({query}))", BOOLEAN)

    def _logical(self, node: exp.Binary, scope: Scope) -> Value:
        word = "AND" if isinstance(node, exp.And) else "OR"
        sides = (
            self._expressions.condition(node.left, scope),
            self._expressions.condition(node.right, scope),
        )
        return Value(f"({sides[0]} {word} {sides[1]})", BOOLEAN)

    def _not(self, node: exp.Not, scope: Scope) -> Value:
        return Value(f"(NOT {self._expressions.condition(node.this, scope)})", BOOLEAN)

    def _distinct(self, node: exp.Binary, scope: Scope) -> Value:
        sides = (
            self._expressions.value(node.left, scope),
            self._expressions.value(node.right, scope),
        )
        return operators.distinct(*sides, negate=isinstance(node, exp.NullSafeEQ))

    def _like(self, node: Node, scope: Scope) -> Value:
        escape = ""
        if isinstance(node, exp.Escape):
            escape = f" ESCAPE {self._text(node.expression, scope)}"
            node = node.this
        sides = self._text(node.this, scope), self._text(node.expression, scope)
        return Value(f"({sides[0]} LIKE {sides[1]}{escape})", BOOLEAN)

    def _text(self, node: Node, scope: Scope) -> str:
        return self._expressions.text(node, scope).sql

    def _between(self, node: exp.Between, scope: Scope) -> Value:
        value = self._expressions.value(node.this, scope)
        low = compared(">=", value, self._expressions.value(node.args["low"], scope))
        high = compared("<=", value, self._expressions.value(node.args["high"], scope))
        return Value(f"({low.sql} AND {high.sql})", BOOLEAN)

    def _is(self, node: exp.Is, scope: Scope) -> Value:
        if not isinstance(node.expression, exp.Null):
            raise unsupported(node.sql("trino"), node)
        return Value(f"({self._expressions.value(node.this, scope).sql} IS NULL)", BOOLEAN)

    def _in(self, node: exp.In, scope: Scope) -> Value:
        value = self._expressions.value(node.this, scope)
        query = node.args.get("query")
        if query is not None:
            return self._in_query(value, query, scope)
        if not node.expressions:
            raise unsupported("IN without a list", node)
        return self._in_list(value, self._expressions.values(node.expressions, scope), node)

    def _in_list(self, value: Value, items: Sequence[Value], node: Node) -> Value:
        first, *rest = self._expressions.unified([value, *items], node)
        floats = first.type.name in _FLOATS and any(item.literal is None for item in rest)
        if floats or first.type.children:
            # NaN equals nothing, and a null inside leaves it open: DuckDB's own IN knows neither.
            equal = [compared("=", first, item).sql for item in rest]
            return Value(f"({' OR '.join(equal)})", BOOLEAN)
        return Value(f"({first.sql} IN ({', '.join(item.sql for item in rest)}))", BOOLEAN)

    def _in_query(self, value: Value, query: Node, scope: Scope) -> Value:
        sql, column = self._expressions.single_column(query, scope)
        wanted = common_of([value.type, column])
        if wanted is None or wanted.name in _FLOATS or wanted.children:
            raise failure(f"Cannot apply operator: {value.type} IN {column}", query)
        item = cast(Value('s."c0"', column), wanted).sql
        items = f'SELECT {item} FROM ({sql}) AS s("c0")'  # noqa: S608 - of parts written here
        return Value(f"({cast(value, wanted).sql} IN ({items}))", BOOLEAN)

    def _exists(self, node: exp.Exists, scope: Scope) -> Value:
        relation = self._expressions.subquery(node.this, scope)
        return Value(f"(EXISTS ({relation.sql}))", BOOLEAN)
