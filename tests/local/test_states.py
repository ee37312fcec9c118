"""States: how an execution goes on, and what each endpoint says meanwhile."""

from __future__ import annotations

import re
import time
from datetime import datetime

import pytest

from dune_frames.local import ExecutionError, Quirks

SLOW = "SELECT count(*) FROM UNNEST(sequence(1, 10000)) a(x) CROSS JOIN UNNEST(sequence(1, 10000)) b(y) CROSS JOIN UNNEST(sequence(1, 100)) c(z) WHERE x * y * z % 7 = 3"
STATES = ["QUERY_STATE_PENDING", "QUERY_STATE_EXECUTING", "QUERY_STATE_COMPLETED"]


def submit(ask, sql="SELECT 1 AS x"):
    return ask.post("/sql/execute", sql=sql).json()["execution_id"]


def state(ask, execution):
    return ask.get(f"/execution/{execution}/status").json()["state"]


def wait_for(ask, execution, wanted):
    deadline = time.monotonic() + 5
    while (seen := state(ask, execution)) != wanted:
        assert time.monotonic() < deadline, f"still {seen}"
        time.sleep(0.005)


def test_an_execution_is_pending_then_executing_then_completed(serve):
    """The three states come in order, each as long as the settings say; results wait with them."""
    ask = serve(queue_seconds=0.1, execution_seconds=0.1)
    began = time.monotonic()
    answer = ask.post("/sql/execute", sql="SELECT 1 AS x").json()
    assert answer.keys() == {"execution_id", "state"}
    assert answer["state"] == "QUERY_STATE_PENDING"
    assert re.fullmatch("[0-7][0-9A-HJKMNP-TV-Z]{25}", answer["execution_id"])
    seen = []
    while not seen or seen[-1] != STATES[-1]:
        status = ask.get(f"/execution/{answer['execution_id']}/status").json()
        results = ask.get(f"/execution/{answer['execution_id']}/results").json()
        if status["state"] not in seen:
            seen.append(status["state"])
        if not status["is_execution_finished"]:
            assert "result" not in results or results["is_execution_finished"]
            assert "result_metadata" not in status
            assert "expires_at" not in status
        time.sleep(0.005)
    assert seen == STATES
    assert time.monotonic() - began >= 0.2
    assert status["result_metadata"]["pending_time_millis"] >= 100
    assert status["result_metadata"]["execution_time_millis"] >= 100
    assert status["execution_cost_credits"] > 0


def test_moments_are_rfc_3339_with_trimmed_fractions(ask):
    """Every moment ends in Z, has at most nine digits of a second, and none of them trail as zeros."""
    execution = submit(ask)
    status = ask.finished(execution)
    moments = [value for key, value in status.items() if key.endswith("_at")]
    assert len(moments) == 4
    for moment in moments:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z", moment)
    kept = datetime.fromisoformat(status["expires_at"]) - datetime.fromisoformat(
        status["execution_ended_at"]
    )
    assert kept.days == 90


@pytest.mark.parametrize(("queue", "execution_seconds"), [(5, 0), (0, 5)])
def test_an_execution_can_be_cancelled_while_it_waits_and_while_it_runs(
    serve, queue, execution_seconds
):
    """Cancelling ends it at once: CANCELLED, cancelled_at, no result, and the same on results."""
    ask = serve(queue_seconds=queue, execution_seconds=execution_seconds)
    execution = submit(ask)
    wait_for(ask, execution, STATES[0] if queue else STATES[1])
    began = time.monotonic()
    assert ask.post(f"/execution/{execution}/cancel").json() == {"success": True}
    status = ask.get(f"/execution/{execution}/status").json()
    assert time.monotonic() - began < 0.5
    assert status["state"] == "QUERY_STATE_CANCELLED"
    assert status["is_execution_finished"] is True
    assert status["cancelled_at"]
    results = ask.get(f"/execution/{execution}/results")
    assert results.status_code == 200
    assert "result" not in results.json()
    csv = ask.get(f"/execution/{execution}/results/csv")
    assert (csv.status_code, csv.json()) == (
        400,
        {"error": "Query state is QUERY_STATE_CANCELLED, cannot provide CSV result"},
    )
    assert ask.post(f"/execution/{execution}/cancel").json() == {"success": False}


def test_a_cancelled_query_stops_computing(serve):
    """DuckDB is interrupted: a query that would run for minutes is gone, and the next runs at once."""
    ask = serve()
    execution = submit(ask, SLOW)
    wait_for(ask, execution, STATES[1])
    time.sleep(0.1)
    ask.post(f"/execution/{execution}/cancel")
    began = time.monotonic()
    assert ask.rows("SELECT 1") == [[1]]
    ask.dune.close()
    assert time.monotonic() - began < 2


def test_a_query_that_takes_too_long_fails_with_a_timeout(serve):
    """The time of a query is bounded."""
    ask = serve(execution_timeout=0.2)
    status = ask.finished(submit(ask, SLOW))
    assert status["state"] == "QUERY_STATE_FAILED"
    assert status["error"]["type"] == "FAILED_TYPE_EXECUTION_TIMEOUT"


