"""The driver: takes the steps of a flow, on threads or on an event loop.

The two loops are the same; only how they send and how they wait differs. `asyncio` is imported
where it is used, because it costs more than all the rest of the package.
"""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from dune_frames._exchange import Flow, Send, Sleep, Step
from dune_frames._transport import READ_SECONDS
from dune_frames.errors import DeadlineError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from dune_frames._transport import Offline, Transport
    from dune_frames._wire import Answer

T = TypeVar("T")

#: How long an interrupt waits for the answer to a request that starts a run, so as to cancel it.
INTERRUPT_GRACE_SECONDS = 5.0
#: How many calls of one process may wait on the network side by side under asyncio.
_ASYNC_THREADS = 64


class Deadline:
    """The moment at which a call is over; without `seconds`, never."""

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds

    def rest(self) -> float:
        """Return the seconds that are left, or else what one request may take."""
        return READ_SECONDS if self._end is None else max(self._end - time.monotonic(), 0.0)

    def cut(self, seconds: float) -> float:
        """Return a pause, shortened to what is left."""
        return seconds if self._end is None else min(seconds, self.rest())

    def check(self) -> None:
        """Raise when the moment is past."""
        if self._end is not None and self.rest() <= 0:
            raise DeadlineError(f"the call took longer than timeout={self._seconds:g} seconds")


class Pace:
    """What all requests of one client wait for together when the server asks for less."""

    def __init__(self) -> None:
        self._not_before = 0.0

    def hold(self, seconds: float) -> None:
        """Let no request go for a while."""
        self._not_before = max(self._not_before, time.monotonic() + seconds)

    def pause(self) -> float:
        """Return how long the next request has to wait."""
        return max(self._not_before - time.monotonic(), 0.0)


class StoppedError(Exception):
    """Another part of the same call failed, so this one gives up. It never reaches a user."""


class Driver:
    """Takes the steps of one call's flows: sends, waits, and keeps the call's deadline.

    Parameters
    ----------
    transport : Transport
        Where requests go.
    pace : Pace
        Shared by all calls of the client.
    deadline : Deadline
        Of this call.
    """

    def __init__(self, transport: Transport | Offline, pace: Pace, deadline: Deadline) -> None:
        self.transport = transport
        self.deadline = deadline
        self.stopped = threading.Event()
        self._pace = pace
        self._interrupt: BaseException | None = None

    def run(self, flow: Flow[T]) -> T:
        """Take a flow's steps until it returns. Threads may run several flows of one call."""
        resume: Callable[[], Step] = partial(next, flow)
        while True:
            try:
                step = resume()
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            try:
                resume = partial(flow.send, self._take(step))
            except BaseException as problem:  # noqa: BLE001 - the flow cleans up and raises it again
                resume = partial(flow.throw, problem)

    async def run_async(self, flow: Flow[T]) -> T:
        """Do the same as `run` on an event loop."""
        resume: Callable[[], Step] = partial(next, flow)
        while True:
            try:
                step = resume()
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            try:
                resume = partial(flow.send, await self._take_async(step))
            except BaseException as problem:  # noqa: BLE001 - the flow cleans up and raises it again
                resume = partial(flow.throw, problem)

    def _take(self, step: Step) -> Answer | None:
        pause = self._before(step)
        if pause and self.stopped.wait(pause):
            raise StoppedError
        if isinstance(step, Sleep):
            return None
        work = partial(self.transport.send, step.request, self._seconds_for(step))
        return self._keep_answer(work) if step.request.starts_run else work()

    async def _take_async(self, step: Step) -> Answer | None:
        import asyncio

        await asyncio.sleep(self._before(step))
        if isinstance(step, Sleep):
            return None
        work = partial(self.transport.send, step.request, self._seconds_for(step))
        answer = asyncio.wrap_future(_async_threads().submit(work))
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError as interrupt:
            answer.add_done_callback(_look_at)
            if not step.request.starts_run:
                raise
            self._interrupt = interrupt
            return await asyncio.wait_for(asyncio.shield(answer), INTERRUPT_GRACE_SECONDS)

    def _before(self, step: Step) -> float:
        """Return the pause before or in a step; raise what ends the call instead of taking it."""
        if isinstance(step, Send) and step.grace is not None:
            return 0.0
        if self._interrupt is not None:
            interrupt, self._interrupt = self._interrupt, None
            raise interrupt
        self.deadline.check()
        if self.stopped.is_set():
            raise StoppedError
        return self.deadline.cut(self._pace.pause() if isinstance(step, Send) else self._rest(step))

    def _rest(self, step: Sleep) -> float:
        pause = step.seconds * random.uniform(1.0, 1.5) if step.jitter else step.seconds  # noqa: S311
        if step.everyone:
            self._pace.hold(pause)
        return pause

    def _seconds_for(self, step: Send) -> float:
        if step.grace is not None:
            return step.grace
        self.deadline.check()
        return self.deadline.rest()

    def _keep_answer(self, work: Callable[[], Answer]) -> Answer:
        """Send from a thread, so that an interrupt cannot lose the id of a run that has started.

        The interrupt is raised at the flow's next step, when the flow knows what to cancel.
        """
        answer: Future[Answer] = Future()
        threading.Thread(target=_settle, args=(answer, work), daemon=True).start()
        try:
            return answer.result()
        except BaseException as interrupt:
            if answer.done():
                raise
            self._interrupt = interrupt
            return answer.result(INTERRUPT_GRACE_SECONDS)


def _settle(answer: Future[Answer], work: Callable[[], Answer]) -> None:
    try:
        answer.set_result(work())
    except BaseException as problem:  # noqa: BLE001 - it is raised where the answer is awaited
        answer.set_exception(problem)


def _look_at(answer: asyncio.Future[Any]) -> None:
    """Take note of an answer that nobody awaits any more, so that asyncio does not complain."""
    if not answer.cancelled():
        answer.exception()


@cache
def _async_threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_ASYNC_THREADS, thread_name_prefix="dune_frames")


async def in_thread(work: Callable[[], T], stopped: threading.Event) -> T:
    """Do blocking work beside the event loop; a cancelled task stops it.

    Parameters
    ----------
    work : callable
        What to do.
    stopped : threading.Event
        What `work` looks at to give up.
    """
    import asyncio

    result = asyncio.wrap_future(_async_threads().submit(work))
    try:
        return await asyncio.shield(result)
    except asyncio.CancelledError:
        stopped.set()
        result.add_done_callback(_look_at)
        raise
