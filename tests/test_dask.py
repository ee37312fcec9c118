"""Dask: its frames are the eager frame, dtype for dtype, for the price of what they use."""

from __future__ import annotations

import pickle
from contextlib import closing

import dask
import pandas as pd
import pyarrow as pa
import pytest
from every_type import COLUMNS, store_every_type
from hypothesis import given, settings
from hypothesis import strategies as st

from dune_frames import errors, provenance
from dune_frames.dask import read_dune_execution, read_dune_query, read_dune_sql
from dune_frames.local import LocalDune

ROWS = 100
NUMBERS = pa.table(
    {
        "n": range(ROWS),
        "tens": [n // 10 for n in range(ROWS)],
        "word": [f"w{n % 5}" for n in range(ROWS)],
        "wide": [str(2**255 + n) for n in range(ROWS)],
    }
)
TYPES = {"n": "bigint", "tens": "integer", "word": "varchar", "wide": "uint256"}


@pytest.fixture(autouse=True)
def _on_threads():
    with dask.config.set(scheduler="threads"):
        yield


@pytest.fixture(scope="module")
def local():
    with LocalDune(page_rows=8) as server:
        server.stored = server.store_result(NUMBERS, TYPES, query_id=7)
        server.every_type = store_every_type(server, 20)
        yield server


@pytest.fixture(scope="module")
def client(local):
    with closing(local.client()) as made:
        yield made


def asked(local):
    """Return the columns that the requests since the last clearing exported, each once."""
    return {request.query.get("columns") for request in local.requests if request.rows}


# Equal to the eager frame


@pytest.mark.parametrize("backend", [None, "numpy_nullable", "pyarrow"])
def test_every_type_comes_through(local, client, backend):
    """Meta, every partition and the whole have the eager frame's dtypes, and its values."""
    options = {"dtype_backend": backend, "cache": False}
    if backend == "pyarrow":  # pandas cannot compare intervals of months of Arrow's
        options["columns"] = [name for name in COLUMNS if name != "months"]
    eager = client.read_execution(local.every_type, **options)
    frame = read_dune_execution(local.every_type, client=client, partition_rows=6, **options)
    parts = [frame.get_partition(place).compute() for place in range(frame.npartitions)]
    for each in (frame.dtypes, frame._meta.dtypes, *(part.dtypes for part in parts)):
        pd.testing.assert_series_equal(each, eager.dtypes)
    pd.testing.assert_frame_equal(frame.compute(), eager)
    pd.testing.assert_frame_equal(pd.concat(parts), eager)
    assert len(parts) == 4


@pytest.mark.parametrize("uint256", ["exact", "string", "float64", "decimal"])
def test_wide_integers_stay_what_was_chosen(local, client, uint256):
    """Dask's own strings change none of them."""
    table = pa.table({"wide": ["1", None, "99999999999999999999999999999999999999"]})
    stored = local.store_result(table, {"wide": "uint256"})
    eager = client.read_execution(stored, uint256=uint256)
    frame = read_dune_execution(stored, client=client, uint256=uint256, partition_rows=1)
    pd.testing.assert_frame_equal(frame.compute(), eager)
    assert frame.dtypes["wide"] == eager.dtypes["wide"]


def test_a_result_without_rows_has_all_its_dtypes(local, client):
    """One empty partition."""
    stored = local.store_result([], TYPES)
    frame = read_dune_execution(stored, client=client)
    assert frame.npartitions == 1
    pd.testing.assert_frame_equal(frame.compute(), client.read_execution(stored))


@settings(max_examples=15)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "columns": st.sampled_from([["word"], ["wide", "n"]]),
            "filters": st.sampled_from(["n >= 20", "word = 'w1'", "n < 0"]),
            "sort_by": st.just("n desc"),
            "limit": st.integers(0, 120),
            "offset": st.integers(0, 120),
        },
    ),
    st.integers(1, 120),
)
def test_it_is_the_eager_frame(local, client, options, rows):
    """Whatever is asked for: the same rows in the same order, numbered alike where that is known."""
    options["cache"] = False
    eager = client.read_execution(local.stored, **options)
    frame = read_dune_execution(local.stored, client=client, partition_rows=rows, **options)
    computed = frame.compute()
    if "filters" in options:
        assert computed.index.is_monotonic_increasing
        computed = computed.reset_index(drop=True)
    pd.testing.assert_frame_equal(computed, eager)


