"""The rows array of a JSON body to an Arrow table.

The fast way reads every leaf as text with polars' native parser; then the same rules as for CSV
make values of it. That parser turns a few contradictions into nulls instead of refusing them, so
its work is believed only when the nulls in the body account for every null in the result. Where
not, and for maps and other shapes that it does not read, the careful way goes through `json`.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from dune_frames._cast import MisfitError
from dune_frames._column import misfit_of_column, typed
from dune_frames._schema import DUNE_TYPE
from dune_frames._types import BIG_INTEGERS
from dune_frames.errors import DecodeError

_LONG_DIGITS = (*BIG_INTEGERS, "decimal")

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


def decode_json(rows: bytes, schema: pa.Schema) -> pa.Table:
    """Return the rows of a JSON array of objects, typed as `schema` says.

    Parameters
    ----------
    rows : bytes
        The array, as it stands in the body.
    schema : pyarrow.Schema
        As `result_schema` makes it.

    Returns
    -------
    pyarrow.Table
        Columns in the order of the schema; a row's keys may stand in any order.

    Raises
    ------
    DecodeError
        A value does not fit its type, or the array is not one of rows of these columns.
    """
    try:
        return _assemble(_read_natively(rows, schema), schema)
    except (_Unreadable, DecodeError):
        return _assemble(_read_carefully(rows, schema), schema)


def _assemble(texts: list[pa.Array], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    return pa.table([typed(t, f) for t, f in zip(texts, schema, strict=True)], schema=schema)


def text_type(to: pa.DataType) -> pa.DataType:
    """Return the type of the same shape whose leaves are text."""
    import pyarrow as pa

    if pa.types.is_struct(to):
        return pa.struct([pa.field(child.name, text_type(child.type)) for child in to])
    if pa.types.is_map(to):
        return pa.map_(pa.string(), text_type(to.item_type))
    return pa.list_(text_type(to.value_type)) if pa.types.is_nested(to) else pa.string()


class _Unreadable(Exception):  # noqa: N818 - it steers, it does not report
    """The native parser cannot vouch for these rows."""


def _read_natively(rows: bytes, schema: pa.Schema) -> list[pa.Array]:
    import polars as pl
    import pyarrow as pa

    if any(pa.types.is_nested(field.type) and _has_long_digits(field) for field in schema):
        raise _Unreadable
    wanted = {field.name: _polars_text_type(field.type) for field in schema}
    if not wanted or rows.strip() == b"[]":
        raise _Unreadable
    try:
        frame = pl.read_json(io.BytesIO(rows), schema=wanted)
    except pl.exceptions.PolarsError as problem:
        raise _Unreadable from problem
    if not all(_accounted_for(frame[field.name], field, rows) for field in schema):
        raise _Unreadable
    return [_chunk(frame[field.name], text_type(field.type)) for field in schema]


def _has_long_digits(field: pa.Field) -> bool:
    """Tell whether a number of the column can have more digits than a float keeps."""
    import pyarrow as pa

    told = field.metadata[DUNE_TYPE].decode() if field.metadata else ""
    return pa.types.is_decimal(field.type) or any(name in told for name in _LONG_DIGITS)


def _chunk(series: pl.Series, to: pa.DataType) -> pa.Array:
    array = series.to_arrow()
    return array if array.type == to else array.cast(to)


def _polars_text_type(to: pa.DataType) -> Any:
    import polars as pl
    import pyarrow as pa

    if pa.types.is_map(to):
        raise _Unreadable
    if pa.types.is_struct(to):
        return pl.Struct([pl.Field(child.name, _polars_text_type(child.type)) for child in to])
    return pl.List(_polars_text_type(to.value_type)) if pa.types.is_nested(to) else pl.String


def _accounted_for(series: pl.Series, field: pa.Field, rows: bytes) -> bool:
    """Tell whether the body has as many nulls for a column as were read, and lists for lists.

    Wide numbers must be strings: as JSON numbers the parser would round them. A key cannot stand
    inside a string of JSON: there its quotes are escaped.
    """
    import pyarrow as pa

    key = json.dumps(field.name, ensure_ascii=False).encode() + b":"
    nulls = series.null_count()
    if nulls and rows.count(key + b"null") != nulls:
        return False
    opening = b"[" if pa.types.is_list(field.type) else b'"' if _has_long_digits(field) else b""
    return not opening or rows.count(key + opening) == len(series) - nulls


def _read_carefully(rows: bytes, schema: pa.Schema) -> list[pa.Array]:
    import pyarrow as pa

    names = schema.names
    objects = _objects(rows)
    for place, row in enumerate(objects):
        if len(row) != len(names) or not all(name in row for name in names):
            _refuse_keys(row, names, place)
    return [
        pa.array([_as_text(row.get(field.name), field) for row in objects], text_type(field.type))
        for field in schema
    ]


def _refuse_keys(row: dict[str, Any], names: list[str], place: int) -> None:
    missing = [name for name in names if name not in row]
    if missing:
        raise DecodeError(
            f"row {place} of a page has no value for {', '.join(map(repr, missing))}",
            advice="read it again; if that stays, run the query again.",
        )


class _Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


def _objects(rows: bytes) -> list[dict[str, Any]]:
    try:
        objects = json.loads(rows, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
    except (ValueError, RecursionError) as problem:
        raise DecodeError(
            f"the body is not the JSON that was asked for: {problem}", advice="read it again."
        ) from problem
    if not isinstance(objects, list) or not all(isinstance(row, dict) for row in objects):
        raise DecodeError("the rows of the body are not JSON objects", advice="read it again.")
    return objects


def _as_text(value: Any, field: pa.Field) -> Any:
    try:
        return _shaped(value, field.type)
    except (TypeError, ValueError, LookupError) as problem:
        raise misfit_of_column(field, MisfitError(_dump(value), field.type)) from problem


def _shaped(value: Any, to: pa.DataType) -> Any:
    """Return a JSON value in the shape of `to` with text for leaves."""
    import pyarrow as pa

    if value is None:
        return None
    if pa.types.is_struct(to):
        return _shaped_struct(value, to)
    if pa.types.is_map(to):
        return [(key, _shaped(item, to.item_type)) for key, item in value.items()]
    if pa.types.is_nested(to):
        return [_shaped(item, to.value_type) for item in _checked(value, list)]
    return str(value) if isinstance(value, str) else _dump(value)


def _checked(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} where a {kind.__name__} was expected")
    return value


def _shaped_struct(value: Any, to: pa.DataType) -> dict[str, Any]:
    """Take a row as an object or as a list of its values in order: the API may write either."""
    named = value if isinstance(value, dict) else _by_place(_checked(value, list), to)
    unknown = named.keys() - {child.name for child in to}
    if unknown:
        raise LookupError(f"no field {unknown}")
    return {child.name: _shaped(named.get(child.name), child.type) for child in to}


def _by_place(values: list[Any], to: pa.DataType) -> dict[str, Any]:
    return dict(zip([child.name for child in to], values, strict=True))


def _dump(value: Any) -> str:
    """Write JSON with every number as it came."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_dump(k)}:{_dump(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
