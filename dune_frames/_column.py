"""One column of a page: its text made values, with the column named where that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dune_frames._cast import MisfitError, cast_text
from dune_frames._schema import DUNE_TYPE
from dune_frames._types import BIG_INTEGERS, parse_type
from dune_frames.errors import DecodeError

if TYPE_CHECKING:
    import pyarrow as pa


def dune_name(field: pa.Field) -> str:
    """Return the base name of the Dune type behind a field; empty where it is not told."""
    return parse_type(field.metadata[DUNE_TYPE].decode()).name if field.metadata else ""


def typed(text: pa.Array, field: pa.Field) -> pa.Array:
    """Return a column's values from its text, typed as the field says.

    Raises
    ------
    DecodeError
        Names the column and the value that does not fit.
    """
    try:
        if dune_name(field) in BIG_INTEGERS:
            _refuse_rounded(text, field)
        return cast_text(text, field.type)
    except MisfitError as misfit:
        raise misfit_of_column(field, misfit) from misfit


def misfit_of_column(field: pa.Field, misfit: MisfitError) -> DecodeError:
    """Return the error that names the column of a value that does not fit."""
    told = field.metadata[DUNE_TYPE].decode() if field.metadata else "type not told"
    error = DecodeError(
        f"column {field.name!r} ({told}): {misfit}",
        advice=f"read it with schema_overrides={{{field.name!r}: pyarrow.string()}} to see the "
        "text, or with a wider type.",
    )
    error.column_name = field.name
    return error


def _refuse_rounded(text: pa.Array, field: pa.Field) -> None:
    """Refuse a wide integer that went through a float on its way: its last digits are lost."""
    import pyarrow.compute as pc

    rounded = pc.fill_null(pc.match_substring_regex(text, "[^0-9-]"), False)
    if pc.any(rounded).as_py():
        raise MisfitError(text.filter(rounded)[0].as_py(), field.type)
