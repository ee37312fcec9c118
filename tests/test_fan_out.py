"""The fan-out: one query for many sets of parameters, as one frame, a few runs at a time."""

from __future__ import annotations

import asyncio
import pickle
import signal
import threading
import time
from contextlib import closing
from datetime import date
from decimal import Decimal

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dune_frames as dune
from dune_frames import errors
from dune_frames._read.fan_out import MOST_RUNS_AT_ONCE, RUNS_AT_ONCE
from dune_frames._read.stack import stacked
from dune_frames.local import LocalDune, Quirks

SQL = "SELECT i * {{n}} AS value FROM UNNEST(sequence(1, {{rows}})) AS t(i)"
FRESH = {"max_age": 0, "cache": False}


@pytest.fixture(scope="module")
def local():
    with LocalDune() as server:
        server.save_query(7, SQL, {"n": 1, "rows": 2})
        server.save_query(8, "SELECT 12 / {{n}} AS value", {"n": 1})
        yield server


@pytest.fixture
def client(local):
    local.clear_requests()
    with closing(local.client()) as client:
        yield client


def executed(local):
    """Return the parameters of the runs that were started."""
    return [
        request.body["query_parameters"]
        for request in local.requests
        if request.endpoint == "execute_query"
    ]


@pytest.mark.parametrize("frame", ["pandas", "polars", "pyarrow"])
def test_rows_come_in_the_order_asked_with_their_parameters_first(client, frame):
    """However the runs end, the frame has the order of the sets, the parameters in front."""
    sets = [{"n": 5, "rows": 3}, {"n": 2, "rows": 1}, {"n": 9, "rows": 2}, {"n": 1, "rows": 1}]
    read = client.read_query(7, sets, frame=frame, **FRESH)
    columns = {
        name: list(read[name].to_pylist() if frame == "pyarrow" else read[name])
        for name in ("n", "rows", "value")
    }
    assert columns == {
        "n": [5, 5, 5, 2, 9, 9, 1],
        "rows": [3, 3, 3, 1, 2, 2, 1],
        "value": [5, 10, 15, 2, 9, 18, 1],
    }
    origin = dune.provenance(read)
    assert [part["parameters"]["n"] for part in origin["parts"]] == ["5", "2", "9", "1"]
    assert [part["rows"] for part in origin["parts"]] == [3, 1, 2, 1]
    assert (origin["query_id"], origin["rows"]) == (7, 7)
    assert len({part["execution_id"] for part in origin["parts"]}) == 4


def test_pandas_dtypes_are_those_of_the_query_and_the_parameters(client):
    """A parameter's column is typed by its Python values, the others by the query."""
    sets = [{"n": 5, "rows": 1}, {"n": 6, "rows": 1}]
    read = client.read_query(7, sets, **FRESH)
    assert [str(each) for each in read.dtypes] == ["Int64", "Int64", "Int64"]
    assert isinstance(read, pd.DataFrame)


def test_equal_sets_are_run_once_and_answered_twice(local, client):
    """One call starts at most one run for each different question."""
    read = client.read_query(7, [{"n": 5}, {"n": 6}, {"n": "5"}], frame="polars", **FRESH)
    assert sorted(each["n"] for each in executed(local)) == ["5", "6"]
    assert read["value"].to_list() == [5, 10, 6, 12, 5, 10]


def test_a_failure_is_told_with_its_parameters_and_the_others_are_kept(client):
    """The error names the sets that failed and holds the frame of the others, and travels."""
    with pytest.raises(errors.FanOutError) as caught:
        client.read_query(8, [{"n": 3}, {"n": 0}, {"n": 4}], frame="polars", **FRESH)
    ((parameters, problem),) = caught.value.failures
    assert parameters == {"n": 0}
    assert isinstance(problem, errors.QueryFailedError)
    assert caught.value.frame.rows() == [(3, 4), (4, 3)]
    assert "1 of 3" in str(caught.value)
    assert "{'n': 0}" in str(caught.value)
    travelled = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert travelled.frame.equals(caught.value.frame)


def test_when_all_fail_there_is_no_frame(client):
    """Nothing came: the frame is `None`, each failure is there."""
    with pytest.raises(errors.FanOutError) as caught:
        client.read_query(8, [{"n": 0}, {"n": "x"}], **FRESH)
    assert caught.value.frame is None
    assert [parameters["n"] for parameters, _ in caught.value.failures] == [0, "x"]


