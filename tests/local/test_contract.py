"""The contract: every answer is what Dune's own OpenAPI document says, but for listed differences."""

from __future__ import annotations

import json
import time

import pytest
from asking import Asker
from contract import Contract

from dune_frames.local import ExecutionError, LocalDune, Quirks

READS = ("results", "latest")
CSV_READS = ("results_csv", "latest_csv")
ALL_READS = (*READS, *CSV_READS)
STARTS = ("execute_sql", "execute_query", "execute_pipeline", "execute_plan")
EVERY = (*STARTS, *ALL_READS, "status", "cancel", "query", "pipeline", "pipeline_status", "usage")

#: Where Dune's document and what was recorded of Dune disagree; the recordings win.
#: what it is            | where     | what the document says        | what the recordings say
DIFFERENCES = [
    ("result.rows.[].cell: not object", READS, "each cell is an object", "values (every recorded result)"),
    ("errors as application/json", CSV_READS, "errors of CSV endpoints are text/plain", "JSON (error_csv_still_executing)"),
    ("401", ("latest", "latest_csv"), "no 401 on latest results", "401 comes before all else (error_401_bad_key)"),
    ("402", ALL_READS, "no 402 on reads", "402 on reading too (error_402_datapoint_cycle, error_limits_per_request)"),
    ("429", EVERY, "no 429 anywhere", "429 is documented with the rate limits, and what every SDK waits for"),
    ("submitted_at: no such key", ("execute_sql", "execute_query"), "two keys", "four (docs_execute_sql_executing_0)"),
    ("expires_at: no such key", ("execute_sql", "execute_query"), "two keys", "four (docs_execute_sql_executing_0)"),
]  # fmt: skip


@pytest.fixture(scope="module")
def document(examples):
    return examples.parent / "openapi.json"


def listed():
    return {(endpoint, what) for what, endpoints, *_ in DIFFERENCES for endpoint in endpoints}


def furnished(**settings) -> tuple[LocalDune, Asker]:
    dune = LocalDune(page_rows=2, max_datapoints=9, **settings).start()
    dune.save_query(1, "SELECT x, '{{w}}' AS w FROM query_2", {"w": ["a", "b"]})
    dune.save_query(2, "SELECT x FROM UNNEST(sequence(1, 5)) AS t(x)")
    return dune, Asker(dune)


def every_kind_of_answer(ask):
    """Ask each endpoint for each kind of answer that it has, and yield the answers."""
    dune = ask.dune
    started = {
        "done": ask.post("/sql/execute", sql="SELECT 1 AS a, 'x' AS b, array[1] AS c"),
        "wrong": ask.post("/sql/execute", sql="SELECT nosuch"),
        "late": ask.post("/sql/execute", sql="SELECT 1 / 0"),
        "query": ask.post("/query/1/execute", query_parameters={"w": "b"}),
        "cancelled": ask.post(
            "/sql/execute", sql="SELECT count(*) FROM dex.trades a, dex.trades b"
        ),
    }
    yield from started.values()
    ids = {kind: answer.json()["execution_id"] for kind, answer in started.items()}
    yield ask.get(f"/execution/{ids['cancelled']}/status")
    yield ask.get(f"/execution/{ids['cancelled']}/results")
    yield ask.post(f"/execution/{ids['cancelled']}/cancel")
    for one in ids.values():
        ask.finished(one)
    failed = ExecutionError("out of time", "FAILED_TYPE_EXECUTION_TIMEOUT")
    five = [(n, None) for n in range(5)]
    types = {"n": "bigint", "z": "uint256"}
    ids |= {
        "empty": dune.store_result([], types),
        "pages": dune.store_result(five, types, query_id=3),
        "partial": dune.store_result(five, types, state="QUERY_STATE_COMPLETED_PARTIAL"),
        "failed": dune.store_result(state="QUERY_STATE_FAILED", error=failed),
        "expired": dune.store_result(state="QUERY_STATE_EXPIRED"),
        "unknown": "01HKZJ2683PHF9Q9PHHQ8FW4Q1",
        "invalid": "nonsense",
    }
    for one in ids.values():
        yield ask.get(f"/execution/{one}/status")
        yield ask.post(f"/execution/{one}/cancel")
        for tail in ("", "/csv"):
            yield ask.get(f"/execution/{one}/results{tail}")
            yield ask.get(
                f"/execution/{one}/results{tail}", limit=2, offset=1, allow_partial_results="true"
            )
            yield ask.get(f"/execution/{one}/results{tail}", sample_count=1, filters="n > 1")
    for number in (1, 2, 3, 4, 99, 2**40, "x"):
        yield ask.get(f"/query/{number}")
        yield ask.get(f"/query/{number}/pipeline")
        yield ask.post(f"/query/{number}/execute", query_parameters={"w": "a"})
        yield ask.post(f"/query/{number}/execute", query_parameters={"w": "c"}, performance="tiny")
        for tail in ("", "/csv"):
            yield ask.get(f"/query/{number}/results{tail}")
            yield ask.get(f"/query/{number}/results{tail}", limit=1, **{"params.w": "b"})
        yield from pipeline(ask, number)
    yield ask.post("/sql/execute")
    yield ask.post("/usage")
    yield ask.post("/usage", start_date="2026-01-01", end_date="2026-02-01")
    yield ask.get("/pipelines/executions/nonsense/status")


