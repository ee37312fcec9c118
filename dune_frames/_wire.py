"""Dune's wire: the only file that knows URLs, header names and JSON keys.

Requests are made here and answers are read here; nothing is sent here. What the answers mean is
graded by evidence in Dune's documentation and recorded payloads: several keys are optional because
they are missing in some recordings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from dune_frames._query import Window

BASE_PATH = "/api/v1"
KEY_HEADER = "X-Dune-Api-Key"
NEXT_OFFSET_HEADER = "x-dune-next-offset"
NEXT_URI_HEADER = "x-dune-next-uri"
RETRY_AFTER_HEADER = "retry-after"

Parameters = Mapping[str, "str | list[str]"]


class MalformedBodyError(ValueError):
    """A body is not what the API sends there: cut short, or not from the API at all."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, relative to the API's address.

    Attributes
    ----------
    starts_run : bool
        It starts a billed execution: the money rules keep it from being sent twice.
    query_id, execution_id : int or None, str or None
        What it is about, for error messages.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None
    starts_run: bool = False
    query_id: int | None = None
    execution_id: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, its body whole. Header names are in lower case."""

    status_code: int
    headers: Mapping[str, str]
    body: bytes


def execute_query(query_id: int, parameters: Parameters, performance: str | None) -> Request:
    """POST /query/{query_id}/execute: starts a billed run."""
    body = {"query_parameters": dict(parameters)} if parameters else {}
    path = f"/query/{query_id}/execute"
    return Request("POST", path, (), body | _tier(performance), starts_run=True, query_id=query_id)


def execute_sql(sql: str, performance: str | None) -> Request:
    """POST /sql/execute: starts a billed run."""
    return Request("POST", "/sql/execute", (), {"sql": sql} | _tier(performance), starts_run=True)


def _tier(performance: str | None) -> dict[str, str]:
    """Name the tier only when the caller does: a plan refuses tiers that it does not have."""
    return {} if performance is None else {"performance": performance}


def execution_status(execution_id: str) -> Request:
    """GET /execution/{execution_id}/status: free."""
    return Request("GET", f"{_execution(execution_id)}/status", execution_id=execution_id)


def cancel_execution(execution_id: str) -> Request:
    """POST /execution/{execution_id}/cancel: free, and the same when sent twice."""
    return Request("POST", f"{_execution(execution_id)}/cancel", execution_id=execution_id)


def execution_results(
    execution_id: str, window: Window, *, csv: bool = False, allow_partial: bool = False
) -> Request:
    """GET /execution/{execution_id}/results or …/results/csv: billed by what it exports."""
    path = f"{_execution(execution_id)}/results" + ("/csv" if csv else "")
    return Request("GET", path, _window(window, allow_partial), execution_id=execution_id)


def latest_results(
    query_id: int, parameters: Parameters, window: Window, *, csv: bool = False, allow_partial: bool
) -> Request:
    """GET /query/{query_id}/results or …/results/csv: billed by what it exports."""
    path = f"/query/{query_id}/results" + ("/csv" if csv else "")
    chosen = [
        (f"params.{name}", each)
        for name, value in parameters.items()
        for each in ([value] if isinstance(value, str) else value)
    ]
    return Request("GET", path, (*chosen, *_window(window, allow_partial)), query_id=query_id)


def _execution(execution_id: str) -> str:
    return f"/execution/{quote(execution_id, safe='')}"


def _window(window: Window, allow_partial: bool) -> tuple[tuple[str, str], ...]:
    asked = {
        "columns": _column_list(window.columns),
        "filters": window.filters,
        "sort_by": window.sort_by,
        "limit": window.limit,
        "offset": window.offset,
        "sample_count": window.sample_count,
        "allow_partial_results": "true" if allow_partial else None,
        # Pages are bounded by us; without this the server may refuse wide ones.
        "ignore_max_datapoints_per_request": "true",
    }
    return tuple((name, str(value)) for name, value in asked.items() if value is not None)


def _column_list(columns: Sequence[str] | None) -> str | None:
    if columns is None:
        return None
    return ",".join(
        '"' + name.replace('"', '""') + '"' if set(name) & set(',"') else name for name in columns
    )


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a result's metadata tells. `row_count` is of a page, `total_row_count` of the whole."""

    column_names: tuple[str, ...]
    column_types: tuple[str, ...] | None = None
    row_count: int | None = None
    total_row_count: int | None = None
    result_set_bytes: int | None = None
    total_result_set_bytes: int | None = None
    datapoint_count: int | None = None
    pending_time_millis: int | None = None
    execution_time_millis: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run failed, in Dune's words, and where in the SQL (from 1) where Dune tells."""

    type: str | None
    message: str
    line: int | None = None
    column: int | None = None


