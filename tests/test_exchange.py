"""The money rules, taken from a list: what is sent again, what never, and what is raised."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from replay import Replay, answer

from dune_frames import errors
from dune_frames._network.exchange import (
    LONGEST_PAUSE,
    PAUSES,
    RATE_LIMIT_PAUSES,
    LostError,
    exchange,
)
from dune_frames._wire import answers, endpoints

READ = endpoints.execution_status("01ABC")
EXECUTE = endpoints.execute_sql("SELECT 1", None)
STATUS = {"execution_id": "01ABC", "state": "QUERY_STATE_PENDING"}

#: What may befall a request and pass, and what it is called when it stays.
PASSING = {
    "429": (answer(429, {"error": "slow down"}), errors.RateLimitError),
    "500": (answer(500, {"error": "An internal error occured"}), errors.ServerError),
    "502": (answer(502, b"<html>bad gateway</html>"), errors.ServerError),
    "503": (answer(503, {"error": "later"}), errors.ServerError),
    "504": (answer(504, b""), errors.ServerError),
    "520": (answer(520, b""), errors.ServerError),
    "never sent": (LostError("no connection", sent=False), errors.TransportError),
    "lost": (LostError("the connection was lost", sent=True), errors.TransportError),
    "empty": (answer(200, b""), errors.TransportError),
    "html": (answer(200, b"<html>log in</html>"), errors.TransportError),
    "cut": (answer(200, b'{"execution_id": "01A'), errors.TransportError),
    "other JSON": (answer(200, {"hello": "world"}), errors.TransportError),
    "a list": (answer(200, []), errors.TransportError),
}
#: After these, a run provably did not start.
HARMLESS = {"429", "never sent"}


@pytest.mark.parametrize("name", PASSING)
def test_a_read_is_repeated_until_it_is_answered(name):
    """A request that bills nothing is sent again after every failure that may pass."""
    replay = Replay([PASSING[name][0], PASSING[name][0], answer(200, STATUS)])
    assert replay.run(exchange(READ, answers.read_status)).execution_id == "01ABC"
    assert len(replay.sent) == 3
    assert all(sleep.jitter for sleep in replay.sleeps)


@pytest.mark.parametrize("name", PASSING)
def test_a_read_that_keeps_failing_ends_in_a_named_error(name):
    """Patience has an end, the error says what the last answer was, and names the execution."""
    outcome, kind = PASSING[name]
    pauses = RATE_LIMIT_PAUSES if name == "429" else PAUSES
    replay = Replay([outcome] * (len(pauses) + 1))
    with pytest.raises(errors.DuneError) as caught:
        replay.run(exchange(READ, answers.read_status))
    assert type(caught.value) is kind
    assert caught.value.execution_id == "01ABC"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert [sleep.seconds for sleep in replay.sleeps] == list(pauses)


@pytest.mark.parametrize("name", PASSING)
def test_an_execute_request_is_repeated_only_when_it_did_not_start_a_run(name):
    """After anything but 429 and a connection never made, the run may be there: sent once."""
    outcome, _ = PASSING[name]
    replay = Replay([outcome, answer(200, {"execution_id": "01ABC", "state": "x"})])
    if name in HARMLESS:
        assert replay.run(exchange(EXECUTE, answers.read_submitted)) == "01ABC"
        assert len(replay.sent) == 2
        return
    with pytest.raises(errors.MaybeStartedError, match="may have started") as caught:
        replay.run(exchange(EXECUTE, answers.read_submitted))
    assert len(replay.sent) == 1
    assert "latest_execution" in str(caught.value).splitlines()[-1]


@given(st.lists(st.sampled_from(sorted(PASSING)), min_size=14, max_size=14))
def test_no_execute_request_follows_one_that_may_have_started_a_run(names):
    """Whatever happens in whatever order, nothing is sent after the first unsure outcome."""
    replay = Replay([PASSING[name][0] for name in names])
    with pytest.raises(errors.DuneError):
        replay.run(exchange(EXECUTE, answers.read_submitted))
    before = names[: len(replay.sent) - 1]
    assert set(before) <= HARMLESS


REFUSALS = [
    (400, "error_400_bad_enum_value", errors.BadRequestError, ValueError, "compare"),
    (400, "error_400_bad_execution_id", errors.BadRequestError, ValueError, "compare"),
    (400, "error_400_unknown_param", errors.BadRequestError, ValueError, "compare"),
    (400, "error_400_invalid_tier", errors.PerformanceTierError, ValueError, "`performance` out"),
    (400, "error_partial_result", errors.PartialResultError, RuntimeError, "allow_partial=True"),
    (401, "error_401_bad_key", errors.AuthenticationError, PermissionError, "DUNE_API_KEY"),
    (402, "error_402_datapoint_cycle", errors.PaymentRequiredError, Exception, "credits"),
    (402, "error_402_limits_cycle_docs", errors.PaymentRequiredError, Exception, "credits"),
    (402, "error_limits_per_request", errors.PaymentRequiredError, Exception, "credits"),
    (403, "error_403_archived", errors.ForbiddenError, PermissionError, "unarchive"),
    (404, "error_404_query_not_found", errors.QueryNotFoundError, LookupError, "team"),
    (404, "error_404_no_execution", errors.NoStoredResultError, LookupError, "max_age=0"),
]


@pytest.mark.parametrize(
    ("status", "example", "kind", "built_in", "advice"), REFUSALS, ids=[r[1] for r in REFUSALS]
)
@pytest.mark.parametrize("request_", [READ, EXECUTE], ids=["read", "execute"])
def test_a_recorded_refusal_has_its_exception(
    status, example, kind, built_in, advice, request_, examples
):
    """Each recorded refusal is raised at once, with Dune's words, and ends with what to do."""
    body = (examples / f"{example}.json").read_bytes()
    replay = Replay([answer(status, body)])
    with pytest.raises(kind) as caught:
        replay.run(exchange(request_, answers.read_status))
    error = caught.value
    assert type(error) is kind
    assert isinstance(error, built_in)
    assert error.server_text == json.loads(body)["error"]
    assert error.server_text in str(error)
    assert advice in str(error).splitlines()[-1]
    assert error.execution_id == request_.execution_id
    assert len(replay.sent) == 1


