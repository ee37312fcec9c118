"""The plan of a pipeline: what would run, in which order, as Dune tells it and takes it.

Only its documentation is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dune_frames._ask.params import encode
from dune_frames._wire.envelope import MalformedBodyError, read_object
from dune_frames._wire.fields import inner, integer, objects, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dune_frames._wire.endpoints import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNode:
    """One node of a pipeline that is still to run: a query, or a materialized view to refresh.

    Attributes
    ----------
    node_id : int
        Its number within the pipeline.
    query_id : int or None
        The saved query, of a query's node.
    view_name : str or None
        The materialized view, of a view's node.
    parameters : mapping of str to value
        What the query runs with.
    performance : str or None
        Dune's tier for it.
    dependencies : tuple of int
        The nodes that run before it.
    """

    node_id: int
    query_id: int | None = None
    view_name: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    performance: str | None = None
    dependencies: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What a pipeline would run.

    Attributes
    ----------
    nodes : tuple of PlannedNode
        In Dune's order.
    """

    nodes: tuple[PlannedNode, ...] = ()


def read_plan(answer: Answer) -> Pipeline:
    """Return what a pipeline would run."""
    told = read_object(answer.body).get("pipeline")
    if not isinstance(told, dict):
        raise MalformedBodyError("it has no pipeline")
    return Pipeline(tuple(map(_node, objects(told, "nodes"))))


def _node(told: Mapping[str, Any]) -> PlannedNode:
    node_id, query = integer(told, "id"), inner(told, "query_execution")
    view = inner(told, "materialized_view_refresh")
    if node_id is None:
        raise MalformedBodyError("a node has no id")
    before = told.get("dependencies")
    return PlannedNode(
        node_id=node_id,
        query_id=integer(query, "query_id"),
        view_name=text(view, "name"),
        parameters=dict(inner(query, "query_parameters")),
        performance=text(query, "performance") or text(view, "performance"),
        dependencies=tuple(before) if isinstance(before, list) else (),
    )


def body_of(plan: Pipeline) -> dict[str, Any]:
    """Return a plan as Dune takes it.

    Raises
    ------
    InvalidRequestError
        A parameter has no form that Dune takes.
    """
    return {"pipeline": {"nodes": [_told(node) for node in plan.nodes]}}


def _told(node: PlannedNode) -> dict[str, Any]:
    work: dict[str, Any] = {"query_id": node.query_id}
    if node.view_name is not None:
        work = {"name": node.view_name}
    if node.parameters:
        work["query_parameters"] = encode(node.parameters)
    if node.performance is not None:
        work["performance"] = node.performance
    kind = "query_execution" if node.view_name is None else "materialized_view_refresh"
    before = {"dependencies": list(node.dependencies)} if node.dependencies else {}
    return {"id": node.node_id} | before | {kind: work}
