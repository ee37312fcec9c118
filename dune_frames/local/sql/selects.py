"""Selects: one SELECT with its clauses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from dune_frames.local.sql.failures import failure, unsupported
from dune_frames.local.sql.ordering import placed, sort_items, sort_key
from dune_frames.local.sql.scopes import Relation, Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dune_frames.local.sql.calls import Calls
    from dune_frames.local.sql.expressions import Expressions
    from dune_frames.local.sql.nodes import Node
    from dune_frames.local.sql.sources import Sources
    from dune_frames.local.sql.values import Value

_CLAUSES = {
    "expressions", "distinct", "from", "from_", "joins", "where", "group", "having", "windows",
    "order", "limit", "offset", "with", "with_", "operation_modifiers",
}  # fmt: skip


_GROUPINGS: dict[type[Node], str] = {
    exp.Rollup: "ROLLUP",
    exp.Cube: "CUBE",
    exp.GroupingSets: "GROUPING SETS",
}


@dataclass(frozen=True, slots=True)
class _Item:
    """One column of the result.

    Attributes
    ----------
    name : str or None
        Its name.
    node : Node
        Where it stands.
    value : Value or None
        What a star stands for; None for an expression that is still to be translated.
    """

    name: str | None
    node: Node
    value: Value | None = None


class Selects:
    """Translates SELECTs."""

    def __init__(self, sources: Sources, expressions: Expressions, calls: Calls) -> None:
        self._sources = sources
        self._expressions = expressions
        self._calls = calls

    def relation(self, node: exp.Select, outer: Scope | None) -> Relation:
        """Return a SELECT, written and typed."""
        if not node.expressions:
            raise failure("mismatched input 'FROM'. Expecting a select list", node)
        if node.args.get("distinct") and node.args["distinct"].args.get("on"):
            raise unsupported("DISTINCT ON", node.args["distinct"])
        strange = {key for key, value in node.args.items() if value} - _CLAUSES
        if strange:
            raise unsupported(f"{min(strange).upper()}", node)
        scope = Scope(parent=outer)
        start = self._sources.written(node, scope) + self._where(node, scope)
        items = list(self._items(node, scope))
        scope.ungrouped.clear()
        group = self._group(node, items, scope)
        values = [self._value(item, scope) for item in items]
        having = self._having(node, scope)
        windows = self._windows(node, scope)
        order = self._order(node, items, values, scope)
        self._check_grouping(node, scope)
        shown = ", ".join(f'{value.sql} AS "c{place}"' for place, value in enumerate(values))
        word = "SELECT DISTINCT" if node.args.get("distinct") else "SELECT"
        sql = f"{word} {shown}{start}{group}{having}{windows}{order}{limits(node)}"
        columns = [(item.name, value.type) for item, value in zip(items, values, strict=True)]
        return Relation(sql, columns)

    def ordered(self, relation: Relation, node: Node) -> Relation:
        """Return a relation with the ORDER BY and LIMIT that stand after a set operation."""
        if not (node.args.get("order") or node.args.get("limit") or node.args.get("offset")):
            return relation
        sql, source = self._sources.aliased(Relation(f"({relation.sql})", relation.columns))
        scope = Scope([source])
        items = [_Item(column.name, node) for column in source.columns]
        values = [column.value for column in source.columns]
        order = self._order(node, items, values, scope)
        sorted_sql = f"SELECT * FROM {sql}{order}{limits(node)}"  # noqa: S608 - of parts written here
        return Relation(sorted_sql, relation.columns)

    def _items(self, node: exp.Select, scope: Scope) -> list[_Item]:
        items: list[_Item] = []
        for one in node.expressions:
            inner = one.unalias()
            if isinstance(inner, exp.Star) or (
                isinstance(inner, exp.Column) and isinstance(inner.this, exp.Star)
            ):
                table = (
                    ".".join(part.name for part in inner.parts[:-1])
                    if isinstance(inner, exp.Column)
                    else None
                )
                star = inner.this if isinstance(inner, exp.Column) else inner
                if any(star.args.values()):
                    raise unsupported("a star without some columns", inner)
                items += [_Item(c.name, inner, c.value) for c in scope.star(table or None, inner)]
            else:
                items.append(_Item(_name(one), inner))
        return items

    def _value(self, item: _Item, scope: Scope) -> Value:
        if item.value is None:
            return self._expressions.value(item.node, scope)
        if item.value.sql not in scope.keys:
            scope.ungrouped.append(item.node)
        return item.value

    # Clauses

    def _where(self, node: exp.Select, scope: Scope) -> str:
        where = node.args.get("where")
        if where is None:
            return ""
        inner = Scope(scope.sources, scope.parent, merged=scope.merged)
        condition = self._expressions.condition(where.this, inner)
        offenders = [*inner.aggregates, *where.this.find_all(exp.Window)]
        if offenders:
            shown = ", ".join(one.sql("trino") for one in offenders)
            raise failure(
                "WHERE clause cannot contain aggregations, window functions or grouping "
                f"operations: [{shown}]",
                offenders[0],
            )
        return f" WHERE {condition}"

    def _group(self, node: exp.Select, items: Sequence[_Item], scope: Scope) -> str:
        group = node.args.get("group")
        if group is None:
            return ""
        detached = Scope(scope.sources, scope.parent, merged=scope.merged)
        parts = [self._group_item(one, items, detached) for one in group.expressions]
        for word in ("rollup", "cube", "grouping_sets"):
            parts += [self._group_item(one, items, detached) for one in group.args.get(word) or ()]
        scope.keys.update(detached.keys)
        return f" GROUP BY {', '.join(parts)}"

    def _group_item(self, node: Node, items: Sequence[_Item], scope: Scope) -> str:
        if type(node) in _GROUPINGS:
            inner = (self._group_item(one, items, scope) for one in node.expressions)
            return f"{_GROUPINGS[type(node)]} ({', '.join(inner)})"
        if isinstance(node, exp.Paren | exp.Tuple):
            nodes = [node.this] if isinstance(node, exp.Paren) else node.expressions
            return f"({', '.join(self._group_item(one, items, scope) for one in nodes)})"
        if isinstance(node, exp.Literal) and not node.is_string:
            scope.keys.add(self._value(_item_at(node, items, "GROUP BY"), scope).sql)
            return node.name
        key = self._expressions.value(node, scope).sql
        scope.keys.add(key)
        return key

    def _having(self, node: exp.Select, scope: Scope) -> str:
        having = node.args.get("having")
        window = having.find(exp.Window) if having else None
        if window is not None:
            raise failure("HAVING clause cannot contain window functions", window)
        return f" HAVING {self._expressions.condition(having.this, scope)}" if having else ""

    def _windows(self, node: exp.Select, scope: Scope) -> str:
        named = [
            f'"{window.name.lower()}" AS {self._calls.window(window, scope)}'
            for window in node.args.get("windows") or ()
        ]
        return f" WINDOW {', '.join(named)}" if named else ""

    def _order(
        self, node: Node, items: Sequence[_Item], values: Sequence[Value], scope: Scope
    ) -> str:
        """Write ORDER BY. A name means a column of the result first, then one of the sources."""
        order = node.args.get("order")
        if order is None:
            return ""
        names = {
            item.name.lower(): value
            for item, value in reversed(list(zip(items, values, strict=True)))
            if item.name
        }
        inner = replace(scope, variables=names)
        distinct = bool(node.args.get("distinct"))
        keys = [
            sort_key(self._sort_value(one.this, items, values, inner, distinct=distinct), direction)
            for one, direction in sort_items(order)
        ]
        return f" ORDER BY {', '.join(keys)}"

    def _sort_value(
        self,
        node: Node,
        items: Sequence[_Item],
        values: Sequence[Value],
        scope: Scope,
        *,
        distinct: bool,
    ) -> Value:
        """Return what is sorted by; what is in the result already is its place there."""
        if isinstance(node, exp.Literal) and not node.is_string:
            place = items.index(_item_at(node, items, "ORDER BY"))
        else:
            key = self._expressions.value(node, scope)
            if key.literal is not None:
                # DuckDB takes a text alone for a mistake.
                key = replace(key, sql=f"coalesce({key.sql})")
            written = [value.sql for value in values]
            if key.sql not in written:
                if distinct:
                    message = "For SELECT DISTINCT, ORDER BY expressions must appear in select list"
                    raise failure(message, node)
                return key
            place = written.index(key.sql)
        return placed(values[place], place)

    def _check_grouping(self, node: exp.Select, scope: Scope) -> None:
        grouped = scope.aggregates or node.args.get("group") or node.args.get("having")
        if grouped and scope.ungrouped:
            offender = scope.ungrouped[0]
            message = "must be an aggregate expression or appear in GROUP BY clause"
            raise failure(f"'{offender.sql('trino')}' {message}", offender)


def limits(node: Node) -> str:
    """Write OFFSET and LIMIT, or FETCH FIRST."""
    limit, offset = node.args.get("limit"), node.args.get("offset")
    sql = ""
    if limit is not None:
        fetch = isinstance(limit, exp.Fetch)
        number = limit.args.get("count") if fetch else limit.expression
        options = limit.args.get("limit_options")
        ties = fetch and options is not None and options.args.get("with_ties")
        everything = isinstance(number, exp.Var | exp.Column) and number.name.lower() == "all"
        if number is not None and not everything:
            if ties or not _is_count(number):
                raise unsupported("this LIMIT", number)
            sql += f" LIMIT {number.name}"
    if offset is not None:
        if not _is_count(offset.expression):
            raise unsupported("this OFFSET", offset)
        sql += f" OFFSET {offset.expression.name}"
    return sql


def _is_count(node: Node) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string and node.name.isdecimal()


def _name(node: Node) -> str | None:
    """Return a column's name: its alias, or what a plain column or field is called."""
    if isinstance(node, exp.Alias | exp.Subquery) and node.alias:
        return node.alias
    if isinstance(node, exp.Column):
        return node.name
    return node.expression.name if isinstance(node, exp.Dot) else None


def _item_at(node: Node, items: Sequence[_Item], clause: str) -> _Item:
    place = int(node.name) if node.name.isdecimal() else 0
    if not 1 <= place <= len(items):
        raise failure(f"{clause} position {node.name} is not in select list", node)
    return items[place - 1]
