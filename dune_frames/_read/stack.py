"""The stack: tables of one query with different parameters, one below the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dune_frames._ask.params import plain
from dune_frames._types.schema import dune_type
from dune_frames._types.table import BIG_INTEGERS
from dune_frames.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from dune_frames._ask.params import Parameters


def stacked(
    tables: Sequence[pa.Table], given: Sequence[Mapping[str, Any]], sent: Sequence[Parameters]
) -> pa.Table:
    """Put tables below each other, their parameters as first columns.

    Parameters
    ----------
    tables : sequence of pyarrow.Table
        At least one.
    given, sent : sequence of mapping
        The parameters of each table, as Python values and as texts. A parameter that is called like
        a column becomes ``params.<name>``. Values whose types do not go together stand as text.

    Raises
    ------
    DecodeError
        The tables have different columns, or types that no type holds without loss.
    """
    import numpy as np
    import pyarrow as pa

    schema = pa.schema([_common(fields) for fields in _columns(tables)])
    table = pa.concat_tables([each.cast(schema) for each in tables])
    rows = pa.array(np.repeat(np.arange(len(tables)), [each.num_rows for each in tables]))
    names = list(dict.fromkeys(name for each in given for name in each))
    for place, name in enumerate(names):
        values = _values([each.get(name) for each in given], [each.get(name) for each in sent])
        table = table.add_column(
            place, _free(name, {*table.column_names, *names[place + 1 :]}), values.take(rows)
        )
    return table


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"params.{name}"
    return name


def _columns(tables: Sequence[pa.Table]) -> Iterable[tuple[pa.Field, ...]]:
    """Return each column's field in every table."""
    names = tables[0].column_names
    other = next((each.column_names for each in tables if each.column_names != names), None)
    if other is not None:
        raise _unlike(f"columns: {', '.join(names)} and {', '.join(other)}")
    return zip(*(each.schema for each in tables), strict=True)


def _common(fields: Sequence[pa.Field]) -> pa.Field:
    """Return a field that holds the values of all without loss."""
    import pyarrow as pa

    told = [field for field in fields if not pa.types.is_null(field.type)] or fields[:1]
    first = told[0]
    kinds = {(field.type, _is_big(field)) for field in told}
    if len(kinds) == 1:
        return first
    widest = _widest([field.type for field in told])
    if widest is None:
        types = sorted({str(field.type) for field in told})
        raise _unlike(f"types of column {first.name!r}: {', '.join(types)}", first.name)
    same = (field for field in told if field.type == widest)
    return next(same, pa.field(first.name, widest))


def _is_big(field: pa.Field) -> bool:
    dune = dune_type(field)
    return dune is not None and dune.name in BIG_INTEGERS


def _widest(types: Sequence[pa.DataType]) -> pa.DataType | None:
    """Return the type that holds all of several integers, floats or decimals; else `None`."""
    import pyarrow as pa

    for is_kind in (pa.types.is_integer, pa.types.is_floating):
        if all(map(is_kind, types)):
            return max(types, key=lambda each: each.bit_width)
    if not all(map(pa.types.is_decimal, types)):
        return None
    scale = max(each.scale for each in types)
    digits = max(each.precision - each.scale for each in types) + scale
    return pa.decimal128(digits, scale) if digits <= _LONGEST_DECIMAL else None


_LONGEST_DECIMAL = 38


def _unlike(what: str, column: str | None = None) -> DecodeError:
    error = DecodeError(
        f"the results for different parameters do not go into one frame: they differ in {what}",
        advice="give schema_overrides={column: pyarrow type}, cast in the SQL, or read each set "
        "of parameters by itself.",
    )
    error.column_name = column
    return error


def _values(given: Sequence[Any], sent: Sequence[str | list[str] | None]) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.array([plain(each) for each in given])
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return pa.array([",".join(each) if isinstance(each, list) else each for each in sent])
