"""Executions: their states, their moments and their results."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dune_frames.local.clock import DAY, is_ulid, new_ulid, now, rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dune_frames.local.results import Result

PENDING = "QUERY_STATE_PENDING"
EXECUTING = "QUERY_STATE_EXECUTING"
COMPLETED = "QUERY_STATE_COMPLETED"
PARTIAL = "QUERY_STATE_COMPLETED_PARTIAL"
FAILED = "QUERY_STATE_FAILED"
CANCELLED = "QUERY_STATE_CANCELLED"

#: Results are kept for 90 days, in what the API says; here as long as the server lives.
RETENTION = 90 * DAY
_MILLISECOND = 10**6
#: A made-up price, so that costs are there to be shown.
_CREDITS_PER_SECOND = 0.1


def in_credits(amount: float) -> float:
    """Return an amount of credits as Go writes it in JSON: a whole one without a fraction."""
    rounded = round(float(amount), 6)
    return int(rounded) if rounded.is_integer() else rounded


@dataclass(frozen=True, slots=True)
class ExecutionError:
    """Why an execution failed, as the API shows it.

    Attributes
    ----------
    message : str
        Dune's words.
    type : str
        The kind of failure.
    line, column : int or None
        Where in the SQL, counted from 1, where known.
    """

    message: str
    type: str = "FAILED_TYPE_EXECUTION_FAILED"
    line: int | None = None
    column: int | None = None

    def json(self) -> dict[str, Any]:
        """Return the error object; it has no metadata where the place is not known."""
        shown: dict[str, Any] = {"type": self.type, "message": self.message}
        if self.line is None:
            return shown
        return shown | {"metadata": {"line": self.line, "column": self.column}}


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a query, as it is at a moment.

    Attributes
    ----------
    sql : str
        What it runs, its parameters filled in.
    query_id, version : int
        The saved query and which text of it; 0 for SQL that is not saved.
    parameters : mapping of str to str
        The values it runs with.
    execution_id : str
        A ULID.
    state : str
        Dune's word; only `is_finished` tells whether it is the last.
    submitted_at, started_at, ended_at, cancelled_at : int or None
        In nanoseconds since 1970 UTC.
    error, result : ExecutionError or None, Result or None
        How it ended.
    stopped : threading.Event
        Set when it is cancelled.
    """

    sql: str
    query_id: int = 0
    version: int = 0
    parameters: Mapping[str, str] = field(default_factory=dict)
    execution_id: str = field(default_factory=new_ulid)
    state: str = PENDING
    is_finished: bool = False
    submitted_at: int = field(default_factory=now)
    started_at: int | None = None
    ended_at: int | None = None
    cancelled_at: int | None = None
    error: ExecutionError | None = None
    result: Result | None = None
    stopped: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def pending_millis(self) -> int:
        """Return how long it waited."""
        return ((self.started_at or self.submitted_at) - self.submitted_at) // _MILLISECOND

    @property
    def execution_millis(self) -> int:
        """Return how long it ran."""
        if self.started_at is None or self.ended_at is None:
            return 0
        return (self.ended_at - self.started_at) // _MILLISECOND

    @property
    def cost_credits(self) -> float:
        """Return what it cost so far; nothing when its text was refused."""
        if self._was_refused:
            return 0
        return in_credits(self.execution_millis / 1000 * _CREDITS_PER_SECOND)

    @property
    def _was_refused(self) -> bool:
        """Tell whether its text was wrong, so that it was never executed."""
        return self.error is not None and self.error.line is not None

    def moments(self) -> dict[str, str]:
        """Return the moments that have come, as the API writes them, in its order."""
        executed = not self._was_refused
        moments = {
            "submitted_at": self.submitted_at,
            "expires_at": self.ended_at and self.ended_at + RETENTION,
            "execution_started_at": self.started_at if executed else None,
            "cancelled_at": self.cancelled_at,
            "execution_ended_at": self.ended_at if executed else None,
        }
        return {name: rfc3339(moment) for name, moment in moments.items() if moment}


class Executions:
    """Every execution of this server. A change of state puts a new value in the old one's place."""

    def __init__(self) -> None:
        self._by_id: dict[str, Execution] = {}
        self._lock = threading.Lock()

    def add(self, execution: Execution) -> Execution:
        """Take an execution in."""
        with self._lock:
            self._by_id[execution.execution_id] = execution
        return execution

    def get(self, execution_id: str) -> Execution | None:
        """Return an execution as it is now, None for an id that was never given.

        Raises
        ------
        ValueError
            It is no execution id at all.
        """
        if not is_ulid(execution_id):
            raise ValueError(execution_id)
        with self._lock:
            return self._by_id.get(execution_id)

    def latest(self, matches: Callable[[Execution], bool]) -> Execution | None:
        """Return the execution that was submitted last among those that match."""
        with self._lock:
            return next((e for e in reversed(self._by_id.values()) if matches(e)), None)

    def total_cost(self) -> float:
        """Return the credits that all executions cost together."""
        with self._lock:
            return in_credits(sum(e.cost_credits for e in self._by_id.values()))

    def start(self, execution_id: str) -> bool:
        """Let a pending execution run; False when it was cancelled before."""
        return self._change(execution_id, state=EXECUTING, started_at=now()) is not None

    def finish(self, execution_id: str, outcome: Result | ExecutionError) -> None:
        """End a running execution with its result or its error."""
        ended: dict[str, Any] = {"is_finished": True, "ended_at": now()}
        if isinstance(outcome, ExecutionError):
            self._change(execution_id, state=FAILED, error=outcome, **ended)
        else:
            self._change(execution_id, state=COMPLETED, result=outcome, **ended)

    def cancel(self, execution_id: str) -> bool:
        """End an execution that has not ended; False when it has."""
        moment = now()
        cancelled = self._change(
            execution_id,
            state=CANCELLED,
            is_finished=True,
            ended_at=moment,
            cancelled_at=moment,
        )
        if cancelled is not None:
            cancelled.stopped.set()
        return cancelled is not None

    def cancel_all(self) -> None:
        """Cancel whatever still runs."""
        with self._lock:
            going = [e.execution_id for e in self._by_id.values() if not e.is_finished]
        for execution_id in going:
            self.cancel(execution_id)

    def _change(self, execution_id: str, **changes: Any) -> Execution | None:
        """Change an execution that has not ended; None when it has: who comes later is too late."""
        with self._lock:
            execution = self._by_id[execution_id]
            if execution.is_finished:
                return None
            changed = replace(execution, **changes)
            self._by_id[execution_id] = changed
            return changed