def test_csv_of_an_execution_that_runs_is_refused_in_the_recorded_words(serve, examples):
    """The text is the recorded one."""
    ask = serve(execution_seconds=5)
    execution = submit(ask)
    wait_for(ask, execution, STATES[1])
    answer = ask.get(f"/execution/{execution}/results/csv")
    assert answer.status_code == 400
    import json

    assert answer.json() == json.loads((examples / "error_csv_still_executing.json").read_text())


def test_cancelled_can_be_spelt_as_the_documents_spell_it(serve):
    """The quirk spells it with one L, everywhere."""
    ask = serve(execution_seconds=5, quirks=Quirks(cancelled_state="QUERY_STATE_CANCELED"))
    execution = submit(ask)
    ask.post(f"/execution/{execution}/cancel")
    assert state(ask, execution) == "QUERY_STATE_CANCELED"
    assert ask.get(f"/execution/{execution}/results").json()["state"] == "QUERY_STATE_CANCELED"


def test_a_partial_result_is_refused_until_it_is_asked_for(ask, dune, examples):
    """Without allow_partial_results it is 400 in Dune's words; with it, rows and the state."""
    import json

    execution = dune.store_result([(1,)], {"x": "bigint"}, state="QUERY_STATE_COMPLETED_PARTIAL")
    for kind in ("results", "results/csv"):
        refused = ask.get(f"/execution/{execution}/{kind}")
        assert refused.status_code == 400
        assert refused.json() == json.loads((examples / "error_partial_result.json").read_text())
    given = ask.get(f"/execution/{execution}/results", allow_partial_results="true").json()
    assert given["state"] == "QUERY_STATE_COMPLETED_PARTIAL"
    assert given["result"]["rows"] == [{"x": 1}]
    assert (
        ask.get(f"/execution/{execution}/results/csv", allow_partial_results="true").text
        == "x\n1\n"
    )


@pytest.mark.parametrize("name", ["QUERY_STATE_EXPIRED", "QUERY_STATE_SOMETHING_NEW"])
def test_any_state_can_be_stored(ask, dune, name):
    """An expired or unknown state is finished and has no result."""
    execution = dune.store_result([(1,)], {"x": "bigint"}, state=name)
    for kind in ("status", "results"):
        shown = ask.get(f"/execution/{execution}/{kind}").json()
        assert (shown["state"], shown["is_execution_finished"]) == (name, True)
        assert "result" not in shown
        assert "result_metadata" not in shown


def test_a_stored_failure_shows_its_error(ask, dune):
    """An error without a place has no metadata, one with a place has line and column."""
    failed = {
        ExecutionError("it broke"): {"type": "FAILED_TYPE_EXECUTION_FAILED", "message": "it broke"},
        ExecutionError("no", "syntax_error", 2, 5): {
            "type": "syntax_error", "message": "no", "metadata": {"line": 2, "column": 5},
        },
    }  # fmt: skip
    for error, shown in failed.items():
        execution = dune.store_result([], {"x": "bigint"}, state="QUERY_STATE_FAILED", error=error)
        for kind in ("status", "results"):
            answer = ask.get(f"/execution/{execution}/{kind}")
            assert answer.status_code == 200
            assert answer.json()["error"] == shown


def test_keys_come_in_the_recorded_order(ask, dune, examples):
    """Status and results have the recorded keys in the recorded order, and no other."""
    import json

    execution = dune.store_result([(n,) for n in range(3)], {"x": "bigint"}, query_id=5304965)
    page = ask.get(f"/execution/{execution}/results", limit=1).json()
    recorded = json.loads((examples / "real_results_paged_types_2026.json").read_text())
    assert list(page) == list(recorded)
    assert list(page["result"]) == list(recorded["result"])
    assert list(page["result"]["metadata"]) == list(recorded["result"]["metadata"])
    status = ask.get(f"/execution/{execution}/status").json()
    recorded = json.loads((examples / "real_status_completed_2024.json").read_text())
    assert [key for key in status if key != "execution_cost_credits"] == list(recorded)
    assert list(status["result_metadata"]) == list(recorded["result_metadata"])


def test_many_executions_run_side_by_side(serve):
    """Executions do not wait for each other."""
    ask = serve(execution_seconds=0.2)
    began = time.monotonic()
    running = [submit(ask, f"SELECT {n} AS x") for n in range(10)]
    for execution in running:
        ask.finished(execution)
    assert time.monotonic() - began < 1.5


def test_answers_can_have_keys_that_nobody_expects(serve):
    """The quirk adds documented and unknown keys; what was there is unchanged."""
    ask = serve(quirks=Quirks(extra_keys=True))
    answer = ask.post("/sql/execute", sql="SELECT 1 AS x").json()
    assert answer["state"] == "QUERY_STATE_EXECUTING"
    assert {"submitted_at", "queue_position", "from_the_future"} <= answer.keys()
    status = ask.finished(answer["execution_id"])
    assert "from_the_future" in status
    page = ask.get(f"/execution/{answer['execution_id']}/results").json()
    assert page["result"]["rows"] == [{"x": 1}]
