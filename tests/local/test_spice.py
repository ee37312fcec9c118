"""spice drives the embedded Dune, with its base address changed."""

from __future__ import annotations

import asyncio

import polars as pl
import pytest

from dune_frames.local import Status

spice = pytest.importorskip("spice")


@pytest.fixture
def here(dune, monkeypatch):
    """spice, but every address is the embedded Dune's."""
    templates = {
        name: address.replace("https://api.dune.com", dune.url)
        for name, address in spice._urls.url_templates.items()
    }
    monkeypatch.setattr(spice._urls, "url_templates", templates)
    dune.save_query(
        4132129, "SELECT x, '{{word}}' AS word FROM UNNEST(sequence(1, 12)) AS t(x)", {"word": "a"}
    )
    return spice


def read(here, **options):
    return here.query(
        4132129, api_key="any", verbose=False, cache=False, poll_interval=0.02, **options
    )


def test_it_executes_polls_and_reads(here):
    """A refreshed query with parameters gives its frame."""
    frame = read(here, refresh=True, parameters={"word": "b"})
    assert frame["x"].to_list() == list(range(1, 13))
    assert set(frame["word"]) == {"b"}


def test_it_reads_the_latest_result_and_follows_pages(here):
    """Without refresh it reads what is stored; with a limit it follows x-dune-next-uri."""
    read(here, refresh=True)
    assert len(read(here, limit=5)) == 5
    assert len(read(here, limit=5, offset=10)) == 2
    assert read(here, columns=["word"], limit=1).columns == ["word"]


def test_it_asks_for_the_age_of_the_latest_result(here):
    """max_age reads execution_started_at; a young result is not run again."""
    read(here, refresh=True)
    assert len(read(here, max_age=3600)) == 12


def test_a_query_that_never_ran_is_executed(here, dune):
    """It recognises the text of 404 and executes."""
    dune.save_query(4132130, "SELECT 5 AS x")
    frame = here.query(4132130, api_key="any", verbose=False, cache=False, poll_interval=0.02)
    assert frame["x"].to_list() == [5]


def test_it_reads_an_execution_that_it_started_before(here):
    """Without polling it returns the execution, which it reads later, with its own id and time."""
    execution = read(here, refresh=True, poll=False)
    frame, told = here.query(
        execution,
        api_key="any",
        verbose=False,
        cache=False,
        poll_interval=0.02,
        include_execution=True,
    )
    assert len(frame) == 12
    assert told["execution_id"] == execution["execution_id"]


def test_it_samples_and_sorts(here):
    """sample_count and sort_by are what Dune takes them for."""
    read(here, refresh=True)
    assert len(read(here, sample_count=4)) == 4
    assert read(here, sort_by="x desc", limit=12)["x"].to_list() == list(range(12, 0, -1))


def test_it_runs_sql_through_its_own_query(here, dune):
    """SQL goes into the parameter of a saved query of spice's own, which can be saved here too."""
    dune.save_query(4060379, "{{query}}", {"query": "SELECT 1"})
    frame = here.query(
        "SELECT 'a' AS s, 5 AS x", api_key="any", verbose=False, cache=False, poll_interval=0.02
    )
    assert frame.to_dicts() == [{"s": "a", "x": 5}]


def test_it_sees_failures_and_refusals(here, dune):
    """A run that fails, a parameter that is none and a tier that the plan has not raise in spice."""
    dune.save_query(4132131, "SELECT nosuch")
    with pytest.raises(Exception, match="QUERY FAILED"):
        here.query(
            4132131, api_key="any", verbose=False, cache=False, poll_interval=0.02, refresh=True
        )
    with pytest.raises(Exception, match="unknown parameters"):
        read(here, refresh=True, parameters={"other": "b"})
    with pytest.raises(Exception, match="Invalid performance tier"):
        read(here, refresh=True, performance="gigantic")


def test_types_come_from_its_own_guess(here, dune):
    """Null is what spice takes for null, booleans and the timestamps that it is told of are what it parses."""
    dune.save_query(
        4132132,
        "SELECT CAST(NULL AS varchar) AS n, true AS b, timestamp '2026-01-05 01:02:03.000 UTC' AS t, "
        "CAST('12345678901234567890' AS uint256) AS u",
    )
    types = {"t": pl.Datetime}
    frame = here.query(
        4132132, api_key="any", verbose=False, cache=False, poll_interval=0.02, types=types
    )
    assert frame["n"].null_count() == 1
    assert frame["b"].to_list() == [True]
    assert str(frame["t"][0])[:19] == "2026-01-05 01:02:03"
    assert int(frame["u"][0]) == 12345678901234567890


def test_its_cache_holds_what_it_read(here, tmp_path):
    """What spice keeps on disk is found again by parameters, without a request."""
    options = {"cache": True, "cache_dir": str(tmp_path)}
    first = here.query(4132129, api_key="any", verbose=False, poll_interval=0.02, **options)
    again = here.query(4132129, api_key="any", verbose=False, poll_interval=0.02, **options)
    assert first.equals(again)


def test_the_asynchronous_query(here):
    """async_query executes, polls and reads in the same way."""
    call = here.async_query(
        4132129,
        api_key="any",
        verbose=False,
        cache=False,
        poll_interval=0.02,
        refresh=True,
        limit=5,
    )
    assert len(asyncio.run(call)) == 5


def test_it_waits_while_the_plan_is_spent(here, dune):
    """429 to a poll makes spice ask again later."""
    dune.inject(Status(429), endpoint="status")
    assert len(read(here, refresh=True)) == 12
