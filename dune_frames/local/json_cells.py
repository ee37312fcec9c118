"""JSON cells: each value of a column as the JSON text that Dune sends."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from dune_frames._types.table import DuneType, is_listed
from dune_frames.local.csv_cells import unquoted_cells
from dune_frames.local.go_floats import Words, json_floats
from dune_frames.local.nested import NESTED, Notation, nested_cells
from dune_frames.local.texts import plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dune_frames.local.settings import Quirks

_BARE = ("boolean", "tinyint", "smallint", "integer", "bigint", "unknown")
_FREE_TEXT = ("varchar", "char", "json", "uuid", "ipaddress")
_NON_FINITE: dict[str, Words] = {
    "text": ('"NaN"', '"Infinity"', '"-Infinity"'),
    "null": ("null", "null", "null"),
}
_MUST_ESCAPE = r'["\\\x00-\x1f]'
_ESCAPES = {
    character: json.dumps(character)[1:-1] for character in [*map(chr, range(32)), '"', "\\"]
}


def json_cells(values: pa.Array, dune: DuneType, quirks: Quirks) -> pl.Series:
    """Write a stored column as JSON texts, one for each value, ``null`` for null."""
    return _cells(values, dune, quirks).fill_null("null")


def json_string(text: str) -> str:
    """Write one text as a JSON string."""
    return json.dumps(text, ensure_ascii=False)


def _cells(values: pa.Array, dune: DuneType, quirks: Quirks) -> pl.Series:
    if dune.name in NESTED and is_listed(dune):
        return nested_cells(values, dune, _notation(quirks))
    if pa.types.is_floating(values.type):
        return json_floats(pl.Series(values), _NON_FINITE[quirks.non_finite])
    text = plain_text(values, dune, quirks)
    if dune.name in _BARE or not is_listed(dune):
        return text
    return '"' + (_escaped(text) if dune.name in _FREE_TEXT else text) + '"'


def _escaped(text: pl.Series) -> pl.Series:
    return text.str.replace_many(_ESCAPES) if text.str.contains(_MUST_ESCAPE).any() else text


def _notation(quirks: Quirks) -> Notation:
    exact = replace(quirks, csv_integers_as_floats=False, csv_uint256_as_floats=False)
    return Notation(
        item=lambda values, dune: json_cells(values, dune, quirks),
        key=lambda values, dune: unquoted_cells(values, dune, exact),
        join_list=lambda items: f"[{','.join(items)}]",
        join_map=_object,
        rows_as_lists=quirks.rows_as_lists,
    )


def _object(pairs: Sequence[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{json_string(key)}:{item}" for key, item in pairs) + "}"
