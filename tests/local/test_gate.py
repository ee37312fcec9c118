"""The gate: a plan's requests a minute, and the latency of the real thing."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dune_frames.local import Settings
from dune_frames.local.answers import RefusedError
from dune_frames.local.gate import Gate, any_key

ENDPOINTS = st.sampled_from(["execute_sql", "execute_query", "status", "results", "usage"])


@given(
    st.integers(1, 12),
    st.lists(st.tuples(ENDPOINTS, st.floats(0, 20)), max_size=60),
)
def test_no_minute_has_more_than_the_plan_allows(limit, asked):
    """In any sixty seconds at most `rate_limit` reads and three eighths of it as runs, and no fewer than could be."""
    now = 0.0
    gate = Gate(any_key, limit, clock=lambda: now)
    let_in = {True: [], False: []}
    for endpoint, pause in asked:
        now += pause
        runs = endpoint.startswith("execute")
        allowed = max(limit * 15 // 40, 1) if runs else limit
        recent = [moment for moment in let_in[runs] if now - moment < 60]
        try:
            gate.check(endpoint, "key")
        except RefusedError as refusal:
            assert refusal.status == 429
            assert len(recent) == allowed
        else:
            assert len(recent) < allowed
            let_in[runs].append(now)


def test_the_free_plan(serve):
    """40 reads and 15 runs a minute; one more is 429 in JSON without Retry-After, and starts nothing."""
    ask = serve(rate_limit=40)
    started = [ask.post("/sql/execute", sql="SELECT 1") for _ in range(16)]
    assert [answer.status_code for answer in started] == [200] * 15 + [429]
    assert started[-1].json() == {"error": "Too Many Requests"}
    assert "retry-after" not in started[-1].headers
    read = [ask.post("/usage").status_code for _ in range(41)]
    assert read == [200] * 40 + [429]
    assert [asked.status for asked in ask.dune.requests].count(429) == 2
    refused = ask.send("POST", "/usage", headers={"X-Dune-Api-Key": ""})
    assert refused.status_code == 401


def test_reset_begins_a_new_minute(serve):
    """After `reset` the plan is unspent."""
    ask = serve(rate_limit=1)
    assert [ask.post("/usage").status_code for _ in range(2)] == [200, 429]
    ask.dune.reset()
    assert ask.post("/usage").status_code == 200


def test_latency_is_felt_by_every_request(serve):
    """Each answer takes at least `latency`, a refusal too."""
    ask = serve(latency=0.1)
    for path in ("/query/1", "/nowhere"):
        began = time.monotonic()
        ask.get(path)
        assert time.monotonic() - began >= 0.1


@pytest.mark.parametrize("wrong", [{"rate_limit": 0}, {"rate_limit": -1}, {"latency": -0.1}])
def test_what_cannot_be_meant_is_refused(wrong):
    """Neither a plan without requests nor answers before they are asked for."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)
