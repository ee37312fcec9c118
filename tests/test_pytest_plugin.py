"""The pytest plugin, in test runs of its own."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

#: Each run is a child process: a plugin is loaded once, when pytest starts.
QUIET = (
    "-q",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:schemathesis",
    "--strict-markers",
    "-W",
    "error",
    "-W",
    "ignore:::dune_client",
)

#: Module-level readers and the official SDK, without any argument, read the fixture's Dune.
UNCHANGED = """
import dune_frames as dune
from dune_client.client import DuneClient

def report():
    return dune.read_dune_query(7, {"n": 3})["x"].sum()

def test_report(local_dune):
    local_dune.save_query(7, "SELECT x FROM UNNEST(sequence(1, {{n}})) AS t(x)", {"n": 1})
    assert report() == 6
    assert [asked.endpoint for asked in local_dune.requests][:2] == ["latest", "execute_query"]
    assert local_dune.requests[1].body == {"query_parameters": {"n": "3"}}

def test_sdk(local_dune):
    local_dune.save_query(7, "SELECT 5 AS x")
    assert DuneClient().get_query(7).sql == "SELECT 5 AS x"
"""

#: Tables, queries, results, faults, requests and runs of a test are gone in the next; server and address are the same.
ISOLATED = """
import polars as pl
import pytest
import dune_frames as dune
from dune_frames.local import Status

urls = []

@pytest.mark.parametrize("turn", range(3))
def test_turn(local_dune, turn):
    urls.append(local_dune.url)
    assert len(set(urls)) == 1
    assert local_dune.requests == ()
    with pytest.raises(dune.errors.NotFoundError):
        dune.read_dune_query(7)
    with pytest.raises(dune.DuneError, match="my.numbers"):
        dune.read_dune_sql("SELECT * FROM my.numbers", max_age="1h")
    frame = dune.read_dune_sql("SELECT count(*) AS n FROM dex.trades", max_age="1h", frame="polars")
    assert frame["n"].to_list() == [30_000]

    local_dune.register("my.numbers", pl.DataFrame({"n": [turn]}))
    local_dune.register("dex.trades", pl.DataFrame({"n": [turn]}))
    local_dune.save_query(7, f"SELECT {turn} AS n")
    assert dune.read_dune_query(7)["n"].to_list() == [turn]
    assert dune.read_dune_sql("SELECT * FROM my.numbers", max_age="1h")["n"].to_list() == [turn]
    assert dune.read_dune_sql("SELECT n FROM dex.trades", max_age="1h")["n"].to_list() == [turn]
    dune.execute_dune_sql("SELECT count(*) FROM dex.trades a, dex.trades b, prices.usd c, prices.usd d")
    local_dune.inject(Status(500), times=99)
"""

#: A fault strikes in the test that ordered it; the marker gives a server with other settings.
OWN = """
import pytest
import dune_frames as dune
from dune_frames.local import Reset, Status

def test_retry(local_dune):
    local_dune.inject(Status(503), endpoint="status")
    local_dune.inject(Reset(), endpoint="results")
    assert dune.read_dune_sql("SELECT 1 AS x")["x"].to_list() == [1]
    assert [asked.status for asked in local_dune.requests if asked.endpoint == "status"][0] == 503

@pytest.mark.local_dune(page_rows=2)
def test_pages(local_dune):
    assert local_dune.page_rows == 2
    frame = dune.read_dune_sql("SELECT x FROM UNNEST(sequence(1, 5)) AS t(x)")
    assert frame["x"].to_list() == [1, 2, 3, 4, 5]
    assert len([asked for asked in local_dune.requests if asked.rows]) == 3

def test_other(local_dune):
    assert local_dune.page_rows == 32_000
"""


NOTHING = """
import sys

def test_nothing():
    heavy = {"duckdb", "pandas", "polars", "pyarrow", "starlette", "dune_frames.local"}
    assert not heavy & set(sys.modules)
"""


@pytest.fixture
def child(pytester):
    """Run test modules, given by their names and texts, in a process of its own."""

    def run(**modules: str):
        pytester.makepyfile(**modules)
        return pytester.runpytest_subprocess(*QUIET, timeout=60)

    return run


def test_what_the_fixture_promises(child):
    """Code under test needs no change; nothing of a test is left in the next; faults and settings are a test's own."""
    ended = child(test_unchanged=UNCHANGED, test_isolated=ISOLATED, test_own=OWN)
    ended.assert_outcomes(passed=8)


def test_it_costs_nothing_until_a_test_asks_for_it(child):
    """A run without the fixture loads neither the embedded Dune nor any frame library."""
    ended = child(test_nothing=NOTHING)
    ended.assert_outcomes(passed=1)


def test_what_is_not_installed_is_named(pytester):
    """Without the extra, a test that asks for the fixture is told what to install."""
    pytester.makeconftest("import sys\nsys.modules['duckdb'] = None\n")
    pytester.makepyfile("def test_it(local_dune): ...")
    ended = pytester.runpytest_subprocess(*QUIET)
    ended.assert_outcomes(errors=1)
    ended.stdout.fnmatch_lines(
        ["*duckdb, which is not installed: pip install 'dune-frames?local?'*"]
    )
