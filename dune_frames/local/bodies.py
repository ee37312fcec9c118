"""Bodies: the rows of a page as JSON or CSV bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from dune_frames._types.table import DuneType
from dune_frames.local.csv_cells import csv_cells, quoted_fields
from dune_frames.local.json_cells import json_cells, json_string
from dune_frames.local.settings import Quirks

if TYPE_CHECKING:
    from dune_frames.local.results import Result

_Cells = Callable[[pa.Array, DuneType, Quirks], pl.Series]


def csv_body(page: Result, quirks: Quirks) -> bytes:
    """Write a page as CSV: a header, LF after each line, the columns in the order of the SELECT."""
    header = quoted_fields(pl.Series(page.names, dtype=pl.String)).to_list()
    lines = _lines(_columns(page, quirks, csv_cells), separator=",", terminator="\n")
    return ",".join(header).encode() + b"\n" + lines


def json_rows(page: Result, quirks: Quirks) -> bytes:
    """Write a page as a JSON list of objects, their keys in byte order.

    An object cannot hold a name twice: of columns with one name, the last is written.
    """
    if not page.row_count:
        return b"[]"
    last = {name: place for place, name in enumerate(page.names)}
    order = sorted(last, key=str.encode)
    cells = _columns(page, quirks, json_cells)
    fields = [f"{json_string(name)}:" + cells[last[name]] for name in order]
    objects = _lines(fields, separator=",", terminator="},{")
    return b"[{" + objects.removesuffix(b",{") + b"]"


def _columns(page: Result, quirks: Quirks, cells: _Cells) -> list[pl.Series]:
    return [
        cells(column.combine_chunks(), dune, quirks)
        for column, dune in zip(_arrays(page.table), page.types, strict=True)
    ]


def _arrays(table: pa.Table) -> list[pa.ChunkedArray]:
    return list(table.combine_chunks().columns)


def _lines(columns: Sequence[pl.Series], separator: str, terminator: str) -> bytes:
    """Join written cells with polars' CSV writer, which is the fastest way to do it in parallel."""
    frame = pl.DataFrame([cells.alias(str(place)) for place, cells in enumerate(columns)])
    buffer = io.BytesIO()
    frame.write_csv(
        buffer,
        include_header=False,
        separator=separator,
        line_terminator=terminator,
        quote_style="never",
    )
    return buffer.getvalue()
