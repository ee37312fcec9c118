"""Executions: their states, their moments and their results."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
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
EXPIRED = "QUERY_STATE_EXPIRED"

_RETENTION = 90 * DAY


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


@dataclass
class Execution:
    """One run of a query, as it goes on. Only `Executions` changes it."""

    sql: str
    query_id: int = 0
    version: int = 0
    parameters: Mapping[str, str] = field(default_factory=dict)
    execution_id: str = field(default_factory=new_ulid)
    state: str = PENDING
    submitted_at: int = field(default_factory=now)
    started_at: int | None = None
    ended_at: int | None = None
    cancelled_at: int | None = None
    is_finished: bool = False
    error: ExecutionError | None = None
    result: Result | None = None
    stopped: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def cost_credits(self) -> float:
        """Return what it cost: time that it ran, at a made-up price."""
        return round(self.execution_millis / 10_000, 6)

    @property
    def pending_millis(self) -> int:
        """Return how long it waited."""
        return ((self.started_at or self.submitted_at) - self.submitted_at) // 10**6

    @property
    def execution_millis(self) -> int:
        """Return how long it ran."""
        if self.started_at is None or self.ended_at is None:
            return 0
        return (self.ended_at - self.started_at) // 10**6

    def moments(self) -> dict[str, str]:
        """Return the moments that have come, as the API writes them, in its order."""
        ended = self.ended_at or self.cancelled_at
        moments = {
            "submitted_at": self.submitted_at,
            "expires_at": ended and ended + _RETENTION,
            "execution_started_at": self.started_at,
            "cancelled_at": self.cancelled_at,
            "execution_ended_at": self.ended_at,
        }
        return {name: rfc3339(moment) for name, moment in moments.items() if moment}


class Executions:
    """Every execution of this server, and the changes of their states."""

    def __init__(self) -> None:
        self._by_id: dict[str, Execution] = {}
        self._lock = threading.Lock()

    def add(self, execution: Execution) -> Execution:
        """Take an execution in."""
        with self._lock:
            self._by_id[execution.execution_id] = execution
        return execution

    def get(self, execution_id: str) -> Execution | None:
        """Return an execution, None for an id that was never given.

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
            return round(sum(e.cost_credits for e in self._by_id.values()), 6)

    def start(self, execution: Execution) -> bool:
        """Let a pending execution run; False when it was cancelled before."""
        with self._lock:
            if execution.is_finished:
                return False
            execution.state, execution.started_at = EXECUTING, now()
            return True

    def finish(self, execution: Execution, outcome: Result | ExecutionError) -> None:
        """End a running execution with its result or its error."""
        if isinstance(outcome, ExecutionError):
            self._end(execution, FAILED, error=outcome)
        else:
            self._end(execution, COMPLETED, result=outcome)

    def cancel(self, execution: Execution) -> bool:
        """End an execution that has not ended; False when it has."""
        cancelled = self._end(execution, CANCELLED, cancelled_at=now())
        execution.stopped.set()
        return cancelled

    def cancel_all(self) -> None:
        """Cancel whatever still runs."""
        with self._lock:
            going = [e for e in self._by_id.values() if not e.is_finished]
        for execution in going:
            self.cancel(execution)

    def _end(self, execution: Execution, state: str, **changes: Any) -> bool:
        """Change to a last state once; who comes later is too late."""
        with self._lock:
            if execution.is_finished:
                return False
            for name, value in changes.items():
                setattr(execution, name, value)
            execution.ended_at = now()
            execution.state, execution.is_finished = state, True
            return True
