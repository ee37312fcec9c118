"""Failures of a query that its text tells, in Trino's words and with the place in the text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

if TYPE_CHECKING:
    from dune_frames.local.sql.nodes import Node


#: Dune's sentence after a column that is not there.
_COLUMN_HELP = (
    "Please verify that this column exists using the data explorer. Learn how to use the data "
    "explorer here: https://dune.com/docs/app/query-editor/data-explorer/"
)


class SqlError(Exception):
    """A query that Dune would not run, or that this server cannot.

    Attributes
    ----------
    message : str
        What is wrong.
    offset : int or None
        Where it starts in the text, in characters from 0.
    symbol : str
        An operator that is the place, the first one from the offset on.
    """

    def __init__(self, message: str, offset: int | None = None, symbol: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.symbol = symbol

    def place(self, sql: str) -> tuple[int, int] | None:
        """Return line and column in a text, counted from 1."""
        if self.offset is None:
            return None
        offset = max(sql.find(self.symbol, self.offset), self.offset)
        before = sql[:offset]
        return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def failure(message: str, node: Node) -> SqlError:
    """Return a failure at the first place that is known in a node."""
    return SqlError(message, offset_of(node))


def operator_failure(message: str, symbol: str, node: Node) -> SqlError:
    """Return a failure at the operator of a node, where Trino sees it."""
    left = node.args["this"] if isinstance(node, exp.Binary) else None
    ends = [inner.meta["end"] for inner in left.walk() if "end" in inner.meta] if left else []
    if not ends:
        return failure(message, node)
    return SqlError(message, max(ends) + 1, symbol)


def offset_of(node: Node) -> int:
    """Return where a node starts in the text, as far as the parser kept it.

    A node without a place is at that of the smallest one around it that has one.
    """
    around: Node | None = node
    while around is not None:
        starts = [inner.meta["start"] for inner in around.walk() if "start" in inner.meta]
        if starts:
            return int(min(starts))
        around = around.parent
    return 0


def unresolved_column(name: str, node: Node) -> UnresolvedColumnError:
    """Return the failure of a column that is in none of the tables."""
    return UnresolvedColumnError(name, offset_of(node))


class UnresolvedColumnError(SqlError):
    """A column that cannot be resolved; its message repeats the place."""

    def __init__(self, name: str, offset: int | None) -> None:
        super().__init__(f"Column '{name}' cannot be resolved", offset)

    def place(self, sql: str) -> tuple[int, int] | None:
        """Return line and column, and take them into the message."""
        place = super().place(sql)
        if place:
            self.message = f"{self.args[0]} at line {place[0]}, position {place[1]}. {_COLUMN_HELP}"
        return place


def unsupported(what: str, node: Node) -> SqlError:
    """Return the failure of something that Dune has and this server has not."""
    return failure(f"{what} is not supported by the embedded Dune", node)
