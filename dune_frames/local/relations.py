"""Relations: a DuckDB query's rows, read into the form in which results are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from dune_frames._types.table import DuneType
from dune_frames.local.duckdb_types import dune_type, stored_type
from dune_frames.local.results import Result
from dune_frames.local.storage import storage_type, stored_values, whole_multiples

if TYPE_CHECKING:
    from collections.abc import Sequence

_MILLISECOND = 10**6
_DAY_TO_SECOND = DuneType("interval day to second")


def result_of(
    relation: duckdb.DuckDBPyRelation,
    names: Sequence[str],
    types: Sequence[DuneType],
    most_bytes: int | None = None,
) -> Result:
    """Run a relation and keep its rows, under the names and types that are known for them.

    Raises
    ------
    duckdb.OutOfMemoryException
        They are more than `most_bytes`.
    """
    stored = (f"CAST(#{place} AS {stored_type(dune)})" for place, dune in enumerate(types, start=1))
    table = _table(relation.project(", ".join(stored)), most_bytes)
    columns = [_kept(column, dune) for column, dune in zip(table.columns, types, strict=True)]
    return Result.of(names, types, columns)


def _table(relation: duckdb.DuckDBPyRelation, most_bytes: int | None) -> pa.Table:
    if most_bytes is None:
        return relation.to_arrow_table()
    reader, batches, size = pa.RecordBatchReader.from_stream(relation), [], 0
    for batch in reader:
        size += batch.nbytes
        if size > most_bytes:
            raise duckdb.OutOfMemoryException("the result is larger than the memory limit")
        batches.append(batch)
    return pa.Table.from_batches(batches, reader.schema)


def check_types(relation: duckdb.DuckDBPyRelation, types: Sequence[DuneType]) -> None:
    """Make sure that DuckDB computes what the types say: a cast would hide that it does not.

    Raises
    ------
    TypeError
        A column has another type than it should.
    """
    for wanted, given in zip(types, relation.types, strict=True):
        if not _is_same(wanted, dune_type(given)):
            raise TypeError(f"DuckDB computes {given} where {wanted} was expected")


#: Types that DuckDB does not tell apart.
_ALIKE = {
    "int256": "uint256",
    "char": "varchar",
    "ipaddress": "varchar",
    "interval year to month": "interval day to second",
}


def _is_same(wanted: DuneType, given: DuneType) -> bool:
    if wanted.name == "unknown":
        return True
    names = [_ALIKE.get(dune.name, dune.name) for dune in (wanted, given)]
    if names[0] != names[1] or len(wanted.children) != len(given.children):
        return False
    if wanted.name == "decimal" and wanted.arguments != given.arguments:
        return False
    children = zip(wanted.children, given.children, strict=True)
    return all(_is_same(one.type, other.type) for one, other in children)


def untyped_result_of(relation: duckdb.DuckDBPyRelation) -> Result:
    """Run a relation of which only DuckDB's types are known.

    Moments get Dune's usual precision of milliseconds unless a value needs more.
    """
    types = [dune_type(column) for column in relation.types]
    result = result_of(relation, relation.columns, types)
    narrowed = [_narrowed(*pair) for pair in zip(types, result.table.columns, strict=True)]
    return replace(result, types=tuple(narrowed))


def _narrowed(dune: DuneType, column: pa.ChunkedArray) -> DuneType:
    if dune.arguments == (6,) and whole_multiples(column, _MILLISECOND):
        return replace(dune, arguments=(3,))
    return dune


def _kept(column: pa.ChunkedArray, dune: DuneType) -> pa.ChunkedArray:
    wanted = storage_type(dune)
    if pa.types.is_null(wanted):
        return pa.nulls(len(column))
    if pa.types.is_duration(wanted):
        return _durations(column)
    try:
        return column.cast(wanted)
    except pa.ArrowNotImplementedError:
        # Arrow casts nothing to null, which the parts of a bare NULL are, nor intervals.
        return stored_values(column.to_pylist(), dune)


def _durations(column: pa.ChunkedArray) -> pa.Array:
    try:
        return stored_values(column.to_pylist(), _DAY_TO_SECOND)
    except ValueError as error:
        raise duckdb.ConversionException(str(error)) from None
