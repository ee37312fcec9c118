"""Translation: a DuneSQL query as a DuckDB query, with Dune's names and types of its columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dune_frames.local.sql.failures import SqlError
from dune_frames.local.sql.parser import parsed
from dune_frames.local.sql.queries import Queries, Views

if TYPE_CHECKING:
    from dune_frames._types.table import DuneType
    from dune_frames.local.sql.tables import Tables


@dataclass(frozen=True, slots=True)
class Translation:
    """A query that DuckDB can run.

    Attributes
    ----------
    sql : str
        DuckDB SQL.
    names : tuple of str
        The columns' names; they may repeat.
    types : tuple of DuneType
        Their types.
    """

    sql: str
    names: tuple[str, ...]
    types: tuple[DuneType, ...]


def translate(sql: str, tables: Tables, views: Views) -> Translation:
    """Translate a query.

    Parameters
    ----------
    sql : str
        One query in Dune's dialect.
    tables : Tables
        What it can name.
    views : callable
        From ``query_123`` to the text of that saved query, None where there is none.

    Returns
    -------
    Translation
        The query in DuckDB's dialect.

    Raises
    ------
    SqlError
        Dune would refuse it, or it needs what this server does not have.
    """
    try:
        relation = Queries(tables, views).query(parsed(sql), None)
    except RecursionError:
        raise SqlError("the query is nested too deeply") from None
    names = tuple(
        f"_col{place}" if name is None else name for place, (name, _) in enumerate(relation.columns)
    )
    return Translation(relation.sql, names, tuple(dune for _, dune in relation.columns))
