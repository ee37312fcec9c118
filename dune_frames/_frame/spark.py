"""Spark's types: what Arrow tables become before Spark takes them.

Spark has no nanoseconds, and its Python API no times of day and no intervals of months: moments
with more than six digits become microseconds where nothing is lost by that, times of day their
text, intervals the number of their months. All else stays as it is in Arrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dune_frames._frame.polars_frame import with_months
from dune_frames._types.cast import is_list
from dune_frames.errors import DecodeError, InvalidRequestError

if TYPE_CHECKING:
    import pyarrow as pa


def spark_schema(schema: pa.Schema) -> pa.Schema:
    """Return the Arrow schema in which a result goes to Spark.

    Raises
    ------
    InvalidRequestError
        A column was given a type that Spark does not have: decimals of more than 38 digits.
    """
    import pyarrow as pa

    return pa.schema([pa.field(field.name, _spark_type(field.type)) for field in schema])


def _spark_type(of: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_struct(of):
        return pa.struct([pa.field(child.name, _spark_type(child.type)) for child in of])
    if pa.types.is_map(of):
        return pa.map_(_spark_type(of.key_type), _spark_type(of.item_type))
    if is_list(of):
        return pa.list_(_spark_type(of.value_type))
    if pa.types.is_decimal256(of):
        raise InvalidRequestError(f"Spark has no {of}", advice="give the column another type.")
    if pa.types.is_timestamp(of):
        return pa.timestamp("us", of.tz)
    if pa.types.is_time(of):
        return pa.string()
    return pa.int32() if pa.types.is_interval(of) else of


def for_spark(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table in a schema that `spark_schema` made, with its columns in that order.

    Raises
    ------
    DecodeError
        A moment has digits beyond microseconds.
    """
    import pyarrow as pa

    columns = [_cast(table.column(field.name), field) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _cast(values: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    import pyarrow as pa

    try:
        if "interval" in str(values.type):
            plain = [with_months(value, values.type) for value in values.to_pylist()]
            return pa.chunked_array([pa.array(plain, field.type)])
        return values.cast(field.type)
    except pa.ArrowInvalid as problem:
        error = DecodeError(
            f"column {field.name!r} does not fit Spark's {field.type}: {problem}",
            advice='cast it in the SQL, or read its text: .option("schema_overrides", '
            f'\'{{"{field.name}": "string"}}\').',
        )
        error.column_name = field.name
        raise error from None
