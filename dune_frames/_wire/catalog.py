"""The answers about what is no execution: pipelines, saved queries, usage. Their JSON keys.

Only their documentation is known: what it calls optional may be missing, states may be any text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from dune_frames._facts import Code, Fact, ShowsFacts, query_link
from dune_frames._wire import fields
from dune_frames._wire.envelope import MalformedBodyError, read_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dune_frames._wire.endpoints import Answer

_GOOD = ("COMPLETED", "SUCCEEDED", "SUCCESS")
_BAD = ("FAILED", "CANCELLED", "EXPIRED", "COMPLETED_PARTIAL")
_NOT_STARTED = ("PENDING", "")
_UNDER_WAY = ("EXECUTING", *_NOT_STARTED)


def _word(state: str) -> str:
    """Return a state in one spelling: ``"completed"``, ``"QUERY_STATE_COMPLETED"`` are one."""
    word = state.upper().removeprefix("QUERY_STATE_")
    return "CANCELLED" if word == "CANCELED" else word


@dataclass(frozen=True, slots=True)
class PipelineNode:
    """One node of a pipeline: a query that is run, or a materialized view that is refreshed.

    Attributes
    ----------
    node_id : int or None
        Its number within the pipeline.
    state : str
        Dune's word, in whatever spelling.
    query_id : int or None
        The saved query, of a query's node.
    view_name : str or None
        The materialized view, of a view's node.
    execution_id : str or None
        Its execution, once there is one.
    error : str or None
        Why it failed, in Dune's words.
    """

    node_id: int | None
    state: str
    query_id: int | None = None
    view_name: str | None = None
    execution_id: str | None = None
    error: str | None = None

    @property
    def word(self) -> str:
        """The state in one spelling: ``"COMPLETED"``, ``"EXECUTING"``, …."""
        return _word(self.state)

    @property
    def failed(self) -> bool:
        """Whether it ended without a whole result."""
        return bool(self.error) or self.word in _BAD

    @property
    def is_finished(self) -> bool:
        """Whether it is over, however it ended."""
        return self.failed or self.word in _GOOD


@dataclass(frozen=True, slots=True, repr=False)
class PipelineStatus(ShowsFacts):
    """The state of a pipeline's execution, as the free status endpoint tells it.

    Attributes
    ----------
    state : str
        Dune's word: ``"pending"``, ``"executing"``, ``"completed"``, or one not documented.
    nodes : tuple of PipelineNode
        In Dune's order.
    error : str or None
        Why it failed, in Dune's words.
    """

    state: str
    nodes: tuple[PipelineNode, ...] = ()
    error: str | None = None

    @property
    def word(self) -> str:
        """The state in one spelling: ``"COMPLETED"``, ``"EXECUTING"``, …."""
        return _word(self.state)

    @property
    def failed(self) -> bool:
        """Whether it, or a node of it, ended without a whole result."""
        return bool(self.error) or self.word in _BAD or any(node.failed for node in self.nodes)

    @property
    def is_finished(self) -> bool:
        """Whether it is over, however it ended.

        Dune documents no state of failure. An error means the end, and so do a state that nobody
        has documented and a failed node, once no node moves any more.
        """
        if self.error or self.word in (*_GOOD, *_BAD):
            return True
        may_stand_still = self.failed or self.word not in _UNDER_WAY
        return may_stand_still and bool(self.nodes) and not any(map(self._moves, self.nodes))

    def _facts(self) -> Iterator[tuple[str, Fact]]:
        return self.news()

    def news(self) -> Iterator[tuple[str, Fact]]:
        """Yield what is to be shown of it."""
        yield "state", self.word
        yield "error", self.error
        for node in self.nodes:
            name = f"view {node.view_name}" if node.view_name else f"query {node.query_id}"
            words = (name, node.word, node.execution_id, node.error)
            yield f"node {node.node_id}", " ".join(each for each in words if each)

    def _moves(self, node: PipelineNode) -> bool:
        waits = self.failed and node.word in _NOT_STARTED
        return not node.is_finished and not waits


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """A parameter that a saved query declares.

    Attributes
    ----------
    name : str
        What `params` calls it.
    type : str or None
        Dune's word: ``"text"``, ``"number"``, ``"datetime"`` or ``"enum"``.
    default : str or None
        What Dune takes when it is left out.
    choices : tuple of str
        What an enum allows.
    """

    name: str
    type: str | None = None
    default: str | None = None
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        kind = "" if self.type is None else f" ({self.type})"
        default = "" if self.default is None else f" = {self.default}"
        return f"{self.name}{kind}{default}"


@dataclass(frozen=True, slots=True, repr=False)
class SavedQuery(ShowsFacts):
    """A saved query as Dune keeps it.

    Attributes
    ----------
    query_id : int
        Its number.
    name, sql : str
        Its title, and its text with ``{{name}}`` placeholders.
    parameters : tuple of QueryParameter
        What it declares.
    description, owner : str or None
        As its author gave them.
    version : int or None
        Counts its edits.
    """

    query_id: int
    name: str
    sql: str
    parameters: tuple[QueryParameter, ...] = ()
    description: str | None = None
    owner: str | None = None
    version: int | None = None

    def _facts(self) -> Iterator[tuple[str, Fact]]:
        yield "query", query_link(self.query_id)
        yield "name", self.name or None
        yield "description", self.description
        yield "owner", self.owner
        yield "version", self.version
        yield "parameters", ", ".join(map(str, self.parameters)) or None
        yield "sql", Code(self.sql)


@dataclass(frozen=True, slots=True)
class BillingPeriod:
    """What one billing period has used. `end_date` is as Dune tells it."""

    start_date: date
    end_date: date
    credits_used: float | None
    credits_included: float | None


@dataclass(frozen=True, slots=True, repr=False)
class Usage(ShowsFacts):
    """What the account has used.

    Attributes
    ----------
    billing_periods : tuple of BillingPeriod
        In Dune's order.
    private_queries, private_dashboards : int or None
        How many there are.
    bytes_used, bytes_allowed : int or None
        Storage, in bytes.
    """

    billing_periods: tuple[BillingPeriod, ...]
    private_queries: int | None = None
    private_dashboards: int | None = None
    bytes_used: int | None = None
    bytes_allowed: int | None = None

    def _facts(self) -> Iterator[tuple[str, Fact]]:
        for each in self.billing_periods:
            yield (
                f"{each.start_date} to {each.end_date}",
                _share(each.credits_used, each.credits_included, "credits"),
            )
        yield "private queries", self.private_queries
        yield "private dashboards", self.private_dashboards
        yield "storage", _share(self.bytes_used, self.bytes_allowed, "bytes")


def _share(used: float | None, allowed: float | None, unit: str) -> str | None:
    """Return how much of something is used, as far as it is told."""
    told = [f"{each:,}" for each in (used, allowed) if each is not None]
    return f"{' of '.join(told)} {unit}" if told else None


def read_pipeline_started(answer: Answer) -> str:
    """Return the id of the pipeline execution that a request started."""
    started = fields.text(read_object(answer.body), "pipeline_execution_id")
    if not started:
        raise MalformedBodyError("it names no pipeline_execution_id")
    return started


def read_pipeline_status(answer: Answer) -> PipelineStatus:
    """Return the state of a pipeline's execution."""
    told = read_object(answer.body)
    state, error = fields.text(told, "status") or "", fields.error(told)
    if not state and not error:
        raise MalformedBodyError("it names neither status nor error")
    return PipelineStatus(state, tuple(map(_node, fields.objects(told, "node_executions"))), error)