@pytest.mark.parametrize("params", [[], [{"n": 1}, 5], ["n"], 5, "n=5", [{"n": None}]])
def test_what_is_no_set_of_parameters_is_refused_before_anything_is_spent(local, client, params):
    """Every set is checked before the first run."""
    with pytest.raises(errors.InvalidRequestError):
        client.read_query(7, params, **FRESH)
    assert local.requests == ()


def test_other_calls_take_one_set_only(local, client):
    """A scan, a handle and a pipeline are of one execution."""
    for call in (client.scan_query, client.execute_query, client.execute_pipeline):
        with pytest.raises(errors.InvalidRequestError, match="read_dune_query"):
            call(7, [{"n": 1}])
    assert local.requests == ()


def test_a_set_of_parameters_alone_is_still_no_fan_out(client):
    """A dict stays what it was: no columns for the parameters."""
    assert client.read_query(7, {"n": 2}, **FRESH).columns.tolist() == ["value"]


# Side by side


class Gauge:
    """Counts the runs of a server that are under way, until it is stopped."""

    def __init__(self, server):
        self._executions = server._api.executions
        self._over = threading.Event()
        self.most = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def running(self):
        return sum(not run.is_finished for run in list(self._executions._by_id.values()))

    def _watch(self):
        while not self._over.wait(0.002):
            self.most = max(self.most, self.running())

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


SETS = [{"n": n} for n in range(1, 8)]


def most_at_once(server, client, sets, twin):
    """Read the sets; return how many runs were under way at once, at most."""
    server.save_query(7, SQL, {"n": 1, "rows": 1})
    with Gauge(server) as gauge:
        if twin == "sync":
            read = client.read_query(7, sets, frame="polars", **FRESH)
        else:
            read = asyncio.run(client.read_query_async(7, sets, frame="polars", **FRESH))
    assert read["value"].to_list() == [each["n"] for each in sets]
    return gauge.most


@pytest.mark.parametrize("twin", ["sync", "async"])
@pytest.mark.parametrize("allowed", [None, 0, 1, 5, 100])
def test_as_many_runs_at_once_as_the_account_may_have(twin, allowed):
    """What the first state tells decides; without, the smallest plan; never more than sensible.

    However many sets there are, no moment has more runs than that, the first moment included.
    """
    expected = min(allowed or RUNS_AT_ONCE, MOST_RUNS_AT_ONCE)
    sets = [{"n": n} for n in range(1, expected + 3)]
    # The first run must not be over before a busy machine has started the last of those allowed.
    account = LocalDune(execution_seconds=0.08 * expected, quirks=Quirks(max_inflight=allowed))
    with account as server, closing(server.client()) as client:
        most = most_at_once(server, client, sets, twin)
    assert most == expected


def test_what_a_client_was_told_it_knows_from_then_on():
    """A second fan-out of the same client starts as many at once, before any state is seen."""
    with LocalDune(latency=0.1) as server, closing(server.client()) as client:
        most_at_once(server, client, SETS[:1], "sync")
        server.clear_requests()
        most_at_once(server, client, SETS[:2], "sync")
        first = [request.endpoint for request in server.requests[:2]]
    assert first == ["execute_query", "execute_query"]


def test_what_comes_from_the_disk_tells_nothing_and_is_read_all_the_same(local, client):
    """Where no state is seen at all, the parts are read one after the other."""
    sets = [{"n": n, "rows": 1} for n in range(20, 28)]
    client.read_query(7, sets, frame="polars", max_age=0)
    local.clear_requests()
    with closing(local.client()) as other:
        read = other.read_query(7, sets, frame="polars", offline=True)
    assert read["value"].to_list() == [each["n"] for each in sets]
    assert local.requests == ()


@pytest.fixture
def endless():
    """A server whose runs do not end by themselves."""
    with LocalDune(execution_seconds=600) as server:
        server.save_query(7, SQL, {"n": 1, "rows": 1})
        yield server


def test_the_deadline_ends_every_run(endless):
    """One deadline for all sets: the runs are cancelled, no further ones are started."""
    with closing(endless.client()) as client:
        began = time.monotonic()
        with pytest.raises(errors.FanOutError) as caught:
            client.read_query(7, SETS, timeout=0.5, **FRESH)
        assert time.monotonic() - began < 5
    assert len(caught.value.failures) == len(SETS)
    assert all(isinstance(each, errors.DeadlineError) for _, each in caught.value.failures)
    assert len(executed(endless)) == RUNS_AT_ONCE
    assert Gauge(endless).running() == 0


def test_a_cancelled_task_ends_every_run(endless):
    """Whoever cancels the task cancels the runs of all its sets."""

    async def main():
        task = asyncio.create_task(client.read_query_async(7, SETS, frame="polars", **FRESH))
        while Gauge(endless).running() < RUNS_AT_ONCE:  # noqa: ASYNC110 - another thread changes it
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with closing(endless.client()) as client:
        asyncio.run(main())
    assert Gauge(endless).running() == 0
    assert len(executed(endless)) == RUNS_AT_ONCE


