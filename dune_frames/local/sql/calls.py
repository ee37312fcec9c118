"""Calls: functions, aggregates and windows of a query."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from dune_frames.local.sql import signatures
from dune_frames.local.sql.decimals import exact_call
from dune_frames.local.sql.failures import failure, unsupported
from dune_frames.local.sql.functions import AGGREGATES, SCALARS, WINDOWS, Call, Functions
from dune_frames.local.sql.lambdas import Lambdas
from dune_frames.local.sql.literals import string
from dune_frames.local.sql.ordering import sort_items, sort_key
from dune_frames.local.sql.parser import argument
from dune_frames.local.sql.special import Special
from dune_frames.local.sql.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dune_frames.local.sql.expressions import Expressions
    from dune_frames.local.sql.moments import Moments
    from dune_frames.local.sql.nodes import Node
    from dune_frames.local.sql.parts import Parts
    from dune_frames.local.sql.scopes import Scope


@dataclass(frozen=True, slots=True)
class _Modifiers:
    """What stands around an aggregate or window function.

    Attributes
    ----------
    distinct : bool
        DISTINCT before the arguments.
    order_by : str
        ORDER BY inside the parentheses.
    nulls : str
        IGNORE NULLS inside the parentheses.
    filter : str
        FILTER after them.
    over : str
        OVER after that.
    """

    distinct: bool = False
    order_by: str = ""
    nulls: str = ""
    filter: str = ""
    over: str = ""

    def applied(self, call: str) -> str:
        """Write them into a call."""
        opening = call.index("(") + 1
        if self.distinct and not call.startswith("DISTINCT", opening):
            call = f"{call[:opening]}DISTINCT {call[opening:]}"
        return f"{call[:-1]}{self.order_by}{self.nulls}){self.filter}{self.over}"


class Calls:
    """Translates calls; arguments go back to the expressions."""

    def __init__(self, expressions: Expressions, moments: Moments, parts: Parts) -> None:
        self._expressions = expressions
        self._moments = moments
        self._special = {
            **Special(expressions, parts, self.named).rules,
            **Lambdas(expressions).rules,
            **moments.rules,
        }
        self.rules: dict[type[Node], Callable[[Any, Scope], Value]] = {
            exp.Anonymous: self._call,
            exp.Window: self._window,
            exp.Filter: lambda node, scope: self._modified(node, scope, _Modifiers()),
            exp.WithinGroup: lambda node, scope: self._modified(node, scope, _Modifiers()),
            exp.Extract: self._extract,
            exp.Trim: self._trim,
            exp.Substring: self._substring,
            exp.StrPosition: self._position,
            exp.CurrentTimestamp: lambda node, _: self.named("now", [], node),
            exp.ParseJSON: lambda node, _: self.named("json_parse", [string(node.this)], node),
        }

    def named(self, name: str, arguments: Sequence[Value], node: Node) -> Value:
        """Return a call of a plain function with arguments that are values already."""
        call = self._resolved(SCALARS, name, arguments, node)
        return call.value()

    def _call(self, node: exp.Anonymous, scope: Scope) -> Value:
        name = _name(node)
        if name in AGGREGATES or name in WINDOWS:
            return self._modified(node, scope, _Modifiers())
        special = self._special.get(name)
        if special is not None:
            return special(node, scope)
        arguments = self._expressions.values(node.expressions, scope)
        exact = exact_call(name, arguments)
        if exact is not None:
            return exact
        return self.named(name, arguments, node)

    def _resolved(
        self, functions: Functions, name: str, arguments: Sequence[Value], node: Node
    ) -> Call:
        if name not in functions:
            raise failure(f"Function '{name}' not registered", node)
        call = functions.call(name, arguments)
        if call is None:
            given = ", ".join(str(argument.type) for argument in arguments)
            raise failure(f"Unexpected parameters ({given}) for function {name}", node)
        return call

    # Aggregates and windows

    def _window(self, node: exp.Window, scope: Scope) -> Value:
        over = f" OVER {self._specification(node, scope)}"
        return self._modified(node.this, scope, _Modifiers(over=over))

    def _specification(self, node: exp.Window, scope: Scope) -> str:
        if (
            node.args.get("alias")
            and not node.args.get("partition_by")
            and not node.args.get("order")
        ):
            return f'"{node.alias.lower()}"'
        return self.window(node, scope)

    def window(self, node: exp.Window, scope: Scope) -> str:
        """Return a window's specification in parentheses."""
        parts = []
        if node.args.get("partition_by"):
            values = self._expressions.values(node.args["partition_by"], scope)
            parts.append("PARTITION BY " + ", ".join(value.sql for value in values))
        if node.args.get("order"):
            parts.append("ORDER BY " + self._sorted(node.args["order"], scope))
        if node.args.get("spec"):
            parts.append(self._frame(node.args["spec"], scope))
        return f"({' '.join(parts)})"

    def _frame(self, spec: exp.WindowSpec, scope: Scope) -> str:
        start = self._bound(spec.args.get("start"), spec.args.get("start_side"), scope)
        end = self._bound(spec.args.get("end"), spec.args.get("end_side"), scope)
        return f"{spec.args['kind'].upper()} BETWEEN {start} AND {end or 'CURRENT ROW'}"

    def _bound(self, bound: Any, side: str | None, scope: Scope) -> str:
        if bound is None:
            return ""
        text = bound if isinstance(bound, str) else self._expressions.value(bound, scope).sql
        return f"{text.upper() if isinstance(bound, str) else text} {(side or '').upper()}".strip()

    def _sorted(self, order: exp.Order, scope: Scope) -> str:
        return ", ".join(
            sort_key(self._expressions.value(item.this, scope), direction)
            for item, direction in sort_items(order)
        )

    def _modified(self, node: Node, scope: Scope, around: _Modifiers) -> Value:
        """Peel off what stands around an aggregate, then write it with all of that."""
        if isinstance(node, exp.Filter):
            inner = replace(scope, in_aggregate=True, ungrouped=[])
            condition = self._expressions.condition(node.expression.this, inner)
            around = replace(around, filter=f" FILTER (WHERE {condition})")
            return self._modified(node.this, scope, around)
        if isinstance(node, exp.WithinGroup):
            inner = replace(scope, in_aggregate=True, ungrouped=[])
            around = replace(around, order_by=f" ORDER BY {self._sorted(node.expression, inner)}")
            return self._modified(node.this, scope, around)
        if isinstance(node, exp.IgnoreNulls):
            return self._modified(node.this, scope, replace(around, nulls=" IGNORE NULLS"))
        if isinstance(node, exp.RespectNulls):
            return self._modified(node.this, scope, around)
        if not isinstance(node, exp.Anonymous):
            raise unsupported(f"{type(node).__name__} here", node)
        return self._aggregate(node, scope, around)

    def _aggregate(self, node: exp.Anonymous, scope: Scope, around: _Modifiers) -> Value:
        name = _name(node)
        is_aggregate = name in AGGREGATES
        if name in WINDOWS and not around.over:
            raise failure(f"Window function {name} requires an OVER clause", node)
        plain = is_aggregate and not around.over
        inner = replace(scope, in_aggregate=True, ungrouped=[]) if plain else scope
        if plain:
            scope.note_aggregate(node)
        arguments, around = self._arguments(node, inner, around)
        exact = exact_call(name, arguments, around.applied)
        if exact is not None:
            return exact
        call = self._resolved(AGGREGATES if is_aggregate else WINDOWS, name, arguments, node)
        return call.value(around.applied(call.sql))

    def _arguments(
        self, node: exp.Anonymous, scope: Scope, around: _Modifiers
    ) -> tuple[list[Value], _Modifiers]:
        nodes = list(node.expressions)
        if len(nodes) == 1 and isinstance(nodes[0], exp.Star):
            return [], around
        if nodes and isinstance(nodes[-1], exp.Order):
            if nodes[-1].this is None:
                raise failure("mismatched input 'ORDER'", node)
            around = replace(around, order_by=f" ORDER BY {self._sorted(nodes[-1], scope)}")
            nodes[-1] = nodes[-1].this
        if len(nodes) == 1 and isinstance(nodes[0], exp.Distinct):
            around = replace(around, distinct=True)
            nodes = nodes[0].expressions
        return self._expressions.values(nodes, scope), around

    # Functions with a syntax of their own

    def _extract(self, node: exp.Extract, scope: Scope) -> Value:
        return self._moments.part(node.this.name.lower(), node.expression, node, scope)

    def _trim(self, node: exp.Trim, scope: Scope) -> Value:
        position = (node.args.get("position") or "BOTH").upper()
        name = {"BOTH": "trim", "LEADING": "ltrim", "TRAILING": "rtrim"}[position]
        value = self._expressions.value(node.this, scope)
        if node.expression is None:
            return self.named(name, [value], node)
        characters = self._expressions.value(node.expression, scope)
        return Value(f"{name}({value.sql}, {characters.sql})", value.type)

    def _substring(self, node: exp.Substring, scope: Scope) -> Value:
        nodes = [node.this, argument(node, "start"), argument(node, "length")]
        given = [one for one in nodes if one is not None]
        return self.named("substr", self._expressions.values(given, scope), node)

    def _position(self, node: exp.StrPosition, scope: Scope) -> Value:
        nodes = [node.this, node.args["substr"]]
        return self.named("strpos", self._expressions.values(nodes, scope), node)


def _name(node: exp.Anonymous) -> str:
    name = node.name.lower()
    return signatures.ALIASES.get(name, name)