@pytest.mark.parametrize("status", [404, 409, 418, 301])
def test_any_other_refusal_has_an_exception_with_advice(status):
    """A refusal that nobody has recorded is raised at once, as an `APIError` with its status."""
    replay = Replay([answer(status, b"<html>?</html>")])
    with pytest.raises(errors.APIError, match=str(status)) as caught:
        replay.run(exchange(READ, answers.read_status))
    assert caught.value.status_code == status
    assert caught.value.server_text is None
    assert str(caught.value).splitlines()[-1].startswith("What to do: ")


WAITS = {
    "seconds": ({"retry_after": "17"}, 17),
    "no seconds": ({}, RATE_LIMIT_PAUSES[0]),
    "fewer than our own": ({"retry_after": "0"}, RATE_LIMIT_PAUSES[0]),
    "a date, by the server's clock": (
        {
            "retry_after": "Wed, 21 Oct 2015 07:28:42 GMT",
            "date": "Wed, 21 Oct 2015 07:28:00 GMT",
        },
        42,
    ),
    "a date without a zone": (
        {
            "retry_after": "Wed, 21 Oct 2015 07:28:42 -0000",
            "date": "Wed, 21 Oct 2015 07:28:00 GMT",
        },
        42,
    ),
    "a date long past, by our clock": (
        {"retry_after": "Wed, 21 Oct 2015 07:28:42 GMT"},
        RATE_LIMIT_PAUSES[0],
    ),
    "nonsense": ({"retry_after": "soon"}, RATE_LIMIT_PAUSES[0]),
    "no number": ({"retry_after": "nan"}, RATE_LIMIT_PAUSES[0]),
    "negative": ({"retry_after": "-5"}, RATE_LIMIT_PAUSES[0]),
}


@pytest.mark.parametrize("name", WAITS)
def test_retry_after_is_honoured(name):
    """The pause after 429 is never shorter than the server asks, in seconds or as an HTTP date."""
    headers, seconds = WAITS[name]
    replay = Replay([answer(429, {"error": "slow"}, **headers), answer(200, STATUS)])
    replay.run(exchange(READ, answers.read_status))
    assert [sleep.seconds for sleep in replay.sleeps] == [seconds]
    assert replay.sleeps[0].everyone


def test_a_date_is_counted_from_our_clock_where_the_server_shows_none():
    """Without a Date header, Retry-After as a date still means a pause until then."""
    from datetime import UTC, datetime, timedelta
    from email.utils import format_datetime

    then = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    replay = Replay([answer(429, b"", retry_after=then), answer(200, STATUS)])
    replay.run(exchange(READ, answers.read_status))
    assert 55 < replay.sleeps[0].seconds <= 60


def test_retry_after_is_honoured_after_a_server_error_too():
    """503 with Retry-After waits as long as asked."""
    replay = Replay([answer(503, b"", retry_after="9"), answer(200, STATUS)])
    replay.run(exchange(READ, answers.read_status))
    assert [sleep.seconds for sleep in replay.sleeps] == [9]


def test_nobody_waits_for_hours():
    """A server that asks for more patience than anybody has is raised instead of waited for."""
    replay = Replay([answer(429, {"error": "tomorrow"}, retry_after=f"{LONGEST_PAUSE + 1:.0f}")])
    with pytest.raises(errors.RateLimitError, match="tomorrow"):
        replay.run(exchange(READ, answers.read_status))
    assert not replay.sleeps


def test_the_deadline_tells_what_it_was_waiting_for():
    """A deadline that strikes between two attempts carries Dune's last words."""
    replay = Replay(
        [answer(503, {"error": "maintenance"})], {1: errors.DeadlineError("the call took too long")}
    )
    with pytest.raises(errors.DeadlineError, match="HTTP 503") as caught:
        replay.run(exchange(READ, answers.read_status))
    assert caught.value.server_text == "maintenance"
    assert caught.value.execution_id == "01ABC"
    assert isinstance(caught.value.__cause__, errors.ServerError)


def test_a_foreign_address_in_a_page_is_raised_and_not_asked_again():
    """A body whose next_uri points elsewhere is refused at once, by the name of its execution."""
    body = {**STATUS, "result": {"rows": []}, "next_uri": "https://evil.example/api/v1/x"}
    replay = Replay([answer(200, body)])
    with pytest.raises(errors.UntrustedAddressError, match=r"evil\.example") as caught:
        replay.run(exchange(READ, answers.read_results))
    assert caught.value.execution_id == "01ABC"
    assert len(replay.sent) == 1
