"""JSON: the functions with words between their arguments, as ``json_query(... OMIT QUOTES)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from dune_frames._types.table import parse_type
from dune_frames.local.sql.casts import cast
from dune_frames.local.sql.failures import unsupported
from dune_frames.local.sql.parser import type_text
from dune_frames.local.sql.types import VARCHAR
from dune_frames.local.sql.values import Value, sql_string

if TYPE_CHECKING:
    from collections.abc import Callable

    from dune_frames.local.sql.expressions import Expressions
    from dune_frames.local.sql.nodes import Node
    from dune_frames.local.sql.scopes import Scope

_WRAPPERS = {"": "", "WITHOUT WRAPPER": "", "WITHOUT ARRAY WRAPPER": ""} | dict.fromkeys(
    ("WITH WRAPPER", "WITH ARRAY WRAPPER", "WITH UNCONDITIONAL WRAPPER"), "wrap"
)


class Jsons:
    """Translates ``json_query`` and ``json_value``."""

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self.rules: dict[type[Node], Callable[[Any, Scope], Value]] = {
            exp.JSONExtract: self._query,
            exp.JSONValue: self._value,
        }

    def _operands(self, node: Node, path: Node, scope: Scope) -> str:
        if node.args.get("on_condition"):
            raise unsupported("ON EMPTY and ON ERROR", node)
        return ", ".join(self._expressions.text(one, scope).sql for one in (node.this, path))

    def _query(self, node: exp.JSONExtract, scope: Scope) -> Value:
        if not node.args.get("json_query"):
            raise unsupported("an arrow", node)
        option, quote = node.args.get("option"), node.args.get("quote")
        wrapper = _WRAPPERS.get(option.name.upper() if option else "")
        if wrapper is None or (quote and quote.args.get("scalar")):
            raise unsupported("this json_query", node)
        quotes = "omit" if quote and quote.args["option"] == "OMIT" else ""
        operands = self._operands(node, node.expression, scope)
        return Value(f"json_path_query({operands}, {sql_string(wrapper + quotes)})", VARCHAR)

    def _value(self, node: exp.JSONValue, scope: Scope) -> Value:
        value = Value(f"json_path_value({self._operands(node, node.args['path'], scope)})", VARCHAR)
        returning = node.args.get("returning")
        if not returning:
            return value
        if not isinstance(returning, exp.DataType):
            raise unsupported("RETURNING", node)
        return cast(value, parse_type(type_text(returning).lower()), attempt=True)
