"""Functions that DuckDB lacks or has otherwise, in Python: exact numbers, bytes, texts, JSON.

Each is registered twice: under its name it raises, and under ``try_`` it gives null instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dune_frames.local.udfs import base58, binary, json_values, numbers, texts

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from dune_frames.local.udfs.udf import Udf

__all__ = ["register"]

_ALL: tuple[Udf, ...] = (
    *numbers.UDFS,
    *binary.UDFS,
    *base58.UDFS,
    *texts.UDFS,
    *json_values.UDFS,
)
_ARROW = {
    "VARCHAR": pa.string(),
    "VARCHAR[]": pa.list_(pa.string()),
    "BLOB": pa.binary(),
    "BIGINT": pa.int64(),
}


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Make every function known to a database."""
    for udf in _ALL:
        for name, function in (
            (udf.name, udf.function),
            (f"try_{udf.name}", _trying(udf.function)),
        ):
            columnwise = _columnwise(function, len(udf.parameters), _ARROW[udf.returns])
            # DuckDB takes the plain words too, which its stubs do not tell.
            make: Any = connection.create_function
            make(
                name,
                columnwise,
                list(udf.parameters),
                udf.returns,
                type="arrow",
                null_handling="special",
            )


def _trying(function: Callable[..., Any]) -> Callable[..., Any]:
    def attempt(*values: Any) -> Any:
        try:
            return function(*values)
        except ValueError:
            return None

    return attempt


def _columnwise(
    function: Callable[..., Any], arity: int, returns: pa.DataType
) -> Callable[..., pa.Array]:
    def over(columns: list[pa.ChunkedArray]) -> pa.Array:
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        return pa.array([None if None in row else function(*row) for row in rows], returns)

    # DuckDB counts the parameters of what it is given.
    arities: dict[int, Callable[..., pa.Array]] = {
        1: lambda one: over([one]),
        2: lambda one, two: over([one, two]),
        3: lambda one, two, three: over([one, two, three]),
    }
    return arities[arity]
