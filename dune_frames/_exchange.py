"""The money rules: what is sent again, and what never.

1. A request that starts a billed run is sent again only when it provably did not start one: it
   was never sent, or Dune answered 429. After anything else the run may be there, and
   `MaybeStartedError` says so.
2. Every other request is safe to repeat. It is sent again after 429, 5xx, a lost connection and a
   body that is cut short or not Dune's, with growing pauses.
3. Whatever else Dune answers is its word, and raised at once.

A flow is a generator: it yields the steps that a driver takes for it and receives what came of
them. It has no clock and does no I/O; the deadline of the call is the driver's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from dune_frames import errors
from dune_frames._refusal import FIRST_SERVER_ERROR, RATE_LIMITED, refusal
from dune_frames._wire import RETRY_AFTER_HEADER, Answer, MalformedBodyError, Request

logger = logging.getLogger("dune_frames")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request and answer with its `Answer`, or throw `LostError`.

    Attributes
    ----------
    grace : float or None
        Seconds that it may take even after the call's deadline; for cleaning up.
    """

    request: Request
    grace: float | None = None


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


Step: TypeAlias = Send | Sleep
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
    """
    pauses, limit_pauses = iter(PAUSES), iter(RATE_LIMIT_PAUSES)
    while True:
        outcome = yield from _attempt(request, read)
        if isinstance(outcome, _Done):
            return outcome.value  # type: ignore[no-any-return]
        limited = outcome.retry_after is not None
        pause = next(limit_pauses if limited else pauses, None)
        if pause is None or (request.starts_run and not outcome.harmless):
            raise outcome.error
        logger.info("%s %s: %s; again", request.method, request.path, outcome.reason)
        yield Sleep(max(pause, outcome.retry_after or 0), jitter=True, everyone=limited)


@dataclass(frozen=True, slots=True)
class _Done:
    value: Any


@dataclass(frozen=True, slots=True)
class _Failed:
    """An attempt that may be repeated: freely when harmless, else only where nothing is billed."""

    reason: str
    error: errors.DuneError
    harmless: bool = False
    retry_after: float | None = None


def _attempt(request: Request, read: Callable[[Answer], Any]) -> Flow[_Done | _Failed]:
    try:
        answer: Answer = yield Send(request)
    except LostError as lost:
        return _Failed(str(lost), _lost(request, str(lost), sent=lost.sent), harmless=not lost.sent)
    if answer.status_code == RATE_LIMITED:
        wait = _retry_after(answer)
        return _Failed("rate limit", refusal(request, answer), harmless=True, retry_after=wait)
    if answer.status_code >= FIRST_SERVER_ERROR:
        return _Failed(f"HTTP {answer.status_code}", _server_error(request, answer))
    if not 200 <= answer.status_code < 300:  # noqa: PLR2004 - HTTP's own numbers
        raise refusal(request, answer)
    try:
        return _Done(read(answer))
    except MalformedBodyError as problem:
        return _Failed(
            str(problem), _lost(request, f"the answer is unusable: {problem}", sent=True)
        )


def _server_error(request: Request, answer: Answer) -> errors.DuneError:
    said = refusal(request, answer)
    if not request.starts_run:
        return said
    return _lost(request, said.message, sent=True, server_text=said.server_text)


def _lost(
    request: Request, reason: str, *, sent: bool, server_text: str | None = None
) -> errors.TransportError:
    unsure = request.starts_run and sent
    kind = errors.MaybeStartedError if unsure else errors.TransportError
    consequence = ": the run may have started and be billed, so it was not sent again"
    return kind(
        f"{request.method} {request.path}: {reason}{consequence if unsure else ''}",
        execution_id=request.execution_id,
        query_id=request.query_id,
        server_text=server_text,
    )


def _retry_after(answer: Answer) -> float:
    """Return the seconds that the server asks to wait; 0 where it names none."""
    try:
        return max(float(answer.headers.get(RETRY_AFTER_HEADER, "0")), 0.0)
    except ValueError:
        return _until(answer.headers[RETRY_AFTER_HEADER], answer.headers.get("date", ""))


def _until(date: str, now: str) -> float:
    """Return the seconds between two HTTP dates, both of the server's clock."""
    from email.utils import parsedate_to_datetime

    try:
        pause = parsedate_to_datetime(date) - parsedate_to_datetime(now)
    except ValueError:
        return 0.0
    return max(pause.total_seconds(), 0.0)
