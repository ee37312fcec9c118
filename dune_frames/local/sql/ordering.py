"""Ordering: the items of an ORDER BY and their directions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dune_frames.local.sql.nodes import Node
    from dune_frames.local.sql.values import Value


def sort_items(order: Node) -> Iterator[tuple[Node, str]]:
    """Return each item and its direction; nulls come last unless the query says otherwise."""
    for item in order.expressions:
        if isinstance(item, exp.Ordered):
            direction = "DESC" if item.args.get("desc") else "ASC"
            nulls = "FIRST" if item.args.get("nulls_first") else "LAST"
            yield item, f"{direction} NULLS {nulls}"
        else:
            yield exp.Ordered(this=item), "ASC NULLS LAST"


def sort_key(value: Value, direction: str) -> str:
    """Write what is sorted by. NaN comes after the numbers both ways, where DuckDB turns it too."""
    if value.type.name in ("real", "double") and direction.startswith("DESC"):
        nulls = direction.removeprefix("DESC ")
        return f"isnan({value.sql}) ASC {nulls}, {value.sql} {direction}"
    return f"{value.sql} {direction}"


def placed(value: Value, place: int) -> Value:
    """Return a column of the result as what is sorted by: its place, where that says it all."""
    if value.type.name in ("real", "double") and not is_random(value.sql):
        return value
    number = replace(value.type, name="integer") if is_random(value.sql) else value.type
    return replace(value, sql=str(place + 1), type=number)


def is_random(sql: str) -> bool:
    """Tell whether SQL gives another value each time that it is computed."""
    return any(name in sql for name in ("random()", "uuid()"))
