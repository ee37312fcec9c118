"""Faults on demand: each does what it says, as often as it says, and nothing else."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
import requests

from dune_frames.local import Alter, Drip, Garbage, Hang, Reset, Status, Truncate


@pytest.fixture
def stored(serve):
    """A server of its own and the address of a result on it."""
    ask = serve()
    execution = ask.dune.store_result([(n,) for n in range(50)], {"x": "bigint"})
    ask.dune.clear_requests()
    return ask, f"/execution/{execution}/results"


def executed(ask):
    """How many runs were started."""
    return ask.post("/usage").json()["billing_periods"][0]["credits_used"]


def test_a_status_is_answered_instead(stored):
    """Status, body and headers are those of the fault, and the next request is answered as ever."""
    ask, path = stored
    ask.dune.inject(Status(429, headers={"Retry-After": "7"}))
    ask.dune.inject(Status(503, body="upstream is down"))
    first, second, third = (ask.get(path) for _ in range(3))
    assert (first.status_code, first.json()) == (429, {"error": "Too Many Requests"})
    assert first.headers["retry-after"] == "7"
    assert (second.status_code, second.text) == (503, "upstream is down")
    assert third.status_code == 200


@pytest.mark.parametrize(("fault", "runs"), [
    (Status(503), 0), (Status(503, acted=True), 1), (Reset(), 0), (Reset(before=False), 1),
    (Garbage(), 0), (Garbage(acted=True), 1), (Truncate(0.5), 1), (Truncate(0.5, lie=True), 1),
])  # fmt: skip
def test_the_server_acts_or_does_not_as_the_fault_says(serve, fault, runs):
    """After a fault on an execute, the run did start or did not."""
    ask = serve()
    ask.dune.save_query(1, "SELECT 1 AS x")
    ask.dune.inject(fault, endpoint="execute_query")
    with contextlib.suppress(requests.RequestException):
        ask.post("/query/1/execute")
    assert (ask.get("/query/1/results").status_code == 200) == bool(runs)


def test_a_reset_is_a_reset(stored):
    """The client sees the connection reset, without a status line."""
    ask, path = stored
    for before in (True, False):
        ask.dune.inject(Reset(before=before))
        with pytest.raises(requests.ConnectionError, match=r"(?i)reset|aborted"):
            ask.get(path)
    assert [record.status for record in ask.dune.requests] == [None, None]
    assert [record.rows for record in ask.dune.requests] == [0, 0]


@pytest.mark.parametrize("keep", [0, 1, 10, 0.5, 0.99])
def test_a_truncated_body_ends_early(stored, keep):
    """Honest: fewer bytes than Content-Length says. Lying: Content-Length fits the cut body."""
    ask, path = stored
    whole = ask.get(path).content
    kept = int(keep * len(whole)) if isinstance(keep, float) else keep
    ask.dune.inject(Truncate(keep))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask.get(path)
    ask.dune.inject(Truncate(keep, lie=True))
    cut = ask.get(path)
    assert cut.content == whole[:kept]
    assert cut.headers["content-length"] == str(kept)
    assert [record.bytes_sent for record in ask.dune.requests] == [len(whole), kept, kept]


def test_garbage_is_200_with_something_else(stored):
    """Body and content type are the fault's."""
    ask, path = stored
    ask.dune.inject(Garbage("<html>", "text/html"))
    answer = ask.get(path)
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (
        200,
        "<html>",
        "text/html",
    )


def test_a_hang_delays_the_answer(stored):
    """The answer comes whole, later."""
    ask, path = stored
    for before in (True, False):
        ask.dune.inject(Hang(0.15, before=before))
        began = time.monotonic()
        assert len(ask.get(path).json()["result"]["rows"]) == 50
        assert 0.15 <= time.monotonic() - began < 2


