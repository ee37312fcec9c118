"""Columns of a result as filters and sortings name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from dune_frames.local.answers import RefusedError

if TYPE_CHECKING:
    from dune_frames._types.table import DuneType
    from dune_frames.local.results import Result
    from dune_frames.local.sql.nodes import Node


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column and where it stands.

    Attributes
    ----------
    name : str
        Its name in the result.
    type : DuneType
        Its type.
    sql : str
        What DuckDB calls it: stored columns are called after their places.
    """

    name: str
    type: DuneType
    sql: str


def column_at(result: Result, place: int) -> ResultColumn:
    """Return the column at a place."""
    return ResultColumn(result.names[place], result.types[place], f'"{place}"')


def column_named(result: Result, expression: Node) -> ResultColumn:
    """Return the column that an expression names, which must be nothing else.

    A quoted name is taken as it is, another in any case, as SQL does.

    Raises
    ------
    RefusedError
        It is no plain column, or the result has none of that name.
    """
    while isinstance(expression, exp.Paren):
        expression = expression.this
    identifier = expression.this if isinstance(expression, exp.Column) else None
    if not isinstance(identifier, exp.Identifier) or len(expression.parts) != 1:  # type: ignore[attr-defined]
        raise RefusedError(400, f"expected a column name, got: {expression.sql('dune')}")
    return column_at(result, place_of(result, identifier.this, exact=bool(identifier.quoted)))


def place_of(result: Result, name: str, *, exact: bool = True) -> int:
    """Return where a column of that name stands, the first one where names repeat.

    Raises
    ------
    RefusedError
        There is none.
    """
    if name in result.names:
        return result.names.index(name)
    folded = [known.lower() for known in result.names]
    if not exact and name.lower() in folded:
        return folded.index(name.lower())
    raise RefusedError(400, f"invalid column name: {name}")
