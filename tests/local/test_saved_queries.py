"""Saved queries: parameters, versions, and the latest result."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from dune_frames.local import QueryParameter, Quirks

SQL = "SELECT '{{chain}}' AS chain, {{n}} AS n, '{{day}}' AS day, '{{word}}' AS word"
DEFAULTS = {
    "chain": ["ethereum", "base"],
    "n": 5,
    "day": dt.datetime(2024, 1, 2, 3, 4, 5),
    "word": "plain",
}


@pytest.fixture
def query(dune, ask):
    """A new query with parameters; returns its id."""
    query_id = 1000 + len(dune.requests)
    dune.save_query(query_id, SQL, DEFAULTS)
    return query_id


def run(ask, query_id, **parameters):
    answer = ask.post(f"/query/{query_id}/execute", query_parameters=parameters).json()
    ask.finished(answer["execution_id"])
    return answer["execution_id"]


def row(ask, execution):
    return ask.get(f"/execution/{execution}/results").json()["result"]["rows"][0]


def test_parameters_not_given_take_their_defaults(ask, query):
    """Values go into the SQL as text; numbers, and texts of numbers, are both fine."""
    default = {"chain": "ethereum", "n": 5, "day": "2024-01-02 03:04:05", "word": "plain"}
    assert row(ask, run(ask, query)) == default
    assert row(ask, run(ask, query, n=7, chain="base")) == default | {"n": 7, "chain": "base"}
    assert row(ask, run(ask, query, n="7")) == default | {"n": 7}


def test_a_multi_select_goes_in_joined_by_commas(ask, query):
    """A JSON array of strings becomes one text."""
    assert row(ask, run(ask, query, chain=["base", "ethereum"]))["chain"] == "base,ethereum"


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"nosuch": "1"}, "unknown parameters (Invalid Parameter)"),
        ({"chain": "fantom"}, "query parameter chain has invalid value fantom for type enum"),
        ({"n": "many"}, "query parameter n has invalid value many for type number"),
        ({"day": "soon"}, "query parameter day has invalid value soon for type datetime"),
    ],
)
def test_a_parameter_that_does_not_fit_is_400(ask, query, parameters, text):
    """Nothing is started, and the words are the recorded ones where there are any."""
    answer = ask.post(f"/query/{query}/execute", query_parameters=parameters)
    assert (answer.status_code, answer.json()) == (400, {"error": text})


def test_parameters_in_the_query_string_work_as_documented(ask, query):
    """Dune's document puts them there as JSON; the SDKs send a body. Both are taken."""
    given = {"query_parameters": json.dumps({"n": 9}), "performance": "large"}
    answer = ask.send("POST", f"/query/{query}/execute", params=given)
    execution = answer.json()["execution_id"]
    ask.finished(execution)
    assert row(ask, execution)["n"] == 9


def test_sql_takes_parameters_of_its_own(ask):
    """POST /sql/execute fills placeholders; what has no value stays and fails as SQL."""
    answer = ask.run("SELECT {{n}} AS n, '{{ word }}' AS word", n=3, word="x")
    assert answer["result"]["rows"] == [{"n": 3, "word": "x"}]
    assert ask.run("SELECT {{n}} AS n")["state"] == "QUERY_STATE_FAILED"
    refused = ask.post("/sql/execute", sql="SELECT 1", query_parameters={"n": "1"})
    assert refused.status_code == 400


def test_the_latest_result_is_that_of_matching_parameters(ask, query):
    """Omitted parameters match any value; given ones must match; a partial match is one."""
    path = f"/query/{query}/results"
    never = {"error": "not found: No execution found for the latest version of the given query"}
    assert (ask.get(path).status_code, ask.get(path).json()) == (404, never)
    first = run(ask, query, n=1)
    second = run(ask, query, n=2, word="other")
    assert ask.get(path).json()["execution_id"] == second
    assert ask.get(path, **{"params.n": "1"}).json()["execution_id"] == first
    assert ask.get(path, **{"params.word": "other"}).json()["execution_id"] == second
    assert ask.get(path, **{"params.n": "1", "params.word": "other"}).json() == never
    assert ask.get(path, **{"params.nosuch": "1"}).json() == never
    assert ask.get(f"{path}/csv", **{"params.n": "1"}).text.splitlines()[1].split(",")[1] == "1"
    assert ask.get(f"{path}/csv", **{"params.n": "3"}).json() == never


def test_repeated_parameters_match_a_multi_select(ask, query):
    """`params.k=a&params.k=b` means the run with both."""
    execution = run(ask, query, chain=["base", "ethereum"])
    found = ask.get(f"/query/{query}/results", **{"params.chain": ["base", "ethereum"]})
    assert found.json()["execution_id"] == execution