def test_closing_ends_hanging_and_dripping_answers_at_once(serve):
    """Closing never waits for a fault, and the clients are let go."""
    ask = serve()
    execution = ask.dune.store_result([(1,)], {"x": "bigint"})
    ask.dune.inject(Hang(60))
    ask.dune.inject(Drip(60, pieces=2))
    endings = []

    def wait():
        try:
            requests.get(
                f"{ask.dune.url}/api/v1/execution/{execution}/results",
                headers={"X-Dune-Api-Key": "k"},
                timeout=50,
            )
        except requests.RequestException as error:
            endings.append(error)

    threads = [threading.Thread(target=wait) for _ in range(2)]
    for thread in threads:
        thread.start()
    while len(ask.dune._faults._orders):
        time.sleep(0.005)
    began = time.monotonic()
    ask.dune.close()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 1
    assert len(endings) == 2


def test_a_dripping_body_comes_in_pieces(stored):
    """Whole, but not faster than the fault lets it."""
    ask, path = stored
    ask.dune.inject(Drip(0.03, pieces=5))
    began = time.monotonic()
    answer = ask.get(path, stream=None)
    assert len(answer.json()["result"]["rows"]) == 50
    assert time.monotonic() - began >= 0.15


def test_an_answer_can_be_altered(stored):
    """Body and headers change as told; the rest is the true answer."""
    ask, path = stored
    ask.dune.inject(Alter(headers={"x-dune-next-offset": "0", "x-dune-next-uri": None}))
    answer = ask.get(f"{path}/csv", limit=10)
    assert answer.headers["x-dune-next-offset"] == "0"
    assert "x-dune-next-uri" not in answer.headers
    ask.dune.inject(Alter(lambda body: body.replace(b"\n0\n", b"\n")))
    assert ask.get(f"{path}/csv").text.splitlines()[1] == "1"


def test_faults_strike_their_endpoint_after_so_many_and_so_often(stored):
    """`endpoint`, `skip` and `times` count matching requests only; None matches every endpoint."""
    ask, path = stored
    ask.dune.inject(Status(500), endpoint="results", times=2, skip=1)
    codes = []
    for number in range(5):
        codes.append(ask.get(path).status_code)
        assert ask.get(f"{path}/csv").status_code == 200, number
    assert codes == [200, 500, 500, 200, 200]
    ask.dune.inject(Status(500), times=2)
    assert [
        ask.get(path).status_code,
        ask.post("/usage").status_code,
        ask.post("/usage").status_code,
    ] == [500, 500, 200]
    ask.dune.inject(Status(500))
    ask.dune.clear_faults()
    assert ask.get(path).status_code == 200


def test_an_unknown_endpoint_is_an_error(dune):
    """A typing error does not go unnoticed."""
    with pytest.raises(ValueError, match="results_csv"):
        dune.inject(Status(500), endpoint="result")


def test_the_log_tells_what_was_asked_and_answered_but_never_the_key(serve):
    """Frozen values: endpoint, method, path, query, body, whether a key came, status, rows, bytes."""
    ask = serve()
    execution = ask.dune.store_result([(1,), (2,)], {"x": "bigint"})
    ask.dune.clear_requests()
    body = ask.get(f"/execution/{execution}/results", limit=1, api_key="secret").content
    ask.post("/sql/execute", sql="SELECT 1")
    requests.get(f"{ask.dune.url}/api/v1/usage", timeout=5)
    read, executed, refused = ask.dune.requests
    assert (read.endpoint, read.method, read.status, read.rows) == ("results", "GET", 200, 1)
    assert (read.path, read.query) == (f"/api/v1/execution/{execution}/results", {"limit": "1"})
    assert (read.body, read.key_sent, read.bytes_sent) == (None, True, len(body))
    assert (executed.endpoint, executed.body) == ("execute_sql", {"sql": "SELECT 1"})
    assert (refused.endpoint, refused.key_sent, refused.status) == ("unknown", False, 401)
    assert "secret" not in repr(ask.dune.requests)
    assert "a key" not in repr(ask.dune.requests)
    with pytest.raises(AttributeError):
        read.rows = 5
    ask.dune.clear_requests()
    assert ask.dune.requests == ()
