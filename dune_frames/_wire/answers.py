"""The answers about executions: their JSON keys, read into small frozen values.

What the keys mean is graded by evidence in Dune's documentation and recorded payloads: several are
optional because they are missing in some recordings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from dune_frames._facts import Fact, ShowsFacts, megabytes, query_link
from dune_frames._wire.endpoints import NEXT_OFFSET_HEADER, NEXT_URI_HEADER, Answer
from dune_frames._wire.envelope import MalformedBodyError, Rows, cut_out_rows, read_object
from dune_frames._wire.origin import own_address


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

    @property
    def row_bytes(self) -> float | None:
        """The mean size of a row of the whole result, where it is told."""
        rows, size = self.total_row_count, self.total_result_set_bytes
        return size / rows if rows and size else None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run failed, in Dune's words, and where in the SQL (from 1) where Dune tells."""

    type: str | None
    message: str
    line: int | None = None
    column: int | None = None


_FINAL = ("COMPLETED", "COMPLETED_PARTIAL", "FAILED", "CANCELLED", "CANCELED", "EXPIRED")


@dataclass(frozen=True, slots=True, repr=False)
class Status(ShowsFacts):
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

    def _facts(self) -> Iterator[tuple[str, Fact]]:
        yield "execution", self.execution_id
        yield from self.news()

    def news(self) -> Iterator[tuple[str, Fact]]:
        """Yield what is to be shown of it beside the execution's id."""
        told = self.metadata or Metadata(())
        yield "state", self.word
        yield "query", query_link(self.query_id)
        yield "queue position", None if self.started_at else self.queue_position
        yield "submitted", self.submitted_at
        yield "ran", self.ended_at - self.started_at if self.ended_at and self.started_at else None
        yield "ended", self.ended_at
        yield "rows", told.total_row_count
        yield "columns", len(told.column_names) or None
        yield "size", megabytes(told.total_result_set_bytes)
        yield "credits", self.execution_cost_credits
        yield "expires", self.expires_at
        yield "failure", None if self.failure is None else self.failure.message


@dataclass(frozen=True, slots=True)
class Results:
    """A JSON page of a result: the state of the run, and its rows as the bytes of a JSON array."""

    status: Status
    rows: Rows | None = field(repr=False)
    next_offset: int | None


def read_error(answer: Answer) -> str | None:
    """Return what an HTTP error says: Dune's `error`, or the `message` of a gateway before it."""
    try:
        told = read_object(answer.body)
    except MalformedBodyError:
        return None
    said = told.get("error") or told.get("message")
    return _failure(said).message if said else None


def read_submitted(answer: Answer) -> str:
    """Return the id of the execution that an execute request started."""
    execution_id = read_object(answer.body).get("execution_id")
    if not isinstance(execution_id, str) or not execution_id:
        raise MalformedBodyError("it names no execution_id")
    return execution_id


def read_cancelled(answer: Answer) -> bool:
    """Return whether Dune took the cancellation."""
    success = read_object(answer.body).get("success")
    if not isinstance(success, bool):
        raise MalformedBodyError("it does not say whether it succeeded")
    return success


def read_status(answer: Answer) -> Status:
    """Return what the status endpoint told."""
    return _status(read_object(answer.body))


def read_results(answer: Answer) -> Results:
    """Return what a JSON results endpoint sent, its rows still as bytes."""
    envelope, rows = cut_out_rows(answer.body)
    _refuse_foreign(answer, envelope.get("next_uri"))
    next_offset = _count(envelope, "next_offset")
    _refuse_untold(next_offset, envelope.get("next_uri"))
    return Results(
        status=_with_columns(_status(envelope), rows),
        rows=rows if isinstance(envelope.get("result"), dict) else None,
        next_offset=next_offset,
    )


def read_csv_offset(answer: Answer) -> int | None:
    """Return where the next CSV page starts; `None` on the last one."""
    _refuse_foreign(answer, None)
    offset = answer.headers.get(NEXT_OFFSET_HEADER)
    if offset is not None and not re.fullmatch(r"\d{1,18}", offset):
        raise MalformedBodyError(f"{NEXT_OFFSET_HEADER} is no row offset")
    _refuse_untold(offset, answer.headers.get(NEXT_URI_HEADER))
    return None if offset is None else int(offset)


def tells_its_end(answer: Answer) -> bool:
    """Tell whether an answer says how long it is, so that one cut short cannot pass for whole."""
    return "content-length" in answer.headers or "transfer-encoding" in answer.headers


def _refuse_foreign(answer: Answer, next_uri: object) -> None:
    """Raise when the next page is said to be elsewhere. No such address is followed anyway."""
    for told in (next_uri, answer.headers.get(NEXT_URI_HEADER)):
        if told:
            own_address(answer.base_url, told)


