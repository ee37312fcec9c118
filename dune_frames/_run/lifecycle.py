"""The flow of one run: submit, poll, cancel. Written once, without I/O and without a clock."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from dune_frames import errors
from dune_frames._network.exchange import Allowed, CleanUp, Flow, Sleep, Tell, exchange, naming
from dune_frames._wire import answers, endpoints
from dune_frames.progress import Queued, Running

if TYPE_CHECKING:
    from collections.abc import Generator

    from dune_frames._run.source import Saved, Sql

logger = logging.getLogger("dune_frames")

T = TypeVar("T")

#: Seconds that it may take to cancel a run while the call is already being given up.
CANCEL_SECONDS = 3.0


def poll_pauses() -> Generator[float, None, None]:
    """Yield the pauses between status requests, in seconds.

    A fifth of the time waited so far: a short run is noticed at once, a long one costs about 25
    requests in its first minute and 6 in every later one.
    """
    waited = 0.0
    while True:
        pause = min(max(0.15, waited / 5), 10.0)
        waited += pause
        yield pause


def status(execution_id: str) -> Flow[answers.Status]:
    """Ask once for the state of an execution."""
    now = yield from exchange(endpoints.execution_status(execution_id), answers.read_status)
    return of_execution(execution_id, now)


def of_execution(execution_id: str, now: answers.Status) -> answers.Status:
    """Return the status, or refuse that of another execution than was asked for."""
    if now.execution_id != execution_id:
        raise errors.IncompleteResultError(
            f"an answer is of another execution ({now.execution_id})", execution_id=execution_id
        )
    return now


def wait(execution_id: str) -> Flow[answers.Status]:
    """Poll the free status endpoint until the run is over, however it ends."""
    pauses = poll_pauses()
    with naming(execution_id):
        now = yield from status(execution_id)
        yield Allowed(now.max_inflight_interactive_executions)
        while not now.is_finished:
            yield Tell(_phase(now))
            yield Sleep(next(pauses))
            now = yield from status(execution_id)
    return now


def _phase(now: answers.Status) -> Queued | Running:
    if now.word == "PENDING":
        return Queued(now.execution_id, now.queue_position)
    return Running(now.execution_id)


def cancel(execution_id: str) -> Flow[bool]:
    """Ask Dune to stop a run; true when it is stopped.

    When the answer to a first attempt was lost, Dune refuses the second: then its state tells.
    """
    taken = yield from exchange(endpoints.cancel_execution(execution_id), answers.read_cancelled)
    return taken or (yield from status(execution_id)).word == "CANCELLED"


def start(run: Saved | Sql) -> Flow[str]:
    """Start a billed run; return its execution id."""
    execution_id = yield from exchange(run.request(), answers.read_submitted)
    # An interrupt that came while the answer was on its way is raised in there.
    yield from owning(execution_id, _announce(execution_id))
    return execution_id


def _announce(execution_id: str) -> Flow[None]:
    logger.info("execution %s started", execution_id)
    yield Sleep(0)


def owning(execution_id: str, flow: Flow[T]) -> Flow[T]:
    """Run a flow that waits for a run which this call started.

    When the caller gives up (an interrupt, a cancelled task, the deadline) the run is cancelled, so
    that nobody pays for what nobody waits for. When only the connection fails, the run is left to
    end, and the error says how to go on with it: what is paid is not thrown away.
    """
    try:
        with naming(execution_id):
            return (yield from flow)
    except GeneratorExit:
        raise
    except errors.DeadlineError as problem:
        fate = _FATE[(yield from _cancel_quietly(execution_id))].format(execution_id)
        problem.advice = f"{fate}; give a longer timeout=."
        raise
    except errors.DuneError as problem:
        problem.advice = f"the run goes on: read_dune_execution({execution_id!r}) takes it up."
        raise
    except BaseException as interrupt:
        fate = _FATE[(yield from _cancel_quietly(execution_id))].format(execution_id)
        interrupt.add_note(f"dune_frames: {fate}.")
        raise


_FATE = {
    True: "the run {0} was cancelled",
    False: "the run {0} could not be cancelled, read_dune_execution({0!r}) takes it up",
}


def _cancel_quietly(execution_id: str) -> Flow[bool]:
    """Cancel without raising: something worse is already on its way."""
    yield CleanUp(CANCEL_SECONDS)
    try:
        cancelled = yield from cancel(execution_id)
    except errors.DuneError:
        cancelled = False
    logger.info("execution %s: %s", execution_id, _FATE[cancelled].format(execution_id))
    return cancelled
