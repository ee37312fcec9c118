"""Arrow to pandas: a column each, of which Python objects are made while further rows come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from dune_frames._frame.python_values import python_values
from dune_frames._types.schema import dune_type, is_overridden
from dune_frames._types.table import BIG_INTEGERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import pyarrow as pa

    from dune_frames._types.table import DuneType

DtypeBackend: TypeAlias = Literal["numpy_nullable", "pyarrow"] | None


class PandasColumns:
    """Takes the tables of a result as they come, and makes a frame of them.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of every table.
    backend : {"numpy_nullable", "pyarrow"} or None
        As in pandas.
    exact_integers : bool
        Make Python integers of uint256 and int256.
    """

    def __init__(self, schema: pa.Schema, backend: DtypeBackend, *, exact_integers: bool) -> None:
        self._names = schema.names
        self._rows = 0
        self._columns = [_column(field, backend, exact_integers) for field in schema]

    def add(self, table: pa.Table) -> None:
        """Take the next rows."""
        self._rows += table.num_rows
        for column, values in zip(self._columns, table.columns, strict=True):
            column.add(values.chunks)

    def frame(self) -> pd.DataFrame:
        """Return the frame of all rows taken."""
        import pandas as pd

        series = {place: column.series() for place, column in enumerate(self._columns)}
        frame = pd.DataFrame(series, index=pd.RangeIndex(self._rows), copy=False)
        frame.columns = pd.Index(self._names, dtype=None if series else object)
        return frame


class _Column(Protocol):
    def add(self, chunks: Sequence[pa.Array]) -> None: ...

    def series(self) -> pd.Series[Any]: ...


def _column(field: pa.Field, backend: DtypeBackend, exact_integers: bool) -> _Column:
    import pyarrow as pa

    if exact_integers and _holds_big_integers(field):
        return _Objects(dune_type(field))
    if backend != "pyarrow" and pa.types.is_nested(field.type):
        return _Objects(None)
    return _Arrow(field.type, backend)


def _holds_big_integers(field: pa.Field) -> bool:
    told = str(dune_type(field) or "")
    return not is_overridden(field) and any(name in told for name in BIG_INTEGERS)


class _Objects:
    """A column of Python objects, made as the rows come."""

    def __init__(self, dune: DuneType | None) -> None:
        self._dune = dune
        self._values: list[Any] = []

    def add(self, chunks: Sequence[pa.Array]) -> None:
        for chunk in chunks:
            self._values += python_values(chunk, self._dune)

    def series(self) -> pd.Series[Any]:
        import pandas as pd

        return pd.Series(self._values, dtype=object)


class _Arrow:
    """A column that pandas has a dtype for, made when all rows are there."""

    def __init__(self, to: pa.DataType, backend: DtypeBackend) -> None:
        self._type = to
        self._backend = backend
        self._chunks: list[pa.Array] = []

    def add(self, chunks: Sequence[pa.Array]) -> None:
        self._chunks += chunks

    def series(self) -> pd.Series[Any]:
        import pandas as pd
        import pyarrow as pa

        values = pa.chunked_array(self._chunks, self._type)
        if self._backend == "pyarrow" and not pa.types.is_interval(self._type):  # it shows none
            return pd.Series(pd.arrays.ArrowExtensionArray(values))
        return _classic(values, self._backend)


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
