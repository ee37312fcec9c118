"""Filters: the little language of the `filters` and `sort_by` parameters.

It has comparisons of a column with a string or a number, ``IN``, ``LIKE``, ``IS [NOT] NULL``,
``AND``, ``OR`` and parentheses. ``NOT``, functions, expressions and subqueries are refused
(https://docs.dune.com/api-reference/executions/filtering).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.dialects.dune import Dune
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType  # type: ignore[attr-defined]

from dune_frames.local.answers import RefusedError
from dune_frames.local.columns import ResultColumn, column_named
from dune_frames.local.comparisons import Literal, comparison, sql_string
from dune_frames.local.nested import NESTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from dune_frames.local.results import Result
    from dune_frames.local.settings import Quirks
    from dune_frames.local.sql.nodes import Node


_OPERATORS: dict[type[Node], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_TEXTS = ("varchar", "char", "uuid", "ipaddress", "json")


def predicate(filters: str, result: Result, quirks: Quirks) -> str:
    """Return a filter as a DuckDB predicate over the stored columns of a result.

    Raises
    ------
    RefusedError
        It is not in the language, or does not fit the columns.
    """
    _refuse_words(filters)
    tree = _parsed(filters, filters, exp.Condition)
    return _Filter(result, quirks).condition(tree)


def ordering(sort_by: str, result: Result) -> str:
    """Return a `sort_by` as a DuckDB ORDER BY over the stored columns; nulls come last.

    Raises
    ------
    RefusedError
        It has more than columns and directions, or a column that cannot be sorted.
    """
    tree = _parsed(f"ORDER BY {sort_by}", sort_by, exp.Order)
    return ", ".join(_sort_key(ordered, result) for ordered in tree.expressions)


def _parsed(sql: str, shown: str, into: type[Node]) -> Node:
    try:
        tree = sqlglot.parse_one(sql, read="dune", into=into)
    except (SqlglotError, RecursionError):
        raise RefusedError(400, f"invalid expression: {shown}") from None
    return tree


def _refuse_words(filters: str) -> None:
    """Refuse what the tree does not tell: comments, further statements, and most of NOT.

    The NOT of ``IS NOT NULL`` is allowed, and the parser writes both alike, so the words decide.
    """
    try:
        tokens = Dune().tokenize(filters)
    except SqlglotError:
        raise RefusedError(400, f"invalid expression: {filters}") from None
    kinds = [token.token_type for token in tokens]
    if TokenType.SEMICOLON in kinds or any(token.comments for token in tokens):
        raise RefusedError(400, f"invalid expression: {filters}")
    for place, kind in enumerate(kinds):
        around = (kinds[place - 1] if place else None, *kinds[place + 1 : place + 2])
        if kind == TokenType.NOT and around != (TokenType.IS, TokenType.NULL):
            raise RefusedError(400, "invalid filters: the NOT operator is not supported")


def _sort_key(ordered: Node, result: Result) -> str:
    if not isinstance(ordered, exp.Ordered) or ordered.args.get("with_fill"):
        raise RefusedError(400, f"invalid sort_by: {ordered.sql('dune')}")
    column = column_named(result, ordered.this)
    if column.type.name in NESTED:
        raise RefusedError(400, f"invalid sort_by: column {column.name} cannot be sorted")
    big = column.type.name in ("uint256", "int256")
    key = f"CAST({column.sql} AS BIGNUM)" if big else column.sql
    direction = "DESC" if ordered.args.get("desc") else "ASC"
    nulls = "FIRST" if ordered.args.get("nulls_first") else "LAST"
    return f"{key} {direction} NULLS {nulls}"


class _Filter:
    """Writes a checked filter for one result."""

    def __init__(self, result: Result, quirks: Quirks) -> None:
        self._result = result
        self._quirks = quirks
        self._writers: dict[type[Node], Callable[[Node], str]] = {
            exp.And: lambda tree: self._both(tree, "AND"),
            exp.Or: lambda tree: self._both(tree, "OR"),
            exp.Paren: lambda tree: self.condition(tree.this),
            exp.Not: lambda tree: f"(NOT {self.condition(tree.this)})",
            exp.Is: self._is_null,
            exp.In: self._in,
            exp.Like: self._like,
        }

    def condition(self, tree: Node) -> str:
        """Write one condition; And and Or have two sides of their own."""
        if type(tree) in _OPERATORS:
            return self._compare(tree, _OPERATORS[type(tree)])
        if type(tree) not in self._writers:
            raise RefusedError(400, f"invalid filters: unsupported expression {tree.sql('dune')}")
        return self._writers[type(tree)](tree)

    def _both(self, tree: Node, word: str) -> str:
        return f"({self.condition(tree.this)} {word} {self.condition(tree.expression)})"

    def _column(self, tree: Node) -> ResultColumn:
        return column_named(self._result, tree)

    def _compare(self, tree: Node, operator: str) -> str:
        column = self._column(tree.this)
        return comparison(column, operator, _literal(tree.expression), self._quirks)

    def _is_null(self, tree: Node) -> str:
        if not isinstance(tree.expression, exp.Null):
            raise RefusedError(400, f"invalid filters: unsupported expression {tree.sql('dune')}")
        return f"({self._column(tree.this).sql} IS NULL)"

    def _in(self, tree: Node) -> str:
        values = tree.expressions
        if not values or tree.args.get("query") or tree.args.get("unnest"):
            raise RefusedError(400, "invalid filters: IN takes a list of values")
        column = self._column(tree.this)
        equal = [comparison(column, "=", _literal(value), self._quirks) for value in values]
        return f"({' OR '.join(equal)})"

    def _like(self, tree: Node) -> str:
        column, literal = self._column(tree.this), _literal(tree.expression)
        if literal.kind != "string" or column.type.name not in (*_TEXTS, "varbinary"):
            raise RefusedError(400, f"invalid filters: LIKE needs text, got {tree.sql('dune')}")
        binary = column.type.name == "varbinary"
        text = f"('0x' || lower(hex({column.sql})))" if binary else column.sql
        return f"({text} LIKE {sql_string(literal.text)})"


def _literal(tree: Node) -> Literal:
    if isinstance(tree, exp.Neg) and isinstance(tree.this, exp.Literal) and tree.this.is_number:
        return Literal(f"-{tree.this.this}", "number")
    if isinstance(tree, exp.Literal):
        return Literal(tree.this, "string" if tree.is_string else "number")
    if isinstance(tree, exp.HexString):
        return Literal(f"0x{tree.this}", "hex")
    if isinstance(tree, exp.Boolean):
        return Literal(str(tree.this).upper(), "boolean")
    raise RefusedError(
        400, f"invalid filters: expected a string or a number, got {tree.sql('dune')}"
    )
