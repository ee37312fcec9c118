"""Each endpoint of Dune's document that is ours, through our client and the official SDK."""

from __future__ import annotations

import json
import re
import time
from contextlib import closing, suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replay import Replay, answer

import dune_frames as dune
from dune_frames import errors
from dune_frames._run.source import Saved
from dune_frames._wire import catalog, plans
from dune_frames._wire.plans import Pipeline, PlannedNode
from dune_frames.local import LocalDune, Status
from dune_frames.pipeline import PipelineExecution, start

DOCUMENT = Path(__file__).resolve().parents[2] / "shared" / "wire" / "openapi.json"
PIPELINE_ID = "01HKZJ2683PHF9Q9PHHQ8FW4Q1"

#: Each endpoint, by the method of the document's row, and what the client does to meet it.
ENDPOINTS = {
    "POST /v1/sql/execute": lambda c, _: c.execute_sql("SELECT 1 AS one"),
    "POST /v1/query/{query_id}/execute": lambda c, _: c.execute_query(7, {"n": 3}),
    "GET /v1/execution/{execution_id}/status": lambda c, ids: c.execution(ids.run).status(),
    "POST /v1/execution/{execution_id}/cancel": lambda c, ids: c.execution(ids.run).cancel(),
    "GET /v1/execution/{execution_id}/results": lambda c, ids: c.read_execution(
        ids.run, format="json", cache=False
    ),
    "GET /v1/execution/{execution_id}/results/csv": lambda c, ids: c.read_execution(
        ids.run, format="csv", cache=False
    ),
    "GET /v1/query/{query_id}/results": lambda c, _: c.read_query(7, {"n": 2}, cache=False),
    "POST /v1/query/{query_id}/pipeline/execute": lambda c, _: c.execute_pipeline(8),
    "GET /v1/pipelines/executions/{pipeline_execution_id}/status": lambda c, ids: (
        c.pipeline_execution(ids.pipeline).wait()
    ),
    "GET /v1/query/{query_id}/pipeline": lambda c, _: c.pipeline(8),
    "POST /v1/pipelines/execute": lambda c, _: c.execute_pipeline(c.pipeline(8)),
    "GET /v1/query/{queryId}": lambda c, _: c.query(7),
    "POST /v1/usage": lambda c, _: c.usage(),
}
#: Rows about the same things that the client has no use for, and why.
UNUSED = {
    "GET /v1/query/{query_id}/results/csv": "the latest run is found by JSON, then pinned",
}

#: The same by the official SDK, for what it has.
SDK = {
    "POST /v1/sql/execute": lambda s, _: s.execute_sql("SELECT 1 AS one"),
    "POST /v1/query/{query_id}/execute": lambda s, _: s.execute_query(s.of(7)),
    "GET /v1/execution/{execution_id}/status": lambda s, ids: s.get_execution_status(ids.run),
    "POST /v1/execution/{execution_id}/cancel": lambda s, ids: s.cancel_execution(ids.run),
    "GET /v1/execution/{execution_id}/results": lambda s, ids: s.get_execution_results(ids.run),
    "GET /v1/execution/{execution_id}/results/csv": lambda s, ids: s.get_execution_results_csv(
        ids.run
    ),
    "GET /v1/query/{query_id}/results": lambda s, _: s.get_latest_result(7),
    "GET /v1/query/{query_id}/results/csv": lambda s, _: s.download_csv(7),
    "POST /v1/query/{query_id}/pipeline/execute": lambda s, _: s.execute_query_pipeline(8),
    "GET /v1/pipelines/executions/{pipeline_execution_id}/status": lambda s, ids: (
        s.get_pipeline_status(ids.pipeline)
    ),
    "GET /v1/query/{queryId}": lambda s, _: s.get_query(7),
    "POST /v1/usage": lambda s, _: s.get_usage(),
}
#: Rows that the SDK has no method for.
NOT_IN_SDK = {"GET /v1/query/{query_id}/pipeline", "POST /v1/pipelines/execute"}


class Ids:
    """What stands on the server: a finished run of query 7, and a pipeline of query 8."""

    def __init__(self, client):
        started = client.execute_pipeline(8)
        started.wait(20)  # it runs query 7 as well, whose latest run shall be the one below
        self.pipeline = started.pipeline_execution_id
        self.run = client.execute_query(7, {"n": 2}).wait(20).execution_id


