"""A value: a piece of DuckDB SQL and the Dune type of what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dune_frames.local.duckdb_types import computed_type

if TYPE_CHECKING:
    from dune_frames._types.table import DuneType


@dataclass(frozen=True, slots=True)
class Value:
    """An expression, written and typed.

    Attributes
    ----------
    sql : str
        DuckDB SQL; it can stand as an operand as it is.
    type : DuneType
        Its Dune type.
    literal : str or None
        The text of a literal, for functions that need to know it.
    """

    sql: str
    type: DuneType
    literal: str | None = None


def sql_string(text: str) -> str:
    """Write a text as a SQL string."""
    return "'" + text.replace("'", "''") + "'"


def failing(message: str, dune: DuneType) -> str:
    """Write a value of a type that fails when it is asked for; the message is SQL."""
    return f"CAST(fail({message}) AS {computed_type(dune)})"


def sql_name(name: str) -> str:
    """Write a name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
