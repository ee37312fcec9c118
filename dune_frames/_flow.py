"""From a question to one pinned execution: submit, poll, pin. Written once, without I/O."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from dune_frames import _wire, errors
from dune_frames._exchange import Flow, Send, Sleep, exchange
from dune_frames._query import Window
from dune_frames._refusal import ended_badly

if TYPE_CHECKING:
    from collections.abc import Generator

logger = logging.getLogger("dune_frames")

T = TypeVar("T")

#: How many rows the first request for a stored result asks for: a small result comes in one answer.
FIRST_ROWS = 1000
#: Seconds that an attempt to cancel may take while the call is already being given up.
CANCEL_GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Ask:
    """What a read asks for, whatever it starts from.

    Attributes
    ----------
    window : Window
        Which rows and columns.
    allow_partial : bool
        Take what Dune kept of a result that was too large.
    cautious : bool
        Find out how large the result is before rows are exported.
    """

    window: Window = field(default_factory=Window)
    allow_partial: bool = False
    cautious: bool = False


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved query with its parameters, and how to run it."""

    query_id: int
    parameters: _wire.Parameters
    performance: str | None = None

    @property
    def question(self) -> str:
        """What is asked, whoever asks: earlier runs of it are found under this."""
        return f"query {self.query_id} {sorted(self.parameters.items())}"

    def request(self) -> _wire.Request:
        """Return the request that runs it."""
        return _wire.execute_query(self.query_id, self.parameters, self.performance)

    def pin(self, ask: Ask, max_age: timedelta | None, known: _wire.Status | None) -> Flow[Pinned]:
        """Return the flow to one finished run of it."""
        return pin_latest(self, ask, max_age, known)


@dataclass(frozen=True, slots=True)
class Sql:
    """SQL with its parameters already in it, and how to run it."""

    text: str
    performance: str | None = None
    parameters: _wire.Parameters = field(default_factory=dict)

    @property
    def question(self) -> str:
        """What is asked, whoever asks: earlier runs of it are found under this."""
        return f"sql {self.text}"

    def request(self) -> _wire.Request:
        """Return the request that runs it."""
        return _wire.execute_sql(self.text, self.performance)

    def pin(self, ask: Ask, max_age: timedelta | None, known: _wire.Status | None) -> Flow[Pinned]:
        """Return the flow to one finished run of it."""
        return pin_sql(self, ask, max_age, known)


@dataclass(frozen=True, slots=True)
class Existing:
    """An execution that is there already, whoever started it."""

    execution_id: str
    parameters: _wire.Parameters = field(default_factory=dict)

    @property
    def question(self) -> str:
        """What is asked, whoever asks."""
        return f"execution {self.execution_id}"

    def pin(self, ask: Ask, max_age: timedelta | None, known: _wire.Status | None) -> Flow[Pinned]:
        """Return the flow to its end; its age does not matter."""
        del max_age
        return pin_execution(self.execution_id, ask, known)


Source: TypeAlias = Saved | Sql | Existing


@dataclass(frozen=True, slots=True)
class Pinned:
    """One finished execution, and the page of it that is already here.

    Attributes
    ----------
    status : Status
        With the metadata of the whole result.
    first : Results or None
        Its rows from the window's start on, when finding the execution brought some along.
    """

    status: _wire.Status
    first: _wire.Results | None = None


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


def pin_new(run: Saved | Sql, ask: Ask) -> Flow[Pinned]:
    """Run, wait, and pin the new execution."""
    execution_id = yield from start(run)
    now = yield from owning(execution_id, wait(execution_id))
    return (yield from _pin(now, ask, run.text if isinstance(run, Sql) else None))


def pin_execution(execution_id: str, ask: Ask, known: _wire.Status | None = None) -> Flow[Pinned]:
    """Wait for an execution that somebody started, and pin it. It is never cancelled.

    Parameters
    ----------
    known : Status or None
        Its final status, when this machine has it already: then nothing is asked.
    """
    now = known or (yield from wait(execution_id))
    return (yield from _pin(now, ask))


def pin_sql(
    sql: Sql, ask: Ask, max_age: timedelta | None, known: _wire.Status | None
) -> Flow[Pinned]:
    """Pin the run of this SQL that is known, when it is young enough; else run it."""
    if max_age and known and _is_young(known, max_age):
        return Pinned(usable(known, ask))
    return (yield from pin_new(sql, ask))


def _pin(now: _wire.Status, ask: Ask, sql: str | None = None) -> Flow[Pinned]:
    """Pin a finished run; where its status does not describe the result, the first page does."""
    usable(now, ask, sql=sql)
    if now.metadata is not None:
        return Pinned(now)
    request = _wire.execution_results(
        now.execution_id, _first_part(ask.window, FIRST_ROWS), allow_partial=ask.allow_partial
    )
    first = yield from exchange(request, _wire.read_results)
    return Pinned(usable(first.status, ask, sql=sql), first)


