"""CSV tables: the rows of a CSV file, in the narrowest Dune types that give every value back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from pathlib import Path

#: What Dune's own CSV has for null; so has an empty field. A quoted "" is empty text.
_NULL = "<nil>"
#: Which whole numbers fit a type without loss.
_BOUNDS = {
    "double": (-(2**53), 2**53),
    "bigint": (-(2**63), 2**63 - 1),
    "uint256": (0, 2**256 - 1),
    "int256": (-(2**255), 2**255 - 1),
}
_MOMENT = r"[0-9]{4}-[0-9][0-9]-[0-9][0-9][ T][0-9][0-9]:[0-9][0-9]:[0-9][0-9]"


@dataclass(frozen=True, slots=True)
class _Kind:
    """A Dune type, and the only spelling of its values that is taken for it."""

    dune: str
    spelling: str


#: The first whose spelling all values of a column have is its type; text that would come back
#: otherwise, as 007 would, is varchar.
_KINDS = (
    _Kind("boolean", r"true|false"),
    _Kind("bigint", r"0|-?[1-9][0-9]{0,18}"),
    _Kind("uint256", r"0|[1-9][0-9]{0,77}"),
    _Kind("int256", r"0|-?[1-9][0-9]{0,77}"),
    _Kind("double", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|NaN|[+-]?Inf"),
    _Kind("varbinary", r"0x(?:[0-9a-f]{2})*"),
    _Kind("date", r"[0-9]{4}-[0-9][0-9]-[0-9][0-9]"),
    _Kind("timestamp(3)", _MOMENT + r"(?:\.[0-9]{1,3})?"),
    _Kind("timestamp(6)", _MOMENT + r"(?:\.[0-9]{1,6})?"),
    _Kind("timestamp(3) with time zone", _MOMENT + r"(?:\.[0-9]{1,3})?(?: UTC|Z)"),
    _Kind("timestamp(6) with time zone", _MOMENT + r"(?:\.[0-9]{1,6})?(?: UTC|Z)"),
)
_TEXT = _Kind("varchar", r"")
#: How Arrow reads the spellings that it knows; the others are read when the table is made.
_ARROW = {"boolean": pa.bool_(), "bigint": pa.int64(), "double": pa.float64()}


def read_csv(file: Path) -> tuple[pa.Table, list[tuple[str, str]]]:
    """Read a CSV file whose first line has the names.

    Returns
    -------
    pyarrow.Table
        Its rows.
    list of (str, str)
        The names, each with its Dune type.

    Raises
    ------
    ValueError
        It is no CSV, or a date in it is none.
    """
    columns = _texts(file)
    kinds = [_kind(column) for column in columns]
    names = columns.columns
    read = [_read(*pair) for pair in zip(columns, kinds, strict=True)]
    types = [(name, kind.dune) for name, kind in zip(names, kinds, strict=True)]
    return pa.Table.from_arrays(read, names=names), types


def _texts(file: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(file, infer_schema=False, null_values=[_NULL])
    except pl.exceptions.PolarsError as problem:
        raise ValueError(str(problem)) from None


def _read(column: pl.Series, kind: _Kind) -> pa.Array:
    return column.to_arrow().cast(_ARROW.get(kind.dune, pa.string()))


def _kind(column: pl.Series) -> _Kind:
    if column.null_count() == len(column):
        return _TEXT
    return next((kind for kind in _KINDS if _fits(column, kind)), _TEXT)


def _fits(column: pl.Series, kind: _Kind) -> bool:
    if not column.str.contains(f"^(?:{kind.spelling})$").all():
        return False
    if kind.dune in _BOUNDS:
        least, greatest = _BOUNDS[kind.dune]
        whole = column.filter(column.str.contains(r"^-?[0-9]+$"))
        return all(least <= int(text) <= greatest for text in whole)
    return not kind.dune.startswith(("date", "timestamp")) or _is_in_the_calendar(column)


def _is_in_the_calendar(column: pl.Series) -> bool:
    days = column.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    times = column.str.slice(11, 8).replace("", "00:00:00").str.to_time("%H:%M:%S", strict=False)
    return days.null_count() == times.null_count() == column.null_count()
