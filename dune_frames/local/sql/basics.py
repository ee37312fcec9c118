"""Basics: literals, columns, operators, conditionals, casts, and queries as values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from dune_frames._types.table import DuneType, Field, is_listed, parse_type
from dune_frames.local.sql import operators
from dune_frames.local.sql.casts import cast
from dune_frames.local.sql.failures import failure, unresolved_column
from dune_frames.local.sql.literals import hex_value, interval, literal_type, number, string
from dune_frames.local.sql.operators import compared
from dune_frames.local.sql.parser import type_text
from dune_frames.local.sql.types import BOOLEAN, DATE, TIMESTAMP, UNKNOWN, VARBINARY
from dune_frames.local.sql.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from dune_frames.local.sql.expressions import Expressions
    from dune_frames.local.sql.moments import Moments
    from dune_frames.local.sql.nodes import Node
    from dune_frames.local.sql.scopes import Scope

#: The literal of no bytes, which sqlglot takes for a name.
_NO_BYTES = "0x"
#: What older releases of sqlglot do not have.
_LOCALTIMESTAMP = [exp.Localtimestamp] if hasattr(exp, "Localtimestamp") else []
_LOCAL = "date_trunc('millisecond', timezone('UTC', now()))"
_TODAY = "CAST(timezone('UTC', now()) AS DATE)"
_ARITHMETIC: dict[type[Node], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}


class Basics:
    """Translates what every expression is made of."""

    def __init__(self, expressions: Expressions, moments: Moments) -> None:
        self._expressions = expressions
        self._moments = moments
        self.rules: dict[type[Node], Callable[[Any, Scope], Value]] = {
            **dict.fromkeys(_ARITHMETIC, self._arithmetic),
            exp.Literal: lambda node, _: string(node) if node.is_string else number(node),
            exp.Boolean: lambda node, _: Value(str(node.this).upper(), BOOLEAN),
            exp.Null: lambda _, __: Value("NULL", UNKNOWN),
            exp.HexString: lambda node, _: hex_value(node),
            exp.Interval: lambda node, _: interval(node),
            **dict.fromkeys(_LOCALTIMESTAMP, lambda _, __: Value(_LOCAL, TIMESTAMP)),
            exp.CurrentDate: lambda _, __: Value(_TODAY, DATE),
            exp.Column: self._column,
            exp.Identifier: self._variable,
            exp.Paren: lambda node, scope: expressions.value(node.this, scope),
            exp.Neg: lambda node, scope: operators.negated(expressions.value(node.this, scope)),
            exp.DPipe: self._concatenation,
            exp.Case: self._case,
            exp.Cast: self._cast,
            exp.TryCast: self._cast,
            exp.AtTimeZone: moments.at_time_zone,
            exp.Subquery: self._scalar,
            exp.Select: self._scalar,
        }

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
        sides = (
            self._expressions.value(node.left, scope),
            self._expressions.value(node.right, scope),
        )
        return operators.arithmetic(_ARITHMETIC[type(node)], *sides, attempt=scope.attempt)

    def _concatenation(self, node: exp.DPipe, scope: Scope) -> Value:
        return operators.concatenated(
            self._expressions.value(node.left, scope), self._expressions.value(node.right, scope)
        )

    # Conditionals and casts

    def _case(self, node: exp.Case, scope: Scope) -> Value:
        branches = node.args["ifs"]
        subject = self._expressions.value(node.this, scope) if node.this else None
        conditions = [self._when(branch.this, subject, scope) for branch in branches]
        otherwise = node.args.get("default")
        results = self._expressions.values([branch.args["true"] for branch in branches], scope)
        results.append(
            self._expressions.value(otherwise, scope) if otherwise else Value("NULL", UNKNOWN)
        )
        results = self._expressions.unified(results, node)
        whens = (
            f"WHEN {condition} THEN {result.sql}"
            for condition, result in zip(conditions, results, strict=False)
        )
        return Value(f"CASE {' '.join(whens)} ELSE {results[-1].sql} END", results[0].type)

    def _when(self, node: Node, subject: Value | None, scope: Scope) -> str:
        if subject is None:
            return self._expressions.condition(node, scope)
        return compared("=", subject, self._expressions.value(node, scope)).sql

    def _cast(self, node: exp.Cast, scope: Scope) -> Value:
        target = self._target(node)
        if node.meta.get("literal"):
            target = literal_type(node, target)
        attempt = isinstance(node, exp.TryCast) or scope.attempt
        text = target.name in ("varchar", "char")
        read = (
            self._moments.shown
            if text
            else self._moments.clock
            if _has_clock(target)
            else self._expressions.value
        )
        return cast(read(node.this, scope), target, attempt=attempt)

    def _target(self, node: exp.Cast) -> DuneType:
        text = type_text(node.args["to"]).lower()
        dune = parse_type(text)
        if not _is_known(dune):
            raise failure(f"Unknown type: {text}", node)
        return _complete(dune)

    def _scalar(self, node: Node, scope: Scope) -> Value:
        sql, column = self._expressions.single_column(node, scope)
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