@pytest.fixture(scope="module")
def local():
    with LocalDune() as server:
        server.save_query(7, "SELECT {{n}} AS n", {"n": 1})
        server.save_query(8, "SELECT n + 1 AS n, random() AS draw FROM query_7")
        server.save_query(9, "SELECT n, draw FROM query_8 WHERE n = (SELECT n + 1 FROM query_7)")
        yield server


@pytest.fixture
def client(local):
    with closing(local.client()) as client:
        yield client
    local.clear_faults()


@pytest.fixture
def sdk(local, recent_sdk):
    """The official SDK's client of the same server."""
    dune_client = pytest.importorskip("dune_client.client")
    client = dune_client.DuneClient(api_key="local", base_url=local.url)
    client.of = pytest.importorskip("dune_client.query").QueryBase
    return client


def test_every_endpoint_that_is_ours_is_met():
    """No row of the document about runs, results, pipelines, texts and usage is forgotten."""
    if not DOCUMENT.is_file():
        pytest.skip("Dune's document (../shared/wire/openapi.json) is not beside this checkout")
    rows = {
        f"{method.upper()} {path}"
        for path, methods in json.loads(DOCUMENT.read_text())["paths"].items()
        for method in methods
    }
    ours = re.compile(
        r"(GET|POST) /v1/(sql/|execution/|pipelines/|usage"
        r"|query/\{(query_id|queryId)\}(/results|/pipeline|/execute|$))"
    )
    relevant = {row for row in rows if ours.match(row)}
    assert relevant == ENDPOINTS.keys() | UNUSED.keys()
    assert relevant == SDK.keys() | NOT_IN_SDK


@pytest.mark.parametrize("row", ENDPOINTS)
def test_the_client_meets_the_endpoint(local, client, row):
    """The call reaches exactly that method and path, and the server takes it."""
    ids = Ids(client)
    local.clear_requests()
    ENDPOINTS[row](client, ids)
    assert is_met(row, local.requests)


@pytest.mark.parametrize("row", SDK)
def test_the_sdk_meets_the_endpoint(local, client, sdk, row):
    """Whoever uses the official SDK finds the endpoint too, and what it reads of the answer."""
    ids = Ids(client)
    local.clear_requests()
    assert SDK[row](sdk, ids) is not None
    assert is_met(row, local.requests)


def is_met(row, requests):
    """Tell whether the row's method and path are among the requests, all of which went well."""
    method, path = row.replace("/v1", "/api/v1").split()
    pattern = re.compile(re.sub(r"\{\w+\}", r"[^/]+", path))
    met = [each for each in requests if each.method == method and pattern.fullmatch(each.path)]
    return bool(met) and all(each.status == 200 for each in requests)


def finished(ask, seconds=20.0):
    """Ask until the answer's status says that it is over."""
    end = time.monotonic() + seconds
    while (told := ask()).status.lower() not in ("completed", "failed"):
        assert time.monotonic() < end, told
        time.sleep(0.01)
    return told


def test_the_sdk_runs_pipelines(sdk):
    """The official SDK reads what the embedded server tells of a pipeline, node by node."""
    started = sdk.execute_query_pipeline(8)
    told = finished(lambda: sdk.get_pipeline_status(started.pipeline_execution_id))
    assert [node.query_execution_status.query_id for node in told.node_executions] == [7, 8]
    runs = [node.query_execution_status.execution_id for node in told.node_executions]
    assert [sdk.get_execution_results(run).result.rows[0]["n"] for run in runs] == [1, 2]


def test_the_sdk_and_the_client_agree_on_a_query(sdk, client):
    """Name, text and parameters are the same by both."""
    theirs, ours = sdk.get_query(7), client.query(7)
    assert (theirs.base.name, theirs.sql) == (ours.name, ours.sql)
    assert [(p.key, p.type.value) for p in theirs.base.params] == [
        (p.name, p.type) for p in ours.parameters
    ]


def test_the_sdk_and_the_client_agree_on_usage(sdk, client):
    """The billing period is the same by both."""
    days = ("2025-01-01", "2025-01-31")
    theirs, ours = sdk.get_usage(*days), client.usage(*days)
    (period,), (other,) = ours.billing_periods, theirs.billing_periods
    assert (period.start_date, period.end_date) == (date(2025, 1, 1), date(2025, 1, 31))
    assert (str(period.start_date), str(period.end_date)) == (other.start_date, other.end_date)
    assert period.credits_included == other.credits_included


