"""One run from submit to its end, taken from a list: states, failures, and who cancels what."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from replay import Replay, answer

from dune_frames import errors
from dune_frames._ask.query import Window
from dune_frames._network.exchange import PAUSES, LostError
from dune_frames._run import lifecycle
from dune_frames._run.pin import Ask, pin_execution, pin_latest, pin_new
from dune_frames._run.source import Saved, Sql
from dune_frames.progress import Queued, Running

ID = "01HKZJ2683PHF9Q9PHHQ8FW4Q1"
OTHER = "01HKZJ2683PHF9Q9PHHQ8FW4Q2"
SQL = Sql("SELECT a,\n       bcd\nFROM t")
SAVED = Saved(7, {})
METADATA = {"column_names": ["a"], "column_types": ["bigint"], "total_row_count": 1}


def state(word, execution_id=ID, **more):
    """Return a status answer."""
    finished = word not in ("PENDING", "EXECUTING")
    told = {"execution_id": execution_id, "state": f"QUERY_STATE_{word}"}
    return answer(200, told | {"is_execution_finished": finished} | more)


STARTED = answer(200, {"execution_id": ID, "state": "QUERY_STATE_PENDING"})
PENDING, EXECUTING = state("PENDING"), state("EXECUTING")
COMPLETED = state("COMPLETED", result_metadata=METADATA)
CANCELLED = answer(200, {"success": True})
PAGE = {"result": {"rows": [{"a": 1}], "metadata": METADATA | {"row_count": 1}}}

EXECUTE_SQL, STATUS = "POST /sql/execute", f"GET /execution/{ID}/status"
EXECUTE, CANCEL = "POST /query/7/execute", f"POST /execution/{ID}/cancel"
RESULTS, LATEST = f"GET /execution/{ID}/results", "GET /query/7/results"


def test_a_run_is_submitted_once_and_polled_to_its_end():
    """Submit, poll the free status until the run is over, and nothing else."""
    replay = Replay([STARTED, PENDING, EXECUTING, EXECUTING, COMPLETED])
    pinned = replay.run(pin_new(SQL, Ask()))
    assert pinned.status.execution_id == ID
    assert replay.sent == [EXECUTE_SQL, STATUS, STATUS, STATUS, STATUS]


def test_the_pauses_between_polls_grow_and_stay_within_the_rate_limits():
    """Short runs are noticed at once; a minute of waiting stays below 40 requests a minute."""
    pauses = list(islice(lifecycle.poll_pauses(), 200))
    assert pauses[0] <= 0.5
    assert pauses == sorted(pauses)
    assert pauses[-1] == 10
    minute = next(n for n in range(200) if sum(pauses[:n]) >= 60)
    assert minute < 40


ENDS = [
    ("FAILED", errors.QueryFailedError, RuntimeError, "correct the SQL"),
    ("CANCELLED", errors.QueryCancelledError, RuntimeError, "run it again"),
    ("CANCELED", errors.QueryCancelledError, RuntimeError, "run it again"),
    ("EXPIRED", errors.ResultExpiredError, RuntimeError, "max_age=0"),
    ("COMPLETED_PARTIAL", errors.PartialResultError, RuntimeError, "allow_partial=True"),
]


@pytest.mark.parametrize(("word", "kind", "built_in", "advice"), ENDS, ids=[e[0] for e in ENDS])
def test_every_bad_end_has_its_exception(word, kind, built_in, advice):
    """The end of a run that leaves no whole result is raised by name, with ids and advice."""
    replay = Replay([STARTED, state(word, query_id=7)])
    with pytest.raises(kind) as caught:
        replay.run(pin_new(SAVED, Ask()))
    error = caught.value
    assert isinstance(error, built_in)
    assert (error.execution_id, error.query_id) == (ID, 7)
    assert error.state == f"QUERY_STATE_{word}"
    assert advice in str(error).splitlines()[-1]
    assert CANCEL not in replay.sent


def failed(message, **more):
    """Return the status of a failed run."""
    return state(
        "FAILED", error={"type": "FAILED_TYPE_EXECUTION_FAILED", "message": message} | more
    )


def test_a_failed_run_shows_the_line_with_a_caret():
    """Where Dune tells the place and the SQL is known, the line stands there, marked."""
    told = failed("mismatched input", metadata={"line": 2, "column": 8})
    with pytest.raises(errors.QueryFailedError) as caught:
        Replay([STARTED, told]).run(pin_new(SQL, Ask()))
    lines = str(caught.value).splitlines()
    shown = lines.index("           bcd")
    assert lines[shown + 1] == "    " + " " * 7 + "^"
    assert (caught.value.line, caught.value.column) == (2, 8)
    assert caught.value.error_type == "FAILED_TYPE_EXECUTION_FAILED"
    assert "line 2, column 8" in str(caught.value)
    assert caught.value.server_text == "mismatched input"


def test_a_failed_saved_query_shows_line_and_column():
    """Where the SQL is not known, the place is told in numbers."""
    told = failed("mismatched input", metadata={"line": 2, "column": 8})
    with pytest.raises(errors.QueryFailedError, match="line 2, column 8") as caught:
        Replay([STARTED, told]).run(pin_new(SAVED, Ask()))
    assert "^" not in str(caught.value)


def test_the_place_is_read_from_the_words_where_the_metadata_miss(examples):
    """Trino writes the place into its message; recorded failures without metadata keep it there."""
    recorded = json.loads((examples / "real_results_failed_error_2022.json").read_text())["error"]
    del recorded["metadata"]
    with pytest.raises(errors.QueryFailedError) as caught:
        Replay([STARTED, state("FAILED", error=recorded)]).run(pin_new(SQL, Ask()))
    assert (caught.value.line, caught.value.column) == (1, 8)
    assert "    SELECT a,\n           ^" in str(caught.value)


def test_a_failure_without_a_place_shows_none(examples):
    """No place is invented."""
    name = "real_results_failed_error_no_metadata_2022.json"
    recorded = json.loads((examples / name).read_text())["error"]
    with pytest.raises(errors.QueryFailedError, match="UNRESOLVED_COLUMN") as caught:
        Replay([STARTED, state("FAILED", error=recorded)]).run(pin_new(SQL, Ask()))
    assert caught.value.line is None
    assert "^" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "column"), [(99, 1), (-1, 1), (0, 0), (1, 99), ("1", "8"), (None, 3), (1, None)]
)
def test_a_place_that_is_none_does_no_harm(line, column):
    """Whatever Dune tells as a place, the failure itself is what is raised."""
    told = failed("no", metadata={"line": line, "column": column})
    with pytest.raises(errors.QueryFailedError, match="no"):
        Replay([STARTED, told]).run(pin_new(SQL, Ask()))


def test_a_long_line_is_cut_around_the_place():
    """One line of ten thousand columns still shows the caret under the right word."""
    sql = Sql("SELECT " + "x, " * 3000 + "wrong" + ", y" * 3000)
    column = sql.text.index("wrong") + 1
    told = failed("no such column", metadata={"line": 1, "column": column})
    with pytest.raises(errors.QueryFailedError) as caught:
        Replay([STARTED, told]).run(pin_new(sql, Ask()))
    *_, shown, caret, _, _ = str(caught.value).splitlines()
    assert len(shown) < 120
    assert shown[caret.index("^") :].startswith("wrong")


def test_a_state_nobody_knows_is_waited_for_until_it_is_finished():
    """`is_execution_finished` decides about states that are new to us."""
    going = answer(200, {"execution_id": ID, "state": "QUERY_STATE_NEW"})
    over = state("NEWER", result_metadata=METADATA)
    replay = Replay([STARTED, going, going, over])
    assert replay.run(pin_new(SQL, Ask())).status.state == "QUERY_STATE_NEWER"


def test_a_state_nobody_knows_with_a_failure_is_a_failure():
    """Dune's own word for what went wrong counts more than the name of the state."""
    replay = Replay([STARTED, state("NEWER", error={"type": "x", "message": "went wrong"})])
    with pytest.raises(errors.QueryFailedError, match="went wrong"):
        replay.run(pin_new(SQL, Ask()))


