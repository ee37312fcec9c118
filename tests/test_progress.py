"""Progress: what a call tells, whom, when, and that telling never costs a read."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import subprocess
import sys
import threading
import time
import warnings
from contextlib import closing
from itertools import groupby, pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dune_frames
from dune_frames import errors
from dune_frames._progress.viewer import SHOWN_AFTER_SECONDS, Asking, Place, Viewer
from dune_frames.local import LocalDune
from dune_frames.progress import (
    Downloading,
    FromCache,
    Queued,
    ReadingSets,
    Running,
    RunningPipeline,
)

PACKAGE = Path(dune_frames.__file__).parents[1]
PHASES = [Queued, Running, Downloading, FromCache]
#: What a run takes that is worth showing, and a little more.
LONG = SHOWN_AFTER_SECONDS + 0.7


@pytest.fixture(scope="module")
def local():
    """A server whose runs wait and run for a moment, in pages that make a download of several."""
    with LocalDune(queue_seconds=0.2, execution_seconds=0.2, page_rows=100) as server:
        server.save_query(7, "SELECT {{n}} AS n", {"n": 1})
        yield server


@pytest.fixture
def client(local):
    with closing(local.client()) as client:
        yield client


def rows(count):
    """Return SQL of so many rows, which no other test asks for."""
    return f"SELECT n, {time.monotonic_ns()} AS mark FROM UNNEST(sequence(1, {count})) AS t(n)"


def follow_each_other(events):
    """Tell whether the events of one run come in the order of the phases, each moving on only."""
    places = [PHASES.index(type(event)) for event in events]
    assert places == sorted(places)
    for _, of_one_phase in groupby(events, type):
        for earlier, later in pairwise(of_one_phase):
            assert later.seconds >= earlier.seconds
            assert getattr(later, "rows", 0) >= getattr(earlier, "rows", 0)
            assert getattr(later, "bytes", 0) >= getattr(earlier, "bytes", 0)
    return True


# What is told


def test_a_read_tells_its_phases_in_order_up_to_the_last_row(client):
    """Queued, running, downloading: with the run's id, and in the end all rows and their bytes."""
    events = []
    frame = client.read_sql(rows(450), progress=events.append)
    assert [kind for kind, _ in groupby(map(type, events))] == [Queued, Running, Downloading]
    assert follow_each_other(events)
    assert {event.execution_id for event in events} == {frame.attrs["dune"]["execution_id"]}
    last = events[-1]
    assert (last.rows, last.total_rows, last.fraction) == (450, 450, 1.0)
    assert last.bytes == frame.attrs["dune"]["bytes_exported"]
    assert sum(isinstance(event, Downloading) for event in events) > 2


def test_what_comes_from_this_machine_is_told_so(client):
    """A second read tells no run and no download: only rows from the cache."""
    sql = rows(250)
    client.read_sql(sql, max_age="1h")
    events = []
    client.read_sql(sql, max_age="1h", progress=events.append)
    assert set(map(type, events)) == {FromCache}
    assert events[-1].rows == events[-1].total_rows == 250


@pytest.mark.parametrize("frame", ["pandas", "polars", "pyarrow"])
def test_a_coroutine_tells_the_same(client, frame):
    """On an event loop the same events come in the same order."""
    events = []
    sql = rows(250)
    asyncio.run(client.read_sql_async(sql, frame=frame, progress=events.append))
    assert [kind for kind, _ in groupby(map(type, events))] == [Queued, Running, Downloading]
    assert follow_each_other(events)


def test_handles_tell_too(client, tmp_path):
    """Waiting, reading, streaming, writing a file and scanning tell what they do."""
    run = client.execute_sql(rows(3000))
    told = {name: [] for name in ("wait", "read", "batches", "sink", "scan")}
    run.wait(progress=told["wait"].append)
    run.read(cache=False, progress=told["read"].append)
    for _ in run.batches(cache=False, progress=told["batches"].append):
        pass
    run.sink_parquet(tmp_path / "x.parquet", cache=False, progress=told["sink"].append)
    run.scan(cache=False, progress=told["scan"].append).collect()
    assert {type(event) for event in told.pop("wait")} <= {Queued, Running}
    for events in told.values():
        assert follow_each_other(events)
        assert type(events[-1]) is Downloading
        assert events[-1].rows == events[-1].total_rows == 3000


def test_a_pipeline_tells_its_nodes(client):
    """A pipeline tells how many of its nodes are over."""
    events = []
    run = client.execute_pipeline(7)
    run.wait(progress=events.append)
    assert set(map(type, events)) == {RunningPipeline}
    assert {event.pipeline_execution_id for event in events} == {run.pipeline_execution_id}
    assert all(0 <= event.nodes_done <= event.nodes for event in events)


