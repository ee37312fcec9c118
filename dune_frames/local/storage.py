"""Storage: the Arrow form in which the embedded Dune keeps a column of a Dune type."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dune_frames._types.table import (
    DuneType,
    Field,
    TypeOptions,
    arrow_type,
    field_names,
    is_listed,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Exact and compact: 256-bit integers as decimal text, varbinary as its bytes.
_OPTIONS = TypeOptions(uint256="string", varbinary="bytes")
_TEXT = DuneType("varchar")
#: Takes a Python value to what Arrow reads as a type.
_Reader = Callable[[Any, DuneType], Any]
_DAY_MICROSECONDS = 86_400_000_000


def storage_type(dune: DuneType) -> pa.DataType:
    """Return the Arrow type that keeps a Dune type; one that is not listed is kept as JSON text."""
    return arrow_type(_listed(dune), _OPTIONS)


def _listed(dune: DuneType) -> DuneType:
    if not is_listed(dune):
        return _TEXT
    children = tuple(Field(child.name, _listed(child.type)) for child in dune.children)
    return replace(dune, children=children)


def stored_column(values: pa.ChunkedArray, dune: DuneType) -> pa.Array:
    """Bring an Arrow column into the form that keeps a Dune type.

    Parameters
    ----------
    values : pyarrow.ChunkedArray
        Any form of the values: 256-bit integers as integers or text, varbinary as bytes or
        ``0x`` text, and so on.
    dune : DuneType
        The type to keep.

    Returns
    -------
    pyarrow.Array
        The values, of `storage_type`.

    Raises
    ------
    ValueError
        A value does not fit the type.
    """
    wanted = storage_type(dune)
    if is_listed(dune) and _is_cast_exact(values.type, wanted):
        return _one_chunk(values.cast(wanted))
    return stored_values(values.to_pylist(), dune)


def _is_cast_exact(given: pa.DataType, wanted: pa.DataType) -> bool:
    if given == wanted:
        return True
    if pa.types.is_nested(wanted) or pa.types.is_binary(wanted):
        return False
    if pa.types.is_string(wanted):
        return bool(pa.types.is_large_string(given) or pa.types.is_integer(given))
    return not (pa.types.is_string(given) or pa.types.is_large_string(given))


def _one_chunk(values: pa.ChunkedArray) -> pa.Array:
    if values.num_chunks == 1:
        return values.chunk(0)
    return pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)


def stored_values(values: Sequence[Any], dune: DuneType) -> pa.Array:
    """Bring plain Python values into the form that keeps a Dune type, nested to any depth."""
    if not is_listed(dune):
        return pa.array([None if v is None else json.dumps(v) for v in values], pa.string())
    if dune.name in _NESTED:
        return _NESTED[dune.name](values, dune)
    read: _Reader = _SCALARS.get(dune.name, lambda value, _: value)
    scalars = [None if value is None else read(value, dune) for value in values]
    return pa.array(scalars, storage_type(dune))


def _offsets(values: Sequence[Any]) -> pa.Array:
    ends = [0, *accumulate(0 if value is None else len(value) for value in values)]
    missing = [value is None for value in values] + [False]
    return pa.array(ends, pa.int32(), mask=np.array(missing))


def _stored_array(values: Sequence[Any], dune: DuneType) -> pa.Array:
    items = list(chain.from_iterable(value for value in values if value is not None))
    inner = stored_values(items, dune.children[0].type)
    return pa.ListArray.from_arrays(_offsets(values), inner, type=storage_type(dune))


def _stored_map(values: Sequence[Any], dune: DuneType) -> pa.Array:
    pairs = [None if v is None else list(v.items() if isinstance(v, dict) else v) for v in values]
    entries = list(chain.from_iterable(pair for pair in pairs if pair is not None))
    keys = stored_values([key for key, _ in entries], dune.children[0].type)
    items = stored_values([item for _, item in entries], dune.children[1].type)
    return pa.MapArray.from_arrays(_offsets(pairs), keys, items)


def _stored_row(values: Sequence[Any], dune: DuneType) -> pa.Array:
    names = field_names(dune)
    rows = [_positional(value, names) for value in values]
    children = [
        stored_values([row[place] for row in rows], child.type)
        for place, child in enumerate(dune.children)
    ]
    missing = pa.array([value is None for value in values], pa.bool_())
    return pa.StructArray.from_arrays(children, fields=list(storage_type(dune)), mask=missing)


def _positional(value: Any, names: list[str]) -> Sequence[Any]:
    if value is None:
        return [None] * len(names)
    if isinstance(value, dict):
        return [value.get(name) for name in names]
    return list(value)


_NESTED: dict[str, Callable[[Sequence[Any], DuneType], pa.Array]] = {
    "array": _stored_array,
    "map": _stored_map,
    "row": _stored_row,
}


def _bytes(value: Any, _: DuneType) -> bytes:
    return bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else bytes(value)


def _instant(value: Any, dune: DuneType) -> Any:
    """Read a text as Trino writes it; anything else is Arrow's to read."""
    if not isinstance(value, str):
        return value
    unit = storage_type(dune).unit
    return int(np.datetime64(value.removesuffix(" UTC").removesuffix("Z"), unit).astype(np.int64))


def _time(value: Any, dune: DuneType) -> Any:
    if not isinstance(value, str):
        return value
    unit = storage_type(dune).unit
    return int(np.datetime64(f"1970-01-01T{value}", unit).astype(np.int64))


def _date(value: Any, _: DuneType) -> Any:
    return dt.date.fromisoformat(value) if isinstance(value, str) else value


def _months(value: Any, _: DuneType) -> Any:
    return pa.MonthDayNano([value, 0, 0]) if isinstance(value, int) else value


def _duration(value: Any, _: DuneType) -> Any:
    """Read what DuckDB has for every interval; anything else is Arrow's to read."""
    if not isinstance(value, pa.MonthDayNano):
        return value
    if value.months:
        raise ValueError("an interval of months is no interval day to second")
    return value.days * _DAY_MICROSECONDS + value.nanoseconds // 1000


def _decimal(value: Any, _: DuneType) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


_SCALARS: dict[str, _Reader] = {
    "uint256": lambda value, _: str(int(value)),
    "int256": lambda value, _: str(int(value)),
    "decimal": _decimal,
    "varbinary": _bytes,
    "date": _date,
    "time": _time,
    "timestamp": _instant,
    "timestamp with time zone": _instant,
    "interval day to second": _duration,
    "interval year to month": _months,
}


def whole_multiples(values: pa.Array, nanoseconds: int) -> bool:
    """Tell whether every moment is a whole multiple of so many nanoseconds."""
    unit = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[values.type.unit]
    step = nanoseconds // unit
    if step <= 1:
        return True
    numbers = pc.drop_null(values).cast(pa.int64())
    return not np.any(numbers.to_numpy() % step)
