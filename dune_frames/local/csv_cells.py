"""CSV cells: each value of a column as Go's ``%v`` writes it, quoted as ``encoding/csv`` does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl

from dune_frames._types.table import DuneType, is_listed
from dune_frames.local.go_floats import csv_floats
from dune_frames.local.nested import NESTED, Notation, nested_cells
from dune_frames.local.texts import plain_text

if TYPE_CHECKING:
    import pyarrow as pa

    from dune_frames.local.settings import Quirks

NIL = "<nil>"
_INTEGERS = ("tinyint", "smallint", "integer", "bigint")
_BIG_INTEGERS = ("uint256", "int256")
#: Where Go's float spelling of a whole number begins to differ.
_MILLION = 1_000_000
#: https://pkg.go.dev/encoding/csv: the comma, quotes, line ends and a leading space are quoted.
_MUST_QUOTE = r'[,"\r\n]|^\s|^\\\.$'
_NEVER_QUOTED = (*_INTEGERS, *_BIG_INTEGERS, "boolean", "real", "double", "decimal", "varbinary")


def csv_cells(values: pa.Array, dune: DuneType, quirks: Quirks) -> pl.Series:
    """Write a stored column as CSV fields, one for each value, ``<nil>`` for null."""
    text = unquoted_cells(values, dune, quirks)
    return text if dune.name in _NEVER_QUOTED else quoted_fields(text)


def quoted_fields(text: pl.Series) -> pl.Series:
    """Quote the fields that need it."""
    needy = text.str.contains(_MUST_QUOTE)
    if not needy.any():
        return text
    quoted = '"' + text.str.replace_all('"', '""', literal=True) + '"'
    return quoted.zip_with(needy, text)


def unquoted_cells(values: pa.Array, dune: DuneType, quirks: Quirks) -> pl.Series:
    """Write a stored column as Go's ``%v`` does, one text for each value."""
    return _texts(values, dune, quirks).fill_null(NIL)


def _texts(values: pa.Array, dune: DuneType, quirks: Quirks) -> pl.Series:
    if not is_listed(dune):
        return _unlisted(values)
    if dune.name in NESTED:
        return nested_cells(values, dune, _notation(quirks))
    if dune.name in _INTEGERS and quirks.csv_integers_as_floats:
        return _integers(pl.Series(values))
    if dune.name in _BIG_INTEGERS and quirks.csv_uint256_as_floats:
        return csv_floats(pl.Series(values).cast(pl.Float64))
    return plain_text(values, dune, quirks)


def _integers(numbers: pl.Series) -> pl.Series:
    if int(numbers.max() or 0) < _MILLION and int(numbers.min() or 0) > -_MILLION:  # type: ignore[arg-type]
        return numbers.cast(pl.String)
    return csv_floats(numbers.cast(pl.Float64))


def _unlisted(values: pa.Array) -> pl.Series:
    """Take the quotes off what is a JSON string."""
    parsed = [None if text is None else (text, json.loads(text)) for text in values.to_pylist()]
    texts = [pair and (pair[1] if isinstance(pair[1], str) else pair[0]) for pair in parsed]
    return pl.Series(texts, dtype=pl.String)


def _notation(quirks: Quirks) -> Notation:
    def cells(values: pa.Array, dune: DuneType) -> pl.Series:
        return unquoted_cells(values, dune, quirks)

    return Notation(
        item=cells,
        key=cells,
        join_list=lambda items: f"[{' '.join(items)}]",
        join_map=lambda pairs: f"map[{' '.join(f'{key}:{item}' for key, item in pairs)}]",
        rows_as_lists=quirks.rows_as_lists,
    )
