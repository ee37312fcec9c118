"""Responses: executions and pages in the JSON that the API answers with, keys in its order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from dune_frames.local.answers import CSV, Answer, json_answer, json_bytes
from dune_frames.local.bodies import csv_body, json_rows
from dune_frames.local.clock import rfc3339
from dune_frames.local.executions import CANCELLED, COMPLETED, EXECUTING, RETENTION, Execution
from dune_frames.local.pages import Page

if TYPE_CHECKING:
    from dune_frames._types.table import DuneType
    from dune_frames.local.results import Result
    from dune_frames.local.settings import Quirks
    from dune_frames.local.windows import Window

#: Documented but seldom seen, and one that no document has.
_EXTRA: dict[str, Any] = {
    "queue_position": 0,
    "max_inflight_interactive_executions": 3,
    "max_inflight_interactive_reached": 1,
    "from_the_future": {"a": [1]},
}
#: Stands for the rows until they are put in as bytes.
_ROWS = "\x00rows"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a request reads.

    Attributes
    ----------
    execution : Execution
        The execution.
    result : Result
        Its whole result.
    window : Window
        The part asked for.
    base : str
        Scheme, host and port that the client used.
    """

    execution: Execution
    result: Result
    window: Window
    base: str


def state_of(execution: Execution, quirks: Quirks) -> str:
    """Return the state as it is spelt on the wire."""
    return quirks.cancelled_state if execution.state == CANCELLED else execution.state


def status_answer(execution: Execution, quirks: Quirks) -> Answer:
    """Answer with the status of an execution."""
    shown = _head(execution, quirks)
    if execution.is_finished:
        shown["execution_cost_credits"] = execution.cost_credits
    if execution.error:
        shown["error"] = execution.error.json()
    if execution.state == COMPLETED and execution.result:
        result = execution.result
        whole = Page(result, result.row_count, None)
        shown["result_metadata"] = _metadata(execution, result, whole, result.raw_bytes, quirks)
    return json_answer(shown, pretty=quirks.pretty)


def execute_answer(execution: Execution, quirks: Quirks) -> Answer:
    """Answer that an execution was taken in."""
    shown = {"execution_id": execution.execution_id, "state": execution.state}
    if quirks.extra_keys:
        moments = {
            "submitted_at": rfc3339(execution.submitted_at),
            "expires_at": rfc3339(execution.submitted_at + RETENTION),
        }
        shown |= {"state": EXECUTING} | moments | _EXTRA
    return json_answer(shown)


def unfinished_answer(execution: Execution, quirks: Quirks) -> Answer:
    """Answer a request for results where there are none: not yet, or never."""
    shown = _head(execution, quirks)
    if execution.error:
        shown["error"] = execution.error.json()
    return json_answer(shown, pretty=quirks.pretty)


def json_page_answer(reading: Reading, page: Page, quirks: Quirks) -> Answer:
    """Answer with a page of results in JSON."""
    metadata = _page_metadata(reading, page, quirks)
    shown = _head(reading.execution, quirks) | {"result": {"rows": _ROWS, "metadata": metadata}}
    if page.next_offset is not None:
        uri = _next_uri(reading, page, "results", quirks)
        shown |= {"next_uri": uri, "next_offset": page.next_offset}
    before, after = json_bytes(shown, pretty=quirks.pretty).split(json_bytes(_ROWS))
    body = b"".join((before, json_rows(page.rows, quirks), after))
    return Answer(body, rows=page.rows.row_count)


def csv_page_answer(reading: Reading, page: Page, quirks: Quirks) -> Answer:
    """Answer with a page of results in CSV; what follows it is told in headers."""
    headers = {}
    if page.next_offset is not None:
        tail = "results/csv" if quirks.csv_next_uri == "csv" else "results"
        headers["x-dune-next-uri"] = _next_uri(reading, page, tail, quirks)
        headers["x-dune-next-offset"] = str(page.next_offset)
    body = csv_body(page.rows, quirks)
    return Answer(body, content_type=CSV, headers=headers, rows=page.rows.row_count)


def _head(execution: Execution, quirks: Quirks) -> dict[str, Any]:
    return {
        "execution_id": execution.execution_id,
        "query_id": execution.query_id,
        "is_execution_finished": execution.is_finished,
        "state": state_of(execution, quirks),
        **execution.moments(),
        **(_EXTRA if quirks.extra_keys else {}),
        **_allowed(quirks),
    }


def _allowed(quirks: Quirks) -> dict[str, Any]:
    most = quirks.max_inflight
    return {} if most is None else {"max_inflight_interactive_executions": most}


def _page_metadata(reading: Reading, page: Page, quirks: Quirks) -> dict[str, Any]:
    header_and_rows = sum(map(len, page.rows.names)) + page.rows.raw_bytes
    page_bytes = header_and_rows if page.rows.row_count else 0
    return _metadata(reading.execution, reading.result, page, page_bytes, quirks)


def _metadata(
    execution: Execution, result: Result, page: Page, page_bytes: int, quirks: Quirks
) -> dict[str, Any]:
    rows = page.rows
    shown: dict[str, Any] = {
        "column_names": list(rows.names),
        "column_types": [type_text(dune, quirks) for dune in rows.types],
        "row_count": rows.row_count,
        "result_set_bytes": page_bytes,
        "total_row_count": page.total if quirks.filtered_total else result.row_count,
        "total_result_set_bytes": result.raw_bytes,
        "datapoint_count": rows.row_count * len(rows.names),
        "pending_time_millis": execution.pending_millis,
        "execution_time_millis": execution.execution_millis,
    }
    left_out = [] if quirks.column_types else ["column_types"]
    if quirks.sparse_metadata:
        left_out += ["row_count", "total_result_set_bytes", "pending_time_millis"]
    return {key: value for key, value in shown.items() if key not in left_out}


def type_text(dune: DuneType, quirks: Quirks) -> str:
    """Return a column's type as metadata tells it."""
    has_precision = dune.name.startswith("timestamp") and dune.arguments
    if has_precision and not quirks.timestamp_precision:
        return dune.name
    return str(dune)


def _next_uri(reading: Reading, page: Page, tail: str, quirks: Quirks) -> str:
    """Return the address of the next page: of the execution, its parameters in byte order."""
    window = reading.window
    parameters: dict[str, Any] = {
        "columns": ",".join(window.columns) if window.columns else None,
        "filters": window.filters,
        "limit": window.limit or page.rows.row_count,
        "offset": page.next_offset,
        "sort_by": window.sort_by if quirks.next_uri_sort_by else None,
    }
    given = urlencode({key: value for key, value in parameters.items() if value is not None})
    return f"{reading.base}/api/v1/execution/{reading.execution.execution_id}/{tail}?{given}"
