"""What an HTTP error means: each answer of Dune to its exception."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dune_frames import errors
from dune_frames._wire import Answer, Request, read_error

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


def ended_badly(status_word: str) -> Callable[..., errors.ExecutionError]:
    """Return the exception that the end of a run means."""
    kinds: dict[str, type[errors.ExecutionError]] = {
        "FAILED": errors.QueryFailedError,
        "CANCELLED": errors.QueryCancelledError,
        "EXPIRED": errors.ResultExpiredError,
        "COMPLETED_PARTIAL": errors.PartialResultError,
    }
    return kinds.get(status_word, errors.ExecutionError)
