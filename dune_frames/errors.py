"""Every exception that dune_frames raises on purpose.

The tree (in brackets the built-in that is the second base)::

    DuneError
    ├── ConfigurationError [ValueError]          no key, a placeholder for one, an unsafe base URL
    ├── InvalidRequestError [ValueError]         what was asked cannot be meant; nothing was sent
    ├── APIError                                 Dune answered with an HTTP error
    │   ├── BadRequestError [ValueError]         400
    │   │   └── PerformanceTierError             400: the tier is not for this plan
    │   ├── AuthenticationError [PermissionError]  401
    │   ├── PaymentRequiredError                 402: credits or a limit of the plan
    │   ├── ForbiddenError [PermissionError]     403
    │   ├── NotFoundError [LookupError]          404
    │   │   ├── QueryNotFoundError               no such query, or not yours
    │   │   └── NoStoredResultError              never run, or edited since its last run
    │   ├── ConflictError                        409
    │   ├── RateLimitError                       429, after patience
    │   └── ServerError                          5xx, after patience
    ├── TransportError [ConnectionError]         no usable answer came back, after patience
    │   ├── MaybeStartedError                    …to a request that starts a billed run
    │   └── UntrustedAddressError                the answer points to another host
    ├── OfflineError [LookupError]               `offline=True`, and the cache does not have it
    ├── ExportTooLargeError [ValueError]         more than `max_export_mb`; nothing was exported
    ├── DeadlineError [TimeoutError]             the call's `timeout=` is over
    ├── ExecutionError [RuntimeError]            the run itself ended without a whole result
    │   ├── QueryFailedError                     with the SQL line and a caret where Dune tells
    │   ├── QueryCancelledError
    │   ├── ResultExpiredError
    │   └── PartialResultError                   only a part was kept; see `allow_partial`
    ├── FanOutError                              some of many sets of parameters failed
    ├── IncompleteResultError [EOFError]         rows are missing, or pages contradict
    └── DecodeError [ValueError]                 a value does not fit its type, a body is no result

Every one carries `execution_id`, `query_id` and `server_text` (Dune's own words), each `None`
where there is none, and ends with a line that says what to do.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from dune_frames._in_a_cell import rendered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class DuneError(Exception):
    """The root of every exception that dune_frames raises on purpose.

    Attributes
    ----------
    execution_id : str or None
        The execution concerned. `read_dune_execution` goes on from it where that makes sense.
    query_id : int or None
        The saved query concerned.
    server_text : str or None
        What Dune said, word for word.
    advice : str or None
        What to do next. It is the last line of the message.
    """

    default_advice: str | None = None

    def __init__(
        self,
        message: str,
        *,
        execution_id: str | None = None,
        query_id: int | None = None,
        server_text: str | None = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.execution_id = execution_id
        self.query_id = query_id
        self.server_text = server_text
        self.advice = advice or self.default_advice

    def __str__(self) -> str:
        """Return the message, then where, Dune's words and the advice, a line each."""
        lines = [self.message]
        if self.execution_id:
            lines.append(f"Execution: {self.execution_id}")
        if self.query_id:
            lines.append(f"Query: {self.query_id} (https://dune.com/queries/{self.query_id})")
        if self.server_text and self.server_text not in self.message:
            lines.append(f"Dune says: {self.server_text}")
        if self.advice:
            lines.append(f"What to do: {self.advice}")
        return "\n".join(lines)

    def _render_traceback_(self) -> list[str]:
        """Tell IPython what to show: your own lines and the message."""
        return rendered(self)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(type(self).__name__)}: {html.escape(str(self))}</pre>"

    def __reduce__(self) -> tuple[object, ...]:
        """Keep every attribute when the error crosses a process."""
        return (_rebuild, (type(self), self.message, self.__dict__.copy()))


def _rebuild(kind: type[DuneError], message: str, state: dict[str, object]) -> DuneError:
    error = kind.__new__(kind, message)
    error.args = (message,)  # those with an OSError as second base leave it empty
    error.__dict__.update(state)
    return error


class ConfigurationError(DuneError, ValueError):
    """The client cannot work as it is configured. Nothing was sent."""

    default_advice = "correct the setting that is named."


class InvalidRequestError(DuneError, ValueError):
    """What was asked cannot be meant. Nothing was sent, nothing was spent."""

    default_advice = "correct the argument that is named."


class APIError(DuneError):
    """Dune answered with an HTTP error.

    Attributes
    ----------
    status_code : int
        The HTTP status.
    """

    default_advice = (
        "compare the request with what Dune says; check base_url= if Dune says nothing."
    )
    status_code: int = 0


class BadRequestError(APIError, ValueError):
    """Dune refused the request as malformed (HTTP 400)."""

    default_advice = "compare the request with what Dune says about it."


class PerformanceTierError(BadRequestError):
    """The plan does not have the performance tier that was asked for (HTTP 400)."""

    default_advice = "leave `performance` out: Dune then takes the tier of your plan."


class AuthenticationError(APIError, PermissionError):
    """Dune does not know the API key (HTTP 401)."""

    default_advice = (
        "set DUNE_API_KEY to a key from https://dune.com/settings/api, or pass api_key=."
    )