def pipeline(ask, number):
    started = ask.post(f"/query/{number}/pipeline/execute")
    yield started
    if started.ok:
        path = f"/pipelines/executions/{started.json()['pipeline_execution_id']}/status"
        yield ask.get(path)
        deadline = time.monotonic() + 20
        while (
            ask.get(path).json()["status"] in ("pending", "executing")
            and time.monotonic() < deadline
        ):
            time.sleep(0.01)
        yield ask.get(path)


def refused_everywhere(ask, **options):
    """Send a request to each endpoint that is refused before its place is looked at."""
    for method, path in (
        ("POST", "/sql/execute"), ("POST", "/query/1/execute"), ("POST", "/query/1/pipeline/execute"),
        ("POST", "/pipelines/execute"),
        ("GET", "/query/1/pipeline"), ("GET", "/pipelines/executions/x/status"), ("GET", "/execution/x/status"),
        ("GET", "/execution/x/results"), ("GET", "/execution/x/results/csv"), ("POST", "/execution/x/cancel"),
        ("GET", "/query/1/results"), ("GET", "/query/1/results/csv"), ("GET", "/query/1"), ("POST", "/usage"),
    ):  # fmt: skip
        yield ask.send(method, path, **options)


def test_every_answer_is_what_the_document_says_but_for_the_list(document):
    """Success, failure and refusal of every endpoint; each listed difference does occur."""
    seen, kinds = set(), set()
    ways = [
        ({}, every_kind_of_answer),
        ({}, lambda ask: refused_everywhere(ask, headers={"X-Dune-Api-Key": ""})),
        ({"rate_limit": 1}, lambda ask: [*refused_everywhere(ask), *refused_everywhere(ask)]),
        ({"quirks": Quirks(extra_keys=True)}, lambda ask: [started(ask, path) for path in STARTED]),
    ]
    for settings, way in ways:
        dune, ask = furnished(**settings)
        with dune:
            contract = Contract.of(document, dune.url)
            for answer in way(ask):
                seen |= contract.differences(answer)
                kinds.add(answer.status_code)
    assert seen == listed()
    assert kinds == {200, 400, 401, 402, 404, 429, 500}


STARTED = ("/sql/execute", "/query/2/execute")


def started(ask, path):
    """Start a run whose answer has more keys than two; only keys that were recorded are judged."""
    answer = ask.post(path, sql="SELECT 1")
    told = answer.json()
    recorded = ("execution_id", "state", "submitted_at", "expires_at")
    answer._content = json.dumps({key: told[key] for key in recorded}).encode()
    return answer


def test_a_wrong_answer_would_be_seen(document):
    """The judge does judge: a misspelt key, a wrong type and a wrong status are differences."""
    dune, ask = furnished()
    with dune:
        contract = Contract.of(document, dune.url)
        answer = ask.post("/sql/execute", sql="SELECT 1")
        assert contract.differences(answer) == set()
        answer._content = b'{"executionId": "01", "state": 5}'
        assert contract.differences(answer) == {
            ("execute_sql", "executionId: no such key"),
            ("execute_sql", "state: not string"),
        }
        answer.status_code = 418
        assert contract.differences(answer) == {("execute_sql", "418")}
