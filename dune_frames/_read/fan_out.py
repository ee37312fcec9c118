"""The fan-out: one saved query for many sets of parameters, as one frame."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dune_frames._frame.provenance import FanOutProvenance
from dune_frames._network.driver import LATE_ANSWER_SECONDS, result_of
from dune_frames._read.stack import stacked
from dune_frames.errors import DuneError, FanOutError, InvalidRequestError
from dune_frames.progress import ReadingSets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    import pyarrow as pa

    from dune_frames._frame.provenance import Provenance
    from dune_frames._network.pace import Pace
    from dune_frames._progress.watch import Watch
    from dune_frames._read.read import Read
    from dune_frames._run.source import Saved

    #: What became of one set: its rows and where they come from, or why there are none.
    Outcome = tuple[pa.Table, Provenance] | DuneError

#: Runs under way at once where the account does not tell: Dune's smallest plan takes three.
RUNS_AT_ONCE = 3
#: The same where it tells more. To start and follow further ones the rate limits are too low.
MOST_RUNS_AT_ONCE = 12
#: How often those who wait to begin look whether they may, in seconds.
_LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Part:
    """One set of parameters: as the caller gave it, and the query with it."""

    parameters: Mapping[str, Any]
    source: Saved


def is_fan_out(params: Any) -> bool:
    """Tell whether parameters are many sets of them.

    Raises
    ------
    InvalidRequestError
        They are neither one set nor a list of sets, or there is none in the list.
    """
    if params is None or isinstance(params, Mapping):
        return False
    is_list = isinstance(params, Sequence) and not isinstance(params, str | bytes)
    if not is_list or not params or not all(isinstance(each, Mapping) for each in params):
        raise InvalidRequestError(
            f"params={params!r} is neither one set of parameters nor a list of such sets",
            advice='give {"name": value}, or [{"name": value}, {"name": other}].',
        )
    return True


@dataclass(slots=True)
class FanOut:
    """Reads one query for many sets of parameters, a few at a time; equal sets once.

    Attributes
    ----------
    parts : sequence of Part
        In the order asked.
    read : callable
        Makes the call for one part. All calls share the deadline; each one stops by itself.
    pace : Pace
        Tells how many runs the account may have at once, once the first state is seen.
    watch : Watch
        Is told how many are over.
    """

    parts: Sequence[Part]
    read: Callable[[], Read]
    pace: Pace
    watch: Watch
    _todo: deque[Saved] = field(init=False)
    _done: dict[str, Outcome] = field(default_factory=dict, init=False)
    _calls: list[Read] = field(default_factory=list, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._todo = deque({part.source.question: part.source for part in self.parts}.values())

    def run(self) -> Any:
        """Read every part; return their rows as one frame, or raise with those that came."""
        with self.watch:
            self._tell()
            self._read_all()
        return self._framed()

    def _read_all(self) -> None:
        pool = ThreadPoolExecutor(MOST_RUNS_AT_ONCE, thread_name_prefix="dune_frames")
        futures = [pool.submit(self._work, place) for place in self._places]
        try:
            for future in futures:
                result_of(future)
        except BaseException:
            self._give_up(futures)
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    async def run_async(self) -> Any:
        """Do the same on an event loop. A cancelled task cancels the runs of all parts."""
        import asyncio

        with self.watch:
            self._tell()
            work = [self._work_async(place) for place in self._places]
            for problem in await asyncio.gather(*work, return_exceptions=True):
                if problem is not None:
                    raise problem
        return await asyncio.to_thread(self._framed)

    @property
    def _places(self) -> range:
        """One for each worker that may have something to do."""
        return range(min(len(self._todo), MOST_RUNS_AT_ONCE))

    def _work(self, place: int) -> None:
        """Read parts one after the other until none is left."""
        while self._waits(place):
            time.sleep(_LOOK_SECONDS)
        for source, call in self._take():
            with self._keeping_failure(source):
                self._done[source.question] = call.table(source)

    async def _work_async(self, place: int) -> None:
        import asyncio

        while self._waits(place):  # noqa: ASYNC110 - other threads change what it waits for
            await asyncio.sleep(_LOOK_SECONDS)
        for source, call in self._take():
            with self._keeping_failure(source):
                self._done[source.question] = await call.table_async(source)

    @contextmanager
    def _keeping_failure(self, source: Saved) -> Iterator[None]:
        """Keep the failure of one part, and tell of its end; what else is raised ends the whole."""
        try:
            yield
        except DuneError as problem:
            self._done[source.question] = problem
        except BaseException:
            self._todo.clear()
            raise
        self._tell()

    def _tell(self) -> None:
        with self._lock:  # in the order of their numbers
            total = len({part.source.question for part in self.parts})
            self.watch.tell(ReadingSets(len(self._done), total))

    def _waits(self, place: int) -> bool:
        """Tell whether a worker waits: the first never, some for the first state, the rest always.

        So the account never has more runs than it may, and as many as it may from the first
        state on. Where a part is done and no state was seen, nothing was told.
        """
        if place == 0 or not self._todo:
            return False
        if not self.pace.is_told and not self._done:
            return True
        return place >= (self.pace.runs or RUNS_AT_ONCE)

    def _take(self) -> Iterator[tuple[Saved, Read]]:
        """Yield what nobody has taken yet, each with a call of its own."""
        while True:
            with self._lock:
                if not self._todo:
                    return
                source, call = self._todo.popleft(), self.read()
                self._calls.append(call)
            yield source, call

    def _give_up(self, futures: Sequence[Future[None]]) -> None:
        """Let every part cancel its run, and wait for them, though not for ever."""
        with self._lock:
            self._todo.clear()
        for call in self._calls:
            call.driver.stopped.set()
        wait(futures, LATE_ANSWER_SECONDS)
        for call in self._calls:
            call.driver.abandoned.set()

    def _framed(self) -> Any:
        """Put the rows of all parts into one frame; raise when there are failures among them."""
        done = [(part, self._done[part.source.question]) for part in self.parts]
        good = [(part, came) for part, came in done if not isinstance(came, DuneError)]
        frame = self._frame_of(good) if good else None
        failures = [(dict(part.parameters), e) for part, e in done if isinstance(e, DuneError)]
        if failures:
            raise _failed(failures, len(done), frame)
        return frame

    def _frame_of(self, good: Sequence[tuple[Part, tuple[pa.Table, Provenance]]]) -> Any:
        table = stacked(
            [table for _, (table, _) in good],
            [part.parameters for part, _ in good],
            [part.source.parameters for part, _ in good],
        )
        origin = FanOutProvenance(tuple(origin for _, (_, origin) in good))
        return self.read().framed(table, origin)


def _failed(
    failures: list[tuple[dict[str, Any], DuneError]], parts: int, frame: Any
) -> FanOutError:
    lines = [f"{parameters}: {problem.message}" for parameters, problem in failures[:_NAMED]]
    more = [f"and {len(failures) - _NAMED} more"] if len(failures) > _NAMED else []
    error = FanOutError(
        "\n  ".join([f"{len(failures)} of {parts} sets of parameters failed:", *lines, *more]),
        query_id=failures[0][1].query_id,
    )
    error.failures, error.frame = failures, frame
    error.__cause__ = failures[0][1]
    return error


#: Failures that the message of the error names.
_NAMED = 5
