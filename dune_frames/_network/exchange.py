"""The money rules: what is sent again, and what never.

1. A request that starts a billed run is sent again only when it provably did not start one: it
   never left, or Dune answered 429. After anything else the run may be there, and
   `MaybeStartedError` says so.
2. Every other request is safe to repeat. It is sent again after 429, 5xx, a lost connection and a
   body that is cut short or not Dune's, with growing pauses.
3. Whatever else Dune answers is its word, and raised at once.

A flow is a generator: it yields the steps that a driver takes for it and receives what came of
them. It has no clock and does no I/O; the deadline of the call is the driver's.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from dune_frames import errors
from dune_frames._wire.endpoints import RETRY_AFTER_HEADER, Answer, Request
from dune_frames._wire.envelope import MalformedBodyError
from dune_frames._wire.refusal import FIRST_SERVER_ERROR, RATE_LIMITED, refusal

if TYPE_CHECKING:
    from dune_frames.progress import Event

logger = logging.getLogger("dune_frames")
logger.addHandler(logging.NullHandler())  # silent, warnings too, unless a program listens

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request and answer with its `Answer`, or throw `LostError`."""

    request: Request


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait.

    Attributes
    ----------
    seconds : float
        How long.
    jitter : bool
        Vary it at random, so that callers who failed together do not return together.
    everyone : bool
        Keep every request of this client back, not only this flow: the server asked for less.
    """

    seconds: float
    jitter: bool = False
    everyone: bool = False


@dataclass(frozen=True, slots=True)
class CleanUp:
    """Go on although the call is over: the steps from here on have so many seconds of their own."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell whoever watches the call what it does. Since when, the watch knows: it has a clock."""

    event: Event


@dataclass(frozen=True, slots=True)
class Allowed:
    """Take note of how many runs at once the account was told to have; `None` where it was not."""

    runs: int | None


Step: TypeAlias = Send | Sleep | CleanUp | Tell | Allowed
Flow: TypeAlias = Generator[Step, Any, T]


class LostError(Exception):
    """No answer came to a request. `sent` is false only when it provably never left."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


#: Pauses before the second, third, … attempt, in seconds.
PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0)
#: The same after 429: limits are counted by the minute, so patience has to last for one.
RATE_LIMIT_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0)
#: Who asks for more patience than this, in seconds, is told to the caller instead.
LONGEST_PAUSE = 600.0


@contextmanager
def naming(execution_id: str | None, query_id: int | None = None) -> Iterator[None]:
    """Put what it is about into every error that leaves and does not say so yet."""
    try:
        yield
    except errors.DuneError as problem:
        problem.execution_id = problem.execution_id or execution_id
        problem.query_id = problem.query_id or query_id
        raise


def exchange(request: Request, read: Callable[[Answer], T]) -> Flow[T]:
    """Send a request until it is answered, by the money rules; return what `read` makes of it.

    Raises
    ------
    APIError
        Dune refused, or still fails or limits after all pauses.
    MaybeStartedError
        The request starts a run, and what became of it is unknown.
    TransportError
        No usable answer came after all pauses.
    DeadlineError
        The call was over first; it says what the last attempt came to.
    """
    pauses, limit_pauses = iter(PAUSES), iter(RATE_LIMIT_PAUSES)
    outcome: _Done | _Failed | None = None
    try:
        with naming(request.execution_id, request.query_id):
            while True:
                outcome = yield from _attempt(request, read)
                if isinstance(outcome, _Done):
                    return outcome.value  # type: ignore[no-any-return]
                pause = next(limit_pauses if outcome.limited else pauses, None)
                if pause is None or not outcome.may_repeat(request):
                    raise outcome.error
                logger.info("%s %s: %s; again", request.method, request.path, outcome.reason)
                pause = max(pause, outcome.retry_after)
                yield Sleep(pause, jitter=True, everyone=outcome.limited)
    except errors.DeadlineError as problem:
        if not isinstance(outcome, _Failed):
            raise
        problem.message += f"; the last answer was: {outcome.reason}"
        problem.server_text = outcome.error.server_text
        raise problem from outcome.error


@dataclass(frozen=True, slots=True)
class _Done:
    value: Any


@dataclass(frozen=True, slots=True)
class _Failed:
    """An attempt that failed in a way that passes.

    Attributes
    ----------
    harmless : bool
        It provably started nothing.
    limited : bool
        The server asked for fewer requests.
    retry_after : float
        The seconds that the server asked to wait.
    """

    reason: str
    error: errors.DuneError
    harmless: bool = False
    limited: bool = False
    retry_after: float = 0.0

    def may_repeat(self, request: Request) -> bool:
        """Apply rule 1."""
        return (self.harmless or not request.starts_run) and self.retry_after <= LONGEST_PAUSE


def _attempt(request: Request, read: Callable[[Answer], Any]) -> Flow[_Done | _Failed]:
    try:
        answer: Answer = yield Send(request)
    except LostError as lost:
        reason, sent = str(lost), lost.sent
        return _Failed(reason, _lost(request, reason, sent=sent), harmless=not sent)
    if not 200 <= answer.status_code < 300:  # noqa: PLR2004 - HTTP's own numbers
        return _refused(request, answer)
    try:
        return _Done(read(answer))
    except MalformedBodyError as problem:
        reason = f"the answer is unusable: {problem}"
    return _Failed(reason, _lost(request, reason, sent=True))


def _refused(request: Request, answer: Answer) -> _Failed:
    """Return a refusal that may pass; raise any other."""
    said, wait = refusal(request, answer), _retry_after(answer)
    if answer.status_code == RATE_LIMITED:
        return _Failed("HTTP 429", said, harmless=True, limited=True, retry_after=wait)
    if answer.status_code < FIRST_SERVER_ERROR:
        raise said
    if request.starts_run:
        said = _lost(request, said.message, sent=True, server_text=said.server_text)
    return _Failed(f"HTTP {answer.status_code}", said, retry_after=wait)


def _lost(
    request: Request, reason: str, *, sent: bool, server_text: str | None = None
) -> errors.TransportError:
    unsure = request.starts_run and sent
    kind = errors.MaybeStartedError if unsure else errors.TransportError
    consequence = ": the run may have started and be billed, so it was not sent again"
    return kind(
        f"{request.method} {request.path}: {reason}{consequence if unsure else ''}",
        server_text=server_text,
    )


def _retry_after(answer: Answer) -> float:
    """Return the seconds that the server asks to wait; 0 where it names none."""
    told = answer.headers.get(RETRY_AFTER_HEADER, "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d*)?", told):
        return float(told)
    return _until(told, answer.headers.get("date", "")) if told else 0.0


def _until(then: str, now: str) -> float:
    """Return the seconds between two HTTP dates: by the server's clock, where it shows one."""
    end, start = _date(then), _date(now) or datetime.now(UTC)
    return max((end - start).total_seconds(), 0.0) if end else 0.0


def _date(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
