"""Pipelines: a query run as a unit with the saved queries that it reads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from dune_frames.local.answers import Answer, RefusedError, json_answer
from dune_frames.local.clock import new_ulid
from dune_frames.local.executions import PENDING, Execution
from dune_frames.local.queries import filled
from dune_frames.local.responses import state_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dune_frames.local.executions import Executions
    from dune_frames.local.queries import SavedQuery
    from dune_frames.local.results import Result
    from dune_frames.local.runner import Runner
    from dune_frames.local.settings import Quirks

#: What one saved query calls another one's result: ``query_123``, without values of its own.
_NAMED = re.compile(r"\bquery_(\d+)\b(?!\s*\()", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Node:
    """One query of a pipeline.

    Attributes
    ----------
    number : int
        From 1, in the order in which they run.
    execution : Execution
        As it was submitted.
    dependencies : tuple of int
        The nodes whose results it reads.
    """

    number: int
    execution: Execution
    dependencies: tuple[int, ...]


class Pipelines:
    """The pipeline executions of this server. There are no materialized views."""

    def __init__(self, executions: Executions, runner: Runner) -> None:
        self._executions = executions
        self._runner = runner
        self._by_id: dict[str, tuple[Node, ...]] = {}

    def start(self, nodes: tuple[Node, ...]) -> str:
        """Start a pipeline; return the id of its execution."""
        pipeline_execution_id = new_ulid()
        self._by_id[pipeline_execution_id] = nodes
        self._runner.begin(partial(self._run, nodes))
        return pipeline_execution_id

    def _run(self, nodes: tuple[Node, ...]) -> None:
        """Run node after node; when one fails, those behind it do not start."""
        results: dict[str, Result] = {}
        for node in nodes:
            self._executions.add(node.execution)
            self._runner.run(node.execution, results)
            result = self._now(node).result
            if result is None:
                return
            results[f"query_{node.execution.query_id}"] = result

    def _now(self, node: Node) -> Execution:
        return self._executions.get(node.execution.execution_id) or node.execution

    def status(self, pipeline_execution_id: str, quirks: Quirks) -> Answer:
        """Answer with how far a pipeline execution is."""
        nodes = self._by_id.get(pipeline_execution_id)
        if nodes is None:
            raise RefusedError(404, "not found: Pipeline execution not found")
        runs = [self._now(node) for node in nodes]
        shown = [
            {"id": node.number, "query_execution_status": self._shown(run, quirks)}
            for node, run in zip(nodes, runs, strict=True)
        ]
        errors = [{"error": run.error.message} for run in runs if run.error]
        told = {"status": _word(runs), "node_executions": shown}
        return json_answer(told | (errors[0] if errors else {}))

    def _shown(self, run: Execution, quirks: Quirks) -> dict[str, Any]:
        shown: dict[str, Any] = {"status": state_of(run, quirks), "query_id": run.query_id}
        if self._executions.get(run.execution_id):
            shown["execution_id"] = run.execution_id
        return shown | ({"error": run.error.message} if run.error else {})


def _word(runs: Sequence[Execution]) -> str:
    """Return the state of the whole."""
    if any(run.is_finished and run.result is None for run in runs):
        return "failed"
    if all(run.is_finished for run in runs):
        return "completed"
    return "pending" if all(run.state == PENDING for run in runs) else "executing"


def run_of(query: SavedQuery, given: Mapping[str, Any]) -> Execution:
    """Return a run of a saved query that is still to be submitted."""
    values = query.values(given)
    return Execution(filled(query.sql, values), query.query_id, query.version, values)


def definition(nodes: tuple[Node, ...]) -> Answer:
    """Answer with the nodes of a query's pipeline."""
    return json_answer({"pipeline": {"nodes": [_defined(node) for node in nodes]}})


def _defined(node: Node) -> dict[str, Any]:
    values = dict(node.execution.parameters)
    run = {"query_id": node.execution.query_id} | ({"query_parameters": values} if values else {})
    before = {"dependencies": list(node.dependencies)} if node.dependencies else {}
    return {"id": node.number, "query_execution": run} | before


def given_plan(told: Any, queries: Mapping[int, SavedQuery]) -> tuple[Node, ...]:
    """Return the nodes of a pipeline that a request defines, those first that others wait for.

    Raises
    ------
    RefusedError
        It is no definition, its nodes wait for each other, or one names what is not here.
    """
    listed = told.get("nodes") if isinstance(told, dict) else None
    try:
        given = [_given(each, queries) for each in listed or ()]
        nodes = {node.number: node for node in given}
        waiting = TopologicalSorter({node.number: node.dependencies for node in given})
        order = [nodes[number] for number in waiting.static_order()]
    except (KeyError, TypeError, CycleError):
        order = []
    if not order or len(order) != len(listed or ()):
        raise RefusedError(400, "invalid pipeline")
    return tuple(order)


def _given(told: Mapping[str, Any], queries: Mapping[int, SavedQuery]) -> Node:
    if "materialized_view_refresh" in told:
        raise RefusedError(404, "not found: Materialized view not found")
    run = told["query_execution"]
    if run["query_id"] not in queries:
        raise RefusedError(404, "Query not found")
    execution = run_of(queries[run["query_id"]], run.get("query_parameters") or {})
    return Node(told["id"], execution, tuple(told.get("dependencies") or ()))


def plan(execution: Execution, queries: Mapping[int, SavedQuery]) -> tuple[Node, ...]:
    """Return the nodes of a pipeline around an execution, those first that others read.

    Parameters
    ----------
    execution : Execution
        Of the last query. The others run with the defaults of their parameters.
    queries : mapping of int to SavedQuery
        The saved queries.
    """
    nodes: dict[int, Node] = {}

    def add(one: Execution, above: frozenset[int]) -> None:
        for query in _read_by(one, queries):
            if query.query_id not in nodes and query.query_id not in above:
                add(run_of(query, {}), above | {query.query_id})
        numbers = [nodes[q.query_id].number for q in _read_by(one, queries) if q.query_id in nodes]
        nodes[one.query_id] = Node(len(nodes) + 1, one, tuple(numbers))

    add(execution, frozenset({execution.query_id}))
    return tuple(nodes.values())


def _read_by(execution: Execution, queries: Mapping[int, SavedQuery]) -> Iterator[SavedQuery]:
    for number in dict.fromkeys(map(int, _NAMED.findall(execution.sql))):
        if number in queries and number != execution.query_id:
            yield queries[number]
