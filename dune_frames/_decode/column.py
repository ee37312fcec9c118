"""One column of a page: its text made values, with the column named where that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dune_frames._types.cast import (
    MisfitError,
    cast_text,
    is_list,
    is_text,
    item_types,
    parts,
    text_type,
)
from dune_frames._types.constants import constant
from dune_frames._types.schema import dune_type, is_overridden
from dune_frames._types.table import BIG_INTEGERS, FLOATS
from dune_frames.errors import DecodeError

if TYPE_CHECKING:
    import pyarrow as pa

    from dune_frames._types.table import DuneType

_WITHOUT_ZONE = frozenset({"date", "timestamp"})


def dune_name(field: pa.Field) -> str:
    """Return the base name of the Dune type behind a field; empty where it is not told."""
    dune = dune_type(field)
    return "" if dune is None else dune.name


def typed(values: pa.Array, field: pa.Field) -> pa.Array:
    """Return a column's values, typed as the field says.

    Parameters
    ----------
    values : pyarrow.Array
        Text in the shape of the field's type; or floats or booleans, where they are wanted.
    field : pyarrow.Field
        As `result_schema` makes it.

    Raises
    ------
    DecodeError
        Names the column and the value that does not fit.
    """
    import pyarrow as pa

    if pa.types.is_floating(values.type) or pa.types.is_boolean(values.type):
        return values
    try:
        _refuse_other_shape(values, field.type)
        if not (is_overridden(field) and is_text(field.type)):
            _refuse_no_integers(values, field.type, dune_type(field))
        return _overridden(values, field) if is_overridden(field) else cast_text(values, field.type)
    except MisfitError as misfit:
        raise misfit_of_column(field, misfit) from misfit


def misfit_of_column(field: pa.Field, misfit: MisfitError) -> DecodeError:
    """Return the error that names the column of a value that does not fit."""
    error = DecodeError(
        f"column {field.name!r} ({dune_type(field) or 'type not told'}): {misfit}",
        advice=f"read it with schema_overrides={{{field.name!r}: pyarrow.string()}} to see the "
        "text, or with a wider type.",
    )
    error.column_name = field.name
    return error


def _refuse_other_shape(values: pa.Array, to: pa.DataType) -> None:
    if values.type != text_type(to):
        raise MisfitError(values.drop_null()[:1].to_pylist(), to)


def _overridden(text: pa.Array, field: pa.Field) -> pa.Array:
    """Make values of another type than Dune's, the same ones from either wire format."""
    import pyarrow as pa

    told, to = dune_name(field), field.type
    if told in FLOATS and is_text(to):  # which the two formats spell differently
        return cast_text(text, pa.float64()).cast(to)
    if told in _WITHOUT_ZONE and pa.types.is_timestamp(to):  # in UTC, as Dune's moments are
        return cast_text(text, pa.timestamp(to.unit)).cast(to)
    return cast_text(text, to)


def _refuse_no_integers(text: pa.Array, to: pa.DataType, dune: DuneType | None) -> None:
    """Refuse wide integers that are no whole numbers of their type, at any depth.

    In another notation they went through a float on their way: their last digits are lost. Only
    who asks for floats can take them.
    """
    import pyarrow as pa

    if dune is None or pa.types.is_floating(to):
        return
    if dune.name in BIG_INTEGERS:
        _refuse_no_integer(text, dune.name)
    if _is_shaped_like(to, dune):
        for part, item, child in zip(parts(text), item_types(to), dune.children, strict=True):
            _refuse_no_integers(part, item, child.type)


def _is_shaped_like(to: pa.DataType, dune: DuneType) -> bool:
    from pyarrow import types

    kinds = {"array": is_list, "map": types.is_map, "row": types.is_struct}
    is_kind = kinds.get(dune.name)
    return is_kind is not None and is_kind(to) and len(item_types(to)) == len(dune.children)


#: Below so many digits, every whole number fits.
_SURE_DIGITS = 77
_RANGES = {"uint256": (0, 2**256 - 1), "int256": (-(2**255), 2**255 - 1)}


def _refuse_no_integer(text: pa.Array, name: str) -> None:
    import pyarrow.compute as pc

    wrong = pc.invert(pc.ascii_is_decimal(text))
    if pc.any(wrong).as_py():
        wrong = pc.invert(pc.match_substring_regex(text, "^-?[0-9]+$"))
    for value in text.filter(wrong).slice(0, 1).to_pylist():
        raise MisfitError(value, name)
    least, greatest = _RANGES[name]
    doubtful = pc.greater_equal(pc.binary_length(text), constant(_SURE_DIGITS))
    if not least:
        doubtful = pc.or_(doubtful, pc.starts_with(text, "-"))
    for value in text.filter(doubtful).to_pylist():
        if not least <= int(value) <= greatest:
            raise MisfitError(value, name)
