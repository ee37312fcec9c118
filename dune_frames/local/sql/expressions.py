"""Expressions: each node of the tree to a typed value."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from sqlglot import exp

from dune_frames._types.table import DuneType, Field, is_listed, parse_type
from dune_frames.local.sql import operators
from dune_frames.local.sql.calls import Calls
from dune_frames.local.sql.casts import CastError, cast
from dune_frames.local.sql.failures import (
    failure,
    operator_failure,
    unresolved_column,
    unsupported,
)
from dune_frames.local.sql.jsons import Jsons
from dune_frames.local.sql.literals import hex_value, interval, literal_type, number, string
from dune_frames.local.sql.moments import Moments
from dune_frames.local.sql.operators import OperatorError, compared
from dune_frames.local.sql.parser import type_text
from dune_frames.local.sql.parts import Parts
from dune_frames.local.sql.predicates import Predicates
from dune_frames.local.sql.types import (
    BOOLEAN,
    DATE,
    TIMESTAMP,
    UNKNOWN,
    VARBINARY,
    VARCHAR,
    can_become,
    common_of,
)
from dune_frames.local.sql.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dune_frames.local.sql.nodes import Node
    from dune_frames.local.sql.scopes import Relation, Scope


class Subqueries(Protocol):
    """Who translates a query inside an expression."""

    def query(self, node: Node, outer: Scope) -> Relation:
        """Return a subquery, written and typed."""


#: The literal of no bytes, which sqlglot takes for a name.
_NO_BYTES = "0x"
_LOCAL = "date_trunc('millisecond', timezone('UTC', now()))"
_TODAY = "CAST(timezone('UTC', now()) AS DATE)"
#: Of an expression's SQL, in characters.
_LONGEST = 1_000_000
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
        self.parts = Parts(self)
        self.moments = Moments(self)
        self.calls = Calls(self)
        self._rules: dict[type[Node], Callable[[Any, Scope], Value]] = {
            **Predicates(self).rules,
            **self.parts.rules,
            **Jsons(self).rules,
            **dict.fromkeys(_ARITHMETIC, self._arithmetic),
            exp.Literal: lambda node, _: string(node) if node.is_string else number(node),
            exp.Boolean: lambda node, _: Value(str(node.this).upper(), BOOLEAN),
            exp.Null: lambda _, __: Value("NULL", UNKNOWN),
            exp.HexString: lambda node, _: hex_value(node),
            exp.Interval: lambda node, _: interval(node),
            exp.Localtimestamp: lambda _, __: Value(_LOCAL, TIMESTAMP),
            exp.CurrentDate: lambda _, __: Value(_TODAY, DATE),
            exp.Column: self._column,
            exp.Identifier: self._variable,
            exp.Paren: lambda node, scope: self.value(node.this, scope),
            exp.Neg: lambda node, scope: operators.negated(self.value(node.this, scope)),
            exp.DPipe: self._concatenation,
            exp.Case: self._case,
            exp.Cast: self._cast,
            exp.TryCast: self._cast,
            exp.AtTimeZone: self.moments.at_time_zone,
            exp.Subquery: self._scalar,
            exp.Select: self._scalar,
            **self.calls.rules,
        }

    def value(self, node: Node, scope: Scope) -> Value:
        """Return an expression as a typed value.

        Raises
        ------
        SqlError
            Dune would refuse it, or DuckDB cannot do it.
        """
        rule = self._rules.get(type(node))
        if rule is None:
            raise unsupported(f"{type(node).__name__.upper()} here", node)
        seen = len(scope.ungrouped)
        try:
            value = rule(node, scope)
        except OperatorError as error:
            raise operator_failure(str(error), error.symbol, node) from None
        except CastError as error:
            raise failure(str(error), node) from None
        if len(value.sql) > _LONGEST:
            raise failure("the query is too complex for the embedded Dune", node)
        if value.sql in scope.keys:
            del scope.ungrouped[seen:]
        return value

    def condition(self, node: Node, scope: Scope) -> str:
        """Return an expression that must be boolean, as SQL."""
        value = self.value(node, scope)
        if value.type not in (BOOLEAN, UNKNOWN):
            raise failure(f"expression must be boolean, is {value.type}", node)
        return value.sql

    def text(self, node: Node, scope: Scope) -> Value:
        """Return an expression that must be text."""
        value = self.value(node, scope)
        if not can_become(value.type, VARCHAR):
            raise failure(f"Expected varchar, found {value.type}", node)
        return cast(value, VARCHAR)

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

    # Leaves

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

    # Operators

    def _arithmetic(self, node: exp.Binary, scope: Scope) -> Value:
        sides = self.value(node.left, scope), self.value(node.right, scope)
        return operators.arithmetic(_ARITHMETIC[type(node)], *sides, attempt=scope.attempt)

    def _concatenation(self, node: exp.DPipe, scope: Scope) -> Value:
        return operators.concatenated(self.value(node.left, scope), self.value(node.right, scope))

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
        if node.meta.get("literal"):
            target = literal_type(node, target)
        attempt = isinstance(node, exp.TryCast) or scope.attempt
        text = target.name in ("varchar", "char")
        read = (
            self.moments.shown if text else self.moments.clock if _has_clock(target) else self.value
        )
        return cast(read(node.this, scope), target, attempt=attempt)

    def _target(self, node: exp.Cast) -> DuneType:
        text = type_text(node.args["to"]).lower()
        dune = parse_type(text)
        if not _is_known(dune):
            raise failure(f"Unknown type: {text}", node)
        return _complete(dune)

    # Subqueries

    def subquery(self, node: Node, scope: Scope) -> Relation:
        """Return a query that stands in an expression."""
        return self._subqueries.query(node.unnest(), scope)

    def single_column(self, node: Node, scope: Scope) -> tuple[str, DuneType]:
        """Return such a query as SQL, and the type of its one column."""
        relation = self.subquery(node, scope)
        if len(relation.columns) != 1:
            found = len(relation.columns)
            message = "Multiple columns returned by subquery are not yet supported. Found"
            raise failure(f"{message} {found}", node)
        return relation.sql, relation.columns[0][1]

    def _scalar(self, node: Node, scope: Scope) -> Value:
        sql, column = self.single_column(node, scope)
        return Value(f"({sql})", column)


#: What a type means without its arguments, or without the last of them.
_DEFAULTS = {
    "decimal": (38, 0),
    "char": (1,),
    "time": (3,),
    "timestamp": (3,),
    "timestamp with time zone": (3,),
}


def _has_clock(dune: DuneType) -> bool:
    return dune.name in ("date", "timestamp")


def _is_known(dune: DuneType) -> bool:
    return is_listed(dune) and all(_is_known(child.type) for child in dune.children)


def _complete(dune: DuneType) -> DuneType:
    children = tuple(Field(child.name, _complete(child.type)) for child in dune.children)
    missing = _DEFAULTS.get(dune.name, ())[len(dune.arguments) :]
    return replace(dune, arguments=dune.arguments + missing, children=children)
