"""Formats: how a result is written to a file, and which suffix means which."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Literal, TypeAlias

from dune_frames.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pyarrow as pa

FormatName: TypeAlias = Literal["parquet", "csv", "json", "ndjson", "arrow"]

_SUFFIXES: dict[str, FormatName] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".arrow": "arrow",
    ".feather": "arrow",
}

#: Formats that are no text, which no terminal should be sent.
BINARY: frozenset[FormatName] = frozenset({"parquet", "arrow"})

#: Rows that are written at once.
_ROWS = 1 << 15


def format_of(path: Path) -> FormatName:
    """Return the format that a file's suffix means.

    Raises
    ------
    InvalidRequestError
        It means none.
    """
    try:
        return _SUFFIXES[path.suffix.lower()]
    except KeyError:
        raise InvalidRequestError(
            f"the suffix of {path.name!r} means no format",
            advice=f"end it in {', '.join(_SUFFIXES)}, or name the format with --to.",
        ) from None


def write(table: pa.Table, name: FormatName, file: BinaryIO) -> None:
    """Write a whole result."""
    _WRITERS[name](table, file)


def _parquet(table: pa.Table, file: BinaryIO) -> None:
    from pyarrow import parquet

    parquet.write_table(_with_month_counts(table), file, compression="zstd")


def _with_month_counts(table: pa.Table) -> pa.Table:
    """Put counts of months in the place of intervals of months, as for polars: Parquet has none."""
    from dune_frames._frame.polars_frame import to_polars

    for place, field in enumerate(table.schema):
        if "interval" in str(field.type):
            counts = to_polars(table.select([place])).to_arrow().column(0)
            table = table.set_column(place, field.name, counts)
    return table


def _arrow(table: pa.Table, file: BinaryIO) -> None:
    import pyarrow as pa

    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=_ROWS)


def _csv(table: pa.Table, file: BinaryIO) -> None:
    """Write text: null is nothing at all, the empty text two quotes."""
    texts = (_csv_text(batch, header=not place) for place, batch in enumerate(_batches(table)))
    file.writelines(text.encode() for text in texts)


def _csv_text(batch: pa.RecordBatch, *, header: bool) -> str:
    import polars as pl

    from dune_frames.cli.cells import flat

    return pl.DataFrame(flat(batch)).write_csv(include_header=header)


def _ndjson(table: pa.Table, file: BinaryIO) -> None:
    file.writelines(line + b"\n" for line in _lines(table))


def _json(table: pa.Table, file: BinaryIO) -> None:
    file.write(b"[")
    file.writelines((b",\n" if place else b"\n") + line for place, line in enumerate(_lines(table)))
    file.write(b"\n]\n")


def _lines(table: pa.Table) -> Iterator[bytes]:
    from dune_frames.cli.cells import records

    for batch in _batches(table):
        yield from (record.encode() for record in records(batch))


def _batches(table: pa.Table) -> Iterator[pa.RecordBatch]:
    """Yield the rows in parts; one without rows where there are none."""
    import pyarrow as pa

    batches = table.to_batches(max_chunksize=_ROWS)
    yield from batches or [pa.RecordBatch.from_pylist([], table.schema)]


_WRITERS: dict[FormatName, Callable[[pa.Table, BinaryIO], None]] = {
    "parquet": _parquet,
    "csv": _csv,
    "json": _json,
    "ndjson": _ndjson,
    "arrow": _arrow,
}
