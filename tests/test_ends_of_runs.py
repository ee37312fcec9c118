"""Every state and answer, end to end: a real server says it, the caller gets its exception."""

from __future__ import annotations

from contextlib import closing

import polars as pl
import pytest

import dune_frames as dune
from dune_frames import errors
from dune_frames.local import Alter, ExecutionError, LocalDune, Quirks, Status

READ = {"frame": "polars", "cache": False}
FRAME = pl.DataFrame({"n": range(3)})


@pytest.fixture(scope="module")
def server():
    with LocalDune(tiers=("small",)) as local:
        local.save_query(7, "SELECT 1 AS one")
        local.save_query(9, "SELECT a,\n  wrong\nFROM (VALUES 1) AS t(a)")
        yield local


@pytest.fixture
def client(server):
    server.clear_requests()
    with closing(server.client()) as client:
        yield client
    server.clear_faults()


def posts(server):
    """Return how many billed runs were asked for."""
    return sum(request.endpoint.startswith("execute") for request in server.requests)


def test_an_unknown_query_is_told_from_one_that_never_ran(server, client):
    """Two kinds of 404: check the number, or run it."""
    with pytest.raises(errors.QueryNotFoundError, match="private") as caught:
        client.read_query(404, **READ)
    assert caught.value.query_id == 404
    with pytest.raises(errors.NoStoredResultError) as caught:
        client.latest_execution(7)
    assert "max_age=0" in str(caught.value).splitlines()[-1]
    assert posts(server) == 0


def test_a_query_edited_since_its_last_run_is_run_again(server, client):
    """What is stored belongs to the old text: one new run."""
    server.save_query(5, "SELECT 1 AS a")
    client.read_query(5, **READ)
    server.save_query(5, "SELECT 2 AS a")
    assert client.read_query(5, **READ)["a"].to_list() == [2]
    assert posts(server) == 2


def test_a_tier_that_the_plan_lacks(server, client):
    """The error says to leave it out."""
    with pytest.raises(errors.PerformanceTierError) as caught:
        client.read_sql("SELECT 1", performance="large", **READ)
    assert "leave `performance` out" in str(caught.value).splitlines()[-1]
    assert posts(server) == 1


def test_a_key_that_nobody_knows():
    """401 before anything else."""
    with LocalDune(api_key="the-right-one") as local:
        client = dune.Dune("a-wrong-one", base_url=local.url)
        with closing(client), pytest.raises(PermissionError, match="invalid API Key"):
            client.read_sql("SELECT 1", **READ)


def test_no_credits_left(server, client):
    """402 explains, on runs and on reads; a limit that a page meets ends the read at once."""
    stored = server.store_result(FRAME)
    for endpoint in ("execute_sql", "results"):
        server.inject(Status(402, '{"error": "limits per billing cycle"}'), endpoint=endpoint)
    with pytest.raises(errors.PaymentRequiredError, match="billing cycle"):
        client.read_sql("SELECT 1", **READ)
    with pytest.raises(errors.PaymentRequiredError) as caught:
        client.read_execution(stored, **READ)
    assert caught.value.execution_id == stored
    assert "credits" in str(caught.value).splitlines()[-1]
    assert sum(request.endpoint == "results" for request in server.requests) == 1


def test_a_failed_run_shows_its_line(server, client):
    """With a caret where the SQL is ours, in numbers where it is stored at Dune."""
    with pytest.raises(errors.QueryFailedError) as caught:
        client.read_sql("SELECT a,\n  wrong\nFROM (VALUES 1) AS t(a)", **READ)
    lines = str(caught.value).splitlines()
    assert lines[lines.index("      wrong") + 1] == "      ^"
    with pytest.raises(errors.QueryFailedError, match="line 2, column 3") as caught:
        client.read_query(9, **READ)
    assert caught.value.query_id == 9
    assert caught.value.line == 2
    assert posts(server) == 2


PARTIAL = "QUERY_STATE_COMPLETED_PARTIAL"


def test_a_partial_result_is_an_error_unless_asked_for(server, client):
    """By its execution and by its query; asked for, it comes and says what it is."""
    stored = server.store_result(FRAME, query_id=6, state=PARTIAL)
    for call in (
        lambda **o: client.read_execution(stored, **o),
        lambda **o: client.read_query(6, **o),
    ):
        with pytest.raises(errors.PartialResultError) as caught:
            call(**READ)
        assert caught.value.state == PARTIAL
        assert "allow_partial=True" in str(caught.value).splitlines()[-1]
        frame = call(**READ, allow_partial=True)
        assert frame.equals(FRAME)
        assert dune.provenance(frame)["partial"]
    assert posts(server) == 0


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("QUERY_STATE_FAILED", errors.QueryFailedError),
        ("QUERY_STATE_EXPIRED", errors.ResultExpiredError),
        ("QUERY_STATE_CANCELLED", errors.QueryCancelledError),
    ],
)
def test_the_end_of_a_stored_execution(server, client, state, kind):
    """Its state is told by name, with its id."""
    error = ExecutionError("it went wrong") if state.endswith("FAILED") else None
    stored = server.store_result(FRAME, state=state, error=error)
    with pytest.raises(kind) as caught:
        client.read_execution(stored, **READ)
    assert (caught.value.execution_id, caught.value.state) == (stored, state)


@pytest.mark.parametrize("spelt", ["QUERY_STATE_CANCELLED", "QUERY_STATE_CANCELED"])
def test_a_run_that_somebody_cancels(spelt):
    """Both spellings are one state."""
    with (
        LocalDune(execution_seconds=600, quirks=Quirks(cancelled_state=spelt)) as local,
        closing(local.client()) as client,
    ):
        execution = client.execute_sql("SELECT 1")
        assert execution.cancel()
        assert execution.cancel()
        with pytest.raises(errors.QueryCancelledError):
            execution.read(**READ)


def test_a_state_that_nobody_has_seen_yet(server, client):
    """It is waited for while Dune says so, and read once Dune says that it is over."""
    stored = server.store_result(FRAME)

    def unknown(finished):
        return Alter(
            lambda body: body.replace(b"QUERY_STATE_COMPLETED", b"QUERY_STATE_SETTLING").replace(
                b'"is_execution_finished":true', b'"is_execution_finished":%s' % finished
            )
        )

    server.inject(unknown(b"false"), endpoint="status", times=2)
    server.inject(unknown(b"true"), endpoint="status")
    assert client.read_execution(stored, **READ).equals(FRAME)
    assert sum(request.endpoint == "status" for request in server.requests) == 3


def test_an_execution_that_is_none(client):
    """What is no id, and an id that nobody knows, are told apart."""
    with pytest.raises(errors.BadRequestError, match="invalid"):
        client.read_execution("no such thing", **READ)
    with pytest.raises(errors.NotFoundError) as caught:
        client.read_execution("01HKZJ2683PHF9Q9PHHQ8FW4Q1", **READ)
    assert caught.value.execution_id == "01HKZJ2683PHF9Q9PHHQ8FW4Q1"
