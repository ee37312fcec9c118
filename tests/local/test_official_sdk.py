"""The official SDK drives the embedded Dune, so that our server and our client cannot be wrong together."""

from __future__ import annotations

import asyncio
import datetime as dt
import io

import pytest
import requests
from dune_client import models
from dune_client.client import DuneClient
from dune_client.client_async import AsyncDuneClient
from dune_client.models import ExecutionState, QueryFailedError
from dune_client.query import QueryBase
from dune_client.types import QueryParameter

from dune_frames.local import Status

#: The methods of the SDK that the embedded Dune answers; the tests below use every one.
ANSWERED = {
    "execute_query", "execute_query_pipeline", "execute_sql", "cancel_execution", "get_execution_status",
    "get_execution_results", "get_execution_results_csv", "run_query", "run_query_csv", "run_query_dataframe",
    "run_sql", "get_latest_result", "get_latest_result_dataframe", "download_csv", "get_pipeline_status",
    "get_query", "get_usage",
    # older names of the same
    "execute", "get_status", "get_result", "get_result_csv", "refresh", "refresh_csv", "refresh_into_dataframe",
}  # fmt: skip
#: Out of scope: they change queries and tables, or read other things than results. How each is refused.
REFUSED = {
    "create_query": (403, lambda sdk: sdk.create_query("a", "SELECT 1")),
    "update_query": (403, lambda sdk: sdk.update_query(1, name="b")),
    "archive_query": (403, lambda sdk: sdk.archive_query(1)),
    "unarchive_query": (403, lambda sdk: sdk.unarchive_query(1)),
    "make_private": (403, lambda sdk: sdk.make_private(1)),
    "make_public": (403, lambda sdk: sdk.make_public(1)),
    "list_uploads": (400, lambda sdk: sdk.list_uploads()),
    "create_table": (404, lambda sdk: sdk.create_table("n", "t", [{"name": "x", "type": "varchar"}])),
    "upload_csv": (400, lambda sdk: sdk.upload_csv("t", "x\n1\n")),
    "insert_data": (404, lambda sdk: sdk.insert_data("n", "t", io.BytesIO(b"x\n1\n"), "text/csv")),
    "clear_table": (404, lambda sdk: sdk.clear_table("n", "t")),
    "delete_table": (404, lambda sdk: sdk.delete_table("n", "t")),
    "list_datasets": (403, lambda sdk: sdk.list_datasets()),
    "get_dataset": (403, lambda sdk: sdk.get_dataset("dex.trades")),
    "get_custom_endpoint_result": (403, lambda sdk: sdk.get_custom_endpoint_result("me", "mine")),
    # of the routes /table and /contracts, which Dune's document no longer has
    "insert_table": (404, lambda sdk: sdk.insert_table("n", "t", io.BytesIO(b"x\n1\n"), "text/csv")),
    "clear_data": (404, lambda sdk: sdk.clear_data("n", "t")),
    "submit_contracts": (404, lambda sdk: sdk.submit_contracts([models.ContractSubmissionInput("ethereum", "0x", "p", "c", [])])),
    "list_contract_submissions": (404, lambda sdk: sdk.list_contract_submissions()),
}  # fmt: skip
#: No requests: how a client is made.
OTHER = {"from_env", "api_version", "default_headers"}
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


