"""Expressions: each node of the tree to a typed value."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from sqlglot import exp

from dune_frames._types import DuneType, Field, is_listed, parse_type
from dune_frames.local.duckdb_types import computed_type
from dune_frames.local.sql import operators
from dune_frames.local.sql.calls import Calls
from dune_frames.local.sql.casts import CastError, cast
from dune_frames.local.sql.failures import failure, unresolved_column, unsupported
from dune_frames.local.sql.literals import hex_value, interval, literal_type, number, string
from dune_frames.local.sql.operators import OperatorError, compared
from dune_frames.local.sql.parser import type_text
from dune_frames.local.sql.scopes import Scope, field_of
from dune_frames.local.sql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    TIMESTAMP,
    TIMESTAMP_TZ,
    UNKNOWN,
    VARBINARY,
    VARCHAR,
    array_of,
    can_become,
    common_of,
)
from dune_frames.local.sql.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dune_frames.local.sql.nodes import Node
    from dune_frames.local.sql.scopes import Relation


class Subqueries(Protocol):
    """Who translates a query inside an expression."""

    def query(self, node: Node, outer: Scope) -> Relation:
        """Return a subquery, written and typed."""


#: The literal of no bytes, which sqlglot takes for a name.
_NO_BYTES = "0x"
_TODAY = "CAST(timezone('UTC', now()) AS DATE)"
_COMPARISONS: dict[type[Node], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ARITHMETIC: dict[type[Node], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}


class Expressions:
    """Translates expressions; queries inside them go to `subqueries`."""

    def __init__(self, subqueries: Subqueries) -> None:
        self._subqueries = subqueries
        self.calls = Calls(self)
        self._rules: dict[type[Node], Callable[[Any, Scope], Value]] = {
            **dict.fromkeys(_COMPARISONS, self._comparison),
            **dict.fromkeys(_ARITHMETIC, self._arithmetic),
            exp.Literal: self._literal,
            exp.Boolean: lambda node, _: Value(str(node.this).upper(), BOOLEAN),
            exp.Null: lambda _, __: Value("NULL", UNKNOWN),
            exp.HexString: lambda node, _: hex_value(node),
            exp.Column: self._column,
            exp.Identifier: self._variable,
            exp.Dot: self._dot,
            exp.Paren: lambda node, scope: self.value(node.this, scope),
            exp.Neg: lambda node, scope: operators.negated(self.value(node.this, scope)),
            exp.Not: lambda node, scope: Value(
                f"(NOT {self.condition(node.this, scope)})", BOOLEAN
            ),
            exp.And: self._logical,
            exp.Or: self._logical,
            exp.DPipe: self._concatenation,
            exp.Like: self._like,
            exp.Escape: self._like,
            exp.In: self._in,
            exp.Between: self._between,
            exp.Is: self._is,
            exp.NullSafeEQ: self._distinct,
            exp.NullSafeNEQ: self._distinct,
            exp.Case: self._case,
            exp.Cast: self._cast,
            exp.TryCast: self._cast,
            exp.Interval: lambda node, _: interval(node),
            exp.Array: self._array,
            exp.Tuple: lambda node, scope: self.row(node.expressions, scope),
            exp.Bracket: self._subscript,
            exp.Exists: self._exists,
            exp.Subquery: self._scalar,
            exp.Select: self._scalar,
            exp.AtTimeZone: self._at_time_zone,
            exp.CurrentDate: lambda _, __: Value(_TODAY, DATE),
            exp.CurrentTimestamp: lambda node, _: self.calls.named("now", [], node),
            exp.ParseJSON: lambda node, _: self.calls.named(
                "json_parse", [string(node.this)], node
            ),
        }

    def value(self, node: Node, scope: Scope) -> Value:
        """Return an expression as a typed value.

        Raises
        ------
        SqlError
            Dune would refuse it, or DuckDB cannot do it.
        """
        rule = self._rules.get(type(node)) or self.calls.rules.get(type(node))
        if rule is None:
            raise unsupported(f"{type(node).__name__.upper()} here", node)
        seen = len(scope.ungrouped)
        try:
            value = rule(node, scope)
        except (OperatorError, CastError) as error:
            raise failure(str(error), node) from None
        if value.sql in scope.keys:
            del scope.ungrouped[seen:]
        return value

    def condition(self, node: Node, scope: Scope) -> str:
        """Return an expression that must be boolean, as SQL."""
        value = self.value(node, scope)
        if value.type not in (BOOLEAN, UNKNOWN):
            raise failure(f"expression must be boolean, is {value.type}", node)
        return value.sql

    def values(self, nodes: Sequence[Node], scope: Scope) -> list[Value]:
        """Return several expressions as values."""
        return [self.value(node, scope) for node in nodes]

    def unified(self, values: Sequence[Value], node: Node) -> list[Value]:
        """Return values, all cast to the narrowest type that they can all become."""
        common = common_of([value.type for value in values])
        if common is None:
            names = ", ".join(dict.fromkeys(str(value.type) for value in values))
            raise failure(f"All values must be the same type: {names}", node)
        return [cast(value, common) for value in values]

    def row(self, nodes: Sequence[Node], scope: Scope) -> Value:
        """Return several expressions as one row."""
        values = self.values(nodes, scope)
        parts = (f"'field{place}': {value.sql}" for place, value in enumerate(values))
        fields = tuple(Field(None, value.type) for value in values)
        return Value(f"{{{', '.join(parts)}}}", DuneType("row", children=fields))

    # Leaves

    def _literal(self, node: exp.Literal, _: Scope) -> Value:
        return string(node) if node.is_string else number(node)

    def _column(self, node: exp.Column, scope: Scope) -> Value:
        parts = [part.name for part in node.parts]
        if parts == [_NO_BYTES]:
            return Value("from_hex('')", VARBINARY, "")
        if len(parts) == 1 and parts[0].lower() in scope.variables:
            return scope.variables[parts[0].lower()]
        return scope.column(parts, node)

    def _variable(self, node: exp.Identifier, scope: Scope) -> Value:
        if node.name.lower() not in scope.variables:
            raise unresolved_column(node.name, node)
        return scope.variables[node.name.lower()]

    def _dot(self, node: exp.Dot, scope: Scope) -> Value:
        return field_of(self.value(node.this, scope), node.expression.name, node)

    # Operators

    def _arithmetic(self, node: exp.Binary, scope: Scope) -> Value:
        sides = self.value(node.left, scope), self.value(node.right, scope)
        return operators.arithmetic(_ARITHMETIC[type(node)], *sides, attempt=scope.attempt)

    def _comparison(self, node: exp.Binary, scope: Scope) -> Value:
        symbol = _COMPARISONS[type(node)]
        if isinstance(node.right, exp.Any | exp.All):
            return self._quantified(node, symbol, scope)
        return compared(symbol, self.value(node.left, scope), self.value(node.right, scope))

    def _quantified(self, node: exp.Binary, symbol: str, scope: Scope) -> Value:
        left = self.value(node.left, scope)
        query, column = self._single_column(node.right.this, scope)
        wanted = common_of([left.type, column])
        if wanted is None or column != wanted or wanted.name in ("real", "double"):
            raise unsupported(f"a quantified comparison of {left.type} and {column}", node)
        word = "ANY" if isinstance(node.right, exp.Any) else "ALL"
        return Value(f"({cast(left, wanted).sql} {symbol} {word} ({query}))", BOOLEAN)

    def _logical(self, node: exp.Binary, scope: Scope) -> Value:
        word = "AND" if isinstance(node, exp.And) else "OR"
        sides = self.condition(node.left, scope), self.condition(node.right, scope)
        return Value(f"({sides[0]} {word} {sides[1]})", BOOLEAN)

    def _concatenation(self, node: exp.DPipe, scope: Scope) -> Value:
        return operators.concatenated(self.value(node.left, scope), self.value(node.right, scope))

    def _distinct(self, node: exp.Binary, scope: Scope) -> Value:
        sides = self.value(node.left, scope), self.value(node.right, scope)
        return operators.distinct(*sides, negate=isinstance(node, exp.NullSafeEQ))

    def _like(self, node: Node, scope: Scope) -> Value:
        escape = ""
        if isinstance(node, exp.Escape):
            escape = f" ESCAPE {self._text(node.expression, scope)}"
            node = node.this
        sides = self._text(node.this, scope), self._text(node.expression, scope)
        return Value(f"({sides[0]} LIKE {sides[1]}{escape})", BOOLEAN)

    def _text(self, node: Node, scope: Scope) -> str:
        value = self.value(node, scope)
        if not can_become(value.type, VARCHAR):
            raise failure(f"Left side of LIKE must be text, is {value.type}", node)
        return cast(value, VARCHAR).sql

    def _between(self, node: exp.Between, scope: Scope) -> Value:
        value = self.value(node.this, scope)
        low = compared(">=", value, self.value(node.args["low"], scope))
        high = compared("<=", value, self.value(node.args["high"], scope))
        return Value(f"({low.sql} AND {high.sql})", BOOLEAN)

    def _is(self, node: exp.Is, scope: Scope) -> Value:
        if not isinstance(node.expression, exp.Null):
            raise unsupported(node.sql("trino"), node)
        return Value(f"({self.value(node.this, scope).sql} IS NULL)", BOOLEAN)

    def _in(self, node: exp.In, scope: Scope) -> Value:
        value = self.value(node.this, scope)
        query = node.args.get("query")
        if query is not None:
            return self._in_query(value, query, scope)
        if not node.expressions:
            raise unsupported("IN without a list", node)
        equal = [compared("=", value, item).sql for item in self.values(node.expressions, scope)]
        return Value(f"({' OR '.join(equal)})", BOOLEAN)

    def _in_query(self, value: Value, query: Node, scope: Scope) -> Value:
        sql, column = self._single_column(query, scope)
        wanted = common_of([value.type, column])
        if wanted is None:
            raise failure(f"Cannot apply operator: {value.type} IN {column}", query)
        item = cast(Value('s."c0"', column), wanted).sql
        items = f'SELECT {item} FROM ({sql}) AS s("c0")'  # noqa: S608 - of parts written here
        return Value(f"({cast(value, wanted).sql} IN ({items}))", BOOLEAN)

    # Conditionals and casts

    def _case(self, node: exp.Case, scope: Scope) -> Value:
        branches = node.args["ifs"]
        subject = self.value(node.this, scope) if node.this else None
        conditions = [self._when(branch.this, subject, scope) for branch in branches]
        otherwise = node.args.get("default")
        results = self.values([branch.args["true"] for branch in branches], scope)
        results.append(self.value(otherwise, scope) if otherwise else Value("NULL", UNKNOWN))
        results = self.unified(results, node)
        whens = (
            f"WHEN {condition} THEN {result.sql}"
            for condition, result in zip(conditions, results, strict=False)
        )
        return Value(f"CASE {' '.join(whens)} ELSE {results[-1].sql} END", results[0].type)

    def _when(self, node: Node, subject: Value | None, scope: Scope) -> str:
        if subject is None:
            return self.condition(node, scope)
        return compared("=", subject, self.value(node, scope)).sql

    def _cast(self, node: exp.Cast, scope: Scope) -> Value:
        target = self._target(node)
        if isinstance(node.this, exp.Literal) and node.this.is_string:
            target = literal_type(node, target)
        attempt = isinstance(node, exp.TryCast) or scope.attempt
        return cast(self.value(node.this, scope), target, attempt=attempt)

    def _target(self, node: exp.Cast) -> DuneType:
        text = type_text(node.args["to"]).lower()
        dune = parse_type(_DEFAULTS.get(text, text))
        if not _is_whole(dune):
            raise failure(f"Unknown type: {text}", node)
        return dune

    def _at_time_zone(self, node: exp.AtTimeZone, scope: Scope) -> Value:
        zone = self.value(node.args["zone"], scope)
        if (zone.literal or "").upper() != "UTC":
            raise unsupported("a time zone other than UTC", node)
        value = self.value(node.this, scope)
        if value.type.name == "timestamp with time zone":
            return value
        return cast(value, replace(TIMESTAMP_TZ, arguments=value.type.arguments or (3,)))

    # Nested values

    def _array(self, node: exp.Array, scope: Scope) -> Value:
        values = self.unified(self.values(node.expressions, scope), node)
        item = values[0].type if values else UNKNOWN
        dune = array_of(item)
        items = ", ".join(value.sql for value in values)
        return Value(f"CAST([{items}] AS {computed_type(dune)})", dune)

    def _subscript(self, node: exp.Bracket, scope: Scope) -> Value:
        value, index = self.value(node.this, scope), self.value(node.expressions[0], scope)
        if value.type.name == "row" and index.literal and index.literal.isdecimal():
            return _row_field(value, int(index.literal), node)
        if value.type.name == "map":
            return _map_item(value, index)
        if value.type.name != "array" or not can_become(index.type, BIGINT):
            raise failure(f"Cannot use {index.type} for subscript of {value.type}", node)
        item = value.type.children[0].type
        place = cast(index, BIGINT).sql
        outside = f"{place} > len({value.sql}) OR {place} < 1"
        raised = "error('Array subscript must be less than or equal to array length')"
        return Value(
            f"CASE WHEN {outside} THEN CAST({raised} AS {computed_type(item)}) "
            f"ELSE {value.sql}[{place}] END",
            item,
        )

    # Subqueries

    def _single_column(self, node: Node, scope: Scope) -> tuple[str, DuneType]:
        relation = self._subqueries.query(node.unnest(), scope)
        if len(relation.columns) != 1:
            found = len(relation.columns)
            message = "Multiple columns returned by subquery are not yet supported. Found"
            raise failure(f"{message} {found}", node)
        return relation.sql, relation.columns[0][1]

    def _scalar(self, node: Node, scope: Scope) -> Value:
        sql, column = self._single_column(node, scope)
        return Value(f"({sql})", column)

    def _exists(self, node: exp.Exists, scope: Scope) -> Value:
        relation = self._subqueries.query(node.this.unnest(), scope)
        return Value(f"(EXISTS ({relation.sql}))", BOOLEAN)


#: What a type means without its arguments.
_DEFAULTS = {
    "decimal": "decimal(38, 0)",
    "char": "char(1)",
    "time": "time(3)",
    "timestamp": str(TIMESTAMP),
    "timestamp with time zone": str(TIMESTAMP_TZ),
}


def _is_whole(dune: DuneType) -> bool:
    return is_listed(dune) and all(_is_whole(child.type) for child in dune.children)


def _row_field(value: Value, place: int, node: Node) -> Value:
    if not 1 <= place <= len(value.type.children):
        raise failure(f"Subscript expression on ROW is out of range: {place}", node)
    return Value(f"struct_extract_at({value.sql}, {place})", value.type.children[place - 1].type)


def _map_item(value: Value, index: Value) -> Value:
    key_type, item = (child.type for child in value.type.children)
    key = cast(index, key_type).sql
    found = f"{value.sql}[{key}]"
    raised = "CAST(error('Key not present in map') AS " + computed_type(item) + ")"
    present = f"map_contains({value.sql}, {key}) OR {value.sql} IS NULL OR {key} IS NULL"
    return Value(f"CASE WHEN {present} THEN {found} ELSE {raised} END", item)