def _refuse_untold(next_offset: object, next_uri: object) -> None:
    """Raise when there is a next page and nothing says where it starts: it would go missing."""
    if next_offset is None and next_uri:
        raise MalformedBodyError("it names a next page without the offset where that starts")


def _status(envelope: Mapping[str, Any]) -> Status:
    state, execution_id = envelope.get("state"), envelope.get("execution_id")
    if not isinstance(state, str) or not isinstance(execution_id, str):
        raise MalformedBodyError("it names neither state nor execution_id")
    told = envelope.get("is_execution_finished")
    return Status(
        execution_id=execution_id,
        state=state,
        is_finished=told is True or state.removeprefix("QUERY_STATE_") in _FINAL,
        query_id=_integer(envelope.get("query_id")) or None,
        submitted_at=_time(envelope.get("submitted_at")),
        started_at=_time(envelope.get("execution_started_at")),
        ended_at=_time(envelope.get("execution_ended_at")),
        cancelled_at=_time(envelope.get("cancelled_at")),
        expires_at=_time(envelope.get("expires_at")),
        queue_position=_integer(envelope.get("queue_position")),
        max_inflight_interactive_executions=_integer(
            envelope.get("max_inflight_interactive_executions")
        ),
        execution_cost_credits=_cost(envelope.get("execution_cost_credits")),
        metadata=_metadata(envelope),
        failure=_failure(envelope["error"]) if envelope.get("error") else None,
    )


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _cost(value: object) -> float | None:
    return value if isinstance(value, float) else _integer(value)


def _time(text: object) -> datetime | None:
    """Read an RFC 3339 time with up to nine fractional digits; the epoch and before mean none."""
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    time = time.replace(tzinfo=UTC) if time and not time.tzinfo else time
    return time if time and time.timestamp() > 0 else None


#: Trino's own words for a place, for runs whose metadata do not tell it.
_PLACE = re.compile(r"\bline (\d{1,9})(?::|, (?:position|column) )(\d{1,9})")


def _failure(error: object) -> Failure:
    if not isinstance(error, Mapping):
        return Failure(None, str(error), *_place({}, str(error)))
    kind, place = error.get("type"), error.get("metadata")
    message = str(error.get("message") or kind or "no reason told")
    told = place if isinstance(place, Mapping) else {}
    return Failure(None if kind is None else str(kind), message, *_place(told, message))


def _place(told: Mapping[str, Any], message: str) -> tuple[int, int] | tuple[None, None]:
    line, column = _integer(told.get("line")), _integer(told.get("column"))
    if line and column and line > 0 and column > 0:
        return line, column
    found = _PLACE.search(message)
    return (int(found[1]), int(found[2])) if found else (None, None)


def _metadata(envelope: Mapping[str, Any]) -> Metadata | None:
    result = envelope.get("result")
    inside = result.get("metadata") if isinstance(result, Mapping) else None
    told = envelope.get("result_metadata") or inside
    if not isinstance(told, Mapping):
        return None
    names, types = _texts(told, "column_names"), _texts(told, "column_types")
    if names and types and len(names) != len(types):
        raise MalformedBodyError(f"it names {len(names)} columns and {len(types)} types")
    counts = {name: _count(told, name) for name in _COUNTS}
    return Metadata(names, types if names and types else None, **counts)


_COUNTS = tuple(name for name in Metadata.__slots__ if not name.startswith("column_"))


_HALF = re.compile("[\ud800-\udfff]")


def _texts(told: Mapping[str, Any], key: str) -> tuple[str, ...]:
    texts = told.get(key) or []
    if not isinstance(texts, list) or not all(_is_text(text) for text in texts):
        raise MalformedBodyError(f"{key} is no list of texts")
    return tuple(texts)


def _is_text(value: object) -> bool:
    """Tell whether a value is text that can be written: JSON can hold halves of characters."""
    return isinstance(value, str) and not _HALF.search(value)


def _count(told: Mapping[str, Any], key: str) -> int | None:
    value = told.get(key)
    if value is not None and (_integer(value) is None or value < 0):
        raise MalformedBodyError(f"{key} is no count")
    return value


def _with_columns(status: Status, rows: Rows | None) -> Status:
    """Fill in column names from the rows: results from before 2024 may tell none."""
    if rows is None or (status.metadata and status.metadata.column_names):
        return status
    names = dict.fromkeys(name for row in row_objects(rows) for name in row)
    return replace(
        status, metadata=replace(status.metadata or Metadata(()), column_names=tuple(names))
    )


def row_objects(rows: Rows) -> list[dict[str, Any]]:
    """Parse an array of rows; for few rows, and where nothing but their keys or number matters."""
    try:
        objects = json.loads(bytes(rows))
    except (ValueError, RecursionError):
        objects = None
    if not isinstance(objects, list) or not all(isinstance(row, dict) for row in objects):
        raise MalformedBodyError("its rows are no list of JSON objects")
    return objects