@pytest.mark.parametrize("twin", ["sync", "async"])
def test_many_sets_tell_how_many_are_over_and_each_run(client, twin):
    """The sets count up to their number; the runs' own events come between, in their order."""
    events = []
    mark = time.monotonic_ns() % 10**9
    sets = [{"n": mark + each} for each in (1, 2, 3, 4, 1)]
    options = {"max_age": 0, "cache": False, "progress": events.append}
    if twin == "sync":
        client.read_query(7, sets, **options)
    else:
        asyncio.run(client.read_query_async(7, sets, **options))
    counts = [(event.done, event.total) for event in events if isinstance(event, ReadingSets)]
    assert counts == [(done, 4) for done in range(5)]
    runs = [event for event in events if not isinstance(event, ReadingSets)]
    ids = {event.execution_id for event in runs}
    assert len(ids) == 4
    for each in ids:
        assert follow_each_other([event for event in runs if event.execution_id == each])


@given(st.data())
@settings(max_examples=25)
def test_whatever_is_read_the_rows_are_told_to_the_last(data):
    """For every window and page size: rows never go back and end at the number that came."""
    count = data.draw(st.integers(0, 700), label="rows")
    offset = data.draw(st.none() | st.integers(0, 800), label="offset")
    limit = data.draw(st.none() | st.integers(0, 800), label="limit")
    events = []
    execution = SOME.store_result(pl.DataFrame({"n": range(count)}, schema={"n": pl.Int64}))
    with closing(SOME.client()) as client:
        options = {"offset": offset, "limit": limit, "frame": "polars", "progress": events.append}
        frame = client.read_execution(execution, **options)
        again = client.read_execution(execution, **options)
    assert frame.equals(again)
    assert follow_each_other(events)
    for kind in {type(event) for event in events}:
        last = [event for event in events if type(event) is kind][-1]
        assert last.rows == last.total_rows == frame.height
        assert last.fraction == 1.0


SOME = LocalDune(page_rows=128)


@pytest.fixture(autouse=True, scope="module")
def _some():
    with SOME:
        yield


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Queued("x", None, 3.9), "queued, 3 s"),
        (Queued("x", 2, 61), "queued behind 2, 1 min 01 s"),
        (Running("x", 3725), "running, 1 h 02 min"),
        (RunningPipeline("x", 1, 3, 2), "running: 1 of 3 nodes, 2 s"),
        (Downloading("x", 5, None, 0, 0.0), "downloading: 5 rows, 0.00 MB"),
        (
            Downloading("x", 32_000, 1_000_000, 3_000_000, 2.0),
            "downloading: 32,000 of 1,000,000 rows, 3.00 MB, 1.5 MB/s",
        ),
        (FromCache("x", 10, 20, 1.0), "from cache: 10 of 20 rows"),
        (ReadingSets(1, 40, 75), "reading: 1 of 40 sets, 1 min 15 s"),
    ],
)
def test_an_event_is_a_line(event, text):
    """`str` of an event is the line that is shown."""
    assert str(event) == text


# Whom it is told


def test_a_function_that_fails_costs_no_read(client):
    """It is told no more, a warning says so, and every row comes."""
    calls = []

    def fails(event):
        calls.append(event)
        raise ZeroDivisionError

    with pytest.warns(RuntimeWarning, match="is told no more: ZeroDivisionError"):
        frame = client.read_sql(rows(250), frame="polars", progress=fails)
    assert frame.height == 250
    assert len(calls) == 1


def test_a_function_that_fails_where_warnings_are_errors_costs_no_read(client):
    """Also where its warning would be raised, the rows come."""

    def fails(_):
        raise ValueError

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = client.read_sql(rows(5), frame="polars", progress=fails)
    assert frame.height == 5