def test_an_edited_query_has_no_result_until_it_runs_again(dune, ask, query):
    """A result belongs to a version of the text; saving the same text again changes nothing."""
    execution = run(ask, query)
    dune.save_query(query, SQL, DEFAULTS)
    assert ask.get(f"/query/{query}/results").json()["execution_id"] == execution
    dune.save_query(query, "SELECT 2 AS x")
    assert ask.get(f"/query/{query}/results").status_code == 404
    again = run(ask, query)
    assert ask.get(f"/query/{query}/results").json()["execution_id"] == again


def test_the_latest_run_shows_even_while_it_executes_or_when_it_failed(serve):
    """By default the latest run counts; with the quirk the latest run that has a result."""
    for quirks, wants_result in ((Quirks(), False), (Quirks(latest_has_result=True), True)):
        ask = serve(quirks=quirks)
        stored = ask.dune.store_result([(1,)], {"x": "bigint"}, query_id=3)
        failed = ask.dune.store_result([], {"x": "bigint"}, query_id=3, state="QUERY_STATE_FAILED")
        latest = ask.get("/query/3/results").json()
        assert latest["execution_id"] == (stored if wants_result else failed)


def test_a_stored_result_belongs_to_its_query_and_parameters(dune, ask):
    """store_result with params is found by them."""
    execution = dune.store_result([(1,)], {"x": "bigint"}, query_id=77, params={"k": "v"})
    assert ask.get("/query/77/results", **{"params.k": "v"}).json()["execution_id"] == execution
    assert ask.get("/query/77/results", **{"params.k": "w"}).status_code == 404


@pytest.mark.parametrize(
    ("query_id", "status", "text"),
    [
        ("999999999", 404, "Query not found"),
        ("0", 404, "Query not found"),
        ("9999999999999", 500, "An internal error occured"),
        ("abc", 400, "invalid query id: abc"),
    ],
)
def test_a_query_that_is_not_there_cannot_be_executed(ask, query_id, status, text):
    """Unknown and private queries look the same; an id beyond an integer is an internal error."""
    answer = ask.post(f"/query/{query_id}/execute")
    assert (answer.status_code, answer.json()) == (status, {"error": text})


def test_the_latest_result_of_an_unknown_query_is_not_found(ask):
    """The documented text."""
    answer = ask.get("/query/424242/results")
    assert (answer.status_code, answer.json()["error"]) == (
        404,
        "not found: Query not found or private",
    )


def test_the_query_object_shows_text_and_parameters(dune, ask):
    """GET /query/{id} has the documented keys; a list shows as an enum with its options."""
    dune.save_query(50, "SELECT {{a}}, {{b}}", {"a": QueryParameter("a", "x", "enum", ("x", "y"))})
    shown = ask.get("/query/50").json()
    assert (shown["query_id"], shown["query_sql"]) == (50, "SELECT {{a}}, {{b}}")
    assert shown["parameters"] == [
        {"key": "a", "type": "enum", "value": "x", "enumOptions": ["x", "y"]},
        {"key": "b", "type": "text", "value": "default value"},
    ]


def test_a_pipeline_runs_its_query(dune, ask):
    """A pipeline execution has a node whose execution can be read; a failure shows in both."""
    dune.save_query(60, "SELECT 1 AS x")
    dune.save_query(61, "SELECT nosuch")
    assert ask.get("/query/60/pipeline").json() == {
        "pipeline": {"nodes": [{"id": 1, "query_execution": {"query_id": 60}}]}
    }
    for query_id, word, state in (
        (60, "completed", "QUERY_STATE_COMPLETED"),
        (61, "failed", "QUERY_STATE_FAILED"),
    ):
        started = ask.post(f"/query/{query_id}/pipeline/execute").json()
        assert started.keys() == {"pipeline_execution_id"}
        path = f"/pipelines/executions/{started['pipeline_execution_id']}/status"
        for _ in range(500):
            if (status := ask.get(path).json())["status"] not in ("pending", "executing"):
                break
        node = status["node_executions"][0]["query_execution_status"]
        assert (status["status"], node["status"], node["query_id"]) == (word, state, query_id)
        assert ("error" in status) == ("error" in node) == (word == "failed")
        assert ask.get(f"/execution/{node['execution_id']}/status").json()["state"] == state
    assert ask.get("/pipelines/executions/01HKZJ2683PHF9Q9PHHQ8FW4Q1/status").status_code == 404