class PaymentRequiredError(APIError):
    """Credits or a limit of the plan do not cover the request (HTTP 402). Reads cost too."""

    default_advice = (
        "see credits and limits at https://dune.com/settings/billing; export less with `columns`, "
        "`filters` or `limit`. Dune's datapoint limit can strike while credits remain."
    )


class ForbiddenError(APIError, PermissionError):
    """The key may not do this (HTTP 403)."""

    default_advice = (
        "unarchive or save the query, or use a key with the right scope of the team that owns it."
    )


class NotFoundError(APIError, LookupError):
    """Dune knows nothing by that id (HTTP 404)."""

    default_advice = "check the id."


class QueryNotFoundError(NotFoundError):
    """There is no such query, or it is private and not yours (HTTP 404)."""

    default_advice = (
        "check the number in the query's URL; a private query needs a key of the team that owns it."
    )


class NoStoredResultError(NotFoundError):
    """There is no stored result: never run, edited since, or never run with these parameters."""

    default_advice = "run it: read_dune_query(..., max_age=0)."


class ConflictError(APIError):
    """The request contradicts the present state (HTTP 409)."""

    default_advice = "look at the execution's status, then try again."


class RateLimitError(APIError):
    """Dune still refuses after polite waiting (HTTP 429)."""

    default_advice = "wait a minute, run fewer calls side by side, or give a longer timeout=."


class ServerError(APIError):
    """Dune failed to answer (HTTP 5xx), also when asked again."""

    default_advice = "try again later; nothing on your side is wrong."


class TransportError(DuneError, ConnectionError):
    """No usable answer came back, also when asked again."""

    default_advice = "check the network; then try again."


class MaybeStartedError(TransportError):
    """The answer to a request that starts a billed run was lost: the run may have started.

    Such a request is never sent again, because Dune knows no idempotency key and would bill twice.
    """

    default_advice = (
        "look for the run at https://dune.com/workspace/executions, or for that of a saved query "
        "with latest_execution(query); go on with read_dune_execution(execution_id) if it is "
        "there, and call again if not."
    )


class UntrustedAddressError(TransportError):
    """An answer pointed to another scheme, host or port than configured. It was not followed."""

    default_advice = "check base_url= and DUNE_API_BASE_URL: the API key goes to that address only."


class OfflineError(DuneError, LookupError):
    """`offline=True`, and what was asked is not in the cache. Nothing was sent."""

    default_advice = "read it once without offline=True, or name an execution that was read before."


class ExportTooLargeError(DuneError, ValueError):
    """The export would be larger than `max_export_mb` allows. It was not started."""

    default_advice = (
        "take less with `columns`, `filters` or `limit`, scan_dune_query(...) for what you then "
        "select, or allow more."
    )


class DeadlineError(DuneError, TimeoutError):
    """The call's `timeout=` is over. A run that this call started and that still ran was cancelled.

    To cancel it may take a few seconds more.
    """

    default_advice = (
        "give a longer timeout=; where an execution is named, read_dune_execution takes it up."
    )


class ExecutionError(DuneError, RuntimeError):
    """The execution ended without a whole result.

    Attributes
    ----------
    state : str or None
        Dune's word for how it ended.
    """

    default_advice = "look at the execution on dune.com; run the query again with max_age=0."
    state: str | None = None


class QueryFailedError(ExecutionError):
    """Dune could not run the SQL. Failed runs are billed too.

    Attributes
    ----------
    line, column : int or None
        Where in the SQL, counted from 1, where Dune tells.
    error_type : str or None
        Dune's word for the kind of failure.
    """

    default_advice = "correct the SQL and run it again."
    line: int | None = None
    column: int | None = None
    error_type: str | None = None


class QueryCancelledError(ExecutionError):
    """The execution was cancelled."""

    default_advice = "run it again if that was not meant."


class ResultExpiredError(ExecutionError):
    """Dune no longer keeps the result (results are kept for 90 days)."""

    default_advice = "run the query again: max_age=0."


class PartialResultError(ExecutionError):
    """The result was too large for Dune to keep, and only its first part is there."""

    default_advice = (
        "aggregate or narrow the query, or pass allow_partial=True to take the part that is there."
    )


class FanOutError(DuneError):
    """One query was read for many sets of parameters, and some of them failed.

    Attributes
    ----------
    failures : sequence of (mapping, DuneError)
        The sets that failed, as the caller gave them and in that order, each with its error.
    frame : pandas.DataFrame, polars.DataFrame, pyarrow.Table or None
        The rows of all other sets, as the call would have returned them; `None` without any.
    """

    default_advice = (
        "take the rows of the others from the error's `frame`, and read those in `failures` again."
    )
    failures: Sequence[tuple[Mapping[str, Any], DuneError]] = ()
    frame: Any = None


class IncompleteResultError(DuneError, EOFError):
    """What came is not the whole of the pinned execution: rows are missing or pages disagree."""

    default_advice = (
        "read it again with read_dune_execution(execution_id); nothing half-read was returned."
    )


class DecodeError(DuneError, ValueError):
    """A value does not fit the type that Dune declares, or a body is not a result.

    Attributes
    ----------
    column_name : str or None
        The column concerned.
    """

    default_advice = "read it with schema_overrides={column: pyarrow.string()} to see the raw text."
    column_name: str | None = None