_FINAL = ("COMPLETED", "COMPLETED_PARTIAL", "FAILED", "CANCELLED", "CANCELED", "EXPIRED")


@dataclass(frozen=True, slots=True)
class Status:
    """The state of an execution, as the free status endpoint tells it.

    Attributes
    ----------
    state : str
        Dune's word, for example ``"QUERY_STATE_COMPLETED"``.
    is_finished : bool
        Whether the run is over, however it ended.
    submitted_at, started_at, ended_at, cancelled_at, expires_at : datetime or None
        In UTC, cut to microseconds.
    queue_position : int or None
        How many runs stand before this one.
    execution_cost_credits : float or None
        What the run itself cost; exports come on top.
    """

    execution_id: str
    state: str
    is_finished: bool
    query_id: int | None = None
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    cancelled_at: datetime | None = None
    expires_at: datetime | None = None
    queue_position: int | None = None
    max_inflight_interactive_executions: int | None = None
    execution_cost_credits: float | None = None
    metadata: Metadata | None = None
    failure: Failure | None = None

    @property
    def word(self) -> str:
        """The state without its prefix, in one spelling: ``"CANCELLED"``, never ``"CANCELED"``."""
        word = self.state.removeprefix("QUERY_STATE_")
        return "CANCELLED" if word == "CANCELED" else word


@dataclass(frozen=True, slots=True)
class Results:
    """A JSON page of a result: the state of the run, and its rows as the bytes of a JSON array."""

    status: Status
    rows: bytes | None = field(repr=False)
    next_offset: int | None
    next_uri: str | None


def read_error(answer: Answer) -> str | None:
    """Return what an HTTP error says: Dune's `error` string where it is one, else nothing."""
    try:
        said = json.loads(answer.body)["error"]
    except (ValueError, KeyError, TypeError):
        return None
    return said if isinstance(said, str) else _read_failure(said).message


def read_submitted(answer: Answer) -> str:
    """Return the id of the execution that an execute request started."""
    execution_id = _object(answer.body).get("execution_id")
    if not isinstance(execution_id, str) or not execution_id:
        raise MalformedBodyError("no execution_id in the answer to an execute request")
    return execution_id


def read_cancelled(answer: Answer) -> bool:
    """Return whether Dune took the cancellation."""
    return bool(_object(answer.body).get("success", True))


def read_status(answer: Answer) -> Status:
    """Return what the status endpoint told."""
    return _status(_object(answer.body))


def read_results(answer: Answer) -> Results:
    """Return what a JSON results endpoint sent, its rows still as bytes."""
    envelope, rows = _cut_out_rows(answer.body)
    offset = envelope.get("next_offset")
    return Results(
        status=_with_columns(_status(envelope), rows),
        rows=rows if isinstance(envelope.get("result"), dict) else None,
        next_offset=None if offset is None else _count(offset),
        next_uri=envelope.get("next_uri"),
    )


def read_csv_offset(answer: Answer) -> int | None:
    """Return where the next CSV page starts; `None` on the last one."""
    offset = answer.headers.get(NEXT_OFFSET_HEADER)
    return None if offset is None else _count(offset)