def pin_latest(
    saved: Saved, ask: Ask, max_age: timedelta | None, known: _wire.Status | None = None
) -> Flow[Pinned]:
    """Pin the stored result of a query when it is young enough; else join or start a run.

    Parameters
    ----------
    known : Status or None
        Of the latest run that this machine knows, whose rows are probably on disk.
    """
    if max_age is not None and not max_age:
        return (yield from pin_new(saved, ask))
    if max_age and known and _is_young(known, max_age):
        return Pinned(usable(known, ask))
    # One row is enough to find the run while its rows may not be wanted.
    rows = FIRST_ROWS if max_age is None and known is None and not ask.cautious else 1
    first = yield from _latest(saved, ask, rows)
    if first is None or not _is_taken(first, max_age):
        return (yield from pin_new(saved, ask))
    if not first.status.is_finished:
        return (yield from pin_execution(first.status.execution_id, ask))
    if known and known.execution_id == first.status.execution_id:
        return Pinned(usable(known, ask), first)
    return Pinned(usable(first.status, ask), first)


def _is_taken(first: _wire.Results, max_age: timedelta | None) -> bool:
    """Tell whether the latest run is taken or joined, and say why."""
    status = first.status
    if not status.is_finished:
        logger.info("execution %s is under way: joined", status.execution_id)
        return True
    if status.word in ("FAILED", "CANCELLED", "EXPIRED") or first.rows is None:
        logger.info("the latest run ended as %s: executing", status.word)
        return False
    if max_age is not None and not _is_young(status, max_age):
        logger.info(
            "the latest result, of %s, is older than %s: executing", status.ended_at, max_age
        )
        return False
    logger.info("the latest result, of %s, is taken", status.ended_at)
    return True


def _is_young(status: _wire.Status, max_age: timedelta) -> bool:
    """Judge a result's age by the end of its run."""
    ended = status.ended_at or status.submitted_at
    return ended is not None and datetime.now(UTC) - ended <= max_age


def _latest(saved: Saved, ask: Ask, rows: int) -> Flow[_wire.Results | None]:
    """Ask for the stored result and its first rows; `None` where there is none."""
    request = _wire.latest_results(
        saved.query_id,
        saved.parameters,
        _first_part(ask.window, rows),
        allow_partial=ask.allow_partial,
    )
    try:
        return (yield from exchange(request, _wire.read_results))
    except errors.NoStoredResultError:
        logger.info("query %s has no stored result: executing", saved.query_id)
        return None


def _first_part(window: Window, rows: int) -> Window:
    """Return the first rows of a window; never none, which a server could take for "no limit"."""
    if window.sample_count is not None:
        return window
    wanted = rows if window.limit is None else min(rows, window.limit)
    return window.page(window.start, max(1, wanted))


def latest_id(saved: Saved) -> Flow[str]:
    """Ask for the id of the latest run of a query."""
    request = _wire.latest_results(
        saved.query_id, saved.parameters, Window(limit=1), allow_partial=True
    )
    return (yield from exchange(request, _wire.read_results)).status.execution_id


def usable(status: _wire.Status, ask: Ask, *, sql: str | None = None) -> _wire.Status:
    """Return the status of a run whose result can be read, or raise what its end means."""
    good = ("COMPLETED", "COMPLETED_PARTIAL") if ask.allow_partial else ("COMPLETED",)
    known_bad = ended_badly(status.word) is not errors.ExecutionError
    if status.word in good or not (known_bad or status.failure):
        return status
    raise _bad_end(status, sql)


def _bad_end(status: _wire.Status, sql: str | None) -> errors.ExecutionError:
    failure = status.failure
    text = f"the execution ended as {status.state}"
    if failure:
        text += f": {failure.message}" + _pointer(sql, failure)
    error = ended_badly("FAILED" if failure else status.word)(
        text,
        execution_id=status.execution_id,
        query_id=status.query_id,
        server_text=failure.message if failure else None,
    )
    error.state = status.state
    if isinstance(error, errors.QueryFailedError) and failure:
        error.line, error.column, error.error_type = failure.line, failure.column, failure.type
    return error


def _pointer(sql: str | None, failure: _wire.Failure) -> str:
    """Show the SQL line with a caret under the column, where both are known."""
    lines = (sql or "").splitlines()
    if not failure.line or not failure.column or failure.line > len(lines):
        return ""
    line = lines[failure.line - 1]
    lead = "".join("\t" if each == "\t" else " " for each in line[: failure.column - 1])
    return f"\n\n    {line}\n    {lead}^\n"
