"""The flow of one run: submit, poll, cancel. Written once, without I/O and without a clock."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from dune_frames import _wire, errors
from dune_frames._exchange import Flow, Send, Sleep, exchange

if TYPE_CHECKING:
    from collections.abc import Generator

    from dune_frames._source import Saved, Sql

logger = logging.getLogger("dune_frames")

T = TypeVar("T")

#: Seconds that an attempt to cancel may take while the call is already being given up.
CANCEL_GRACE_SECONDS = 5.0


def poll_pauses() -> Generator[float, None, None]:
    """Yield the pauses between status requests, in seconds.

    A fifth of the time waited so far: a short run is noticed at once, a long one costs about 25
    requests in its first minute and 6 in every later one.
    """
    waited = 0.0
    while True:
        pause = min(max(0.3, waited / 5), 10.0)
        waited += pause
        yield pause


def status(execution_id: str) -> Flow[_wire.Status]:
    """Ask once for the state of an execution."""
    return (yield from exchange(_wire.execution_status(execution_id), _wire.read_status))


def wait(execution_id: str) -> Flow[_wire.Status]:
    """Poll the free status endpoint until the run is over, however it ends."""
    pauses = poll_pauses()
    while not (now := (yield from status(execution_id))).is_finished:
        yield Sleep(next(pauses))
    return now


def cancel(execution_id: str) -> Flow[bool]:
    """Ask Dune to stop a run; true when it took the request."""
    return (yield from exchange(_wire.cancel_execution(execution_id), _wire.read_cancelled))


def start(run: Saved | Sql) -> Flow[str]:
    """Start a billed run; return its execution id."""
    execution_id = yield from exchange(run.request(), _wire.read_submitted)
    logger.info("execution %s started", execution_id)
    # An interrupt that came while the answer was on its way is raised here.
    yield from owning(execution_id, _breathe())
    return execution_id


def _breathe() -> Flow[None]:
    yield Sleep(0)


def owning(execution_id: str, flow: Flow[T]) -> Flow[T]:
    """Run a flow that waits for a run which this call started.

    When the caller gives up (an interrupt, a cancelled task, the deadline) the run is cancelled, so
    that nobody pays for what nobody waits for. When only the connection fails, the run is left to
    end, and the error says how to go on with it: what is paid is not thrown away.
    """
    try:
        return (yield from flow)
    except GeneratorExit:
        raise
    except errors.DuneError as problem:
        problem.execution_id = execution_id
        if isinstance(problem, errors.DeadlineError):
            problem.advice = _after_giving_up((yield from _cancel_quietly(execution_id)))
        elif not isinstance(problem, errors.ExecutionError):
            problem.advice = f"the run goes on: read_dune_execution({execution_id!r}) takes it up."
        raise
    except BaseException:
        yield from _cancel_quietly(execution_id)
        raise


def _cancel_quietly(execution_id: str) -> Flow[bool]:
    """Cancel without raising: something worse is already on its way."""
    try:
        answer = yield Send(_wire.cancel_execution(execution_id), CANCEL_GRACE_SECONDS)
    except Exception:  # noqa: BLE001 - see above
        return False
    logger.info("execution %s: nobody waits for it any more, so it was cancelled", execution_id)
    return bool(answer.status_code < 300)  # noqa: PLR2004 - HTTP's own number


def _after_giving_up(cancelled: bool) -> str:
    if cancelled:
        return "the run was cancelled; give a longer timeout= and call again."
    return "the run could not be cancelled; read_dune_execution takes it up."
