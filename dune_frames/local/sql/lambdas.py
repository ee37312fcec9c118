"""Lambdas: the functions over arrays and maps that take one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from dune_frames.local.duckdb_types import computed_type
from dune_frames.local.sql.binding import bound
from dune_frames.local.sql.casts import cast
from dune_frames.local.sql.failures import failure
from dune_frames.local.sql.types import BOOLEAN, array_of, common_type, map_of
from dune_frames.local.sql.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from dune_frames._types.table import DuneType
    from dune_frames.local.sql.expressions import Expressions
    from dune_frames.local.sql.nodes import Node
    from dune_frames.local.sql.scopes import Scope

#: What a match function answers when an item decides, and which answer of the lambda decides.
_MATCHES = {"any_match": (True, True), "all_match": (False, False), "none_match": (False, True)}


class Lambdas:
    """Translates calls with lambdas. A lambda's variable has a name that its depth makes unique."""

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self.rules: dict[str, Callable[[exp.Anonymous, Scope], Value]] = {
            "transform": self._transform,
            "filter": self._filter,
            "reduce": self._reduce,
            "any_match": self._match,
            "all_match": self._match,
            "none_match": self._match,
            "zip_with": self._zip_with,
            "map_filter": self._map_filter,
            "transform_keys": self._transform_entries,
            "transform_values": self._transform_entries,
        }

    def _body(self, node: Node, scope: Scope, *bound: Value) -> Value:
        """Return a lambda's body, its arguments standing for values."""
        if not isinstance(node, exp.Lambda) or len(node.expressions) != len(bound):
            raise failure("Expected a lambda expression with its arguments here", node)
        given = [identifier.name.lower() for identifier in node.expressions]
        variables = {**scope.variables, **dict(zip(given, bound, strict=True))}
        body = self._expressions.value(node.this, replace(scope, variables=variables))
        # Whoever cancels a run must reach it here too: dune_frames.local.watches tells why.
        ticks = f"ticks(CAST({bound[0].sql} IS NULL AS BIGINT))"
        return Value(f"CASE WHEN {ticks} = 0 THEN {body.sql} END", body.type)

    def _argument(self, node: exp.Anonymous, scope: Scope, place: int, kind: str) -> Value:
        if len(node.expressions) <= place:
            raise failure(f"Unexpected number of arguments for function {node.name}", node)
        value = self._expressions.value(node.expressions[place], scope)
        if value.type.name != kind:
            raise failure(f"Unexpected parameters ({value.type}) for function {node.name}", node)
        return value

    def _over_items(self, node: exp.Anonymous, scope: Scope) -> tuple[Value, str, Value]:
        """Return the array, the lambda's variable and the lambda's body."""
        array = self._argument(node, scope, 0, "array")
        variable = f"x{len(scope.variables)}"
        item = Value(variable, array.type.children[0].type)
        return array, variable, self._body(node.expressions[-1], scope, item)

    def _transform(self, node: exp.Anonymous, scope: Scope) -> Value:
        array, variable, body = self._over_items(node, scope)
        sql = f"list_transform({array.sql}, lambda {variable}: {body.sql})"
        return Value(sql, array_of(body.type))

    def _filter(self, node: exp.Anonymous, scope: Scope) -> Value:
        array, variable, body = self._over_items(node, scope)
        return Value(f"list_filter({array.sql}, lambda {variable}: {body.sql})", array.type)

    def _match(self, node: exp.Anonymous, scope: Scope) -> Value:
        """Ask every item. An open answer leaves the whole open, unless another item decides."""
        array, variable, body = self._over_items(node, scope)
        outcome, deciding = _MATCHES[node.name.lower()]
        answers = f"list_transform({array.sql}, lambda {variable}: {body.sql})"

        def written(answered: str) -> str:
            decided = f"list_contains({answered}, {deciding})"
            is_open = f"len(list_filter({answered}, lambda a: a IS NULL)) > 0"
            return (
                f"CASE WHEN {answered} IS NULL THEN NULL WHEN {decided} THEN {outcome} "
                f"WHEN {is_open} THEN NULL ELSE {not outcome} END"
            )

        return Value(bound(written, answers), BOOLEAN)

    def _zip_with(self, node: exp.Anonymous, scope: Scope) -> Value:
        left, right = (self._argument(node, scope, place, "array") for place in (0, 1))
        place = f"n{len(scope.variables)}"
        items = (Value(f"{a.sql}[{place}]", a.type.children[0].type) for a in (left, right))
        body = self._body(node.expressions[-1], scope, *items)
        places = f"generate_series(1, greatest(len({left.sql}), len({right.sql})))"
        return Value(
            f"CASE WHEN {left.sql} IS NULL OR {right.sql} IS NULL THEN NULL "
            f"ELSE list_transform({places}, lambda {place}: {body.sql}) END",
            array_of(body.type),
        )

    def _reduce(self, node: exp.Anonymous, scope: Scope) -> Value:
        """Fold with a struct of state and item, because DuckDB's fold knows one type only."""
        array = self._argument(node, scope, 0, "array")
        start = self._expressions.value(node.expressions[1], scope)
        state, body = self._step(node, scope, array, start.type)
        widened = common_type(state, body.type)
        if widened is not None and widened != state:
            state, body = self._step(node, scope, array, widened)
        if common_type(state, body.type) != state:
            raise failure(f"The lambda must return the state's type {state}", node)
        folded = _folded(array, cast(start, state), cast(body, state), len(scope.variables))
        variable = f"x{len(scope.variables)}"
        finished = self._body(node.expressions[3], scope, Value(variable, state))
        sql = f"list_transform([{folded}], lambda {variable}: {finished.sql})[1]"
        return Value(sql, finished.type)

    def _step(
        self, node: exp.Anonymous, scope: Scope, array: Value, state: DuneType
    ) -> tuple[DuneType, Value]:
        depth = len(scope.variables)
        item = Value(f"r{depth}.i", array.type.children[0].type)
        return state, self._body(node.expressions[2], scope, Value(f"l{depth}.s", state), item)

    def _over_entries(self, node: exp.Anonymous, scope: Scope) -> tuple[Value, str, Value]:
        """Return the map, the variable of its entries and the lambda's body."""
        value = self._argument(node, scope, 0, "map")
        variable = f"e{len(scope.variables)}"
        parts = zip(("key", "value"), value.type.children, strict=True)
        bound = (Value(f"{variable}.{part}", child.type) for part, child in parts)
        return value, variable, self._body(node.expressions[-1], scope, *bound)

    def _map_filter(self, node: exp.Anonymous, scope: Scope) -> Value:
        value, variable, body = self._over_entries(node, scope)
        kept = f"list_filter(map_entries({value.sql}), lambda {variable}: {body.sql})"
        return Value(f"map_from_entries({kept})", value.type)

    def _transform_entries(self, node: exp.Anonymous, scope: Scope) -> Value:
        value, variable, body = self._over_entries(node, scope)
        key, item = (child.type for child in value.type.children)
        if node.name.lower() == "transform_keys":
            pair, dune = (
                f"{{'key': {body.sql}, 'value': {variable}.value}}",
                map_of(body.type, item),
            )
        else:
            pair, dune = f"{{'key': {variable}.key, 'value': {body.sql}}}", map_of(key, body.type)
        entries = f"list_transform(map_entries({value.sql}), lambda {variable}: {pair})"
        return Value(f"map_from_entries({entries})", dune)


def _folded(array: Value, start: Value, body: Value, depth: int) -> str:
    state, item = (computed_type(dune) for dune in (start.type, array.type.children[0].type))
    items = f"list_transform({array.sql}, lambda p: {{'s': CAST(NULL AS {state}), 'i': p}})"
    first = f"{{'s': {start.sql}, 'i': CAST(NULL AS {item})}}"
    step = f"{{'s': {body.sql}, 'i': CAST(NULL AS {item})}}"
    folded = f"list_reduce({items}, lambda l{depth}, r{depth}: {step}, {first}).s"
    return f"CASE WHEN {array.sql} IS NOT NULL THEN {folded} END"
