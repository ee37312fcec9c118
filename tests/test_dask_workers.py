"""Dask on processes and workers of its own: ``python -m pytest -n 0 -m dask``."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import closing

import dask
import pandas as pd
import pyarrow as pa
import pytest
from every_type import store_every_type

from dune_frames import Dune, errors
from dune_frames.dask import read_dune_execution
from dune_frames.local import LocalDune
from tests.bench.server import served

pytestmark = [
    pytest.mark.dask,
    # Workers that are killed leave sockets behind, and Dask says so.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

KEY = "kA9xQ2mZ7pL4vB1nT8rW5yC3"
ROWS = 2_000
NUMBERS = pa.table({"n": range(ROWS), "wide": [str(2**255 + n) for n in range(ROWS)]})
TYPES = {"n": "bigint", "wide": "uint256"}


@pytest.fixture(autouse=True)
def _own_key(monkeypatch):
    """What workers find in their environment."""
    monkeypatch.setenv("DUNE_API_KEY", KEY)


@pytest.fixture
def workers():
    """Two workers with a thread each, in processes of their own."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def exported(local):
    return sum(request.rows for request in local.requests)


def test_every_type_comes_through_processes(workers):
    """Pickled on the way back, from the scheduler of processes and from workers."""
    with LocalDune(api_key=KEY, page_rows=8) as local, closing(local.client()) as client:
        stored = store_every_type(local, 20)
        eager = client.read_execution(stored, cache=False)
        frame = read_dune_execution(stored, client=client, partition_rows=6, cache=False)
        pd.testing.assert_frame_equal(frame.compute(), eager)
        with dask.config.set(scheduler="processes"):
            pd.testing.assert_frame_equal(frame.compute(), eager)


def test_a_worker_without_a_key_says_so(workers):
    """The key of the process that plans does not travel: workers have their own or none."""
    workers.run(lambda: os.environ.pop("DUNE_API_KEY"))
    with LocalDune(api_key=KEY) as local, closing(local.client()) as client:
        stored = local.store_result(NUMBERS, TYPES)
        frame = read_dune_execution(stored, client=client, cache=False)
        with pytest.raises(errors.ConfigurationError, match="no Dune API key"):
            frame.compute()


def test_a_killed_worker_loses_and_doubles_nothing(workers):
    """In the middle of its partitions: another worker reads them again, all rows are there once.

    What had come before is on disk, so that no more is exported again than was on its way.
    """
    with (
        LocalDune(api_key=KEY, page_rows=50, latency=0.03) as local,
        closing(local.client()) as client,
    ):
        stored = local.store_result(NUMBERS, TYPES)
        frame = read_dune_execution(stored, client=client, partition_rows=200)
        eager = client.read_execution(stored, cache=False)
        pid = next(iter(workers.run(os.getpid).values()))
        local.clear_requests()
        killer = threading.Thread(target=_kill_after_rows, args=(local, pid, ROWS // 4))
        killer.start()
        computed = frame.compute()
        killer.join()
        assert pid not in workers.run(os.getpid).values()
        pd.testing.assert_frame_equal(computed, eager)
        assert ROWS <= exported(local) <= ROWS + 3 * 50


def _kill_after_rows(local, pid, rows):
    until = time.monotonic() + 60
    while exported(local) < rows and time.monotonic() < until:
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)


def test_workers_share_a_rate_limit(workers):
    """Of an account that may ask a few times a second: all waits, nothing fails or is lost."""
    from dune_frames.local import Status

    with LocalDune(api_key=KEY, page_rows=50) as local, closing(local.client()) as client:
        stored = local.store_result(NUMBERS, TYPES)
        frame = read_dune_execution(stored, client=client, partition_rows=200, cache=False)
        for skip in range(0, 40, 8):
            local.inject(Status(429), endpoint="results", times=1, skip=skip)
        assert frame["n"].sum().compute() == sum(range(ROWS))
        assert exported(local) == ROWS


@pytest.mark.parametrize(("uint256", "method"), [("string", "p2p"), ("exact", "tasks")])
def test_shuffles_keep_wide_integers(workers, uint256, method):
    """A merge moves rows between workers; 78 digits arrive, as texts or as Python's integers."""
    with (
        LocalDune(api_key=KEY, page_rows=500) as local,
        closing(local.client()) as client,
        dask.config.set({"dataframe.shuffle.method": method}),
    ):
        stored = local.store_result(NUMBERS, TYPES)
        frame = read_dune_execution(
            stored, client=client, partition_rows=500, uint256=uint256, cache=False
        )
        merged = frame.merge(frame, on="n", how="inner").compute()
        assert merged["wide_x"].map(str).tolist() == merged["wide_y"].map(str).tolist()
        assert sorted(merged["wide_x"].map(str)) == NUMBERS["wide"].to_pylist()


@pytest.mark.timeout(170)
def test_a_million_rows_on_two_workers_are_the_eager_frame(workers):
    """Every value of eleven columns, 30 pages, uint256 among them."""
    with served() as server, closing(Dune(KEY, base_url=server.url)) as client:
        stored = server.store(1_000_000)
        frame = read_dune_execution(stored, client=client, partition_rows=128_000, cache=False)
        assert frame.npartitions == 8
        computed = frame.compute()
        eager = client.read_execution(stored, cache=False)
        pd.testing.assert_frame_equal(computed, eager)
