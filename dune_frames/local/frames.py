"""Frames: whatever holds a table, brought to Arrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any

import pyarrow as pa

from dune_frames._types.table import DuneType, parse_type
from dune_frames.local.results import Result
from dune_frames.local.storage import stored_column, stored_values

#: A Dune type text for each column: by name, or as pairs where names repeat.
Types = Mapping[str, str] | Sequence[tuple[str, str]]


def arrow_table(frame: Any) -> pa.Table:
    """Return a frame as an Arrow table.

    Parameters
    ----------
    frame : pandas or polars DataFrame, pyarrow Table, anything with ``__arrow_c_stream__``, or path
        A path names a Parquet file.

    Returns
    -------
    pyarrow.Table
        The same rows. A pandas index is not a column.

    Raises
    ------
    TypeError
        It is none of these.
    """
    if isinstance(frame, pa.Table):
        return frame
    if isinstance(frame, str | PathLike):
        import pyarrow.parquet as pq

        return pq.read_table(fspath(frame))
    if type(frame).__module__.partition(".")[0] == "pandas":
        return pa.Table.from_pandas(frame, preserve_index=False)
    if hasattr(frame, "__arrow_c_stream__"):
        return pa.table(frame)
    raise TypeError(f"a {type(frame).__name__} is no frame and no path to a Parquet file")


def typed_result(frame: Any, types: Types) -> Result:
    """Return a result whose columns have the Dune types that the caller names.

    Parameters
    ----------
    frame : frame or sequence of rows
        As for `arrow_table`, or plain Python rows: mappings, or sequences in the order of `types`.
    types : mapping of str to str, or sequence of pairs
        Column name to Dune type text, in the order of the columns.

    Returns
    -------
    Result
        The columns that `types` names, in its order.

    Raises
    ------
    ValueError
        A value does not fit its type.
    KeyError
        The frame lacks a column.
    """
    pairs = list(types.items() if isinstance(types, Mapping) else types)
    names = tuple(name for name, _ in pairs)
    dune_types = tuple(parse_type(text) for _, text in pairs)
    if isinstance(frame, list | tuple):
        columns = _columns_of_rows(frame, names, dune_types)
    else:
        columns = _columns_of_table(arrow_table(frame), names, dune_types)
    return Result.of(names, dune_types, columns)


def _columns_of_rows(
    rows: Sequence[Any], names: Sequence[str], types: Sequence[DuneType]
) -> list[pa.Array]:
    positional = [[row[n] for n in names] if isinstance(row, Mapping) else row for row in rows]
    return [
        stored_values([row[place] for row in positional], dune) for place, dune in enumerate(types)
    ]


def _columns_of_table(
    table: pa.Table, names: Sequence[str], types: Sequence[DuneType]
) -> list[pa.Array]:
    if table.column_names == list(names):
        columns = table.columns
    else:
        columns = [table.column(name) for name in names]
    return [stored_column(values, dune) for values, dune in zip(columns, types, strict=True)]
