"""Fuzzing, the short form: a few hundred random queries and requests that are the same every time."""

from __future__ import annotations

import logging

import pytest
from fuzz.seeds import seeds
from fuzz.session import Session

_STEPS = 300


@pytest.mark.parametrize("seed", [1])
def test_random_queries_and_requests_do_no_harm(tmp_path, seed, caplog):
    """No crash, no hang, no 5xx, no file or address reached, and every run ends in a known state."""
    caplog.set_level(logging.CRITICAL, "dune_frames.local")
    session = Session(tmp_path, seeds(), seed)
    session.run(seconds=30, most=_STEPS)
    assert session.problems == []
    assert session.counts["COMPLETED"] > 10
    assert session.counts["FAILED"] > 10


def test_the_guard_sees_what_is_reached(tmp_path):
    """A file that Python opens in the watched folder, and a new one, are problems: the check can fail."""
    from fuzz.guard import Guard

    guard = Guard(tmp_path)
    assert guard.problems() == []
    (tmp_path / "written.csv").write_text("x")
    found = guard.problems()
    assert any("Python opened" in one for one in found)
    assert any("the watched folder has" in one for one in found)
    guard.close()