def test_a_partial_result_is_taken_when_asked_for():
    """`allow_partial` asks the server too, and takes what it kept."""
    replay = Replay(
        [STARTED, state("COMPLETED_PARTIAL"), state("COMPLETED_PARTIAL", **PAGE)],
    )
    pinned = replay.run(pin_new(SQL, Ask(allow_partial=True)))
    assert pinned.first.rows == b'[{"a": 1}]'
    assert dict(replay.steps[-1].request.query)["allow_partial_results"] == "true"


def test_a_status_without_column_names_leaves_them_to_the_first_page():
    """Results of 2022 could lack the names; their rows have them."""
    told = {"column_names": [], "total_row_count": 1, "total_result_set_bytes": 9}
    done = {"execution_id": ID, "state": "QUERY_STATE_COMPLETED"}
    page = {"result": {"rows": [{"n": 1}], "metadata": {"row_count": 1}}}
    replay = Replay([answer(200, done | {"result_metadata": told}), answer(200, done | page)])
    pinned = replay.run(pin_execution(ID, Ask()))
    assert pinned.status.metadata.column_names == ("n",)
    assert pinned.first is not None


def test_an_answer_about_another_run_is_refused():
    """A status or page of another execution than was asked for is an error, never believed."""
    wrong = state("COMPLETED", OTHER, result_metadata=METADATA)
    with pytest.raises(errors.IncompleteResultError, match=OTHER):
        Replay([wrong]).run(pin_execution(ID, Ask()))
    with pytest.raises(errors.IncompleteResultError, match=OTHER):
        Replay([state("COMPLETED"), state("COMPLETED", OTHER, **PAGE)]).run(
            pin_execution(ID, Ask())
        )


