"""The API: what each endpoint does, without HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dune_frames.local.answers import Answer, RefusedError, json_answer
from dune_frames.local.cache import Cache
from dune_frames.local.clock import now
from dune_frames.local.engine import Engine
from dune_frames.local.executions import (
    COMPLETED,
    PARTIAL,
    Execution,
    ExecutionError,
    Executions,
)
from dune_frames.local.pages import Page, Pages
from dune_frames.local.pipelines import Pipelines, definition, plan, run_of
from dune_frames.local.queries import SavedQuery, ad_hoc_values, filled, view_sql
from dune_frames.local.responses import (
    Reading,
    csv_page_answer,
    json_page_answer,
    state_of,
    status_answer,
    unfinished_answer,
)
from dune_frames.local.runner import Runner
from dune_frames.local.usage import usage_answer
from dune_frames.local.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dune_frames.local.results import Result
    from dune_frames.local.settings import Quirks, Settings

_LARGEST_QUERY_ID = 2**31 - 1
_SECOND = 10**9
_STORED_SQL = "-- a stored result"
_NEVER_RUN = "not found: No execution found for the latest version of the given query"
_NO_QUERY = "not found: Query not found or private"
_PARTIAL = "Partial Result, please request with 'allows_partial_results=true'"


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose key was accepted.

    Attributes
    ----------
    base : str
        Scheme, host and port that the client used.
    path : mapping of str to str
        What stands in the path's places.
    query : mapping of str to str
        The query parameters.
    body : mapping of str to object
        The JSON body, empty where there is none.
    """

    base: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)


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
        self.executions = Executions()
        self.queries: dict[int, SavedQuery] = {}
        self._runner = Runner(self.engine, self.executions, settings)
        self._pages = Pages(self.engine, settings)
        self._pipelines = Pipelines(self.executions, self._runner)
        self._bodies: Cache[Answer] = Cache(settings.body_cache_mb * 2**20)

    def store(self, finished: StoredExecution) -> str:
        """Take in a finished execution; its query is saved when it is not yet."""
        if finished.query_id and finished.query_id not in self.queries:
            self.save_query(finished.query_id, _STORED_SQL, finished.params)
        query = self.queries.get(finished.query_id, SavedQuery.of(0, _STORED_SQL, {}, version=0))
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

    def save_query(self, query_id: int, sql: str, params: Mapping[str, Any]) -> None:
        """Save a query under a number; another text than before makes a new version."""
        known = self.queries.get(query_id)
        version = 1 if known is None else known.version + (known.sql != sql)
        self.queries[query_id] = SavedQuery.of(query_id, sql, params, version)

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
        return self._executed(Execution(filled(sql, ad_hoc_values(sql, _given_parameters(call)))))

    def execute_query(self, call: Call) -> Answer:
        """POST /query/{query_id}/execute."""
        return self._executed(self._execution_of(call))

    def execute_pipeline(self, call: Call) -> Answer:
        """POST /query/{query_id}/pipeline/execute."""
        nodes = plan(self._execution_of(call), self.queries)
        return json_answer({"pipeline_execution_id": self._pipelines.start(nodes)})

    def _execution_of(self, call: Call) -> Execution:
        query = self._query(call, "Query not found")
        self._check_tier(call)
        return run_of(query, _given_parameters(call))

    def _executed(self, execution: Execution) -> Answer:
        state = execution.state
        self._runner.submit(execution)
        return json_answer({"execution_id": execution.execution_id, "state": state})

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
        return self._json_page(self._execution(call), call)

    def results_csv(self, call: Call) -> Answer:
        """GET /execution/{execution_id}/results/csv."""
        return self._csv_page(self._execution(call), call)

    def latest(self, call: Call) -> Answer:
        """GET /query/{query_id}/results."""
        return self._json_page(self._latest(call), call)

    def latest_csv(self, call: Call) -> Answer:
        """GET /query/{query_id}/results/csv."""
        return self._csv_page(self._latest(call), call)

    def _latest(self, call: Call) -> Execution:
        """Return the latest run of the query's present text; parameters not given match any."""
        query = self._query(call, _NO_QUERY)
        given = _prefixed(call.query, "params.")
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

    def _json_page(self, execution: Execution, call: Call) -> Answer:
        reading = self._reading(execution, call)
        if reading is None:
            return unfinished_answer(execution, self.settings.quirks)
        return self._answered(reading, json_page_answer)

    def _csv_page(self, execution: Execution, call: Call) -> Answer:
        reading = self._reading(execution, call)
        if reading is None:
            state = state_of(execution, self.settings.quirks)
            raise RefusedError(400, f"Query state is {state}, cannot provide CSV result")
        return self._answered(reading, csv_page_answer)

    def _reading(self, execution: Execution, call: Call) -> Reading | None:
        """Return what a request reads; None where the execution has nothing to read."""
        window = Window.of(call.query)
        if execution.state == PARTIAL and not window.allow_partial_results:
            raise RefusedError(400, _PARTIAL)
        if execution.result is None or execution.state not in (COMPLETED, PARTIAL):
            return None
        return Reading(execution, execution.result, window, call.base)

    def _answered(
        self, reading: Reading, write: Callable[[Reading, Page, Quirks], Answer]
    ) -> Answer:
        """Write a page, or take it from the cache; a sample is another one every time."""
        window = reading.window
        key = (write, reading.execution.execution_id, window, reading.base)
        answer = self._bodies.get(key)
        if answer is None:
            page = self._pages.page(reading.execution, reading.result, window)
            answer = write(reading, page, self.settings.quirks)
            if window.sample_count is None:
                self._bodies.put(key, answer, len(answer.body))
        return answer

    # Queries, pipelines, usage

    def query(self, call: Call) -> Answer:
        """GET /query/{query_id}."""
        return json_answer(self._query(call, _NO_QUERY).json())

    def pipeline(self, call: Call) -> Answer:
        """GET /query/{query_id}/pipeline."""
        run = run_of(self._query(call, _NO_QUERY), _given_parameters(call))
        return definition(plan(run, self.queries))

    def pipeline_status(self, call: Call) -> Answer:
        """GET /pipelines/executions/{pipeline_execution_id}/status."""
        return self._pipelines.status(call.path["pipeline_execution_id"], self.settings.quirks)

    def usage(self, call: Call) -> Answer:
        """POST /usage."""
        return usage_answer(self.executions, call.body)


def _prefixed(query: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {k.removeprefix(prefix): v for k, v in query.items() if k.startswith(prefix)}


def _given_parameters(call: Call) -> Mapping[str, Any]:
    """Return the parameters of the body, or those that the documented query string carries."""
    given = call.body.get("query_parameters")
    if given is None and "query_parameters" in call.query:
        try:
            given = json.loads(call.query["query_parameters"])
        except ValueError:
            raise RefusedError(400, "query_parameters is no JSON object") from None
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise RefusedError(400, "query_parameters is no JSON object")
    return given
