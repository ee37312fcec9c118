"""Sources: what stands in FROM, and how joins put it together."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from sqlglot import exp

from dune_frames._types.table import DuneType, field_names
from dune_frames.local.sql.casts import cast
from dune_frames.local.sql.failures import failure, unsupported
from dune_frames.local.sql.operators import OperatorError, compared
from dune_frames.local.sql.parser import argument
from dune_frames.local.sql.scopes import Relation, Scope, Source
from dune_frames.local.sql.types import BIGINT, common_type
from dune_frames.local.sql.values import Value, sql_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dune_frames.local.sql.expressions import Expressions
    from dune_frames.local.sql.nodes import Node

_SIDES = {"": "JOIN", "LEFT": "LEFT JOIN", "RIGHT": "RIGHT JOIN", "FULL": "FULL JOIN"}


class Relations(Protocol):
    """Who knows tables and translates queries in FROM."""

    def query(self, node: Node, outer: Scope | None) -> Relation:
        """Return a subquery, written and typed."""

    def table(self, node: exp.Table) -> Relation:
        """Return a table, a view or a common table expression."""


class Sources:
    """Translates FROM and its joins."""

    def __init__(self, relations: Relations, expressions: Expressions) -> None:
        self._relations = relations
        self._expressions = expressions
        self._numbers = count(1)
        self._rules: dict[type[Node], Callable[[Any, Scope], Relation]] = {
            exp.Table: self._table,
            exp.Subquery: self._subquery,
            exp.Values: lambda node, _: self._relations.query(node, None),
            exp.Unnest: self._unnest,
            exp.Lateral: self._lateral,
        }

    def written(self, node: exp.Select, scope: Scope) -> str:
        """Return FROM as SQL, and put what it offers into the scope."""
        start = argument(node, "from")
        if start is None:
            return ""
        sql = self._item(start.this, scope)
        for join in node.args.get("joins") or ():
            sql = self._joined(sql, join, scope)
        return f" FROM {sql}"

    def aliased(self, relation: Relation, names: Sequence[str] = ()) -> tuple[str, Source]:
        """Return a relation under a new alias, with its columns called by their places."""
        alias = f"t{next(self._numbers)}"
        places = ", ".join(f'"c{place}"' for place in range(len(relation.columns)))
        return f"{relation.sql} AS {sql_name(alias)}({places})", Source.of(relation, alias, *names)

    def _item(self, node: Node, scope: Scope) -> str:
        rule = self._rules.get(type(node))
        unknown = [key for key in ("pivots", "sample", "joins", "when") if node.args.get(key)]
        if rule is None or unknown:
            raise unsupported(f"{(unknown or [type(node).__name__])[0].upper()} in FROM", node)
        relation = _renamed(rule(node, scope), node)
        sql, source = self.aliased(relation, _names(node))
        if any(set(source.names[:1]) & set(known.names[:1]) for known in scope.sources):
            raise failure(f"Table name '{source.names[0]}' specified more than once", node)
        scope.sources.append(source)
        return sql

    # Kinds of sources

    def _table(self, node: exp.Table, _: Scope) -> Relation:
        if not isinstance(node.this, exp.Identifier):
            raise unsupported("a table function", node)
        return self._relations.table(node)

    def _subquery(self, node: exp.Subquery, scope: Scope) -> Relation:
        relation = self._relations.query(node.unnest(), scope.parent)
        return Relation(f"({relation.sql})", relation.columns)

    def _lateral(self, node: exp.Lateral, scope: Scope) -> Relation:
        if not isinstance(node.this, exp.Subquery):
            raise unsupported("this LATERAL", node)
        relation = self._relations.query(node.this.unnest(), scope)
        return Relation(f"LATERAL ({relation.sql})", relation.columns)

    def _unnest(self, node: exp.Unnest, scope: Scope) -> Relation:
        """Unnest arrays and maps side by side; rows in an array become a column for each field."""
        values = [
            _as_array(value, node) for value in self._expressions.values(node.expressions, scope)
        ]
        inner = [f"unnest({value.sql}) AS u{place}" for place, value in enumerate(values)]
        columns = list(_unnested(values))
        if node.args.get("offset"):
            lengths = ", ".join(f"len({value.sql})" for value in values)
            inner.append(f"unnest(generate_series(1, greatest({lengths}))) AS n")
            columns.append(("n", BIGINT))
        shown = ", ".join(sql for sql, _ in columns)
        sql = f"LATERAL (SELECT {shown} FROM (SELECT {', '.join(inner)}))"  # noqa: S608
        return Relation(sql, [(f"_col{place}", dune) for place, (_, dune) in enumerate(columns)])

    # Joins

    def _joined(self, left: str, join: exp.Join, scope: Scope) -> str:
        side, kind = (join.args.get("side") or "").upper(), (join.args.get("kind") or "").upper()
        method = (join.args.get("method") or "").upper()
        asof = method == "ASOF" and side in ("", "LEFT") and join.args.get("on") is not None
        if (method and not asof) or kind not in ("", "INNER", "OUTER", "CROSS"):
            raise unsupported(f"{method or kind} JOIN", join)
        right = self._item(join.this, scope)
        condition, using = join.args.get("on"), join.args.get("using")
        if using:
            on = " AND ".join(self._using(name, side, scope) for name in using)
        elif condition is not None:
            on = self._expressions.condition(condition, _detached(scope))
        else:
            return f"{left} CROSS JOIN {right}"
        return f"{left} {'ASOF ' if asof else ''}{_SIDES[side]} {right} ON {on}"

    def _using(self, identifier: Node, side: str, scope: Scope) -> str:
        """Return the condition of one column, and merge the two columns into one."""
        name = identifier.name
        before = Scope(scope.sources[:-1], merged=scope.merged)
        left = before.column([name], identifier)
        right = Scope(scope.sources[-1:]).column([name], identifier)
        common = common_type(left.type, right.type)
        try:
            on = compared("=", left, right).sql
        except OperatorError as error:
            raise failure(str(error), identifier) from None
        if common is None:
            raise failure(f"Column '{name}' has no common type", identifier)
        sides = {"RIGHT": [right], "FULL": [left, right]}.get(side, [left])
        merged = ", ".join(cast(value, common).sql for value in sides)
        scope.merged[name.lower()] = Value(
            f"coalesce({merged})" if side == "FULL" else merged, common
        )
        return on


def _detached(scope: Scope) -> Scope:
    """Return a scope of the same names in which nothing is checked against GROUP BY."""
    return Scope(scope.sources, scope.parent, merged=scope.merged)


def _renamed(relation: Relation, node: Node) -> Relation:
    """Give columns the names of ``AS t(a, b)``."""
    alias = node.args.get("alias")
    names = [column.name for column in (alias.args.get("columns") or ())] if alias else []
    if isinstance(node, exp.Unnest) and isinstance(node.args.get("offset"), exp.Identifier):
        names.append(node.args["offset"].name)
    if not names:
        return relation
    if len(names) != len(relation.columns):
        message = (
            f"Column alias list has {len(names)} entries but '{node.alias}' has "
            f"{len(relation.columns)} columns available"
        )
        raise failure(message, node)
    columns = [(name, dune) for name, (_, dune) in zip(names, relation.columns, strict=True)]
    return Relation(relation.sql, columns)


def _names(node: Node) -> list[str]:
    """Return what may stand before a column's name."""
    if node.alias:
        return [node.alias]
    if not isinstance(node, exp.Table):
        return []
    parts = [part.name for part in node.parts]
    return [".".join(parts[start:]) for start in range(len(parts) - 1, -1, -1)]


def _as_array(value: Value, node: Node) -> Value:
    if value.type.name == "map":
        return Value(f"map_entries({value.sql})", value.type)
    if value.type.name != "array":
        raise failure(f"Cannot unnest type: {value.type}", node)
    return value


def _unnested(values: Sequence[Value]) -> Iterator[tuple[str, DuneType]]:
    for place, value in enumerate(values):
        children = [child.type for child in value.type.children]
        if value.type.name == "map":
            yield f"u{place}.key", children[0]
            yield f"u{place}.value", children[1]
        elif children[0].name == "row":
            for position, (_, field) in enumerate(
                zip(field_names(children[0]), children[0].children, strict=True), start=1
            ):
                yield f"struct_extract_at(u{place}, {position})", field.type
        else:
            yield f"u{place}", children[0]
