"""Text to typed values: one exact rule for each Arrow type that a column can have.

Both wire formats meet here: a JSON page is first read as text leaves, and a CSV page is text.
A text that does not fit its type is an error that names it; nothing is rounded or nulled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dune_frames._types import moments, numbers
from dune_frames._types.constants import constant

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    Rule = Callable[[pa.Array, pa.DataType], pa.Array]


class MisfitError(ValueError):
    """A text does not fit a type. The decoder that knows the column turns it into a DecodeError."""

    def __init__(self, value: object, to: pa.DataType | str, why: str = "") -> None:
        shown = repr(value) if len(repr(value)) <= 80 else repr(value)[:77] + "..."  # noqa: PLR2004
        super().__init__(f"the value {shown} does not fit {to}{why}")


def cast_text(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Return the typed values of an array whose leaves are text.

    Parameters
    ----------
    text : pyarrow.Array
        Of `text_type(to)`.
    to : pyarrow.DataType
        What to make of it.

    Returns
    -------
    pyarrow.Array
        As long as `text`, of type `to`; null stays null.

    Raises
    ------
    MisfitError
        Names the first text that does not fit.
    """
    if item_types(to):
        return _cast_nested(text, to)
    try:
        return _cast_leaf(text, to)
    except _problems() as problem:
        raise MisfitError(_first_misfit(text, to), to) from problem


def can_cast(to: pa.DataType) -> bool:
    """Tell whether text can become values of a type."""
    items = item_types(to)
    return all(map(can_cast, items)) if items else _rule(to) is not None


def text_type(to: pa.DataType) -> pa.DataType:
    """Return the type of the same shape whose leaves are text."""
    import pyarrow as pa

    if not item_types(to):
        return pa.string()
    if pa.types.is_struct(to):
        return pa.struct([pa.field(child.name, text_type(child.type)) for child in to])
    if pa.types.is_map(to):
        return pa.map_(text_type(to.key_type), text_type(to.item_type))
    return pa.list_(text_type(to.value_type))


def item_types(to: pa.DataType) -> list[pa.DataType]:
    """Return the types of what is inside: none for a leaf."""
    import pyarrow as pa

    if pa.types.is_struct(to):
        return [child.type for child in to]
    if pa.types.is_map(to):
        return [to.key_type, to.item_type]
    return [to.value_type] if is_list(to) else []


def parts(text: pa.Array) -> list[pa.Array]:
    """Return the columns inside a nested one of text, as `item_types` has their types."""
    import pyarrow as pa

    if pa.types.is_struct(text.type):
        return list(text.flatten())  # a child may hold anything where its struct is null
    if pa.types.is_map(text.type):
        return [text.keys, text.items]
    return [text.values] if is_list(text.type) else []


def is_list(to: pa.DataType) -> bool:
    """Tell whether a type is of lists of any kind that text can become."""
    from pyarrow import types

    return bool(types.is_list(to) or types.is_large_list(to) or types.is_fixed_size_list(to))


def is_text(to: pa.DataType) -> bool:
    """Tell whether a type is of strings."""
    from pyarrow import types

    return bool(types.is_string(to) or types.is_large_string(to))


def _problems() -> tuple[type[Exception], ...]:
    import pyarrow as pa

    return (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError, OverflowError)


def _first_misfit(text: pa.Array, to: pa.DataType) -> object:
    """Halve the array until the text that does not fit is alone."""
    while len(text) > 1:
        half = text.slice(0, len(text) // 2)
        text = half if not _fits(half, to) else text.slice(len(half))
    return text[0].as_py() if len(text) else None


def _fits(text: pa.Array, to: pa.DataType) -> bool:
    try:
        _cast_leaf(text, to)
    except _problems():
        return False
    return True


def _cast_nested(text: pa.Array, to: pa.DataType) -> pa.Array:
    import pyarrow as pa

    inside = [cast_text(*pair) for pair in zip(parts(text), item_types(to), strict=True)]
    if pa.types.is_struct(to):
        return pa.StructArray.from_arrays(inside, fields=list(to), mask=text.is_null())
    if pa.types.is_map(to):
        return pa.MapArray.from_arrays(_offsets(text), *inside, type=to)
    if pa.types.is_list(to):
        return pa.ListArray.from_arrays(_offsets(text), *inside, type=to)
    try:
        return pa.ListArray.from_arrays(_offsets(text), *inside).cast(to)
    except _problems() as problem:
        raise MisfitError("[...]", to, f": {problem}") from problem


def _offsets(text: pa.Array) -> pa.Array:
    """Return a list array's offsets with null where the list is null, as from_arrays wants them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    is_told = pa.concat_arrays([text.is_valid(), pa.repeat(constant(value=True), 1)])
    return pc.if_else(is_told, text.offsets.cast(pa.int32()), pa.nulls(1, pa.int32())[0])


def _cast_leaf(text: pa.Array, to: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if text.null_count == len(text):
        return pa.nulls(len(text), to)
    rule = _rule(to)
    if rule is None:
        raise ValueError(f"nothing is known of how to read {to}")
    return rule(text, to)


def _rule(to: pa.DataType) -> Rule | None:
    return next((rule for applies, rule in _rules() if applies(to)), None)


def _rules() -> list[tuple[Callable[[Any], bool], Rule]]:
    from pyarrow import types

    return [
        (is_text, _text),
        (types.is_boolean, numbers.read_boolean),
        (types.is_integer, numbers.read_integer),
        (types.is_floating, numbers.read_float),
        (types.is_decimal, numbers.read_decimal),
        (types.is_timestamp, moments.read_timestamp),
        (types.is_date, moments.read_date),
        (types.is_time, moments.read_time),
        (types.is_duration, moments.read_duration),
        (types.is_interval, moments.read_months),
        (types.is_binary, numbers.read_bytes),
        (types.is_large_binary, numbers.read_bytes),
        (types.is_fixed_size_binary, numbers.read_bytes),
        (types.is_dictionary, _dictionary),
        (types.is_null, _no_value),
    ]


def _text(text: pa.Array, to: pa.DataType) -> pa.Array:
    return text.cast(to)


def _dictionary(text: pa.Array, to: pa.DataType) -> pa.Array:
    return _cast_leaf(text, to.value_type).dictionary_encode().cast(to)


def _no_value(text: pa.Array, to: pa.DataType) -> pa.Array:
    raise ValueError(f"{text} has values, {to} has none")
