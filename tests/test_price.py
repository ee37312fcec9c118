"""The price: what an export would cost is told before, refused when too large, and told after."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

import dune_frames as dune
from dune_frames import errors
from dune_frames._read.estimate import Estimate
from dune_frames.local import LocalDune

ROWS = 5000


@pytest.fixture(scope="module")
def local():
    with LocalDune() as server:
        yield server


@pytest.fixture(scope="module")
def execution_id(local):
    numbers = np.arange(ROWS)
    return local.store_result(pa.table({"n": numbers, "m": numbers}), query_id=77)


def test_an_estimate_is_free(local, execution_id):
    """The estimate comes from the status alone, and its prices follow from its megabytes."""
    local.clear_requests()
    estimate = local.client().execution(execution_id).estimate()
    assert [each.endpoint for each in local.requests] == ["status"]
    assert estimate.rows == ROWS
    assert estimate.credits == {
        "free": pytest.approx(20 * estimate.megabytes),
        "analyst": pytest.approx(10 * estimate.megabytes),
        "plus": pytest.approx(2 * estimate.megabytes),
    }
    assert "estimate" in str(estimate)


def test_too_large_an_export_is_refused_before_it_starts(local, execution_id):
    """`max_export_mb` refuses before a page is exported, names the size, and the ways out work."""
    client = local.client()
    size = client.execution(execution_id).estimate().megabytes
    local.clear_requests()
    with pytest.raises(errors.ExportTooLargeError, match=f"{size:.3g} MB") as caught:
        client.read_execution(execution_id, max_export_mb=size / 1.5, cache=False)
    assert sum(each.rows for each in local.requests) == 0
    for way in ("columns", "filters", "limit", "scan"):
        assert way in str(caught.value)
    for fewer in ({"columns": ["n"]}, {"limit": 100}, {"filters": "n < 10"}):
        client.read_execution(execution_id, max_export_mb=size / 1.5, cache=False, **fewer)


def test_a_stored_result_is_measured_by_one_row(local, execution_id):
    """With `max_export_mb` the latest result is found by one row, not by a page."""
    local.save_query(77, "SELECT 1 AS n")
    local.store_result(pa.table({"n": np.arange(ROWS)}), query_id=77)
    local.clear_requests()
    with pytest.raises(errors.ExportTooLargeError):
        local.client().read_query(77, max_export_mb=0.001, cache=False)
    assert sum(each.rows for each in local.requests) == 1


@pytest.mark.parametrize("frame", ["pandas", "polars", "pyarrow"])
def test_every_frame_tells_where_it_comes_from(local, execution_id, frame):
    """Every kind of frame carries the same record of its origin."""
    read = local.client().read_execution(execution_id, frame=frame, cache=False)
    record = dune.provenance(read)
    assert record["execution_id"] == execution_id
    assert record["query_id"] == 77
    assert record["rows"] == ROWS
    assert record["bytes_exported"] > 0
    assert record["from_cache"] is False
    assert {"state", "executed_at", "expires_at", "parameters", "execution_credits"} <= set(record)
    if frame == "pandas":
        assert read.attrs["dune"] == record
    if frame == "pyarrow":
        assert json.loads(read.schema.metadata[b"dune"]) == record


def test_parameters_are_part_of_the_record(local):
    """The record names the parameters that were sent."""
    local.save_query(78, "SELECT {{n}} AS n", {"n": 1})
    frame = local.client().read_query(78, {"n": 5}, max_age=0)
    assert frame.attrs["dune"]["parameters"] == {"n": "5"}


@pytest.mark.parametrize(
    ("rows", "megabytes", "text"),
    [
        (3, 0.0123, "about 3 rows, 0.0123 MB; credits: free 0.246 (...)"),
        (30_000, 13.26, "about 30,000 rows, 13.3 MB; credits: free 265 (...)"),
        (2_400_000, 366.7, "about 2,400,000 rows, 367 MB; credits: free 7,334 (...)"),
        (None, 999.7, "an unknown number of rows, 1,000 MB; credits: free 19,994 (...)"),
    ],
)
def test_an_estimate_is_written_as_people_write_numbers(rows, megabytes, text):
    """Figures have three digits or all of them, and never a power of ten."""
    assert str(Estimate(rows, megabytes, {"free": 20 * megabytes}, "...")) == text


WRONG = [
    {"schema_overrides": {"n": "int64"}}, {"schema_overrides": [("n", 1)]}, {"columns": [1]},
    {"columns": 5}, {"columns": "n"}, {"timeout": "5"}, {"timeout": timedelta(seconds=5)},
    {"timeout": True}, {"timeout": 0}, {"max_export_mb": "5"}, {"max_export_mb": -1},
    {"max_export_mb": float("nan")}, {"sample_count": 1, "limit": 1}, {"max_age": np.timedelta64(1)},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_an_option_that_cannot_be_meant_costs_nothing(local, wrong):
    """It is refused by name before the run starts, not when the run is paid."""
    local.clear_requests()
    with pytest.raises(errors.InvalidRequestError, match=next(iter(wrong))):
        local.client().read_sql("SELECT 1 AS n", cache=False, **wrong)
    assert local.requests == ()


@pytest.mark.parametrize("wrong", [None, 5, b"SELECT 1"])
def test_sql_is_text(local, wrong):
    """What is no text is no SQL."""
    with pytest.raises(errors.InvalidRequestError, match="is no SQL"):
        local.client().read_sql(wrong)


@pytest.mark.parametrize("number", [np.float32(5), np.int64(5), 5, float("inf")])
def test_numbers_of_numpy_are_amounts(local, number):
    """A timeout and a size may come out of a calculation."""
    frame = local.client().read_sql("SELECT 1 AS n", timeout=number, max_export_mb=number)
    assert frame["n"].tolist() == [1]
