"""The API: what each endpoint does, without HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dune_frames.local.answers import Answer, RefusedError, json_answer
from dune_frames.local.clock import now
from dune_frames.local.elsewhere import refusal
from dune_frames.local.engine import Engine
from dune_frames.local.executions import (
    COMPLETED,
    PARTIAL,
    Execution,
    ExecutionError,
    Executions,
)
from dune_frames.local.pipelines import Pipelines, definition, given_plan, plan, run_of
from dune_frames.local.queries import SavedQuery, ad_hoc_values, filled, view_sql
from dune_frames.local.reader import Reader
from dune_frames.local.responses import execute_answer, status_answer
from dune_frames.local.runner import Runner
from dune_frames.local.usage import usage_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dune_frames.local.call import Call
    from dune_frames.local.results import Result
    from dune_frames.local.settings import Settings

_LARGEST_QUERY_ID = 2**31 - 1
_SECOND = 10**9
_STORED_SQL = "-- a stored result"
_NEVER_RUN = "not found: No execution found for the latest version of the given query"
_NO_QUERY = "not found: Query not found or private"


@dataclass(frozen=True, slots=True)
class StoredExecution:
    """A finished execution that did not run here.

    Attributes
    ----------
    result : Result or None
        Its rows.
    query_id : int
        Its query; 0 for none.
    params : mapping of str to object
        The parameters it is found by.
    state : str
        Its state, known or not.
    error : ExecutionError or None
        Why it failed.
    age : float
        How many seconds ago it ended.
    """

    result: Result | None = None
    query_id: int = 0
    params: Mapping[str, Any] = field(default_factory=dict)
    state: str = COMPLETED
    error: ExecutionError | None = None
    age: float = 0.0


class Api:
    """The endpoints over one engine and one store of executions."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.engine = Engine(settings, self._view)
        self._reader = Reader(self.engine, settings)
        self._begin()

    def _begin(self) -> None:
        self.executions = Executions()
        self.queries: dict[int, SavedQuery] = {}
        self._runner = Runner(self.engine, self.executions, self.settings)
        self._pipelines = Pipelines(self.executions, self._runner)

    def answer(self, endpoint: str, call: Call) -> Answer:
        """Answer a call to an endpoint, each of which is a method here."""
        handle: Callable[[Call], Answer] = getattr(self, endpoint)
        return handle(call)

    def reset(self) -> None:
        """Cancel what runs, and forget all but the sample tables."""
        self._runner.stop()
        self.engine.reset()
        self._begin()

    def store(self, finished: StoredExecution) -> str:
        """Take in a finished execution; its query is saved when it is not yet."""
        if finished.query_id and finished.query_id not in self.queries:
            self.save_query(SavedQuery.of(finished.query_id, _STORED_SQL, finished.params))
        no_query = replace(SavedQuery.of(0, _STORED_SQL), version=0)
        query = self.queries.get(finished.query_id, no_query)
        moment = now() - int(finished.age * _SECOND)
        execution = Execution(
            query.sql,
            query.query_id,
            query.version,
            query.values(finished.params),
            state=finished.state,
            is_finished=True,
            submitted_at=moment,
            started_at=moment,
            ended_at=moment,
            error=finished.error,
            result=finished.result if finished.state in (COMPLETED, PARTIAL) else None,
        )
        return self.executions.add(execution).execution_id

    def save_query(self, query: SavedQuery) -> None:
        """Save a query under its number; another text than before makes a new version."""
        known = self.queries.get(query.query_id)
        version = 1 if known is None else known.version + (known.sql != query.sql)
        self.queries[query.query_id] = replace(query, version=version)

    def close(self) -> None:
        """Cancel what runs and close the engine."""
        self._runner.stop()
        self.engine.close()

    def _view(self, name: str) -> str | None:
        """Return the SQL of a saved query that another one names."""
        return view_sql(name, self.queries)

    # Executing

    def execute_sql(self, call: Call) -> Answer:
        """POST /sql/execute."""
        sql = call.body.get("sql")
        if not isinstance(sql, str) or not sql.strip():
            raise RefusedError(400, "sql is required")
        self._check_tier(call)
        return self._executed(Execution(filled(sql, ad_hoc_values(sql, call.given_parameters()))))

    def execute_query(self, call: Call) -> Answer:
        """POST /query/{query_id}/execute."""
        return self._executed(self._execution_of(call))

    def execute_pipeline(self, call: Call) -> Answer:
        """POST /query/{query_id}/pipeline/execute."""
        nodes = plan(self._execution_of(call), self.queries)
        return json_answer({"pipeline_execution_id": self._pipelines.start(nodes)})

    def execute_plan(self, call: Call) -> Answer:
        """POST /pipelines/execute, as the OpenAPI document has it."""
        nodes = given_plan(call.body.get("pipeline"), self.queries)
        return json_answer({"pipeline_execution_id": self._pipelines.start(nodes)})

    def _execution_of(self, call: Call) -> Execution:
        query = self._query(call, "Query not found")
        self._check_tier(call)
        return run_of(query, call.given_parameters())

    def _executed(self, execution: Execution) -> Answer:
        return execute_answer(self._runner.submit(execution), self.settings.quirks)

    def _check_tier(self, call: Call) -> None:
        tier = call.body.get("performance", call.query.get("performance"))
        if tier is not None and tier not in self.settings.tiers:
            raise RefusedError(400, "Invalid performance tier")

    def _query(self, call: Call, unknown: str) -> SavedQuery:
        text = call.path["query_id"]
        if not text.isdecimal():
            raise RefusedError(400, f"invalid query id: {text}")
        if int(text) > _LARGEST_QUERY_ID:
            raise RefusedError(500, "An internal error occured")
        if int(text) not in self.queries:
            raise RefusedError(404, unknown)
        return self.queries[int(text)]

    # Executions

    def status(self, call: Call) -> Answer:
        """GET /execution/{execution_id}/status."""
        return status_answer(self._execution(call), self.settings.quirks)

    def cancel(self, call: Call) -> Answer:
        """POST /execution/{execution_id}/cancel."""
        return json_answer({"success": self.executions.cancel(self._execution(call).execution_id)})

    def _execution(self, call: Call) -> Execution:
        execution_id = call.path["execution_id"]
        try:
            execution = self.executions.get(execution_id)
        except ValueError:
            text = f"The requested execution ID (ID: {execution_id}) is invalid."
            raise RefusedError(400, text) from None
        if execution is None:
            raise RefusedError(404, "not found: Execution not found")
        return execution

    # Results

    def results(self, call: Call) -> Answer:
        """GET /execution/{execution_id}/results."""
        return self._reader.json(self._execution(call), call)

    def results_csv(self, call: Call) -> Answer:
        """GET /execution/{execution_id}/results/csv."""
        return self._reader.csv(self._execution(call), call)

    def latest(self, call: Call) -> Answer:
        """GET /query/{query_id}/results."""
        return self._reader.json(self._latest(call), call)

    def latest_csv(self, call: Call) -> Answer:
        """GET /query/{query_id}/results/csv."""
        return self._reader.csv(self._latest(call), call)

    def _latest(self, call: Call) -> Execution:
        """Return the latest run of the query's present text; parameters not given match any."""
        query = self._query(call, _NO_QUERY)
        given = call.matched_parameters()
        if given.keys() - {parameter.key for parameter in query.parameters}:
            raise RefusedError(404, _NEVER_RUN)

        def matches(execution: Execution) -> bool:
            same = (execution.query_id, execution.version) == (query.query_id, query.version)
            has_result = execution.result is not None
            kept = has_result or not self.settings.quirks.latest_has_result
            return same and kept and given.items() <= dict(execution.parameters).items()

        execution = self.executions.latest(matches)
        if execution is None:
            raise RefusedError(404, _NEVER_RUN)
        return execution

    # Queries, pipelines, usage

    def query(self, call: Call) -> Answer:
        """GET /query/{query_id}."""
        return json_answer(self._query(call, _NO_QUERY).json())

    def pipeline(self, call: Call) -> Answer:
        """GET /query/{query_id}/pipeline."""
        run = run_of(self._query(call, _NO_QUERY), call.given_parameters())
        return definition(plan(run, self.queries))

    def pipeline_status(self, call: Call) -> Answer:
        """GET /pipelines/executions/{pipeline_execution_id}/status."""
        return self._pipelines.status(call.path["pipeline_execution_id"], self.settings.quirks)

    def usage(self, call: Call) -> Answer:
        """POST /usage."""
        return usage_answer(self.executions, call.body)

    # Anything else

    def unknown(self, call: Call) -> Answer:
        """Refuse what is no endpoint here."""
        raise refusal(call.sent)
