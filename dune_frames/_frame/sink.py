"""The sink: a result into a Parquet file, in constant memory, resumed after a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dune_frames._download.store import PageStore, appearing
from dune_frames._frame.polars_frame import without_intervals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from dune_frames._download.plan import Plan

#: Rows of a row group: large enough to compress and skip well, small enough to hold in memory.
ROW_GROUP_ROWS = 1 << 17


def store_beside(path: Path, plan: Plan) -> PageStore:
    """Return where the pages for a file are kept until it is whole: a hidden folder beside it."""
    folder = path.parent / f".{path.name}.{plan.execution_id}.{plan.key}"
    return PageStore(folder, plan.schema)


def sink_parquet(tables: Iterable[pa.Table], schema: pa.Schema, path: Path) -> None:
    """Write tables to a Parquet file that appears under its name only when it is whole.

    An interval of months, which Parquet has not, becomes the number of its months.
    """
    import pyarrow as pa
    from pyarrow import parquet

    written = without_intervals(pa.Table.from_batches([], schema)).schema
    with appearing(path) as part, parquet.ParquetWriter(part, written, compression="zstd") as file:
        for group in _row_groups(tables):
            file.write_table(without_intervals(group), row_group_size=ROW_GROUP_ROWS)


def _row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Gather tables until row groups are full; the last one may be smaller."""
    import pyarrow as pa

    gathered: list[pa.Table] = []
    for table in tables:
        gathered.append(table)
        rows = sum(each.num_rows for each in gathered)
        if rows >= ROW_GROUP_ROWS:
            whole, full = pa.concat_tables(gathered), rows - rows % ROW_GROUP_ROWS
            yield whole[:full]
            gathered = [whole[full:]] if full < rows else []
    if gathered:
        yield pa.concat_tables(gathered)
