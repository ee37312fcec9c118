"""A cast: a value on its way to a type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dune_frames.local.duckdb_types import computed_type

if TYPE_CHECKING:
    from dune_frames._types.table import DuneType
    from dune_frames.local.sql.values import Value


class CastError(Exception):
    """There is no such cast, or not here."""


@dataclass(frozen=True, slots=True)
class Cast:
    """One cast.

    Attributes
    ----------
    value : Value
        What is cast.
    target : DuneType
        To what.
    attempt : bool
        Whether a value that cannot be cast becomes null instead of an error.
    again : callable
        Casts SQL of a type to another type, for parts and for intermediate types.
    """

    value: Value
    target: DuneType
    attempt: bool
    again: Callable[[str, DuneType, DuneType], str]

    @property
    def sql(self) -> str:
        """Return what is cast."""
        return self.value.sql

    def native(self, sql: str) -> str:
        """Let DuckDB cast to the target."""
        word = "TRY_CAST" if self.attempt else "CAST"
        return f"{word}({sql} AS {computed_type(self.target)})"

    def udf(self, name: str, *arguments: str) -> str:
        """Call a function of ours."""
        return f"{'try_' if self.attempt else ''}{name}({', '.join(arguments)})"


#: Writes a cast as SQL.
Rule = Callable[[Cast], str]
