"""Queries: selects, set operations, values and common table expressions put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import TYPE_CHECKING

from sqlglot import exp

from dune_frames.local.sql.casts import cast
from dune_frames.local.sql.failures import SqlError, failure, unsupported
from dune_frames.local.sql.language import language
from dune_frames.local.sql.parser import argument, parsed
from dune_frames.local.sql.scopes import Relation, Scope
from dune_frames.local.sql.selects import Selects
from dune_frames.local.sql.sources import Sources
from dune_frames.local.sql.types import common_of
from dune_frames.local.sql.values import sql_name

if TYPE_CHECKING:
    from dune_frames._types.table import DuneType
    from dune_frames.local.sql.nodes import Node
    from dune_frames.local.sql.tables import Tables


#: From a name like ``query_123`` or ``query_123(a='b')`` to the SQL of that saved query.
Views = Callable[[str], str | None]

_DEEPEST = 20


class Queries:
    """Translates queries. Common table expressions are known from their WITH on."""

    def __init__(self, tables: Tables, views: Views, depth: int = 0) -> None:
        self._tables = tables
        self._views = views
        self._depth = depth
        self._common: Mapping[str, Relation] = {}
        self._numbers = count(1)
        expressions, calls = language(self)
        self._expressions = expressions
        self._sources = Sources(self, expressions)
        self._selects = Selects(self._sources, expressions, calls)

    def query(self, node: Node, outer: Scope | None) -> Relation:
        """Return a query, written and typed."""
        outside = self._common
        common = self._with(argument(node, "with"), outer)
        relation = self._body(node, outer)
        self._common = outside
        return Relation(common + relation.sql, relation.columns)

    def _body(self, node: Node, outer: Scope | None) -> Relation:
        if isinstance(node, exp.Select):
            return self._selects.relation(node, outer)
        if isinstance(node, exp.SetOperation):
            return self._selects.ordered(self._set_operation(node, outer), node)
        if isinstance(node, exp.Values):
            return self._selects.ordered(self._rows(node, outer), node)
        if isinstance(node, exp.Subquery):
            return self._selects.ordered(self.query(node.this, outer), node)
        raise unsupported(type(node).__name__.upper(), node)

    # WITH

    def _with(self, node: Node | None, outer: Scope | None) -> str:
        if node is None:
            return ""
        recursive = bool(node.args.get("recursive"))
        names = [one.alias.lower() for one in node.expressions]
        for place, one in enumerate(node.expressions):
            if one.alias.lower() in names[:place]:
                raise failure(f"WITH query name '{one.alias}' specified more than once", one)
        parts = [self._common_table(one, outer, recursive=recursive) for one in node.expressions]
        return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(parts)} "

    def _common_table(self, node: exp.CTE, outer: Scope | None, *, recursive: bool) -> str:
        name = f"w{self._depth}_{next(self._numbers)}"
        names = [column.name for column in node.args["alias"].args.get("columns") or ()]
        if recursive and isinstance(node.this, exp.Union):
            anchor = self.query(node.this.left.unnest(), outer)
            self._know(node.alias, name, _renamed(anchor, names, node))
        relation = _renamed(self.query(node.this, outer), names, node)
        self._know(node.alias, name, relation)
        places = ", ".join(f'"c{place}"' for place in range(len(relation.columns)))
        return f"{sql_name(name)}({places}) AS ({relation.sql})"

    def _know(self, alias: str, name: str, relation: Relation) -> None:
        known = Relation(sql_name(name), relation.columns)
        self._common = {**self._common, alias.lower(): known}

    # Tables

    def table(self, node: exp.Table) -> Relation:
        """Return a common table expression, a saved query or a table, looked for in this order."""
        name = ".".join(part.name for part in node.parts)
        if name.lower() in self._common:
            return self._common[name.lower()]
        sql = self._views(name)
        if sql is not None:
            return self._view(sql, node)
        table = self._tables.get(name)
        if table is None:
            raise failure(f"Table '{name}' does not exist", node)
        return Relation(sql_name(table.name), table.columns)

    def _view(self, sql: str, node: exp.Table) -> Relation:
        if self._depth >= _DEEPEST:
            raise failure("Query views refer to each other without end", node)
        try:
            inner = Queries(self._tables, self._views, self._depth + 1)
            relation = inner.query(parsed(sql), None)
        except SqlError as error:
            # A place in the view's text is none in this one.
            raise failure(error.args[0], node) from None
        if any(name is None for name, _ in relation.columns):
            raise failure("Column name not specified in a query view", node)
        return Relation(f"({relation.sql})", relation.columns)

    # Set operations and values

    def _set_operation(self, node: exp.SetOperation, outer: Scope | None) -> Relation:
        words = {exp.Union: "UNION", exp.Intersect: "INTERSECT", exp.Except: "EXCEPT"}
        sides = [self.query(side, outer) for side in (node.left, node.right)]
        if len(sides[0].columns) != len(sides[1].columns):
            counts = " and ".join(str(len(side.columns)) for side in sides)
            raise failure(
                f"{words[type(node)]} query has different number of fields: {counts}", node
            )
        types = [
            self._common_type([side.columns[place][1] for side in sides], place, node)
            for place in range(len(sides[0].columns))
        ]
        word = words[type(node)] + ("" if node.args.get("distinct") else " ALL")
        sql = f" {word} ".join(f"({self._cast_columns(side, types)})" for side in sides)
        names = [name for name, _ in sides[0].columns]
        return Relation(sql, list(zip(names, types, strict=True)))

    def _common_type(self, types: list[DuneType], place: int, node: Node) -> DuneType:
        common = common_of(types)
        if common is None:
            given = ", ".join(map(str, types))
            raise failure(f"column {place + 1} has incompatible types: {given}", node)
        return common

    def _cast_columns(self, relation: Relation, types: list[DuneType]) -> str:
        if [dune for _, dune in relation.columns] == types:
            return relation.sql
        sql, source = self._sources.aliased(Relation(f"({relation.sql})", relation.columns))
        values = [cast(c.value, dune) for c, dune in zip(source.columns, types, strict=True)]
        shown = ", ".join(f'{value.sql} AS "c{place}"' for place, value in enumerate(values))
        return f"SELECT {shown} FROM {sql}"  # noqa: S608 - of parts written here

    def _rows(self, node: exp.Values, outer: Scope | None) -> Relation:
        scope = Scope(parent=outer)
        rows = [self._expressions.values(_fields(row), scope) for row in node.expressions]
        if len({len(row) for row in rows}) != 1:
            raise failure("Values rows have mismatched sizes", node)
        columns = [
            self._expressions.unified(list(column), node) for column in zip(*rows, strict=True)
        ]
        written = (", ".join(value.sql for value in row) for row in zip(*columns, strict=True))
        types: list[tuple[str | None, DuneType]] = [
            (f"_col{n}", c[0].type) for n, c in enumerate(columns)
        ]
        return Relation(f"VALUES {', '.join(f'({row})' for row in written)}", types)


def _fields(row: Node) -> list[Node]:
    if isinstance(row, exp.Tuple):
        return list(row.expressions)
    return [row.this if isinstance(row, exp.Paren) else row]


def _renamed(relation: Relation, names: list[str], node: Node) -> Relation:
    if not names:
        return relation
    if len(names) != len(relation.columns):
        raise failure(
            f"WITH column list has {len(names)} entries but the query has {len(relation.columns)}",
            node,
        )
    columns = [(name, dune) for name, (_, dune) in zip(names, relation.columns, strict=True)]
    return Relation(relation.sql, columns)