def test_an_interrupt_in_a_function_ends_the_call_and_cancels_the_run(local, client):
    """Ctrl-C counts wherever it strikes."""

    def interrupted(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.read_sql(rows(5), progress=interrupted)
    assert [each.endpoint for each in local.requests][-1] == "cancel"


def test_a_function_is_never_told_two_things_at_once(client):
    """Several runs side by side tell one function one event at a time."""
    inside = threading.Lock()

    def slow(_):
        assert inside.acquire(blocking=False)
        time.sleep(0.002)
        inside.release()

    sets = [{"n": time.monotonic_ns() % 10**9 + each} for each in range(6)]
    client.read_query(7, sets, progress=slow, max_age=0, cache=False)


@pytest.mark.parametrize("progress", [1, "yes", [print]])
def test_what_is_no_progress_is_refused_before_anything_is_sent(local, client, progress):
    """Only None, True, False and functions are meant."""
    local.clear_requests()
    for call in (client.read_sql, client.scan_sql):
        with pytest.raises(errors.InvalidRequestError, match="progress="):
            call("SELECT 1", progress=progress)
    with pytest.raises(errors.InvalidRequestError, match="progress="):
        client.execution("01HKZJ2683PHF9Q9PHHQ8FW4Q1").wait(progress=progress)
    assert not local.requests


def test_a_coroutine_function_is_refused(client):
    """It would never be awaited."""

    async def listens(_):
        pass

    with pytest.raises(errors.InvalidRequestError, match="coroutine"):
        client.read_sql("SELECT 1", progress=listens)


# What is shown


PROGRAM = """
import os, sys
from dune_frames.local import LocalDune
with LocalDune(queue_seconds={queued}, page_rows=500) as local:
    read = local.client().read_sql
    {lines}
    print(frame.shape, *[each for each in ("IPython", "rich") if each in sys.modules])
"""
READ = "frame = read('SELECT * FROM dex.trades LIMIT 1200', frame='pyarrow', {options})"


def program(*options, before="pass"):
    """Return the command of a process that reads once for each of the options."""
    lines = [before, *(READ.format(options=each) for each in options)]
    return [sys.executable, "-c", PROGRAM.format(queued=LONG, lines="\n    ".join(lines))]


def unwatched(command, **environment):
    """Run a command whose output goes to pipes; return stdout and stderr."""
    done = subprocess.run(
        command,
        cwd=PACKAGE,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr


def on_a_terminal(command, **environment):
    """Run a command whose stderr is a terminal; return stdout and what the terminal got."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        command,
        cwd=PACKAGE,
        env=os.environ | {"TERM": "xterm", "NO_COLOR": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=its,
        text=True,
    )
    os.close(its)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # Linux's word for the end of a terminal
        pass
    finally:
        os.close(ours)
    out, _ = process.communicate(timeout=60)
    return out, shown.decode()


def test_where_nobody_looks_only_who_insists_gets_lines():
    """In a pipe nothing is shown, nor loaded for it; `True` gets a line for each phase there."""
    out, err = unwatched(program("", "progress=True"))
    assert out == "(1200, 24)\n"
    assert re.match(r"dune_frames: queued, \d s\n", err)
    assert all(line.startswith("dune_frames: ") and line.isprintable() for line in err.splitlines())
    assert len(err.splitlines()) <= 3


def test_a_terminal_shows_one_line_that_is_gone_at_the_end():
    """The line is drawn over and over on stderr, erased at the end, and stdout is untouched."""
    out, shown = on_a_terminal(program(""))
    assert out == "(1200, 24) rich\n"
    assert "queued, 1 s" in shown
    assert shown.count("\n") == 1  # where the line is left, and taken back by the next:
    assert shown.endswith("\x1b[1A\x1b[2K")
    assert "\x1b[?25l" in shown
    assert "\x1b[?25h" in shown  # the cursor is back


def test_a_terminal_stays_untouched():
    """What shall not be shown, or cannot be redrawn, shows nothing."""
    out, shown = on_a_terminal(program("progress=False", "progress=None", before=DUMB))
    assert out == "(1200, 24)\n"
    assert shown == ""


DUMB = "os.environ['TERM'] = 'dumb'"


def test_what_is_over_within_a_second_is_not_shown():
    """A place is not even opened for it."""

    def never():
        raise AssertionError

    viewer = Viewer(Place(never))
    viewer.start()
    viewer(Running("x"))
    viewer.stop()


def test_the_clock_moves_on_between_two_events():
    """A viewer draws the latest event again and again, with the time that has passed since."""
    drawn = []

    class Board:
        def __enter__(self):
            return drawn.append

        def __exit__(self, *_):
            drawn.append("closed")

    viewer = Viewer(Place(Board))
    viewer.start()
    viewer(Running("x", 5.0))
    time.sleep(SHOWN_AFTER_SECONDS + 0.7)
    viewer.stop()
    *shown, last = drawn
    assert last == "closed"
    assert len(shown) >= 2
    seconds = [each.seconds for each in shown]
    assert seconds == sorted(seconds)
    assert seconds[0] >= 5.0 + SHOWN_AFTER_SECONDS - 0.2


def test_a_place_that_fails_costs_nothing():
    """What goes wrong in drawing ends the drawing."""

    class Broken:
        def __enter__(self):
            raise OSError

        def __exit__(self, *_):
            raise AssertionError

    viewer = Viewer(Place(Broken))
    viewer.start()
    time.sleep(SHOWN_AFTER_SECONDS + 0.1)
    viewer(Running("x"))
    viewer.stop()
    assert str(Asking(3)) == "asking Dune, 3 s"
