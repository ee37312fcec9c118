"""Giving up: Ctrl-C in real processes, cancelled tasks and deadlines stop the run they started."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import polars as pl
import pytest

from dune_frames import errors
from dune_frames._network.driver import LATE_ANSWER_SECONDS
from dune_frames.local import Drip, Hang, LocalDune, Reset

PACKAGE = Path(__file__).resolve().parents[1]
#: What a process may take to notice, clean up and end, in seconds, on a busy machine.
SOON = 2.5
ENDLESS = {"frame": "polars", "cache": False, "max_age": 0}


@pytest.fixture
def local():
    """A server whose runs of query 7 do not end, with a finished result of query 8."""
    with LocalDune(execution_seconds=600) as server:
        server.save_query(7, "SELECT 1 AS one")
        server.stored = server.store_result(pl.DataFrame({"n": range(10)}), query_id=8)
        yield server


@pytest.fixture
def client(local):
    with closing(local.client()) as client:
        yield client


def asked(local, endpoint):
    """Return how many requests an endpoint answered."""
    return sum(request.endpoint == endpoint for request in local.requests)


def state(local):
    """Return how the latest run of query 7 stands."""
    with closing(local.client()) as client:
        return client.latest_execution(7).status().word


def until(condition, seconds=20.0):
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


# Ctrl-C


SYNC = "client.{call}"
ASYNC = "asyncio.run(client.{call})"
PROGRAM = """
import asyncio, sys
from dune_frames import Dune
import polars, pyarrow
client = Dune("key", base_url=sys.argv[1])
print("ready", flush=True)
{line}
"""


@contextmanager
def process(local, line):
    """Run a line of Python in a process of its own, which has a client of the server."""
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(line=line), local.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PACKAGE,
        env=os.environ | {"PYTHONWARNINGS": "error"},
    )
    try:
        assert child.stdout.readline() == "ready\n", child.stderr.read()
        yield child
    finally:
        child.kill()
        child.communicate()


def interrupted(child):
    """Press Ctrl-C; return what the process says when it ends, and how long that took."""
    began = time.monotonic()
    child.send_signal(signal.SIGINT)
    out, said = child.communicate(timeout=20)
    took = time.monotonic() - began
    assert out == ""
    assert said.rstrip().splitlines()[-1].startswith(("KeyboardInterrupt", "dune_frames: "))
    assert "KeyboardInterrupt" in said
    return said, took


QUERY = 'read_query{twin}(7, max_age=0, frame="polars", cache=False)'
EXECUTION = 'read_execution{twin}({id!r}, frame="polars", cache=False)'


@pytest.fixture(params=["thread", "loop"])
def line(request):
    """What makes a line of a call: on the main thread, or on an event loop."""
    loop = request.param == "loop"

    def make(call, **values):
        call = call.format(twin="_async" if loop else "", **values)
        return (ASYNC if loop else SYNC).format(call=call)

    return make


def test_ctrl_c_while_waiting_cancels_the_run(local, line):
    """Nobody pays for what nobody waits for; the last words name the run."""
    with process(local, line(QUERY)) as child:
        until(lambda: asked(local, "status"))
        said, took = interrupted(child)
    assert took < SOON
    assert asked(local, "execute_query") == 1
    assert state(local) == "CANCELLED"
    if "asyncio" not in line(QUERY):
        assert "dune_frames: the run 01" in said
        assert "was cancelled" in said


def test_ctrl_c_while_the_run_is_being_started_cancels_it(local, line):
    """The request is under way and its answer names the run: it is awaited, then used."""
    local.inject(Drip(0.2, pieces=8), endpoint="execute_query")
    with process(local, line(QUERY)) as child:
        until(lambda: asked(local, "execute_query"))
        _, took = interrupted(child)
    assert took < LATE_ANSWER_SECONDS + SOON
    assert asked(local, "execute_query") == 1
    assert state(local) == "CANCELLED"


def test_ctrl_c_while_the_start_is_never_answered_says_what_may_be(local, line):
    """The answer is not awaited for ever, and the error says that a run may be there."""
    local.inject(Drip(600), endpoint="execute_query")
    with process(local, line(QUERY)) as child:
        until(lambda: asked(local, "execute_query"))
        said, took = interrupted(child)
    assert took < LATE_ANSWER_SECONDS + SOON
    assert "MaybeStartedError" in said


def test_ctrl_c_during_the_download_ends_at_once(local, line):
    """Pages under way are not waited for, not even by the threads that read them."""
    local.inject(Drip(600), endpoint="results")
    with process(local, line(EXECUTION, id=local.stored)) as child:
        until(lambda: asked(local, "results"))
        _, took = interrupted(child)
    assert took < SOON
    assert asked(local, "cancel") == 0


def test_ctrl_c_leaves_a_run_alone_that_the_call_did_not_start(local, client, line):
    """Whoever only waits takes nothing away from others."""
    execution = client.execute_query(7)
    with process(local, line(EXECUTION, id=execution.execution_id)) as child:
        until(lambda: asked(local, "status"))
        interrupted(child)
    assert execution.status().word == "EXECUTING"
    assert asked(local, "cancel") == 0


def test_a_second_ctrl_c_does_not_wait(local):
    """Who presses it twice means it."""
    local.inject(Drip(600), endpoint="execute_query")
    with process(local, SYNC.format(call=QUERY.format(twin=""))) as child:
        until(lambda: asked(local, "execute_query"))
        child.send_signal(signal.SIGINT)
        time.sleep(0.3)
        _, took = interrupted(child)
    assert took < SOON


# Cancelled tasks


async def soon(condition):
    """Wait on the loop for something that happens beside it."""
    while not condition():  # noqa: ASYNC110 - it happens on another thread
        await asyncio.sleep(0.01)


def test_a_cancelled_task_cancels_its_run(local, client):
    """Cancelling the task ends in CancelledError, with the run stopped before it is raised."""

    async def main():
        task = asyncio.create_task(client.read_query_async(7, **ENDLESS))
        await soon(lambda: asked(local, "status"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return caught.value

    interrupt = asyncio.run(main())
    assert state(local) == "CANCELLED"
    assert "was cancelled" in interrupt.__notes__[0]


def test_a_task_cancelled_while_its_run_is_being_started_cancels_it(local, client):
    """The answer under way is kept, because it tells what to cancel."""
    local.inject(Hang(0.5), endpoint="execute_query")

    async def main():
        task = asyncio.create_task(client.read_query_async(7, **ENDLESS))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert asked(local, "execute_query") == 1
    assert state(local) == "CANCELLED"


def test_a_task_cancelled_while_the_answer_is_lost_stays_cancelled(local, client):
    """A cancellation is never swallowed by what went wrong meanwhile; that is its cause."""
    local.inject(Hang(0.4), endpoint="execute_query")
    local.inject(Reset(before=False), endpoint="execute_query")

    async def main():
        task = asyncio.create_task(client.read_query_async(7, **ENDLESS))
        await asyncio.sleep(0.2)
        local.clear_faults()
        local.close()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return caught.value

    assert isinstance(asyncio.run(main()).__cause__, errors.MaybeStartedError)


def test_the_timeout_of_asyncio_cancels_the_run(local, client):
    """`asyncio.timeout` and its like work as with any other coroutine."""

    async def main():
        async with asyncio.timeout(0.8):
            await client.read_query_async(7, **ENDLESS)

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert state(local) == "CANCELLED"


def test_one_of_several_tasks_is_cancelled_alone(local, client):
    """A cancelled task takes nothing from its neighbours on the same client."""

    async def main():
        ends = asyncio.create_task(client.read_query_async(7, **ENDLESS))
        reads = [
            asyncio.create_task(
                client.read_execution_async(local.stored, frame="polars", cache=False)
            )
            for _ in range(5)
        ]
        await soon(lambda: asked(local, "status"))
        ends.cancel()
        frames = await asyncio.gather(*reads)
        with pytest.raises(asyncio.CancelledError):
            await ends
        return frames

    assert all(frame["n"].to_list() == list(range(10)) for frame in asyncio.run(main()))
    assert asked(local, "cancel") == 1


def test_a_task_cancelled_during_the_download_ends_at_once(local, client):
    """The page under way is given up, and the run, which is over, is not cancelled."""
    local.inject(Hang(600), endpoint="results")

    async def main():
        task = asyncio.create_task(
            client.read_execution_async(local.stored, frame="polars", cache=False)
        )
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < SOON
    assert asked(local, "cancel") == 0


# Deadlines


@pytest.fixture(params=["thread", "loop"])
def read(request, client):
    """The reading methods of the client, or their coroutine twins, made to look the same."""

    def call(method, *args, **options):
        options = {"frame": "polars", "cache": False} | options
        if request.param == "loop":
            return asyncio.run(getattr(client, f"{method}_async")(*args, **options))
        return getattr(client, method)(*args, **options)

    return call


def test_a_deadline_cancels_the_run(local, read):
    """The error is a TimeoutError too, names the run, and says that it is stopped."""
    with pytest.raises(TimeoutError) as caught:
        read("read_query", 7, max_age=0, timeout=0.8)
    assert isinstance(caught.value, errors.DeadlineError)
    assert state(local) == "CANCELLED"
    assert caught.value.execution_id
    assert "was cancelled" in str(caught.value).splitlines()[-1]


def test_a_deadline_while_the_run_is_being_started_cancels_it(local, read):
    """Its answer is awaited a little longer than the call, because it tells what to cancel."""
    local.inject(Hang(0.8), endpoint="execute_query")
    with pytest.raises(errors.DeadlineError) as caught:
        read("read_query", 7, max_age=0, timeout=0.3)
    assert state(local) == "CANCELLED"
    assert caught.value.execution_id


def test_a_deadline_leaves_a_run_alone_that_the_call_did_not_start(local, client, read):
    """Waiting for somebody else's run ends without touching it; the error leads back to it."""
    execution = client.execute_query(7)
    with pytest.raises(errors.DeadlineError) as caught:
        read("read_execution", execution.execution_id, timeout=0.4)
    assert caught.value.execution_id == execution.execution_id
    assert execution.status().word == "EXECUTING"
    with pytest.raises(errors.DeadlineError):
        read("read_query", 7, timeout=0.4)
    assert execution.status().word == "EXECUTING"
    with pytest.raises(errors.DeadlineError, match=execution.execution_id):
        execution.wait(timeout=0.1)
    assert asked(local, "cancel") == 0


def test_a_deadline_holds_against_a_server_that_drips(local, read):
    """One deadline for the whole call, however slowly and steadily the bytes come."""
    local.inject(Drip(0.1, pieces=100), endpoint="results", times=100)
    began = time.monotonic()
    with pytest.raises(errors.DeadlineError) as caught:
        read("read_execution", local.stored, timeout=0.6)
    assert time.monotonic() - began < 0.6 + SOON
    assert caught.value.execution_id == local.stored
    assert asked(local, "cancel") == 0


def test_a_deadline_that_cannot_cancel_ends_all_the_same(local, client):
    """When the cancellation hangs too, the call ends a little later and says how to go on."""
    local.inject(Hang(600), endpoint="cancel", times=9)
    began = time.monotonic()
    with pytest.raises(errors.DeadlineError) as caught:
        client.read_query(7, **ENDLESS, timeout=0.4)
    assert time.monotonic() - began < 0.4 + 3 + SOON
    assert f"read_dune_execution({caught.value.execution_id!r})" in str(caught.value)


def test_enough_time_changes_nothing(local, read):
    """A deadline that is not reached is not noticed."""
    assert read("read_execution", local.stored, timeout=30)["n"].to_list() == list(range(10))