def _count(value: object) -> int:
    try:
        return int(str(value))
    except ValueError as problem:
        raise MalformedBodyError(f"{value!r} is no row offset") from problem


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise MalformedBodyError(f"not JSON: {problem}") from problem
    if not isinstance(value, dict):
        raise MalformedBodyError("JSON, but no object")
    return value


_ROWS, _AFTER_ROWS = b'"rows":', b',"metadata":'


def _cut_out_rows(body: bytes) -> tuple[dict[str, Any], bytes | None]:
    """Part the rows from what stands around them, so that only the native parser reads them.

    The cut between the first `"rows":` and the last `,"metadata":` is believed when what stands
    around is JSON without it; otherwise the end of the rows is found by parsing them.
    """
    start = body.find(_ROWS) + len(_ROWS)
    end = body.rfind(_AFTER_ROWS)
    if len(_ROWS) <= start < end and body[end - 1 : end] == b"]":
        try:
            return _object(body[:start] + b"[]" + body[end:]), body[start:end]
        except MalformedBodyError:
            pass
    return _cut_out_slowly(body)


def _cut_out_slowly(body: bytes) -> tuple[dict[str, Any], bytes | None]:
    envelope = _object(body)
    result = envelope.get("result")
    if not isinstance(result, dict) or "rows" not in result:
        return envelope, None
    text = body.decode()
    start = text.index("[", text.index('"rows"'))
    _, end = json.JSONDecoder().raw_decode(text, start)
    return envelope, text[start:end].encode()


def _status(envelope: Mapping[str, Any]) -> Status:
    state, execution_id = envelope.get("state"), envelope.get("execution_id")
    if not isinstance(state, str) or not isinstance(execution_id, str):
        raise MalformedBodyError("neither state nor execution_id in the answer")
    final = state.removeprefix("QUERY_STATE_") in _FINAL
    error = envelope.get("error")
    return Status(
        execution_id=execution_id,
        state=state,
        is_finished=bool(envelope.get("is_execution_finished", final)),
        query_id=envelope.get("query_id") or None,
        submitted_at=_time(envelope.get("submitted_at")),
        started_at=_time(envelope.get("execution_started_at")),
        ended_at=_time(envelope.get("execution_ended_at")),
        cancelled_at=_time(envelope.get("cancelled_at")),
        expires_at=_time(envelope.get("expires_at")),
        queue_position=envelope.get("queue_position"),
        max_inflight_interactive_executions=envelope.get("max_inflight_interactive_executions"),
        execution_cost_credits=envelope.get("execution_cost_credits"),
        metadata=_metadata(envelope),
        failure=None if error is None else _read_failure(error),
    )


def _time(text: object) -> datetime | None:
    """Read an RFC 3339 time with up to nine fractional digits; the epoch means none."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as problem:
        raise MalformedBodyError(f"{text!r} is no time") from problem
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return time if time.timestamp() else None


def _read_failure(error: object) -> Failure:
    if not isinstance(error, Mapping):
        return Failure(None, str(error))
    place = error.get("metadata") or {}
    message = str(error.get("message") or error.get("type") or "no reason told")
    return Failure(error.get("type"), message, place.get("line"), place.get("column"))


def _metadata(envelope: Mapping[str, Any]) -> Metadata | None:
    told = envelope.get("result_metadata") or (envelope.get("result") or {}).get("metadata")
    if not isinstance(told, Mapping):
        return None
    types = told.get("column_types")
    counts = {name: told.get(name) for name in Metadata.__slots__ if not name.startswith("column_")}
    return Metadata(
        tuple(told.get("column_names") or ()), tuple(types) if types else None, **counts
    )


def _with_columns(status: Status, rows: bytes | None) -> Status:
    """Fill in column names from the rows: results from before 2024 may tell none."""
    if rows is None or (status.metadata and status.metadata.column_names):
        return status
    names = dict.fromkeys(name for row in json.loads(rows) for name in row)
    return replace(
        status, metadata=replace(status.metadata or Metadata(()), column_names=tuple(names))
    )
