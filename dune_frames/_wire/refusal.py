"""What an HTTP error and the end of a run mean: each answer of Dune to its exception."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dune_frames import errors
from dune_frames._wire.answers import Failure, Status, read_error

if TYPE_CHECKING:
    from dune_frames._wire.endpoints import Answer, Request

RATE_LIMITED = 429
FIRST_SERVER_ERROR = 500
PARTIAL_STATE = "QUERY_STATE_COMPLETED_PARTIAL"

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
    if isinstance(error, errors.PartialResultError):
        error.state = PARTIAL_STATE
    return error


def _kind(status_code: int, said: str) -> type[errors.DuneError]:
    for code, words, kind in _BY_WORDS:
        if status_code == code and words in said.lower():
            return kind
    fallback = errors.ServerError if status_code >= FIRST_SERVER_ERROR else errors.APIError
    return _BY_STATUS.get(status_code, fallback)


_BAD_ENDS: dict[str, type[errors.ExecutionError]] = {
    "FAILED": errors.QueryFailedError,
    "CANCELLED": errors.QueryCancelledError,
    "EXPIRED": errors.ResultExpiredError,
    "COMPLETED_PARTIAL": errors.PartialResultError,
}


def usable(status: Status, *, allow_partial: bool, sql: str | None = None) -> Status:
    """Return the status of a run whose result can be read, or raise what its end means.

    A state that nobody has seen yet is believed to be good unless Dune tells a failure with it.
    """
    good = ("COMPLETED", "COMPLETED_PARTIAL") if allow_partial else ("COMPLETED",)
    if status.word in good or not (status.word in _BAD_ENDS or status.failure):
        return status
    raise _bad_end(status, sql)


def _bad_end(status: Status, sql: str | None) -> errors.ExecutionError:
    failure = status.failure
    text = f"the execution ended as {status.state}"
    error = _BAD_ENDS.get(status.word, errors.QueryFailedError)(
        f"{text}: {failure.message}{_pointer(sql, failure)}" if failure else text,
        execution_id=status.execution_id,
        query_id=status.query_id,
        server_text=failure.message if failure else None,
    )
    error.state = status.state
    if isinstance(error, errors.QueryFailedError) and failure:
        error.line, error.column, error.error_type = failure.line, failure.column, failure.type
    return error


def _pointer(sql: str | None, failure: Failure) -> str:
    """Show the place in the SQL where Dune tells it: with a caret where the SQL is known too."""
    if not failure.line or not failure.column:
        return ""
    place = f"\nAt line {failure.line}, column {failure.column} of the SQL"
    lines = (sql or "").split("\n")
    if not sql or failure.line > len(lines):
        return place + "."
    shown, column = _around(lines[failure.line - 1].rstrip("\r"), failure.column)
    lead = "".join("\t" if each == "\t" else " " for each in shown[: column - 1])
    return f"{place}:\n    {shown}\n    {lead}^"


def _around(line: str, column: int) -> tuple[str, int]:
    """Return what fits on a screen of a long line around a column, and the column therein."""
    start = 0 if len(line) <= _SHOWN_COLUMNS else max(0, column - 1 - _SHOWN_COLUMNS // 2)
    return line[start : start + _SHOWN_COLUMNS], min(column, len(line) + 1) - start


_SHOWN_COLUMNS = 100
