"""The driver: takes the steps of a flow, on threads or on an event loop.

The two loops are the same; only how they send and how they wait differs. `asyncio` is imported
where it is used, because it costs more than all the rest of the package.
"""

from __future__ import annotations

import random
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache, partial
from typing import TYPE_CHECKING, TypeVar

from dune_frames._network.attempt import Attempt
from dune_frames._network.exchange import (
    Allowed,
    CleanUp,
    Flow,
    LostError,
    Send,
    Sleep,
    Step,
    Tell,
)
from dune_frames._network.pace import Deadline, Pace
from dune_frames.errors import DuneError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dune_frames._network.transport import Offline, Transport
    from dune_frames._wire.endpoints import Answer, Request
    from dune_frames.progress import Event

T = TypeVar("T")

#: How much longer than the call itself the answer to a request that starts a run is awaited, in
#: seconds: only it tells which run to cancel.
LATE_ANSWER_SECONDS = 3.0
#: How often a wait for another thread looks whether it was interrupted.
_WAKE_SECONDS = 0.5
#: How many calls of one process may wait on the network side by side under asyncio.
_ASYNC_THREADS = 64


class StoppedError(Exception):
    """Another part of the same call failed, so this one gives up. It never reaches a user."""


class Driver:
    """Takes the steps of one call's flows: sends, waits, and keeps the call's deadline.

    Parameters
    ----------
    transport : Transport or Offline
        Where requests go.
    pace : Pace
        Shared by all calls of the client.
    deadline : Deadline
        Of this call.
    tell : callable
        Takes what the flows tell of their progress, on the thread that runs the flow.

    Attributes
    ----------
    stopped : threading.Event
        Set to end everything that this call still does, on whatever thread. The answer to a request
        that starts a run is still awaited: only it tells which run to cancel.
    abandoned : threading.Event
        Set to give up that answer too.
    """

    def __init__(
        self,
        transport: Transport | Offline,
        pace: Pace,
        deadline: Deadline,
        tell: Callable[[Event], object] = lambda _: None,
    ) -> None:
        self.transport = transport
        self.deadline = deadline
        self._tell = tell
        self.stopped = threading.Event()
        self.abandoned = threading.Event()
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
            except DuneError as problem:
                self._raise_interrupt(problem)
                raise
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
            except DuneError as problem:
                self._raise_interrupt(problem)
                raise
            try:
                resume = partial(flow.send, await self._take_async(step))
            except BaseException as problem:  # noqa: BLE001 - the flow cleans up and raises it again
                resume = partial(flow.throw, problem)

    def _take(self, step: Step) -> Answer | None:
        pause = self._before(step)
        if pause and self.stopped.wait(pause):
            raise StoppedError
        if not isinstance(step, Send):
            return None
        send = self._sending(step.request)
        return self._keep_answer(send) if step.request.starts_run else send()

    async def _take_async(self, step: Step) -> Answer | None:
        import asyncio

        await asyncio.sleep(self._before(step))
        if not isinstance(step, Send):
            return None
        answer = asyncio.wrap_future(_async_threads().submit(self._sending(step.request)))
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError as interrupt:
            if not step.request.starts_run:
                answer.cancel()
                self.stopped.set()
                raise
            self._interrupt = interrupt
        try:
            return await asyncio.wait_for(asyncio.shield(answer), LATE_ANSWER_SECONDS)
        except TimeoutError:
            answer.cancel()
            raise self._too_late() from None

    def _too_late(self) -> LostError:
        self.abandoned.set()
        return LostError("no answer before the call was given up", sent=True)

    def _before(self, step: Step) -> float:
        """Return the pause before or in a step; raise what ends the call instead of taking it."""
        if isinstance(step, CleanUp):
            self.deadline, self._pace = Deadline(step.seconds), Pace()
            self.stopped = threading.Event()
            return 0.0
        if isinstance(step, Tell):
            self._tell(step.event)
            return 0.0
        self._raise_interrupt(None)
        self.deadline.check()
        if self.stopped.is_set():
            raise StoppedError
        if isinstance(step, Allowed):
            self._pace.allow(step.runs)
            return 0.0
        pause = self._pace.pause() if isinstance(step, Send) else self._pause(step)
        return min(pause, self.deadline.rest())

    def _pause(self, step: Sleep) -> float:
        pause = step.seconds * random.uniform(1.0, 1.5) if step.jitter else step.seconds  # noqa: S311
        if step.everyone:
            self._pace.hold(pause)
        return pause

    def _raise_interrupt(self, problem: DuneError | None) -> None:
        """Raise an interrupt that had to wait for the answer to a request that starts a run."""
        if self._interrupt is not None:
            interrupt, self._interrupt = self._interrupt, None
            raise interrupt from problem

    def _sending(self, request: Request) -> Callable[[], Answer]:
        """Return what sends a request within the deadline, or a little later if it starts a run."""
        self.deadline.check()
        late = LATE_ANSWER_SECONDS if request.starts_run else 0.0
        stopped = self.abandoned if request.starts_run else self.stopped
        attempt = Attempt.lasting(self.deadline.rest() + late, stopped)
        return partial(self.transport.send, request, attempt)

    def _keep_answer(self, send: Callable[[], Answer]) -> Answer:
        """Send from a thread, so that an interrupt cannot lose the id of a run that has started.

        The interrupt is raised at the flow's next step, when the flow knows what to cancel.
        """
        answer: Future[Answer] = Future()
        thread = threading.Thread(target=_settle, args=(answer, send), daemon=True)
        try:
            thread.start()
            return result_of(answer)
        except BaseException as problem:
            is_answer = answer.done() and answer.exception() is problem
            if is_answer or (isinstance(problem, RuntimeError) and thread.ident is None):
                raise
            self._interrupt = problem
        try:
            return answer.result(LATE_ANSWER_SECONDS)
        except TimeoutError:
            raise self._too_late() from None


def _settle(answer: Future[Answer], send: Callable[[], Answer]) -> None:
    try:
        answer.set_result(send())
    except BaseException as problem:  # noqa: BLE001 - it is raised where the answer is awaited
        answer.set_exception(problem)


def result_of(future: Future[T]) -> T:
    """Wait for a future so that Ctrl-C ends the wait.

    It would not everywhere: once polars has set its own handler, an endless wait goes on after it.
    """
    while not future.done():
        wait([future], _WAKE_SECONDS)
    return future.result()


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
        return await result
    except asyncio.CancelledError:
        stopped.set()
        raise
