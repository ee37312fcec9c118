"""Expressions: each node of the tree to a typed value, by the rules that were handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from dune_frames.local.sql.casts import CastError, cast
from dune_frames.local.sql.failures import failure, operator_failure, unsupported
from dune_frames.local.sql.operators import OperatorError
from dune_frames.local.sql.types import BOOLEAN, UNKNOWN, VARCHAR, can_become, common_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dune_frames._types.table import DuneType
    from dune_frames.local.sql.nodes import Node
    from dune_frames.local.sql.scopes import Relation, Scope
    from dune_frames.local.sql.values import Value

    #: Translates a node of one kind.
    Rule = Callable[[Any, Scope], Value]

#: Of an expression's SQL, in characters.
_LONGEST = 1_000_000


class Subqueries(Protocol):
    """Who translates a query inside an expression."""

    def query(self, node: Node, outer: Scope) -> Relation:
        """Return a subquery, written and typed."""


class Expressions:
    """Translates expressions; queries inside them go to `subqueries`.

    It knows no kind of node by itself. Those who do know each other only through it: they are told
    it, and it learns their rules.
    """

    def __init__(self, subqueries: Subqueries) -> None:
        self._subqueries = subqueries
        self._rules: dict[type[Node], Rule] = {}

    def learn(self, rules: Mapping[type[Node], Rule]) -> None:
        """Take in how some kinds of nodes are translated."""
        self._rules.update(rules)

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