def _node(told: Mapping[str, Any]) -> PipelineNode:
    run, view = "query_execution_status", "materialized_view_refresh_status"
    of = fields.inner(told, run) or fields.inner(told, view)
    return PipelineNode(
        node_id=fields.integer(told, "id"),
        state=fields.text(of, "status") or "",
        query_id=fields.integer(of, "query_id"),
        view_name=fields.text(of, "name"),
        execution_id=fields.text(of, "execution_id") or None,
        error=fields.error(of),
    )


def read_saved_query(answer: Answer) -> SavedQuery:
    """Return a saved query."""
    told = read_object(answer.body)
    query_id, sql = fields.integer(told, "query_id"), fields.text(told, "query_sql")
    if query_id is None or sql is None:
        raise MalformedBodyError("it names neither query_id nor query_sql")
    return SavedQuery(
        query_id=query_id,
        name=fields.text(told, "name") or "",
        sql=sql,
        parameters=tuple(_parameter(each) for each in fields.objects(told, "parameters")),
        description=fields.text(told, "description") or None,
        owner=fields.text(told, "owner"),
        version=fields.integer(told, "version"),
    )


def _parameter(told: Mapping[str, Any]) -> QueryParameter:
    name, choices = fields.text(told, "key"), told.get("enumOptions") or []
    if not name:
        raise MalformedBodyError("a parameter has no key")
    texts = tuple(map(str, choices)) if isinstance(choices, list) else ()
    return QueryParameter(name, fields.text(told, "type"), fields.text(told, "value"), texts)


def read_usage(answer: Answer) -> Usage:
    """Return what the account has used."""
    told = read_object(answer.body)
    counts = {name: fields.integer(told, name) for name in _USAGE_COUNTS}
    return Usage(tuple(map(_period, fields.objects(told, "billing_periods"))), **counts)


_USAGE_COUNTS = ("private_queries", "private_dashboards", "bytes_used", "bytes_allowed")


def _period(told: Mapping[str, Any]) -> BillingPeriod:
    return BillingPeriod(
        _date(told, "start_date"),
        _date(told, "end_date"),
        fields.number(told, "credits_used"),
        fields.number(told, "credits_included"),
    )


def _date(told: Mapping[str, Any], key: str) -> date:
    text = fields.text(told, key) or ""
    try:
        return date.fromisoformat(text[: len("2025-01-31")])
    except ValueError:
        raise MalformedBodyError(f"{key} is no date") from None
