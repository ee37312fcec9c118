"""Display: a result as a table to look at, or, too wide for that, a line for each column."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from dune_frames._types.schema import DUNE_TYPE
from dune_frames.cli.messages import harmless

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

#: Rows that are shown; of more, the first and the last.
_ROWS = 40
#: Characters of a text that are shown: a whole hash where there is room, else a recognisable part.
_TEXT_LENGTHS = (80, 32, 16)
#: Where the width is not known, as in a pipe.
_FALLBACK = (120, 24)
#: Characters of a value in a line for a column, and of what a table draws around it.
_VALUE, _BORDERS = 24, 3
#: polars keeps a table's width in 16 bits.
_NO_LIMIT = 2**16 - 1


def display(table: pa.Table) -> str:
    """Return the table as text no wider than the terminal, with column names and types."""
    from dune_frames._frame.polars_frame import to_polars

    width = shutil.get_terminal_size(_FALLBACK).columns
    frame, longest = to_polars(table), max(map(len, table.column_names), default=0)
    # polars cuts names where it cuts texts
    for length in (each for each in _TEXT_LENGTHS if each >= longest):
        text = _drawn(frame, fmt_str_lengths=length, tbl_rows=_ROWS)
        if max(map(len, text.splitlines())) <= width:
            return text
    turned = _drawn(
        _turned(table, width - longest),
        fmt_str_lengths=_NO_LIMIT,
        tbl_rows=-1,
        tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
    )
    return f"shape: ({table.num_rows:_}, {table.num_columns:_})\n{turned}"


def _drawn(frame: pl.DataFrame, **settings: Any) -> str:
    import polars as pl

    with pl.Config(tbl_cols=-1, tbl_width_chars=_NO_LIMIT, fmt_float="full", **settings):
        return harmless(str(frame))


def _turned(table: pa.Table, width: int) -> pl.DataFrame:
    """Return a row for each column: its name, its type, and in the width left its first values."""
    import polars as pl

    from dune_frames.cli.cells import flat

    rows = max(1, (width - _VALUE - 2 * _BORDERS) // (_VALUE + _BORDERS))
    types = {
        "column": table.column_names,
        "type": [_cut(_type_text(each)) for each in table.schema],
    }
    values = [flat(batch) for batch in table.slice(0, rows).combine_chunks().to_batches()]
    texts = [column.cast("string").to_pylist() for each in values for column in each.columns]
    cells = [["null" if each is None else _cut(each) for each in column] for column in texts]
    shown = {f"row {place}": row for place, row in enumerate(zip(*cells, strict=True))}
    return pl.DataFrame(types | shown)


def _cut(text: str) -> str:
    return text if len(text) <= _VALUE else f"{text[: _VALUE - 1]}…"


def _type_text(field: pa.Field) -> str:
    told = (field.metadata or {}).get(DUNE_TYPE)
    return told.decode() if told else str(field.type)