def test_the_sdk_runs_and_reads(sdk):
    """Execute, status, results, CSV, cancel and SQL through the SDK."""
    query = pytest.importorskip("dune_client.query").QueryBase(query_id=7)
    started = sdk.execute_query(query)
    assert finished_run(sdk, started.execution_id) == "QUERY_STATE_COMPLETED"
    assert sdk.get_execution_results(started.execution_id).result.rows == [{"n": 1}]
    assert sdk.get_execution_results_csv(started.execution_id).data.read() == b"n\n1\n"
    assert sdk.get_latest_result(7).result.rows[0].keys() == {"n"}
    assert sdk.cancel_execution(started.execution_id) is False
    of_sql = sdk.execute_sql("SELECT 5 AS five")
    assert finished_run(sdk, of_sql.execution_id) == "QUERY_STATE_COMPLETED"


def finished_run(sdk, execution_id, seconds=20.0):
    """Wait for a run through the SDK; return how it ended."""
    end = time.monotonic() + seconds
    while not (told := sdk.get_execution_status(execution_id)).state.is_complete():
        assert time.monotonic() < end, told
        time.sleep(0.01)
    return told.state.value


@pytest.mark.parametrize("nobody", ["", " ", ".", "..", None, 5])
def test_what_is_no_id_is_refused(local, client, nobody):
    """An empty variable, or an id that leads to another endpoint, is not sent."""
    local.clear_requests()
    for call in (
        lambda: client.execution(nobody),
        lambda: client.read_execution(nobody),
        lambda: client.pipeline_execution(nobody).status(),
    ):
        with pytest.raises(errors.InvalidRequestError, match="no id"):
            call()
    assert local.requests == ()


_NAME = st.text(min_size=1, max_size=8).filter(
    lambda name: name.strip() == name and not set("{}") & set(name)
)
_UTF8 = st.text(st.characters(codec="utf-8"), max_size=8)


@settings(max_examples=25)
@given(name=_NAME.filter(lambda name: name.isprintable()), value=_UTF8.filter(bool))
def test_a_stored_result_is_found_by_any_name_and_value(local, name, value):
    """`params.<name>=<value>` arrives as it was given, whatever characters it has."""
    local.save_query(71, f"SELECT 1 AS one -- {{{{{name}}}}}", {name: "none"})
    stored = local.store_result([[7]], {"n": "bigint"}, query_id=71, params={name: value})
    with closing(local.client()) as client:
        read = client.read_query(71, {name: value}, frame="pyarrow", cache=False)
    assert dune.provenance(read)["execution_id"] == stored


# Pipelines


def test_a_pipeline_runs_what_it_reads_first_and_reads_its_results(client):
    """Nodes run in the order of their dependencies; what one drew at random, the next one sees."""
    pipeline = client.execute_pipeline(9)
    told = pipeline.wait(20)
    assert (told.word, told.failed, told.error) == ("COMPLETED", False, None)
    assert [node.query_id for node in told.nodes] == [7, 8, 9]
    runs = pipeline.executions
    assert [run.execution_id for run in runs] == [node.execution_id for node in told.nodes]
    statuses = [run.status() for run in runs]
    ended = [each.ended_at for each in statuses]
    assert all(end <= each.started_at for end, each in zip(ended, statuses[1:], strict=False))
    _, drawn, last = [run.read(frame="pyarrow").to_pylist() for run in runs]
    assert last == drawn


def test_a_pipeline_takes_parameters_and_a_tier(local, client):
    """They go where those of a run go; without a tier none is named."""
    local.clear_requests()
    dune.execute_dune_pipeline(7, {"n": 41}, performance="large", client=client)
    client.execute_pipeline(7)
    assert [each.body for each in local.requests] == [
        {"query_parameters": {"n": "41"}, "performance": "large"},
        {},
    ]


def test_what_a_pipeline_would_run_is_told_for_free(local, client):
    """Its nodes, the order and the parameters, before anything is spent; then it runs, changed."""
    local.save_query(27, "SELECT {{n}} AS n", {"n": 1})
    local.save_query(28, "SELECT n * {{by}} AS n FROM query_27", {"by": 1})
    local.clear_requests()
    plan = client.pipeline(28, {"by": 5})
    assert [each.method for each in local.requests] == ["GET"]
    first, last = plan.nodes
    assert (first.query_id, first.dependencies, first.parameters) == (27, (), {"n": "1"})
    assert (last.query_id, last.dependencies, last.parameters) == (
        28,
        (first.node_id,),
        {"by": "5"},
    )
    changed = Pipeline((last, replace(first, parameters={"n": 7}, performance="large")))
    run = client.execute_pipeline(changed)
    assert [node.query_id for node in run.wait(20).nodes] == [27, 28]
    assert [each.read()["n"].tolist() for each in run.executions] == [[7], [35]]
    sent = local.requests[1].body["pipeline"]["nodes"]
    assert sent[1]["query_execution"] == {
        "query_id": 27,
        "query_parameters": {"n": "7"},
        "performance": "large",
    }