def test_every_method_of_the_sdk_is_in_a_list(recent_sdk):
    """Each public method is one that is answered, or one that is refused."""
    public = {name for name in dir(DuneClient) if not name.startswith("_")}
    assert public <= ANSWERED | REFUSED.keys() | OTHER
    assert not ANSWERED & REFUSED.keys()
    assert {
        name for name in dir(AsyncDuneClient) if not name.startswith("_")
    } <= ANSWERED | OTHER | {"connect", "disconnect"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_out_of_scope_is_refused_at_once(sdk, name):
    """Query management, tables and catalogs: an HTTP error of a status that Dune's document has, in JSON."""
    status, call = REFUSED[name]
    if not hasattr(sdk, name):
        pytest.skip(f"this release of the SDK has no {name}")
    with pytest.raises(requests.HTTPError) as caught:
        call(sdk)
    assert caught.value.response.status_code == status
    assert "the embedded Dune has no" in caught.value.response.json()["error"]


@pytest.fixture
def fifth(sdk):
    """A stored result, and a partial one."""
    rows, types = [(n, None if n % 2 else "a,b") for n in range(5)], {"n": "bigint", "s": "varchar"}
    return rows, types


def test_every_option_of_reading_is_understood(sdk, dune, fifth):
    """Columns, filters, order, window and samples, in JSON and in CSV."""
    job = dune.store_result(*fifth)
    options = {
        "columns": ["n"],
        "filters": "s IS NULL OR n = 4",
        "sort_by": ["n desc"],
        "limit": 2,
        "offset": 1,
    }
    assert sdk.get_execution_results(job, **options).get_rows() == [{"n": 3}, {"n": 1}]
    assert sdk.get_execution_results_csv(job, **options).data.read() == b"n\n3\n1\n"
    assert len(sdk.get_execution_results_csv(job, sample_count=2).data.read().splitlines()) == 3
    assert sdk.get_execution_results(job, limit=2).next_offset == 2


def test_partial_results_come_when_they_are_allowed(sdk, dune, fifth):
    """The SDK allows them unless told otherwise; its own words for the state are understood."""
    job = dune.store_result(*fifth, state="QUERY_STATE_COMPLETED_PARTIAL")
    results = sdk.get_execution_results(job)
    assert results.state is ExecutionState.PARTIAL
    assert len(results.result.rows) == 5
    with pytest.raises(requests.HTTPError, match="400"):
        sdk.get_execution_results(job, allow_partial_results="false")


def test_it_runs_sql_and_waits(sdk):
    """run_sql, its failure, and the tier that the SDK always names."""
    assert sdk.run_sql("SELECT 2 AS x", ping_frequency=SOON).get_rows() == [{"x": 2}]
    with pytest.raises(QueryFailedError, match="nosuch"):
        sdk.run_sql("SELECT nosuch", ping_frequency=SOON)
    with pytest.raises(requests.HTTPError) as caught:
        sdk.execute_sql("SELECT 1", performance="gigantic")
    assert caught.value.response.json() == {"error": "Invalid performance tier"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_older_names_still_work(sdk, query):
    """What the SDK calls deprecated goes to the same endpoints."""
    assert len(sdk.refresh(query, SOON).get_rows()) == 7
    assert len(sdk.refresh_csv(query, SOON).data.read().splitlines()) == 8
    assert len(sdk.refresh_into_dataframe(query, SOON)) == 7
    job = sdk.execute(query).execution_id
    finished(sdk, job)
    assert sdk.get_status(job).state is ExecutionState.COMPLETED
    assert len(sdk.get_result(job).get_rows()) == 7
    assert len(sdk.get_result_csv(job).data.read().splitlines()) == 8


def test_it_runs_an_old_query_again(sdk, dune, fifth):
    """max_age_hours reads execution_ended_at of the latest result; a sample and a filter of what is young."""
    dune.save_query(3, "SELECT 9 AS n, 'new' AS s")
    dune.store_result(*fifth, query_id=3, age=3600 * 5)
    assert len(sdk.get_latest_result(3, max_age_hours=6, filters="n > 2").get_rows()) == 2
    assert len(sdk.get_latest_result(3, max_age_hours=6, sample_count=3).get_rows()) == 3
    assert sdk.get_latest_result(3, max_age_hours=4).get_rows() == [{"n": 9, "s": "new"}]
    assert list(sdk.get_latest_result_dataframe("3", columns=["s"])["s"]) == ["new"]
    assert sdk.download_csv(3, sort_by=["n"], filters="n > 0").data.read() == b"n,s\n9,new\n"


def test_it_sees_http_errors(sdk):
    """Dune's statuses and words come through the SDK's own error."""
    for call, status, words in (
        (lambda: sdk.get_execution_status("Wonky Job ID"), 400, "(ID: Wonky Job ID) is invalid"),
        (lambda: sdk.execute_query(QueryBase(999999999)), 404, "Query not found"),
        (
            lambda: sdk.execute_query(QueryBase(1, params=[QueryParameter.text_type("x", "1")])),
            400,
            "unknown parameters",
        ),
        (lambda: sdk.get_latest_result(999999999), 404, "not found: Query not found or private"),
    ):
        with pytest.raises(requests.HTTPError) as caught:
            call()
        assert caught.value.response.status_code == status
        assert words in caught.value.response.json()["error"]
    refused = DuneClient(api_key="wrong", base_url=sdk.base_url)
    assert refused.get_usage().billing_periods  # any key is taken where none is set


def test_it_asks_again_after_429(sdk, dune):
    """The SDK's own retries meet a rate limit and end well, for reads and for runs."""
    for endpoint in ("execute_sql", "status"):
        dune.inject(Status(429), endpoint=endpoint)
    job = sdk.execute_sql("SELECT 1").execution_id
    assert finished(sdk, job).state is ExecutionState.COMPLETED
    assert sdk.cancel_execution(job) is False


def test_usage_of_chosen_days(sdk):
    """get_usage with dates has the period asked for."""
    (period,) = sdk.get_usage(start_date="2026-01-01", end_date="2026-02-01").billing_periods
    assert (str(period.start_date)[:10], str(period.end_date)[:10]) == ("2026-01-01", "2026-02-01")
    assert dt.date.fromisoformat(str(period.start_date)[:10]) == dt.date(2026, 1, 1)


def test_the_asynchronous_client(sdk, dune, query):
    """Runs, statuses, pages, latest results, CSV, pipelines, cancelling; its frame is its CSV, polled every 5 s."""

    async def story():
        async with AsyncDuneClient(api_key="any", base_url=dune.url) as client:
            results = await client.run_query(query, ping_frequency=SOON, batch_size=3)
            assert [row["x"] for row in results.get_rows()] == [1, 2, 3, 4, 5, 6, 7]
            data = (
                await client.run_query_csv(query, ping_frequency=SOON, batch_size=2)
            ).data.read()
            assert data.splitlines() == [b"x,s", *(b"%d,r%d" % (n, n) for n in range(1, 8))]
            assert len((await client.get_latest_result(query, batch_size=3)).get_rows()) == 7
            job = (await client.execute_query(query)).execution_id
            while not (await client.get_execution_status(job)).is_execution_finished:
                pass
            chosen = {"columns": ["x"], "filters": "x > 4", "sort_by": ["x desc"], "batch_size": 9}
            page = await client.get_execution_results(job, **chosen)
            assert page.get_rows() == [{"x": 7}, {"x": 6}, {"x": 5}]
            data = (await client.get_execution_results_csv(job, **chosen)).data.read()
            assert data.splitlines() == [b"x", b"7", b"6", b"5"]
            assert len((await client.get_execution_results(job, sample_count=3)).get_rows()) == 3
            assert await client.cancel_execution(job) is False
            started = await client.execute_query_pipeline(1)
            while (
                await client.get_pipeline_status(started.pipeline_execution_id)
            ).status != "completed":
                pass

    asyncio.run(story())