def test_the_three_ways_start_from_what_they_name(local, client):
    """A saved query, SQL and an execution; SQL is run once, however often it is computed."""
    by_query = read_dune_query(7, client=client, partition_rows=30)
    by_execution = read_dune_execution(local.stored, client=client, partition_rows=30)
    pd.testing.assert_frame_equal(by_query.compute(), by_execution.compute())
    local.clear_requests()
    by_sql = read_dune_sql("SELECT {{n}} AS n", {"n": 5}, client=client)
    assert [by_sql["n"].sum().compute(), by_sql["n"].max().compute()] == [5, 5]
    assert [request.endpoint for request in local.requests].count("execute_sql") == 1


def test_what_is_computed_tells_where_it_comes_from(local, client):
    """The execution, in the attributes of the frame."""
    frame = read_dune_execution(local.stored, client=client, partition_rows=30).compute()
    assert provenance(frame)["execution_id"] == local.stored


# What it costs


def test_only_the_columns_that_are_used_are_exported(local, client):
    """A selection reaches the server as `columns`; a condition brings its own column along."""
    frame = read_dune_execution(local.stored, client=client, partition_rows=40, cache=False)
    local.clear_requests()
    assert frame["n"].sum().compute() == sum(range(ROWS))
    assert asked(local) == {"n"}
    local.clear_requests()
    assert frame[["word", "n"]].compute().columns.tolist() == ["word", "n"]
    assert asked(local) == {"n,word"}
    local.clear_requests()
    assert frame[frame.tens == 3]["word"].count().compute() == 10
    assert asked(local) == {"tens,word"}


def test_a_filter_and_two_columns_export_what_they_need(local, client):
    """Ten rows of two columns, and nothing else."""
    frame = read_dune_execution(
        local.stored, client=client, filters="tens = 3", partition_rows=40, cache=False
    )
    local.clear_requests()
    assert frame[["n", "word"]].compute()["n"].tolist() == list(range(30, 40))
    assert sum(request.rows for request in local.requests) == 10
    assert asked(local) == {"n,word"}


def test_a_partition_is_exported_once(client):
    """A second computation takes its rows from the disk; one partition asks for its rows alone."""
    with LocalDune(page_rows=8) as local, closing(local.client()) as own:
        stored = local.store_result(NUMBERS, TYPES)
        frame = read_dune_execution(stored, client=own, partition_rows=40)
        local.clear_requests()
        frame.get_partition(1).compute()
        assert sum(request.rows for request in local.requests) == 40
        frame.compute()
        frame.compute()
        assert sum(request.rows for request in local.requests) == ROWS


def test_numbered_rows_are_found_by_their_number(local, client):
    """Divisions are known at no cost, and only the partitions concerned are read."""
    local.clear_requests()
    frame = read_dune_execution(local.stored, client=client, partition_rows=40, cache=False)
    assert frame.divisions == (0, 40, 80, 99)
    assert not any(request.rows for request in local.requests)
    local.clear_requests()
    assert frame.loc[50:52]["n"].compute().tolist() == [50, 51, 52]
    assert {int(request.query["offset"]) // 40 for request in local.requests} == {1}


def test_the_same_read_is_one_task(local, client):
    """Two frames of the same execution and options are the same work to Dask."""
    frames = [read_dune_execution(local.stored, client=client, partition_rows=40) for _ in range(2)]
    other = read_dune_execution(local.stored, client=client, partition_rows=41)
    assert frames[0]._name == frames[1]._name != other._name


def test_the_graph_holds_no_key(local, client):
    """What goes to workers is pickled, and the key is not in it."""
    frame = read_dune_execution(local.stored, client=client, partition_rows=40)
    graph = pickle.dumps(dict(frame.optimize().dask))
    assert client._calls.transport._key._text.encode() not in graph


# Divisions of a column


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=60), st.integers(1, 25))
def test_divisions_of_a_sorted_column_are_true(local, client, values, rows):
    """No value lies in two partitions, each lies where the divisions say, and no row is lost."""
    stored = local.store_result(
        pa.table({"v": values, "place": range(len(values))}), {"v": "bigint", "place": "bigint"}
    )
    frame = read_dune_execution(
        stored, client=client, partition_rows=rows, sort_by="v", index="v", cache=False
    )
    parts = [frame.get_partition(place).compute() for place in range(frame.npartitions)]
    assert frame.known_divisions
    for part, low, high in zip(parts, frame.divisions[:-1], frame.divisions[1:], strict=True):
        assert part.index.min() == low
        assert part.index.max() <= high
        assert part is parts[-1] or part.index.max() < high
    assert sorted(pd.concat(parts)["place"]) == list(range(len(values)))
    assert frame.loc[values[0]].compute().shape[0] == values.count(values[0])


