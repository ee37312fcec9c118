"""Dune's wire: the requests, and the only file that knows URLs and header names.

Nothing is sent here; `answers` and `catalog` read what comes back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dune_frames._ask.query import execution_id_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from dune_frames._ask.params import Parameters
    from dune_frames._ask.query import Window

BASE_PATH = "/api/v1"
KEY_HEADER = "X-Dune-Api-Key"
NEXT_OFFSET_HEADER = "x-dune-next-offset"
NEXT_URI_HEADER = "x-dune-next-uri"
RETRY_AFTER_HEADER = "retry-after"


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
    """One HTTP answer, its body whole.

    Attributes
    ----------
    headers : Mapping of str to str
        Their names are in lower case.
    base_url : str
        The configured address that answered, to which all addresses in the answer must belong.
    """

    status_code: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    base_url: str


def execute_query(query_id: int, parameters: Parameters, performance: str | None) -> Request:
    """POST /query/{query_id}/execute: starts a billed run."""
    body = {"query_parameters": dict(parameters)} if parameters else {}
    path = f"/query/{query_id}/execute"
    return Request("POST", path, (), body | _tier(performance), starts_run=True, query_id=query_id)


def execute_sql(sql: str, performance: str | None) -> Request:
    """POST /sql/execute: starts a billed run."""
    return Request("POST", "/sql/execute", (), {"sql": sql} | _tier(performance), starts_run=True)


def execute_pipeline(query_id: int, parameters: Parameters, performance: str | None) -> Request:
    """POST /query/{query_id}/pipeline/execute: starts billed runs."""
    run = execute_query(query_id, parameters, performance)
    return replace(run, path=f"/query/{query_id}/pipeline/execute")


def pipeline_of(query_id: int, parameters: Parameters, performance: str | None) -> Request:
    """GET /query/{query_id}/pipeline: free."""
    values = {"query_parameters": json.dumps(dict(parameters))} if parameters else {}
    query = tuple((values | _tier(performance)).items())
    return Request("GET", f"/query/{query_id}/pipeline", query, query_id=query_id)


def execute_plan(body: Mapping[str, Any]) -> Request:
    """POST /pipelines/execute: starts billed runs."""
    return Request("POST", "/pipelines/execute", (), body, starts_run=True)


def pipeline_status(pipeline_execution_id: str) -> Request:
    """GET /pipelines/executions/{pipeline_execution_id}/status: free."""
    return Request(
        "GET",
        f"/pipelines/executions/{_segment(pipeline_execution_id)}/status",
    )


def saved_query(query_id: int) -> Request:
    """GET /query/{query_id}: free, on some plans."""
    return Request("GET", f"/query/{query_id}", query_id=query_id)


def usage(start_date: date | None, end_date: date | None) -> Request:
    """POST /usage: free, and the same when sent twice."""
    dates = {"start_date": start_date, "end_date": end_date}
    body = {name: day.isoformat() for name, day in dates.items() if day is not None}
    return Request("POST", "/usage", (), body)


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
    return f"/execution/{_segment(execution_id)}"


def _segment(text: str) -> str:
    """Write an id as one part of a path."""
    return quote(execution_id_of(text), safe="", errors="replace")


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
