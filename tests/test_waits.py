"""The handles on an event loop: what `…_async` does, how long many take, and who cancels what."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing

import pyarrow as pa
import pytest

from dune_frames import errors
from dune_frames.local import Hang, LocalDune

SLOW = 0.4


@pytest.fixture(scope="module")
def quick():
    """A server whose runs end at once."""
    with LocalDune() as server:
        server.save_query(7, "SELECT {{n}} AS n", {"n": 1})
        server.save_query(8, "SELECT n + 1 AS n FROM query_7")
        yield server


@pytest.fixture
def endless():
    """A server whose runs do not end by themselves."""
    with LocalDune(execution_seconds=600) as server:
        server.save_query(7, "SELECT {{n}} AS n", {"n": 1})
        yield server


@pytest.fixture
def client(quick):
    with closing(quick.client()) as client:
        yield client


def asked(server, endpoint):
    """Return how many requests an endpoint answered."""
    return sum(request.endpoint == endpoint for request in server.requests)


def test_each_coroutine_does_what_its_twin_does(client):
    """State, wait, cancellation and rows of a run, and those of a pipeline, are the same by both."""

    async def main():
        runs = [
            await client.execute_query_async(7, {"n": 5}),
            await client.execute_sql_async("SELECT {{n}} AS n", {"n": 5}),
        ]
        for run in runs:
            assert (await run.wait_async()).word == "COMPLETED"
            told = [await run.wait_async(), await run.status_async(), run.status(), run.wait()]
            assert told == told[:1] * 4
            assert await run.cancel_async() is run.cancel() is False
            table = await run.read_async(frame="pyarrow", columns=["n"])
            assert table.equals(run.read(frame="pyarrow", columns=["n"]))
            assert table.to_pydict() == {"n": [5]}
        started = await client.execute_pipeline_async(8, performance="small")
        assert not (await started.status_async()).failed
        assert await started.wait_async() == await started.status_async() == started.wait()
        return [run.read()["n"].tolist() for run in started.executions]

    assert asyncio.run(main()) == [[1], [2]]


def test_after_a_wait_the_executions_ask_nothing(quick, client):
    """So on an event loop nothing blocks it."""

    async def main():
        started = await client.execute_pipeline_async(8)
        await started.wait_async()
        quick.clear_requests()
        return started.executions

    assert len(asyncio.run(main())) == 2
    assert quick.requests == ()


def test_many_waits_take_the_time_of_one():
    """Runs and pipelines that go side by side are waited for side by side, and the loop is free."""
    ticks = []

    async def tick():
        while True:
            ticks.append(time.monotonic())
            await asyncio.sleep(0.01)

    async def main(client):
        free = asyncio.create_task(tick())
        handles = [await client.execute_sql_async(f"SELECT {n} AS n") for n in range(12)]
        pipelines = [await client.execute_pipeline_async(7) for _ in range(4)]
        began = time.monotonic()
        ended = await asyncio.gather(*(each.wait_async() for each in (*handles, *pipelines)))
        took = time.monotonic() - began
        free.cancel()
        return ended, took

    with LocalDune(execution_seconds=SLOW) as server, closing(server.client()) as client:
        server.save_query(7, "SELECT 1 AS one")
        ended, took = asyncio.run(main(client))
    assert [each.word for each in ended] == ["COMPLETED"] * 16
    assert took < 4 * SLOW
    assert len(ticks) > 10


@pytest.mark.parametrize("wait", ["wait_async", "read_async"])
def test_who_only_waits_cancels_nothing(endless, wait):
    """A cancelled task, or asyncio's own timeout, ends the wait; the run of another call goes on."""

    async def main(client):
        run = await client.execute_sql_async("SELECT 1 AS one")
        task = asyncio.create_task(getattr(run, wait)())
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await getattr(run, wait)()
        return run

    with closing(endless.client()) as client:
        run = asyncio.run(main(client))
        assert asked(endless, "cancel") == 0
        assert not run.status().is_finished


def test_a_pipeline_is_left_alone_too(endless):
    """Dune cannot stop it, and a cancelled wait does not try."""

    async def main(client):
        started = await client.execute_pipeline_async(7)
        task = asyncio.create_task(started.wait_async())
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with closing(endless.client()) as client:
        asyncio.run(main(client))
    assert [request.endpoint for request in endless.requests if request.method == "POST"] == [
        "execute_pipeline"
    ]


@pytest.mark.parametrize("start", ["query", "sql"])
def test_who_starts_a_run_cancels_it(endless, start):
    """A task cancelled while its run is being started, whose handle nobody gets, stops the run."""
    endless.inject(Hang(0.3), endpoint=f"execute_{start}")

    async def main(client):
        call = (
            client.execute_query_async(7)
            if start == "query"
            else client.execute_sql_async("SELECT 1")
        )
        task = asyncio.create_task(call)
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return caught.value

    with closing(endless.client()) as client:
        interrupt = asyncio.run(main(client))
    assert "was cancelled" in interrupt.__notes__[0]
    assert (asked(endless, f"execute_{start}"), asked(endless, "cancel")) == (1, 1)


def test_a_timeout_of_a_wait_leaves_the_run_alone(endless):
    """The deadline is that of the wait; its error names the run."""
    with closing(endless.client()) as client:
        run = client.execute_sql("SELECT 1")
        with pytest.raises(errors.DeadlineError, match=run.execution_id):
            asyncio.run(run.wait_async(0.2))
        assert asked(endless, "cancel") == 0


def test_a_client_serves_loop_after_loop(client):
    """Nothing of a loop that is over stays behind in the client."""
    run = client.execute_sql("SELECT 1 AS one")
    for _ in range(3):
        assert asyncio.run(run.wait_async()).word == "COMPLETED"
        assert isinstance(asyncio.run(run.read_async(frame="pyarrow")), pa.Table)
