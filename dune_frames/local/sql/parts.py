"""Parts: arrays and rows made of values, and values taken out of arrays, maps and rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from dune_frames._types.table import DuneType, Field
from dune_frames.local.duckdb_types import computed_type
from dune_frames.local.sql.binding import bound
from dune_frames.local.sql.casts import cast
from dune_frames.local.sql.failures import failure
from dune_frames.local.sql.scopes import Scope, field_of
from dune_frames.local.sql.types import BIGINT, UNKNOWN, array_of, can_become
from dune_frames.local.sql.values import Value, failing

if TYPE_CHECKING:
    from collections.abc import Callable

    from dune_frames.local.sql.expressions import Expressions
    from dune_frames.local.sql.nodes import Node


class Parts:
    """Translates what makes or takes apart nested values."""

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self.rules: dict[type[Node], Callable[[Any, Scope], Value]] = {
            exp.Array: self._array,
            exp.Tuple: self.row,
            exp.Bracket: self._subscript,
            exp.Dot: self._dot,
        }

    def row(self, node: Node, scope: Scope) -> Value:
        """Return the expressions of a node as one row."""
        if not node.expressions:
            raise failure("a row needs a field", node)
        values = self._expressions.values(node.expressions, scope)
        parts = (f"'field{place}': {value.sql}" for place, value in enumerate(values))
        fields = tuple(Field(None, value.type) for value in values)
        return Value(f"{{{', '.join(parts)}}}", DuneType("row", children=fields))

    def _dot(self, node: exp.Dot, scope: Scope) -> Value:
        return field_of(self._expressions.value(node.this, scope), node.expression.name, node)

    def _array(self, node: exp.Array, scope: Scope) -> Value:
        values = self._expressions.unified(self._expressions.values(node.expressions, scope), node)
        item = values[0].type if values else UNKNOWN
        dune = array_of(item)
        items = ", ".join(value.sql for value in values)
        return Value(f"CAST([{items}] AS {computed_type(dune)})", dune)

    def _subscript(self, node: exp.Bracket, scope: Scope) -> Value:
        value, index = (
            self._expressions.value(node.this, scope),
            self._expressions.value(node.expressions[0], scope),
        )
        if value.type.name == "row" and index.literal and index.literal.isdecimal():
            return _row_field(value, int(index.literal), node)
        if value.type.name == "map":
            return _map_item(value, index)
        if value.type.name != "array" or not can_become(index.type, BIGINT):
            raise failure(f"Cannot use {index.type} for subscript of {value.type}", node)
        return _array_item(value, cast(index, BIGINT).sql)


def _row_field(value: Value, place: int, node: Node) -> Value:
    if not 1 <= place <= len(value.type.children):
        raise failure(f"Subscript expression on ROW is out of range: {place}", node)
    return Value(f"struct_extract_at({value.sql}, {place})", value.type.children[place - 1].type)


def _array_item(value: Value, index: str) -> Value:
    item = value.type.children[0].type

    def written(array: str, place: str) -> str:
        raised = (
            f"CASE WHEN {place} = 0 THEN 'SQL array indices start at 1' "
            f"WHEN {place} < 0 THEN 'Array subscript is negative: ' || {place} "
            f"ELSE 'Array subscript must be less than or equal to array length: ' "
            f"|| {place} || ' > ' || len({array}) END"
        )
        outside = f"{place} > len({array}) OR {place} < 1"
        return f"CASE WHEN {outside} THEN {failing(raised, item)} ELSE {array}[{place}] END"

    return Value(bound(written, value.sql, index), item)


def _map_item(value: Value, index: Value) -> Value:
    key_type, item = (child.type for child in value.type.children)
    raised = failing("'Key not present in map'", item)

    def written(whole: str, key: str) -> str:
        present = f"map_contains({whole}, {key}) OR {whole} IS NULL OR {key} IS NULL"
        return f"CASE WHEN {present} THEN {whole}[{key}] ELSE {raised} END"

    return Value(bound(written, value.sql, cast(index, key_type).sql), item)