def test_a_plan_with_a_view_goes_back_as_it_came():
    """What refreshes a materialized view is told and sent by its name."""
    said = {
        "pipeline": {
            "nodes": [
                {"id": 1, "materialized_view_refresh": {"name": "a.b", "performance": "medium"}},
                {"id": 2, "dependencies": [1], "query_execution": {"query_id": 7}},
            ]
        }
    }
    plan = plans.read_plan(answer(200, said))
    assert [node.view_name for node in plan.nodes] == ["a.b", None]
    assert plans.body_of(plan) == said


@pytest.mark.parametrize(
    ("nodes", "kind"),
    [
        ([], errors.BadRequestError),
        ([PlannedNode(node_id=1, query_id=7, dependencies=(1,))], errors.BadRequestError),
        ([PlannedNode(node_id=1, query_id=7, dependencies=(2,))], errors.BadRequestError),
        ([PlannedNode(node_id=1, query_id=7)] * 2, errors.BadRequestError),
        ([PlannedNode(node_id=1, query_id=99)], errors.NotFoundError),
        ([PlannedNode(node_id=1, view_name="a.b")], errors.NotFoundError),
    ],
)
def test_a_plan_that_cannot_run_is_refused(client, nodes, kind):
    """Circles, unknown nodes, queries and views start nothing."""
    with pytest.raises(kind):
        client.execute_pipeline(Pipeline(tuple(nodes)))


def test_a_plan_has_its_own_parameters(local, client):
    """They are given when it is asked for, and not beside it."""
    plan = client.pipeline(8)
    local.clear_requests()
    for beside in ({"params": {"n": 1}}, {"performance": "large"}):
        with pytest.raises(errors.InvalidRequestError, match="own parameters"):
            client.execute_pipeline(plan, **beside)
    assert local.requests == ()


def test_a_failed_node_ends_the_pipeline(local, client):
    """What failed is told with its error; what would have read it never starts."""
    local.save_query(17, "SELECT nothing FROM nowhere")
    local.save_query(18, "SELECT 1 AS one FROM query_17")
    pipeline = client.execute_pipeline(18)
    told = pipeline.wait(20)
    assert told.failed
    assert "nowhere" in told.error
    first, second = told.nodes
    assert (first.word, second.word) == ("FAILED", "PENDING")
    assert [run.execution_id for run in pipeline.executions] == [first.execution_id]


def status_of(said):
    return catalog.read_pipeline_status(answer(200, said))


def node(state, **more):
    return {"id": 1, "query_execution_status": {"status": state, "query_id": 7} | more}


@pytest.mark.parametrize(
    ("said", "is_finished", "failed"),
    [
        ({"status": "pending"}, False, False),
        ({"status": "executing", "node_executions": [node("QUERY_STATE_EXECUTING")]}, False, False),
        ({"status": "completed"}, True, False),
        ({"status": "QUERY_STATE_COMPLETED"}, True, False),
        ({"status": "failed"}, True, True),
        ({"status": "canceled"}, True, True),
        ({"status": "executing", "error": "it broke"}, True, True),
        ({"error": "it broke"}, True, True),
        ({"status": "new", "node_executions": [node("completed")]}, True, False),
        ({"status": "new", "node_executions": [node("executing")]}, False, False),
        ({"status": "new", "node_executions": [node("newer")]}, False, False),
        ({"status": "new"}, False, False),
        ({"status": "executing", "node_executions": [node("completed")]}, False, False),
        (
            {"status": "executing", "node_executions": [node("x", error="no"), node("pending")]},
            True,
            True,
        ),
        (
            {"status": "executing", "node_executions": [node("failed"), node("executing")]},
            False,
            True,
        ),
    ],
)
def test_when_a_pipeline_is_over(said, is_finished, failed):
    """Both spellings, an error, and states that nobody has documented, by what their nodes do."""
    told = status_of(said)
    assert (told.is_finished, told.failed) == (is_finished, failed)


