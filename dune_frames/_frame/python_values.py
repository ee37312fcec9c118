"""Arrow values as plain Python values: maps as dicts, and wide integers as `int`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dune_frames._types.cast import is_list, is_text
from dune_frames._types.table import BIG_INTEGERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from dune_frames._types.table import DuneType


def python_values(values: pa.Array, dune: DuneType | None = None) -> list[Any]:
    """Return the values of an array as Python values, nested at any depth.

    Parameters
    ----------
    values : pyarrow.Array
        The array.
    dune : DuneType, optional
        The Dune type that it was made of; wide integers, which stand as text, then become `int`.
    """
    import pyarrow as pa

    inner = [] if dune is None else [child.type for child in dune.children]
    if pa.types.is_struct(values.type):
        return _dicts(values, inner)
    if pa.types.is_map(values.type):
        return _maps(values, inner)
    if is_list(values.type):
        return _cut(values, python_values(values.flatten(), *inner))
    if dune is not None and dune.name in BIG_INTEGERS:
        return [None if text is None else int(text) for text in _leaves(values)]
    return _leaves(values)


def _dicts(values: pa.StructArray, inner: Sequence[DuneType]) -> list[Any]:
    names = [child.name for child in values.type]
    types: Sequence[DuneType | None] = inner or [None] * len(names)
    columns = [python_values(*each) for each in zip(values.flatten(), types, strict=True)]
    present = values.is_valid().to_pylist()
    rows = zip(*columns, strict=True)
    return [
        dict(zip(names, row, strict=True)) if valid else None
        for row, valid in zip(rows, present, strict=True)
    ]


def _maps(values: pa.MapArray, inner: Sequence[DuneType]) -> list[Any]:
    types: Sequence[DuneType | None] = inner or [None, None]
    offsets = values.offsets
    inside = slice(offsets[0].as_py(), offsets[-1].as_py())
    keys = python_values(values.keys[inside], types[0])
    items = python_values(values.items[inside], types[1])
    pairs = _cut(values, list(zip(keys, items, strict=True)))
    return [None if each is None else dict(each) for each in pairs]


def _cut(values: pa.Array, items: list[Any]) -> list[Any]:
    """Cut items into the lists that they belong to."""
    lists, start = [], 0
    for length in _lengths(values):
        lists.append(None if length is None else items[start : start + length])
        start += length or 0
    return lists


def _lengths(values: pa.Array) -> list[int | None]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_map(values.type):
        return pc.list_value_length(values).to_pylist()  # type: ignore[no-any-return]
    sizes = pa.array(values.offsets.to_numpy()).to_numpy()
    return pc.if_else(values.is_valid(), pa.array(sizes[1:] - sizes[:-1]), None).to_pylist()  # type: ignore[no-any-return]


def _leaves(values: pa.Array) -> list[Any]:
    """Return flat values; where Python has no such moment, as numpy has it."""
    import pyarrow as pa

    numbers = pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
    if is_text(values.type) or (numbers and not values.null_count):
        return values.to_numpy(zero_copy_only=False).tolist()  # type: ignore[no-any-return]
    try:
        return values.to_pylist()  # type: ignore[no-any-return]
    except (ValueError, OverflowError):
        return list(values.to_numpy(zero_copy_only=False))