@pytest.mark.parametrize(
    ("name", "told", "values"),
    [
        ("wide", "uint256", ["7", "80", str(2**255)]),
        ("moment", "timestamp(3) with time zone", ["2024-01-01 00:00:00.000 UTC"] * 3),
        ("word", "varchar", ["A", "a", "é"]),
        ("price", "decimal(10, 2)", ["-1.50", "0.00", "2.25"]),
    ],
)
def test_every_sortable_type_can_be_the_index(local, client, name, told, values):
    """As the eager frame with that index."""
    rows = [{name: value, "n": place} for place, value in enumerate(values)]
    if told.startswith("timestamp"):
        rows = [each | {name: pd.Timestamp(f"2024-01-0{each['n'] + 1}", tz="UTC")} for each in rows]
    stored = local.store_result(rows, {name: told, "n": "bigint"})
    options = {"sort_by": f'"{name}"', "cache": False}
    frame = read_dune_execution(stored, client=client, partition_rows=1, index=name, **options)
    eager = client.read_execution(stored, **options).set_index(name)
    pd.testing.assert_frame_equal(frame.compute(), eager)
    assert frame.npartitions == 3
    assert list(frame.divisions) == [*eager.index, eager.index[-1]]
    assert frame["n"].sum().compute() == 3


def test_a_missing_value_leaves_divisions_unknown(local, client):
    """Null has no place in an order of pandas; the rows are all there."""
    stored = local.store_result(pa.table({"v": [1, 2, None]}), {"v": "bigint"})
    frame = read_dune_execution(stored, client=client, partition_rows=1, sort_by="v", index="v")
    assert not frame.known_divisions
    assert len(frame.compute()) == 3


def test_a_filter_leaves_divisions_of_a_column_unknown(local, client):
    """Nobody knows at which row a partition starts."""
    frame = read_dune_execution(
        local.stored, client=client, partition_rows=40, filters="n > 50", sort_by="n", index="n"
    )
    assert not frame.known_divisions
    assert frame.compute().index.tolist() == list(range(51, 100))


@pytest.mark.parametrize("sort_by", [None, "n desc", "n, word", "word"])
def test_an_index_that_the_result_is_not_sorted_by_is_refused(local, client, sort_by):
    """Its divisions would not be true."""
    with pytest.raises(errors.InvalidRequestError, match="sorted by"):
        read_dune_execution(local.stored, client=client, sort_by=sort_by, index="n")


# What goes wrong


def test_an_error_of_a_partition_names_the_execution(local, client):
    """It is raised where the frame is computed."""
    from dune_frames.local import Status

    frame = read_dune_execution(local.stored, client=client, partition_rows=40, cache=False)
    local.inject(Status(402), endpoint="results")
    with pytest.raises(errors.PaymentRequiredError) as raised:
        frame["n"].sum().compute()
    assert raised.value.execution_id == local.stored


def test_the_key_can_come_from_a_file(tmp_path):
    """Without a client and without DUNE_API_KEY."""
    file = tmp_path / "key"
    file.write_text("kA9xQ2mZ7pL4vB1nT8rW5yC3")
    with LocalDune(api_key=file.read_text()) as local, pytest.MonkeyPatch.context() as patch:
        stored = local.store_result(NUMBERS, TYPES)
        patch.delenv("DUNE_API_KEY", raising=False)
        patch.setenv("DUNE_API_BASE_URL", local.url)
        assert read_dune_execution(stored, api_key_file=file)["n"].sum().compute() == 4950
        with pytest.raises(errors.ConfigurationError, match="no key to be read"):
            read_dune_execution(stored, api_key_file=tmp_path / "none")
