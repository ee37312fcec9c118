"""Arrow to polars, which has no maps and no intervals of months."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dune_frames._types.cast import is_list
from dune_frames.errors import InvalidRequestError

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


def to_polars(table: pa.Table) -> pl.DataFrame:
    """Return a polars frame.

    polars has no maps and no intervals of months: a map becomes a list of structs of key and value,
    an interval the number of its months.

    Raises
    ------
    InvalidRequestError
        A column was given a type that polars does not have: decimals of more than 38 digits.
    """
    import polars as pl

    columns = {
        field.name: pl.from_arrow(_for_polars(table.column(place)))
        for place, field in enumerate(table.schema)
    }
    return pl.DataFrame(columns)


def without_intervals(table: pa.Table) -> pa.Table:
    """Return a table for formats that, like Parquet and polars, have no intervals of months."""
    for place, field in enumerate(table.schema):
        if "interval" in str(field.type):
            months = _for_polars(table.column(place))
            table = table.set_column(place, field.with_type(months.type), months)
    return table


def _for_polars(values: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    to = _polars_type(values.type)
    if to == values.type:
        return values
    if "interval" not in str(values.type):
        return values.cast(to)
    plain = [with_months(value, values.type) for value in values.to_pylist()]
    return pa.chunked_array([pa.array(plain, to)])


def with_months(value: Any, of: pa.DataType) -> Any:
    """Put the number of months in the place of every interval, and lists of pairs for maps."""
    import pyarrow as pa

    if value is None:
        return None
    if pa.types.is_interval(of):
        return value.months
    if pa.types.is_map(of):
        pairs = [(with_months(k, of.key_type), with_months(v, of.item_type)) for k, v in value]
        return [{"key": key, "value": item} for key, item in pairs]
    if pa.types.is_struct(of):
        return {child.name: with_months(value[child.name], child.type) for child in of}
    return [with_months(each, of.value_type) for each in value] if is_list(of) else value


def _polars_type(of: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_interval(of):
        return pa.int32()
    if pa.types.is_decimal256(of):
        raise InvalidRequestError(
            f"polars has no {of}", advice="give the column another type, or take another frame."
        )
    if pa.types.is_map(of):
        pair = [("key", _polars_type(of.key_type)), ("value", _polars_type(of.item_type))]
        return pa.list_(pa.struct(pair))
    if pa.types.is_struct(of):
        return pa.struct([pa.field(child.name, _polars_type(child.type)) for child in of])
    return pa.list_(_polars_type(of.value_type)) if is_list(of) else of
