"""Streams and the sink: constant memory, whole files or none, nothing exported twice."""

from __future__ import annotations

from collections import Counter

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from dune_frames import errors
from dune_frames._frame import sink
from dune_frames._network import exchange
from dune_frames.local import LocalDune, Status

ROWS = 20_000


@pytest.fixture(scope="module")
def local():
    with LocalDune(page_rows=1000) as server:
        yield server


@pytest.fixture(scope="module")
def run(local):
    table = pa.table({"n": range(ROWS), "name": [f"row {number}" for number in range(ROWS)]})
    return local.client().execution(local.store_result(table))


def test_a_stream_feeds_whatever_reads_arrow(run):
    """`batches` is a stream that pyarrow, polars and DuckDB read, in order and whole."""
    numbers = [n for batch in run.batches(cache=False) for n in batch["n"].to_pylist()]
    assert numbers == list(range(ROWS))
    assert pl.DataFrame(run.batches(cache=False))["n"].to_list() == numbers
    stream = run.batches(cache=False)
    assert duckdb.sql("SELECT count(*), sum(n) FROM stream").fetchall() == [(ROWS, sum(numbers))]
    del stream


def test_a_stream_knows_its_schema_before_a_row(local, run):
    """The schema of a stream exports nothing, and a stream that is dropped exports little."""
    local.clear_requests()
    reader = run.batches(cache=False)
    assert reader.schema.names == ["n", "name"]
    assert sum(each.rows for each in local.requests) == 0


@pytest.mark.parametrize("cache", [True, False])
def test_a_sink_is_the_eager_frame(run, tmp_path, cache):
    """The file holds what the frame holds, and nothing else is left beside it."""
    path = run.sink_parquet(tmp_path / "rows.parquet", cache=cache)
    assert parquet.read_table(path).equals(run.read(frame="pyarrow"))
    assert [each.name for each in tmp_path.iterdir()] == ["rows.parquet"]


def test_a_failed_sink_leaves_no_file_and_goes_on(local, run, tmp_path, monkeypatch):
    """After a failure there is no file under the name; the next call exports only what is missing."""
    monkeypatch.setattr(exchange, "PAUSES", (0.01,))
    path = tmp_path / "rows.parquet"
    local.clear_requests()
    for endpoint in ("results", "results_csv"):
        local.inject(Status(500), endpoint=endpoint, times=1000, skip=12)
    with pytest.raises(errors.ServerError):
        run.sink_parquet(path, cache=False)
    local.clear_faults()
    assert not path.exists()
    run.sink_parquet(path, cache=False)
    assert parquet.read_table(path)["n"].to_pylist() == list(range(ROWS))
    offsets = Counter(int(each.query["offset"]) for each in local.requests if each.rows > 1)
    assert set(offsets.values()) == {1}
    assert [each.name for each in tmp_path.iterdir()] == ["rows.parquet"]


@pytest.mark.parametrize("group_rows", [700, 1000, 2500, ROWS, 10 * ROWS])
def test_row_groups_are_full(run, tmp_path, monkeypatch, group_rows):
    """However pages and row groups fit, only the last row group is smaller than meant."""
    monkeypatch.setattr(sink, "ROW_GROUP_ROWS", group_rows)
    path = run.sink_parquet(tmp_path / "rows.parquet", cache=False)
    told = parquet.read_metadata(path)
    rows = [told.row_group(each).num_rows for each in range(told.num_row_groups)]
    full, rest = divmod(ROWS, group_rows)
    assert rows == [group_rows] * full + [rest] * (rest > 0)
    assert parquet.read_table(path)["n"].to_pylist() == list(range(ROWS))


def test_intervals_of_months_are_written_as_months(local, tmp_path):
    """What Parquet has no type for becomes a number, as in polars, instead of an error."""
    rows = [{"i": pa.MonthDayNano([14, 0, 0])}, {"i": None}]
    execution_id = local.store_result(rows, types={"i": "interval year to month"})
    path = local.client().execution(execution_id).sink_parquet(tmp_path / "months.parquet")
    assert parquet.read_table(path)["i"].to_pylist() == [14, None]