# What it tells


@given(states=st.lists(st.sampled_from(["PENDING", "EXECUTING", "SOMETHING_NEW"])))
def test_a_wait_tells_every_state_that_it_sees_and_no_time(states):
    """The flow has no clock: it tells the phase of each unfinished state, and nothing at the end."""
    replay = Replay([*(state(each, is_execution_finished=False) for each in states), COMPLETED])
    replay.run(lifecycle.wait(ID))
    assert replay.told == [Queued(ID) if each == "PENDING" else Running(ID) for each in states]


def test_a_queued_run_tells_how_many_stand_before_it():
    """The position is Dune's own; where it tells none, there is none."""
    replay = Replay([state("PENDING", queue_position=4), COMPLETED])
    replay.run(lifecycle.wait(ID))
    assert replay.told == [Queued(ID, 4)]


def test_an_interrupt_while_progress_is_told_cancels_the_run():
    """An interrupt counts wherever it comes, also in the function that listens."""
    replay = Replay([STARTED, PENDING, CANCELLED], refuse_to_listen=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        replay.run(pin_new(SQL, Ask()))
    assert replay.sent[-1] == CANCEL


# Who gives up


GIVING_UP = [KeyboardInterrupt, SystemExit, asyncio.CancelledError]
POLLING = [STARTED, PENDING, EXECUTING, EXECUTING, EXECUTING]
#: Which steps of a run are requests: its start, and the looks at its state.
REQUESTS = (0, 2, 5, 7, 9)


def answered_before(step):
    """Return the answers that came before a step of a run."""
    return POLLING[: sum(request < step for request in REQUESTS)]


@pytest.mark.parametrize("interrupt", GIVING_UP)
@given(at=st.integers(1, 6))
def test_an_interrupt_cancels_the_run_that_the_call_started(interrupt, at):
    """From the moment that the run is known, whoever gives up cancels it: once, and only it."""
    replay = Replay([*answered_before(at), CANCELLED], {at: interrupt()})
    with pytest.raises(interrupt) as caught:
        replay.run(pin_new(SQL, Ask()))
    assert replay.sent.count(CANCEL) == 1
    assert replay.sent.count(EXECUTE_SQL) == 1
    assert replay.sent[-1] == CANCEL
    assert len(replay.clean_ups) == 1
    assert any(ID in note and "was cancelled" in note for note in caught.value.__notes__)


@pytest.mark.parametrize("interrupt", GIVING_UP)
def test_an_interrupt_before_the_run_is_known_cancels_nothing(interrupt):
    """There is nothing to cancel yet; the interrupt leaves as it is."""
    replay = Replay([], {0: interrupt()})
    with pytest.raises(interrupt):
        replay.run(pin_new(SQL, Ask()))
    assert replay.sent == [EXECUTE_SQL]


@given(at=st.integers(0, 5))
def test_a_run_that_somebody_else_started_is_never_cancelled(at):
    """Whoever only waits for an execution leaves it alone when giving up."""
    replay = Replay([PENDING] * 5, {at: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        replay.run(pin_execution(ID, Ask()))
    assert CANCEL not in replay.sent


@given(at=st.integers(1, 6))
def test_a_deadline_cancels_the_run_and_says_so(at):
    """The deadline's error names the run and what became of it."""
    late = errors.DeadlineError("the call took too long")
    replay = Replay([*answered_before(at), CANCELLED], {at: late})
    with pytest.raises(errors.DeadlineError) as caught:
        replay.run(pin_new(SQL, Ask()))
    assert caught.value.execution_id == ID
    assert replay.sent[-1] == CANCEL
    assert "was cancelled" in str(caught.value).splitlines()[-1]


def test_a_deadline_that_cannot_cancel_says_how_to_go_on():
    """When the run cannot be stopped, the error leads to it."""
    late = errors.DeadlineError("the call took too long")
    too_late = [answer(200, {"success": False}), COMPLETED]
    for refused in (too_late, [answer(404, {"error": "gone"})]):
        replay = Replay([STARTED, *refused], {2: late})
        with pytest.raises(errors.DeadlineError) as caught:
            replay.run(pin_new(SQL, Ask()))
        assert f"read_dune_execution({ID!r})" in str(caught.value).splitlines()[-1]


def test_a_deadline_on_somebody_elses_run_cancels_nothing_and_names_it():
    """Waiting for a run that the call did not start ends without touching it."""
    for at in (0, 1):
        replay = Replay([PENDING], {at: errors.DeadlineError("the call took too long")})
        with pytest.raises(errors.DeadlineError) as caught:
            replay.run(pin_execution(ID, Ask()))
        assert caught.value.execution_id == ID
        assert CANCEL not in replay.sent


@pytest.mark.parametrize(
    "outcome",
    [LostError("lost", sent=True), answer(500, b""), answer(200, b"<html>"), answer(401, b"{}")],
)
def test_a_mere_failure_while_polling_leaves_the_run_alone(outcome):
    """What is paid goes on; the error says how to take it up."""
    replay = Replay([STARTED, *[outcome] * (len(PAUSES) + 1)])
    with pytest.raises(errors.DuneError) as caught:
        replay.run(pin_new(SQL, Ask()))
    assert CANCEL not in replay.sent
    assert caught.value.execution_id == ID
    assert f"read_dune_execution({ID!r})" in str(caught.value).splitlines()[-1]


def test_cancelling_is_tried_again_while_there_is_time():
    """A run is not left running because one answer to the cancellation was lost."""
    replay = Replay(
        [STARTED, LostError("lost", sent=True), answer(503, b""), CANCELLED],
        {2: KeyboardInterrupt()},
    )
    with pytest.raises(KeyboardInterrupt):
        replay.run(pin_new(SQL, Ask()))
    assert replay.sent.count(CANCEL) == 3


def test_a_cancellation_whose_answer_was_lost_is_one_all_the_same():
    """The second attempt is refused because the first succeeded: the state tells."""
    late = errors.DeadlineError("the call took too long")
    lost, refused = LostError("lost", sent=True), answer(200, {"success": False})
    for word in ("CANCELLED", "CANCELED"):
        replay = Replay([STARTED, lost, refused, state(word)], {2: late})
        with pytest.raises(errors.DeadlineError, match="was cancelled"):
            replay.run(pin_new(SQL, Ask()))


# Which run is taken


def page(word="COMPLETED", **more):
    """Return an answer of the latest results."""
    return state(word, **(PAGE | more))


def test_a_stored_result_costs_no_run():
    """The latest result is taken at any age, in one request."""
    replay = Replay([page()])
    assert replay.run(pin_latest(SAVED, Ask(), None)).status.execution_id == ID
    assert replay.sent == [LATEST]


NO_RESULT = answer(404, {"error": "not found: No execution found for the latest version"})


@pytest.mark.parametrize(
    "latest",
    [NO_RESULT, state("FAILED"), state("CANCELED"), state("CANCELLED"), state("EXPIRED")],
)
def test_without_a_stored_result_the_query_is_run_once(latest):
    """No result, or none that can be had: one run."""
    replay = Replay([latest, STARTED, COMPLETED])
    replay.run(pin_latest(SAVED, Ask(), None))
    assert replay.sent == [LATEST, EXECUTE, STATUS]


def test_a_run_under_way_is_joined_and_not_cancelled():
    """A run of somebody else is waited for instead of paying for another, and left alone."""
    replay = Replay([state("EXECUTING"), PENDING], {5: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        replay.run(pin_latest(SAVED, Ask(), None))
    assert replay.sent == [LATEST, STATUS, STATUS]


@pytest.mark.parametrize(
    "latest",
    [
        answer(404, {"error": "not found: Query not found or private"}),
        answer(404, b"<html>no such page</html>"),
        answer(402, {"error": "limit"}),
        answer(400, {"error": "Partial Result, please request with 'allows_partial_results=true'"}),
        page("COMPLETED_PARTIAL"),
    ],
)
def test_a_refusal_of_the_latest_result_starts_no_run(latest):
    """Only Dune's own word that there is no result leads to a billed run."""
    replay = Replay([latest])
    with pytest.raises(errors.DuneError):
        replay.run(pin_latest(SAVED, Ask(), None))
    assert replay.sent == [LATEST]


def test_a_finished_run_that_came_without_rows_is_asked_for_and_not_run_again():
    """A strange answer is looked into before money is spent on it."""
    replay = Replay([state("COMPLETED"), COMPLETED])
    assert replay.run(pin_latest(SAVED, Ask(), None)).status.execution_id == ID
    assert replay.sent == [LATEST, STATUS]


def test_an_answer_about_another_query_is_refused():
    """The latest result must be of the query that was asked for."""
    replay = Replay([page(query_id=8)])
    with pytest.raises(errors.IncompleteResultError, match="query 8"):
        replay.run(pin_latest(SAVED, Ask(), None))


def test_an_old_result_leads_to_one_run():
    """A result older than `max_age` is not taken; it cost one row to find out."""
    replay = Replay([page(execution_ended_at="2020-01-01T00:00:00Z"), STARTED, COMPLETED])
    replay.run(pin_latest(SAVED, Ask(Window()), timedelta(hours=1)))
    assert replay.sent == [LATEST, EXECUTE, STATUS]
    assert dict(replay.steps[0].request.query)["limit"] == "1"
