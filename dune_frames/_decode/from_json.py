"""The rows array of a JSON body to an Arrow table.

The fast way is polars' native parser, in `native`. The careful way, here, goes through `json` with
every number kept as it was written; it reads all shapes and says what is wrong.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dune_frames._decode.column import misfit_of_column, typed
from dune_frames._decode.native import Unbelieved, read_natively
from dune_frames._types.cast import MisfitError, is_list
from dune_frames.errors import DecodeError

if TYPE_CHECKING:
    import pyarrow as pa

    from dune_frames._wire.envelope import Rows


def decode_json(rows: Rows, schema: pa.Schema) -> pa.Table:
    """Return the rows of a JSON array of objects, typed as `schema` says.

    Parameters
    ----------
    rows : bytes or memoryview
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
        return _assemble(read_natively(rows, schema), schema)
    except (Unbelieved, DecodeError):
        return _assemble(read_carefully(rows, schema), schema)


def _assemble(columns: list[pa.Array], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    return pa.table([typed(c, f) for c, f in zip(columns, schema, strict=True)], schema=schema)


def read_carefully(rows: Rows, schema: pa.Schema) -> list[pa.Array]:
    """Return the columns of a JSON array of objects as text in the shape of their types.

    Raises
    ------
    DecodeError
        A row has other keys than the schema has columns, or a value another shape than its type.
    """
    objects = _objects(rows)
    for place, row in enumerate(objects):
        if row.keys() != set(schema.names):
            raise _other_keys(row, schema.names, place)
    return [_text_column([row[field.name] for row in objects], field) for field in schema]


def _other_keys(row: dict[str, Any], names: list[str], place: int) -> DecodeError:
    missing = [name for name in names if name not in row]
    what = f"no value for {', '.join(map(repr, missing))}" if missing else "other columns as well"
    return DecodeError(
        f"row {place} of a page has {what}: {', '.join(map(repr, row))}",
        advice="read it again; if that stays, run the query again.",
    )


class _Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


def _objects(rows: Rows) -> list[dict[str, Any]]:
    try:
        objects = json.loads(
            bytes(rows),
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_Number,
            object_pairs_hook=_object,
        )
    except (ValueError, RecursionError) as problem:
        raise DecodeError(
            f"the body is not the JSON that was asked for: {problem}", advice="read it again."
        ) from problem
    if not isinstance(objects, list) or not all(isinstance(row, dict) for row in objects):
        raise DecodeError("the rows of the body are not JSON objects", advice="read it again.")
    return objects


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"an object has a key twice: {[key for key, _ in pairs]}")
    return found


def _text_column(values: list[Any], field: pa.Field) -> pa.Array:
    import pyarrow as pa

    try:
        return _shaped(values, field.type)
    except (TypeError, ValueError, LookupError, AttributeError, pa.ArrowException) as problem:
        misfit = next((each for each in values if not _fits(each, field.type)), None)
        raise misfit_of_column(field, MisfitError(_dump(misfit), field.type)) from problem


def _fits(value: Any, to: pa.DataType) -> bool:
    import pyarrow as pa

    try:
        _shaped([value], to)
    except (TypeError, ValueError, LookupError, AttributeError, pa.ArrowException):
        return False
    return True


def _shaped(values: list[Any], to: pa.DataType) -> pa.Array:
    """Return JSON values as an array in the shape of a type with text for leaves."""
    import pyarrow as pa

    if pa.types.is_struct(to):
        return _shaped_structs(values, to)
    if pa.types.is_map(to):
        pairs = [None if value is None else list(value.items()) for value in values]
        keys, items = zip(*_chain(pairs), strict=True) if any(pairs) else ((), ())
        inside = _shaped(list(keys), to.key_type), _shaped(list(items), to.item_type)
        return pa.MapArray.from_arrays(_offsets(pairs), *inside)
    if is_list(to):
        return pa.ListArray.from_arrays(_offsets(values), _shaped(_chain(values), to.value_type))
    return pa.array([_text(value) for value in values], pa.string())


def _chain(lists: list[Any]) -> list[Any]:
    return [item for each in lists if each is not None for item in _checked(each)]


def _checked(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{type(value).__name__} where a list was expected")
    return value


def _offsets(lists: list[Any]) -> pa.Array:
    """Return where each list begins among all items, null where it is null, and where all end."""
    import numpy as np
    import pyarrow as pa

    ends = np.cumsum([0, *(0 if each is None else len(each) for each in lists)], dtype=np.int32)
    return pa.array(ends, mask=np.array([each is None for each in lists] + [False]))


def _shaped_structs(values: list[Any], to: pa.StructType) -> pa.Array:
    """Take a row as an object or as a list of its values in order: the API may write either."""
    import pyarrow as pa

    names = [child.name for child in to]
    nothing = dict.fromkeys(names)
    objects = [nothing if each is None else _object_of(each, names) for each in values]
    inside = [_shaped([each[child.name] for each in objects], child.type) for child in to]
    mask = pa.array([each is None for each in values], pa.bool_())
    return pa.StructArray.from_arrays(inside, names, mask=mask)


def _object_of(value: Any, names: list[str]) -> dict[str, Any]:
    found = dict(zip(names, value, strict=True)) if isinstance(value, list) else value
    if len(found) != len(names):
        raise LookupError("other fields than the type has")
    return found


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _dump(value)


def _dump(value: Any) -> str:
    """Write JSON with every number as it came."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_dump(k)}:{_dump(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