def test_an_interrupt_ends_every_run(endless):
    """Ctrl-C in the thread that waits cancels the runs of all sets, and starts no more."""

    def interrupt():
        while Gauge(endless).running() < RUNS_AT_ONCE:
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    with closing(endless.client()) as client:
        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            client.read_query(7, SETS, frame="polars", **FRESH)
    assert Gauge(endless).running() == 0
    assert len(executed(endless)) == RUNS_AT_ONCE


# The stack


def test_a_parameter_called_like_a_column_is_renamed(local, client):
    """No column hides another one."""
    local.save_query(9, "SELECT {{n}} AS n", {"n": 1})
    read = client.read_query(9, [{"n": 4}, {"n": 5}], frame="polars", **FRESH)
    assert read.to_dict(as_series=False) == {"params.n": [4, 5], "n": [4, 5]}


def test_a_set_without_a_parameter_of_the_others_has_null_there(client):
    """What was left to the default is not told, so it is null."""
    read = client.read_query(7, [{"n": 4, "rows": 1}, {"rows": 1}], frame="polars", **FRESH)
    assert read["n"].to_list() == [4, None]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-9, 9)), min_size=1, max_size=6))
def test_every_row_has_the_parameters_of_its_table(shapes):
    """Whatever the sizes, each row stands beside its own parameters, in order."""
    tables = [pa.table({"row": pa.array(range(rows), pa.int64())}) for rows, _ in shapes]
    given_sets = [{"p": p} for _, p in shapes]
    sent = [{"p": str(p)} for _, p in shapes]
    table = stacked(tables, given_sets, sent)
    expected = [{"p": p, "row": row} for rows, p in shapes for row in range(rows)]
    assert table.to_pylist() == expected


def one(value, to):
    return pa.table({"v": pa.array([value], to)})


@pytest.mark.parametrize(
    ("left", "right", "common"),
    [
        (one(1, pa.int32()), one(2**40, pa.int64()), pa.int64()),
        (
            one(Decimal("1.5"), pa.decimal128(2, 1)),
            one(Decimal("12.25"), pa.decimal128(4, 2)),
            pa.decimal128(4, 2),
        ),
        (one(1.5, pa.float32()), one(2.5, pa.float64()), pa.float64()),
        (one(None, pa.null()), one("x", pa.string()), pa.string()),
    ],
)
def test_types_widen_only_without_loss(left, right, common):
    """Literals of different sizes have different types; a type that holds all takes them."""
    table = stacked([left, right], [{}, {}], [{}, {}])
    assert table.schema.field("v").type == common
    values = [left["v"][0].as_py(), right["v"][0].as_py()]
    assert table["v"].to_pylist() == values


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (one(1, pa.int64()), one(1.5, pa.float64())),
        (one("x", pa.string()), one(1, pa.int64())),
        (one(1, pa.int64()), pa.table({"w": pa.array([1])})),
        (one(1, pa.decimal128(38, 0)), one(Decimal("0.5"), pa.decimal128(38, 38))),
    ],
)
def test_tables_that_do_not_go_together_are_refused(left, right):
    """Nothing is changed to make it fit."""
    with pytest.raises(errors.DecodeError, match="differ in"):
        stacked([left, right], [{}, {}], [{}, {}])


@pytest.mark.parametrize(
    ("values", "sent", "column"),
    [
        ([1, "a"], ["1", "a"], ["1", "a"]),
        ([2**70, 1], [str(2**70), "1"], [str(2**70), "1"]),
        ([["a", "b"], "c"], [["a", "b"], "c"], ["a,b", "c"]),
        ([date(2025, 1, 1), date(2025, 1, 2)], ["x", "y"], [date(2025, 1, 1), date(2025, 1, 2)]),
    ],
)
def test_parameters_keep_their_type_or_stand_as_they_were_sent(values, sent, column):
    """Values that no type holds together are the texts that Dune was sent."""
    tables = [one(1, pa.int64())] * 2
    table = stacked(tables, [{"p": each} for each in values], [{"p": each} for each in sent])
    assert table["p"].to_pylist() == column


def test_polars_reads_a_fan_out_from_the_module_level_function(local, client):
    """`read_dune_query` takes what the method takes."""
    read = dune.read_dune_query(7, [{"n": 4, "rows": 1}], frame="polars", client=client)
    assert isinstance(read, pl.DataFrame)
