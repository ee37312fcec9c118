"""spice drives the embedded Dune, with its base address changed."""

from __future__ import annotations

import pytest

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
