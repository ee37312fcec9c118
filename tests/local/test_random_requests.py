"""Random requests, made of Dune's OpenAPI document: no crash, no hang, no undocumented answer."""

from __future__ import annotations

import json

import pytest
import requests
import schemathesis
from contract import Contract
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_contract import listed

from dune_frames.local import LocalDune
from dune_frames.local.endpoints import PATHS

#: Seconds; the server itself ends no query of these tests sooner.
HANGS = 10
LARGEST_QUERY_ID = 2**31 - 1
MODES = list(schemathesis.GenerationMode)
SQL = [
    "SELECT 1", "SELECT '{{w}}'", "SELECT * FROM query_1", "SELECT nosuch", "SELECT 1; SELECT 2", "", "--", "(",
    "SELECT * FROM UNNEST(sequence(1, {{n}})) AS t(x)", "SELECT 1 / 0", "VALUES (1, 'a')", "DROP TABLE dex.trades",
]  # fmt: skip
WINDOWS = st.fixed_dictionaries(
    {},
    optional={
        "limit": st.sampled_from(["0", "1", "3", "9999999999999999999999", "-1", "1e3", "٣"]),
        "offset": st.sampled_from(["0", "2", "5", "9999999999999999999999"]),
        "columns": st.sampled_from(["n", "z,n", "n,n", '"n"', '"', ",", "N"]),
        "filters": st.sampled_from(
            ["n > 1", "z = 'a' OR n IN (1, 2)", "n", "n > ", "n LIKE '%", "(((n = 1)))"]
        ),
        "sort_by": st.sampled_from(["n", "n desc", "z asc, n desc nulls first", "n n", ","]),
        "sample_count": st.sampled_from(["0", "2", "99"]),
        "allow_partial_results": st.sampled_from(["true", "1", "maybe"]),
        "params.w": st.text(max_size=3),
    },
)


@pytest.fixture(scope="module")
def document(examples):
    return examples.parent / "openapi.json"


@pytest.fixture(scope="module")
def dune():
    with LocalDune(page_rows=3, execution_timeout=5) as running:
        running.save_query(1, "SELECT x, '{{w}}' AS w FROM query_2", {"w": ["a", "b"], "n": 1})
        running.save_query(2, "SELECT x FROM UNNEST(sequence(1, 5)) AS t(x)")
        running.client().execute_query(2).wait()
        yield running


@pytest.fixture(scope="module")
def places(dune):
    """Real values for the places in paths, so that requests get past the first check."""
    rows, types = [(n, None) for n in range(5)], {"n": "bigint", "z": "uint256"}
    partial = dune.store_result(rows, types, state="QUERY_STATE_COMPLETED_PARTIAL")
    pipeline = dune.client().execute_pipeline(1)
    pipeline.wait()
    queries = ["0", "1", "2", "3", str(2**31), "9" * 40, "-1", "٣", "1e3"]
    return {
        "execution_id": [dune.store_result(rows, types, query_id=3), partial, dune.store_result(state="QUERY_STATE_NEW")],
        "query_id": queries,
        "queryId": queries,
        "pipeline_execution_id": [pipeline.pipeline_execution_id],
    }  # fmt: skip


@pytest.fixture(scope="module")
def schema(document):
    return schemathesis.openapi.from_dict(json.loads(document.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def contract(document, dune):
    return Contract.of(document, dune.url)


@st.composite
def requests_to(draw, operation, mode, places):
    """A request as the document describes it, or against it; half of them to what is there."""
    case = draw(operation.as_strategy(generation_mode=mode))
    for name in case.path_parameters or {}:
        if draw(st.booleans()):
            case.path_parameters[name] = draw(st.sampled_from(places[name]))
    if case.operation.method == "get" and draw(st.booleans()):
        case.query = draw(WINDOWS)
    if isinstance(case.body, dict) and "sql" in case.body and draw(st.booleans()):
        case.body["sql"] = draw(st.sampled_from(SQL))
    return case


def judge(case, dune, contract) -> None:
    """Send a request; its answer comes soon, is no crash, and is what the document says."""
    asked = case.as_transport_kwargs(base_url=f"{dune.url}/api", headers={"X-Dune-Api-Key": "any"})
    answer = requests.request(**asked, timeout=HANGS, allow_redirects=False)
    path = answer.request.path_url.partition("?")[0]
    if answer.status_code == 500:  # what Dune says to an id that does not fit its integers
        number = next(step for step in path.split("/") if step.isdecimal())
        assert int(number) > LARGEST_QUERY_ID, answer.text
    if answer.status_code not in (301, 307, 404, 405):
        assert contract.differences(answer) <= listed()
    if answer.status_code >= 400:
        assert isinstance(answer.json()["error"], str)


def try_out(name, mode, count, schema, dune, places, contract) -> None:
    method, path = PATHS[name]
    path = path.replace("{query_id}", "{queryId}") if name == "query" else path
    operation = schema[f"/v1{path}"][method]

    @settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))
    @given(requests_to(operation, mode, places))
    def run(case):
        judge(case, dune, contract)

    run()


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", PATHS)
def test_random_requests(name, mode, schema, dune, places, contract):
    """No random request to any endpoint crashes the server, hangs, or gets what no document says."""
    try_out(name, mode, 6, schema, dune, places, contract)


@pytest.mark.fuzz
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", PATHS)
def test_many_random_requests(name, mode, schema, dune, places, contract):
    """The same for minutes."""
    try_out(name, mode, 400, schema, dune, places, contract)
