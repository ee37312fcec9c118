"""Sample tables: generated data under the names and types of Dune's own, the same every time.

Nothing here happened on any chain. Hashes and addresses are SHA-256 of a running number, amounts
and prices are drawn from MD5 of one, and the six weeks from 5 January 2026 on are made up. Trades
have what trades are known for, so that there is something to find: hours and days that are busy and
quiet, chains that grow and shrink, and a few traders with much of the trade. A table is generated
by the query in the file of its name, when a query of this process first names it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import duckdb

from dune_frames._types.table import DuneType
from dune_frames.local.duckdb_types import dune_type
from dune_frames.local.relations import result_of

if TYPE_CHECKING:
    from dune_frames.local.results import Result

#: Every sample, and the sample that its query reads under the name `trades`.
_SAMPLES: dict[str, str | None] = {
    "ethereum.blocks": None,
    "ethereum.transactions": None,
    "prices.usd": None,
    "dex.trades": None,
    "tokens.transfers": "dex.trades",
}
_UINT256 = DuneType("uint256")
_MILLISECONDS = (3,)


def sample_names() -> list[str]:
    """Return the names of all sample tables."""
    return list(_SAMPLES)


@cache
def sample(name: str) -> Result:
    """Return the rows of a sample table.

    Parameters
    ----------
    name : str
        One of `sample_names`.
    """
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(_sql("foundations"))
        reads = _SAMPLES[name]
        if reads is not None:
            read = sample(reads)
            connection.register("trades", read.table.rename_columns(list(read.names)))
        relation = connection.sql(_sql(name))
        types = [_dune_type(column) for column in relation.types]
        return result_of(relation, relation.columns, types)


def _sql(name: str) -> str:
    return files(__package__).joinpath(f"{name}.sql").read_text("utf-8")


def _dune_type(duckdb_type: object) -> DuneType:
    """Return the type that Dune has: of 256-bit integers the unsigned, moments in milliseconds."""
    dune = dune_type(duckdb_type)
    if dune.name == "int256":
        return _UINT256
    return replace(dune, arguments=_MILLISECONDS) if dune.name.startswith("timestamp") else dune
