"""Pipelines: a query run as a unit with what it depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dune_frames.local.answers import Answer, Refusal, json_answer
from dune_frames.local.clock import new_ulid
from dune_frames.local.executions import COMPLETED, EXECUTING, PENDING, Execution, Executions
from dune_frames.local.responses import state_of

if TYPE_CHECKING:
    from dune_frames.local.settings import Quirks

_WORDS = {PENDING: "pending", EXECUTING: "executing", COMPLETED: "completed"}


class Pipelines:
    """The pipeline executions of this server. There are no materialized views, so each has one node."""

    def __init__(self, executions: Executions) -> None:
        self._executions = executions
        self._by_id: dict[str, Execution] = {}

    def start(self, execution: Execution) -> str:
        """Return the id of a new pipeline execution around an execution."""
        pipeline_execution_id = new_ulid()
        self._by_id[pipeline_execution_id] = execution
        return pipeline_execution_id

    def definition(self, query_id: int) -> Answer:
        """Answer with the nodes of a query's pipeline."""
        node = {"id": 1, "query_execution": {"query_id": query_id}}
        return json_answer({"pipeline": {"nodes": [node]}})

    def status(self, pipeline_execution_id: str, quirks: Quirks) -> Answer:
        """Answer with how far a pipeline execution is."""
        execution = self._by_id.get(pipeline_execution_id)
        if execution is None:
            raise Refusal(404, "not found: Pipeline execution not found")
        error = {"error": execution.error.message} if execution.error else {}
        node: dict[str, Any] = {
            "status": state_of(execution, quirks),
            "query_id": execution.query_id,
            "execution_id": execution.execution_id,
        }
        nodes = [{"id": 1, "query_execution_status": node | error}]
        word = _WORDS.get(execution.state, "failed")
        return json_answer({"status": word, "node_executions": nodes} | error)
