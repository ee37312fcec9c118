"""The official SDK drives the embedded Dune, so that our server and our client cannot be wrong together."""

from __future__ import annotations

import pytest
from dune_client.client import DuneClient
from dune_client.models import ExecutionState, QueryFailedError
from dune_client.query import QueryBase
from dune_client.types import QueryParameter

SQL = "SELECT x, 'r' || cast(x AS varchar) AS s FROM UNNEST(sequence(1, {{n}})) AS t(x) ORDER BY x"
#: Seconds between the SDK's looks at a status.
SOON = 0.02


@pytest.fixture(scope="module")
def sdk(dune, recent_sdk):
    dune.save_query(1, SQL, {"n": 25})
    dune.save_query(2, "SELECT nosuch")
    return DuneClient(api_key="any", base_url=dune.url)


@pytest.fixture(scope="module")
def query():
    return QueryBase(1, params=[QueryParameter.number_type("n", 7)])


def finished(sdk, execution_id):
    while not sdk.get_execution_status(execution_id).is_execution_finished:
        pass
    return sdk.get_execution_status(execution_id)


def test_it_runs_a_query_and_reads_all_pages_as_json(sdk, query):
    """run_query follows next_uri until the end, with parameters and options."""
    results = sdk.run_query(query, ping_frequency=SOON, batch_size=3)
    assert [row["x"] for row in results.get_rows()] == [1, 2, 3, 4, 5, 6, 7]
    assert results.result.metadata.column_types == ["bigint", "varchar"]
    chosen = sdk.run_query(
        query, ping_frequency=SOON, columns=["s"], filters="x > 5", sort_by=["x desc"]
    )
    assert chosen.get_rows() == [{"s": "r7"}, {"s": "r6"}]


def test_it_reads_all_pages_as_csv(sdk, query):
    """run_query_csv follows the headers."""
    data = sdk.run_query_csv(query, ping_frequency=SOON, batch_size=2).data.read().decode()
    assert data.splitlines() == ["x,s", *(f"{n},r{n}" for n in range(1, 8))]


def test_it_reads_a_frame(sdk, query):
    """run_query_dataframe is its CSV through pandas."""
    assert sdk.run_query_dataframe(query, ping_frequency=SOON)["x"].sum() == 28


def test_it_runs_sql(sdk):
    """execute_sql, status, results; query_id is 0."""
    execution = sdk.execute_sql("SELECT uint256 '5' * 2 AS u")
    assert execution.state is ExecutionState.PENDING
    status = finished(sdk, execution.execution_id)
    assert (status.state, status.query_id) == (ExecutionState.COMPLETED, 0)
    results = sdk.get_execution_results(execution.execution_id)
    assert results.get_rows() == [{"u": "10"}]


def test_it_reads_a_part_and_a_sample(sdk, query):
    """Limit and offset, and sample_count."""
    job = sdk.execute_query(query).execution_id
    finished(sdk, job)
    page = sdk.get_execution_results(job, limit=2, offset=3)
    assert [row["x"] for row in page.get_rows()] == [4, 5]
    assert page.next_offset == 5
    csv_page = sdk.get_execution_results_csv(job, limit=2, offset=3)
    assert (csv_page.data.read(), csv_page.next_offset) == (b"x,s\n4,r4\n5,r5\n", "5")
    assert len(sdk.get_execution_results(job, sample_count=3).get_rows()) == 3


def test_it_reads_the_latest_result(sdk, query):
    """get_latest_result and its CSV, by id and with parameters."""
    sdk.run_query(query, ping_frequency=SOON)
    assert len(sdk.get_latest_result(1).get_rows()) == 7
    assert len(sdk.get_latest_result(query, batch_size=2).get_rows()) == 7
    assert len(sdk.download_csv(query, batch_size=3).data.read().splitlines()) == 8
    assert sdk.get_latest_result_dataframe(1)["x"].max() == 7


def test_it_sees_a_failure_with_its_place(sdk):
    """A failed run raises in the SDK, and its status has the error object."""
    with pytest.raises(QueryFailedError, match="Column 'nosuch' cannot be resolved"):
        sdk.run_query(QueryBase(2), ping_frequency=SOON)
    status = finished(sdk, sdk.execute_query(QueryBase(2)).execution_id)
    assert status.state is ExecutionState.FAILED
    assert status.error.metadata == {"line": 1, "column": 8}


def test_it_cancels(serve, recent_sdk):
    """cancel_execution is true once, and the state it sees is CANCELLED."""
    ask = serve(execution_seconds=10)
    sdk = DuneClient(api_key="any", base_url=ask.dune.url)
    job = sdk.execute_sql("SELECT 1").execution_id
    assert sdk.cancel_execution(job) is True
    status = sdk.get_execution_status(job)
    assert status.state is ExecutionState.CANCELLED
    assert status.times.cancelled_at is not None
    assert sdk.get_execution_results(job).get_rows() == []


def test_it_reads_query_usage_and_pipeline(sdk):
    """get_query, get_usage, and a pipeline's status, where the release has them."""
    assert sdk.get_query(1).sql == SQL
    assert sdk.get_usage().billing_periods[0].credits_included > 0
    if not hasattr(sdk, "execute_query_pipeline"):
        pytest.skip("this release of the SDK knows no pipelines")
    started = sdk.execute_query_pipeline(1)
    while (status := sdk.get_pipeline_status(started.pipeline_execution_id)).status != "completed":
        pass
    assert status.node_executions[0].query_execution_status.query_id == 1
