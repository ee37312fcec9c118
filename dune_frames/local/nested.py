"""Nested columns: written from the inside out, each child as a column of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from dune_frames._types.table import DuneType, field_names

NESTED = ("array", "map", "row")

#: Writes a column of cells: the column in storage form, and its type.
Write = Callable[[pa.Array, DuneType], pl.Series]


@dataclass(frozen=True, slots=True)
class Notation:
    """How a format writes nested values.

    Attributes
    ----------
    item : callable
        Writes a column of items of any type, none of them missing.
    key : callable
        Writes a column of map keys as plain text.
    join_list : callable
        From written items to a list.
    join_map : callable
        From pairs of a key's plain text and a written item, sorted by key, to an object.
    rows_as_lists : bool
        Whether a row is a list of its fields instead of an object.
    """

    item: Write
    key: Write
    join_list: Callable[[Sequence[str]], str]
    join_map: Callable[[Sequence[tuple[str, str]]], str]
    rows_as_lists: bool


def nested_cells(values: pa.Array, dune: DuneType, notation: Notation) -> pl.Series:
    """Write an array, map or row column; null stays null."""
    write = {"array": _lists, "map": _maps, "row": _rows}[dune.name]
    return pl.Series(list(write(values, dune, notation)), dtype=pl.String)


def _lists(values: pa.Array, dune: DuneType, notation: Notation) -> Iterator[str | None]:
    items = notation.item(values.flatten(), dune.children[0].type).to_list()
    start = 0
    for length in pc.list_value_length(values).to_pylist():
        yield None if length is None else notation.join_list(items[start : start + length])
        start += length or 0


def _maps(values: pa.Array, dune: DuneType, notation: Notation) -> Iterator[str | None]:
    key_type, item_type = (child.type for child in dune.children)
    ends = values.offsets.to_pylist()
    used = slice(ends[0], ends[-1])
    keys = notation.key(values.keys[used], key_type).to_list()
    items = notation.item(values.items[used], item_type).to_list()
    for place, present in enumerate(values.is_valid().to_pylist()):
        span = slice(ends[place] - ends[0], ends[place + 1] - ends[0])
        pairs = sorted(zip(keys[span], items[span], strict=True))
        yield notation.join_map(pairs) if present else None


def _rows(values: pa.Array, dune: DuneType, notation: Notation) -> Iterator[str | None]:
    children = zip(values.flatten(), dune.children, strict=True)
    columns = [notation.item(column, child.type).to_list() for column, child in children]
    names = field_names(dune)
    present = values.is_valid().to_pylist()
    for is_valid, row in zip(present, zip(*columns, strict=True), strict=True):
        if not is_valid:
            yield None
        elif notation.rows_as_lists:
            yield notation.join_list(row)
        else:
            yield notation.join_map(sorted(zip(names, row, strict=True)))