def test_nodes_of_views_are_executions_too(client):
    """A materialized view's node has its name; what has no execution yet is left out."""
    view = {"name": "dune.me.result", "status": "completed", "execution_id": "01VIEW"}
    told = status_of(
        {
            "status": "completed",
            "node_executions": [
                {"id": 1, "materialized_view_refresh_status": view},
                node("completed", execution_id="01RUN") | {"id": 2},
                {"id": 3},
            ],
        }
    )
    assert [each.view_name for each in told.nodes] == ["dune.me.result", None, None]
    pipeline = PipelineExecution(PIPELINE_ID, client._calls)
    pipeline._seen(told)
    assert [run.execution_id for run in pipeline.executions] == ["01VIEW", "01RUN"]


def test_a_pipeline_is_never_started_twice():
    """A lost or broken answer to the request that starts it is an error at once."""
    for broken in (answer(200, {}), answer(502, {})):
        replay = Replay([broken])
        with pytest.raises(errors.MaybeStartedError):
            replay.run(start(Saved(7, {})))
        assert replay.sent == ["POST /query/7/pipeline/execute"]


def test_an_interrupt_while_a_pipeline_starts_says_how_to_go_on():
    """There is nothing to cancel, so the id is told."""
    started = answer(200, {"pipeline_execution_id": PIPELINE_ID})
    with pytest.raises(KeyboardInterrupt) as caught:
        Replay([started], interrupts={1: KeyboardInterrupt()}).run(start(Saved(7, {})))
    assert PIPELINE_ID in caught.value.__notes__[0]


# Query texts and usage


def test_a_query_that_was_looked_up_is_checked_for_free(local, client):
    """Parameters that it does not declare are refused, and nothing is sent."""
    assert client.query("https://dune.com/queries/7").parameters[0].default == "1"
    local.clear_requests()
    with pytest.raises(errors.InvalidRequestError, match="'m'"):
        client.read_query(7, {"m": 1})
    assert local.requests == ()
    with pytest.raises(errors.BadRequestError):
        client.execute_query(8, {"m": 1})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"chain": "fantom"}, "'fantom'.*'chain'"),
        ({"chain": ["base", "fantom"]}, "'fantom'"),
        ({"rows": "many"}, "number, which 'many' is not"),
        ({"rows": "NaN"}, "number"),
    ],
)
def test_values_are_checked_for_free_too(local, client, wrong, said):
    """What a query's enums and numbers do not allow is refused; what they allow is not."""
    local.save_query(37, "SELECT '{{chain}}', {{rows}}", {"chain": ["base", "ethereum"], "rows": 1})
    client.query(37)
    local.clear_requests()
    with pytest.raises(errors.InvalidRequestError, match=said):
        client.read_query(37, wrong)
    with pytest.raises(errors.InvalidRequestError, match=said):
        client.read_query(37, [{"rows": 1}, wrong])
    assert local.requests == ()
    client.execute_query(37, {"chain": "ethereum", "rows": Decimal("1E+3")}).wait()


@pytest.mark.parametrize("call", ["query", "usage"])
@pytest.mark.parametrize(
    ("status", "kind"), [(402, errors.PaymentRequiredError), (403, errors.ForbiddenError)]
)
def test_a_refusal_names_the_plan(local, client, call, status, kind):
    """Dune has these on some plans only; a refusal says so."""
    local.inject(Status(status), endpoint=call)
    with pytest.raises(kind, match="plan"):
        client.query(7) if call == "query" else client.usage()


@pytest.mark.parametrize("day", ["yesterday", 20250101, "2025-13-01"])
def test_a_day_that_is_none_is_refused(local, client, day):
    """Nothing is sent."""
    local.clear_requests()
    with pytest.raises(errors.InvalidRequestError, match="start_date"):
        client.usage(day)
    assert local.requests == ()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(
            ["status", "error", "node_executions", "id", "query_execution_status", "query_id",
             "query_sql", "parameters", "key", "enumOptions", "billing_periods", "start_date",
             "end_date", "pipeline_execution_id", "execution_id", "pipeline", "nodes",
             "query_execution", "query_parameters", "dependencies"]
        ), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip
READERS = [
    catalog.read_pipeline_started,
    catalog.read_pipeline_status,
    catalog.read_saved_query,
    catalog.read_usage,
    plans.read_plan,
]


@given(_JSON, st.sampled_from(READERS))
def test_any_answer_is_read_or_refused(said, read):
    """No JSON breaks a reader in another way than by saying that the body is not Dune's."""
    with suppress(catalog.MalformedBodyError):
        read(answer(200, said))
