"""What an HTTP error and the end of a run mean: each answer of Dune to its exception."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dune_frames import errors
from dune_frames._wire import Answer, Failure, Request, Status, read_error

if TYPE_CHECKING:
    from collections.abc import Callable

RATE_LIMITED = 429
FIRST_SERVER_ERROR = 500

#: Which exception a status means, and which one it means when Dune's words say more.
_BY_STATUS: dict[int, type[errors.APIError]] = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    402: errors.PaymentRequiredError,
    403: errors.ForbiddenError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    429: errors.RateLimitError,
}
_BY_WORDS: tuple[tuple[int, str, type[errors.DuneError]], ...] = (
    (400, "partial result", errors.PartialResultError),
    (400, "performance tier", errors.PerformanceTierError),
    (404, "no execution found", errors.NoStoredResultError),
    (404, "query not found", errors.QueryNotFoundError),
)


def refusal(request: Request, answer: Answer) -> errors.DuneError:
    """Return the exception that an HTTP error means."""
    said = read_error(answer)
    kind = _kind(answer.status_code, said or "")
    error = kind(
        f"Dune answered {answer.status_code} to {request.method} {request.path}"
        + (f": {said}" if said else ", without saying why"),
        execution_id=request.execution_id,
        query_id=request.query_id,
        server_text=said,
    )
    if isinstance(error, errors.APIError):
        error.status_code = answer.status_code
    return error


def _kind(status_code: int, said: str) -> type[errors.DuneError]:
    for code, words, kind in _BY_WORDS:
        if status_code == code and words in said.lower():
            return kind
    fallback = errors.ServerError if status_code >= FIRST_SERVER_ERROR else errors.APIError
    return _BY_STATUS.get(status_code, fallback)


def _ended_badly(status_word: str) -> Callable[..., errors.ExecutionError]:
    """Return the exception that the end of a run means."""
    kinds: dict[str, type[errors.ExecutionError]] = {
        "FAILED": errors.QueryFailedError,
        "CANCELLED": errors.QueryCancelledError,
        "EXPIRED": errors.ResultExpiredError,
        "COMPLETED_PARTIAL": errors.PartialResultError,
    }
    return kinds.get(status_word, errors.ExecutionError)


def usable(status: Status, *, allow_partial: bool, sql: str | None = None) -> Status:
    """Return the status of a run whose result can be read, or raise what its end means."""
    good = ("COMPLETED", "COMPLETED_PARTIAL") if allow_partial else ("COMPLETED",)
    known_bad = _ended_badly(status.word) is not errors.ExecutionError
    if status.word in good or not (known_bad or status.failure):
        return status
    raise _bad_end(status, sql)


def _bad_end(status: Status, sql: str | None) -> errors.ExecutionError:
    failure = status.failure
    text = f"the execution ended as {status.state}"
    if failure:
        text += f": {failure.message}" + _pointer(sql, failure)
    error = _ended_badly("FAILED" if failure else status.word)(
        text,
        execution_id=status.execution_id,
        query_id=status.query_id,
        server_text=failure.message if failure else None,
    )
    error.state = status.state
    if isinstance(error, errors.QueryFailedError) and failure:
        error.line, error.column, error.error_type = failure.line, failure.column, failure.type
    return error


def _pointer(sql: str | None, failure: Failure) -> str:
    """Show the SQL line with a caret under the column, where both are known."""
    lines = (sql or "").splitlines()
    if not failure.line or not failure.column or failure.line > len(lines):
        return ""
    line = lines[failure.line - 1]
    lead = "".join("\t" if each == "\t" else " " for each in line[: failure.column - 1])
    return f"\n\n    {line}\n    {lead}^\n"
