"""Arrow to the frame that the caller wants: pandas, polars, or Arrow itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from dune_frames._frame.python_values import python_values
from dune_frames._types.cast import is_list
from dune_frames._types.schema import dune_type, is_overridden
from dune_frames._types.table import BIG_INTEGERS, DuneType, Uint256
from dune_frames.errors import InvalidRequestError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

Pandas: TypeAlias = Literal["pandas"]
Polars: TypeAlias = Literal["polars"]
PyArrow: TypeAlias = Literal["pyarrow"]
FrameName: TypeAlias = Literal["pandas", "polars", "pyarrow"]
DtypeBackend: TypeAlias = Literal["numpy_nullable", "pyarrow"] | None


@dataclass(frozen=True, slots=True)
class FrameOptions:
    """What the caller wants the rows as.

    Attributes
    ----------
    frame : {"pandas", "polars", "pyarrow"}
        The kind of frame.
    dtype_backend : {"numpy_nullable", "pyarrow"} or None
        As in pandas; for pandas only.
    uint256 : {"exact", "string", "float64", "decimal"}
        ``"exact"`` makes Python integers in pandas.
    """

    frame: FrameName = "pandas"
    dtype_backend: DtypeBackend = None
    uint256: Uint256 = "exact"

    def __post_init__(self) -> None:
        refuse_other("frame", self.frame, ("pandas", "polars", "pyarrow"))
        refuse_other("dtype_backend", self.dtype_backend, (None, "numpy_nullable", "pyarrow"))


def refuse_other(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Raise unless the value of an option is one of its choices."""
    if value not in choices:
        raise InvalidRequestError(
            f"{name}={value!r} is none of the choices", advice=f"choose one of {choices}."
        )


def to_frame(table: pa.Table, options: FrameOptions) -> Any:
    """Return the rows as the frame wanted, with as few copies as its dtypes allow.

    Parameters
    ----------
    table : pyarrow.Table
        With Dune's type texts in the fields' metadata.
    options : FrameOptions
        The kind of frame.
    """
    if options.frame == "pandas":
        return to_pandas(table, options)
    return to_polars(table) if options.frame == "polars" else table


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
    plain = [_with_months(value, values.type) for value in values.to_pylist()]
    return pa.chunked_array([pa.array(plain, to)])


def _with_months(value: Any, of: pa.DataType) -> Any:
    """Put the number of months in the place of every interval, and lists of pairs for maps."""
    import pyarrow as pa

    if value is None:
        return None
    if pa.types.is_interval(of):
        return value.months
    if pa.types.is_map(of):
        pairs = [(_with_months(k, of.key_type), _with_months(v, of.item_type)) for k, v in value]
        return [{"key": key, "value": item} for key, item in pairs]
    if pa.types.is_struct(of):
        return {child.name: _with_months(value[child.name], child.type) for child in of}
    return [_with_months(each, of.value_type) for each in value] if is_list(of) else value


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


def to_pandas(table: pa.Table, options: FrameOptions) -> pd.DataFrame:
    """Return a pandas frame whose dtypes depend on the schema and the options alone."""
    import pandas as pd

    series = {
        place: _series(table.column(place), field, options)
        for place, field in enumerate(table.schema)
    }
    frame = pd.DataFrame(series, index=pd.RangeIndex(table.num_rows), copy=False)
    frame.columns = pd.Index(table.column_names, dtype=None if series else object)
    return frame


def _series(values: pa.ChunkedArray, field: pa.Field, options: FrameOptions) -> pd.Series[Any]:
    import pandas as pd
    import pyarrow as pa

    exact = options.uint256 == "exact" and _holds_big_integers(field)
    if exact or (options.dtype_backend != "pyarrow" and pa.types.is_nested(values.type)):
        return pd.Series(_python_values(values, dune_type(field) if exact else None), dtype=object)
    if options.dtype_backend == "pyarrow":
        return pd.Series(pd.arrays.ArrowExtensionArray(values))
    return _classic(values, options.dtype_backend)


def _holds_big_integers(field: pa.Field) -> bool:
    told = str(dune_type(field) or "")
    return not is_overridden(field) and any(name in told for name in BIG_INTEGERS)


def _python_values(values: pa.ChunkedArray, dune: DuneType | None) -> list[Any]:
    return [each for chunk in values.chunks for each in python_values(chunk, dune)]


def _classic(values: pa.ChunkedArray, backend: DtypeBackend) -> pd.Series[Any]:
    """Return a series of numpy and nullable dtypes, for every flat Arrow type."""
    import pandas as pd
    import pyarrow as pa

    to = values.type
    if pa.types.is_time(to) and to.unit == "ns":
        return pd.Series(pd.arrays.ArrowExtensionArray(values))
    if pa.types.is_date(to):
        values = values.cast(pa.timestamp("s"))
    series: pd.Series[Any] = values.to_pandas(
        types_mapper=_mapper(backend).get, coerce_temporal_nanoseconds=False
    )
    return series


def _mapper(backend: DtypeBackend) -> dict[pa.DataType, Any]:
    import pandas as pd
    import pyarrow as pa

    mapped: dict[pa.DataType, Any] = {
        pa.bool_(): pd.BooleanDtype(),
        pa.int8(): pd.Int8Dtype(),
        pa.int16(): pd.Int16Dtype(),
        pa.int32(): pd.Int32Dtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.uint8(): pd.UInt8Dtype(),
        pa.uint16(): pd.UInt16Dtype(),
        pa.uint32(): pd.UInt32Dtype(),
        pa.uint64(): pd.UInt64Dtype(),
        pa.string(): _own_string(),
        pa.large_string(): _own_string(),
    }
    if backend == "numpy_nullable":
        nullable = {pa.float32(): pd.Float32Dtype(), pa.float64(): pd.Float64Dtype()}
        mapped |= nullable | dict.fromkeys((pa.string(), pa.large_string()), pd.StringDtype())
    return mapped


def _own_string() -> Any:
    """Return the string dtype of this pandas: `str` from 3 on, `string` before."""
    import numpy as np
    import pandas as pd

    if int(pd.__version__.split(".")[0]) >= 3:  # noqa: PLR2004 - the version that made str a dtype
        return pd.StringDtype(na_value=np.nan)
    return pd.StringDtype("pyarrow")
