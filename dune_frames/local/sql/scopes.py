"""Scopes: which columns a name can mean at a place of a query."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dune_frames._types.table import DuneType, field_names
from dune_frames.local.sql.failures import failure, unresolved_column
from dune_frames.local.sql.values import Value, sql_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dune_frames.local.sql.nodes import Node


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a relation.

    Attributes
    ----------
    name : str or None
        Its name, which may repeat; None for an expression without one.
    value : Value
        How to write it.
    """

    name: str | None
    value: Value


@dataclass(frozen=True, slots=True)
class Relation:
    """A query or a part of FROM, written and typed. Its columns are called ``c0``, ``c1``, ...

    Attributes
    ----------
    sql : str
        DuckDB SQL of a SELECT or of something that can stand in FROM.
    columns : sequence of (str or None, DuneType)
        Names and types.
    """

    sql: str
    columns: Sequence[tuple[str | None, DuneType]]


@dataclass(frozen=True, slots=True)
class Source:
    """Something in FROM under its alias.

    Attributes
    ----------
    names : tuple of str
        What may stand before a column's name: alias, or table with its schema.
    columns : tuple of Column
        Its columns.
    """

    names: tuple[str, ...]
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, relation: Relation, alias: str, *names: str) -> Source:
        """Return a relation's columns under a DuckDB alias."""
        columns = [
            Column(name, Value(f'{sql_name(alias)}."c{place}"', dune))
            for place, (name, dune) in enumerate(relation.columns)
        ]
        return cls(tuple(name.lower() for name in names), tuple(columns))


@dataclass
class Scope:
    """The names at a place, and what is known of the SELECT around it.

    Attributes
    ----------
    sources : list of Source
        What FROM offers.
    parent : Scope or None
        The query around, for correlated subqueries.
    variables : mapping of str to Value
        Lambda arguments.
    merged : dict of str to Value
        Columns of JOIN ... USING, which need no table before them.
    ungrouped : list of Node
        Columns met outside aggregates, for the check of GROUP BY.
    aggregates : list of Node
        Aggregate functions met.
    keys : set of str
        The SQL of what GROUP BY groups by.
    in_aggregate : bool
        Whether the place is inside an aggregate function.
    attempt : bool
        Whether the place is inside ``try``.
    """

    sources: list[Source] = field(default_factory=list)
    parent: Scope | None = None
    variables: Mapping[str, Value] = field(default_factory=dict)
    merged: dict[str, Value] = field(default_factory=dict)
    ungrouped: list[Node] = field(default_factory=list)
    aggregates: list[Node] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    in_aggregate: bool = False
    attempt: bool = False

    def note_aggregate(self, node: Node) -> None:
        """Note that the SELECT aggregates here.

        Raises
        ------
        SqlError
            It stands inside another aggregate.
        """
        if self.in_aggregate:
            raise failure("Cannot nest aggregations inside aggregation", node)
        self.aggregates.append(node)

    def column(self, parts: Sequence[str], node: Node) -> Value:
        """Return what a name with dots means: a column, or a field of a row column.

        Raises
        ------
        SqlError
            No table has it, or more than one.
        """
        found = self.found(parts, node)
        if found is None:
            raise unresolved_column(".".join(parts), node)
        return found

    def found(self, parts: Sequence[str], node: Node) -> Value | None:
        """Return what a name means here or in the queries around, None when it means nothing."""
        for split in range(len(parts)):
            table, name, fields = ".".join(parts[:split]), parts[split], parts[split + 1 :]
            matches = list(self._matches(table.lower(), name.lower()))
            if len(matches) > 1:
                raise failure(f"Column '{'.'.join(parts)}' is ambiguous", node)
            if matches:
                self.ungrouped.append(node)
                return _dereferenced(matches[0], fields, node)
        return self.parent.found(parts, node) if self.parent else None

    def _matches(self, table: str, name: str) -> Iterator[Value]:
        if not table and name in self.merged:
            yield self.merged[name]
            return
        for source in self.sources:
            if table and table not in source.names:
                continue
            for column in source.columns:
                if column.name is not None and column.name.lower() == name:
                    yield column.value

    def star(self, table: str | None, node: Node) -> list[Column]:
        """Return the columns that a star stands for.

        Raises
        ------
        SqlError
            There is no such table, or no table at all.
        """
        if table is None:
            columns = self._unqualified_star()
        else:
            columns = [c for s in self.sources if table.lower() in s.names for c in s.columns]
        if not columns:
            raise failure("SELECT * not allowed in queries without FROM clause", node)
        self.ungrouped += [node]
        return columns

    def _unqualified_star(self) -> list[Column]:
        """Return merged columns first and once, then the others, as SQL wants it."""
        merged = [Column(name, value) for name, value in self.merged.items()]
        columns = [column for source in self.sources for column in source.columns]
        rest = [c for c in columns if c.name is None or c.name.lower() not in self.merged]
        return merged + rest


def _dereferenced(value: Value, fields: Sequence[str], node: Node) -> Value:
    for name in fields:
        value = field_of(value, name, node)
    return value


def field_of(value: Value, name: str, node: Node) -> Value:
    """Return a field of a row.

    Raises
    ------
    SqlError
        The value is no row, or has no such field.
    """
    names = [known.lower() for known in field_names(value.type)] if value.type.name == "row" else []
    if name.lower() not in names:
        raise failure(f"Expression {name} is not of type ROW or has no such field", node)
    place = names.index(name.lower())
    inner = value.type.children[place].type
    return Value(f"struct_extract_at({value.sql}, {place + 1})", inner)
