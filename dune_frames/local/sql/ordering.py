"""Ordering: the items of an ORDER BY and their directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dune_frames.local.sql.nodes import Node


def sort_items(order: Node) -> Iterator[tuple[Node, str]]:
    """Return each item and its direction; nulls come last unless the query says otherwise."""
    for item in order.expressions:
        if isinstance(item, exp.Ordered):
            direction = "DESC" if item.args.get("desc") else "ASC"
            nulls = "FIRST" if item.args.get("nulls_first") else "LAST"
            yield item, f"{direction} NULLS {nulls}"
        else:
            yield exp.Ordered(this=item), "ASC NULLS LAST"
