"""How values show themselves: as one line and as a table, without a request, whatever they hold."""

from __future__ import annotations

import html
import re
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dune_frames._read.estimate import estimate
from dune_frames._wire.answers import Failure, Metadata, Status
from dune_frames._wire.catalog import (
    BillingPeriod,
    PipelineNode,
    PipelineStatus,
    QueryParameter,
    SavedQuery,
    Usage,
)
from dune_frames.errors import QueryFailedError
from dune_frames.execution import Execution
from dune_frames.local import LocalDune
from dune_frames.pipeline import PipelineExecution

ID = "01HKZJ2683PHF9Q9PHHQ8FW4Q1"
TEXTS = st.text(max_size=30) | st.sampled_from(
    ["<script>alert(1)</script>", '"><b>', "&amp;", "\x1b[2J", "a\nb", "\ud83d"]
)
MOMENTS = st.none() | st.datetimes(timezones=st.just(UTC))
COUNTS = st.none() | st.integers(0, 2**63)
NUMBERS = st.none() | st.floats() | st.integers(0, 10**9)

METADATA = st.builds(
    Metadata, st.lists(TEXTS, max_size=3).map(tuple), total_row_count=COUNTS,
    total_result_set_bytes=COUNTS,
)  # fmt: skip
STATUSES = st.builds(
    Status, TEXTS, TEXTS, st.booleans(), COUNTS, MOMENTS, MOMENTS, MOMENTS, MOMENTS, MOMENTS,
    st.none() | st.integers(-5, 99), execution_cost_credits=NUMBERS,
    metadata=st.none() | METADATA, failure=st.none() | st.builds(Failure, TEXTS, TEXTS),
)  # fmt: skip
NODES = st.builds(PipelineNode, COUNTS, TEXTS, COUNTS, st.none() | TEXTS, TEXTS, TEXTS)
PIPELINES = st.builds(PipelineStatus, TEXTS, st.lists(NODES, max_size=3).map(tuple), TEXTS)
PARAMETERS = st.builds(QueryParameter, TEXTS, TEXTS, st.none() | TEXTS)
QUERIES = st.builds(
    SavedQuery, st.integers(1, 2**63), TEXTS, TEXTS, st.lists(PARAMETERS).map(tuple), TEXTS, TEXTS
)
PERIODS = st.builds(BillingPeriod, st.dates(), st.dates(), NUMBERS, NUMBERS)
USAGES = st.builds(Usage, st.lists(PERIODS, max_size=3).map(tuple), COUNTS, COUNTS, COUNTS, COUNTS)


def seen(kind, known):
    """Return a handle that was told something, or nothing yet; any request of it would fail."""
    handle = kind(ID, calls=None)
    for name in ("_seen", "_told"):
        if hasattr(handle, name):
            setattr(handle, name, known)
    return handle


SHOWN = st.one_of(
    STATUSES, PIPELINES, QUERIES, USAGES, STATUSES.map(estimate),
    st.builds(seen, st.just(Execution), st.none() | STATUSES),
    st.builds(seen, st.just(PipelineExecution), st.none() | PIPELINES),
)  # fmt: skip


class Reads(HTMLParser):
    """Gathers the tags and the text of HTML."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, _):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


@given(SHOWN)
def test_whatever_a_value_holds_it_can_be_shown(value):
    """A line never fails, never breaks and never steers a terminal; a table has no foreign tag."""
    line = repr(value)
    assert line.startswith(f"<{type(value).__name__}: ")
    assert line.isprintable()
    page = Reads(value._repr_html_())
    assert set(page.tags) <= {"table", "tr", "th", "td", "a", "pre"}


@given(TEXTS.filter(str.strip))
def test_a_table_shows_texts_as_they_are(text):
    """Every character of a server's text arrives as text."""
    page = SavedQuery(7, text, "SELECT 1")._repr_html_()
    assert html.escape(text) in page


STATUS = Status(
    ID, "QUERY_STATE_COMPLETED", is_finished=True, query_id=7,
    submitted_at=datetime(2026, 1, 5, 12, 0, 0, tzinfo=UTC),
    started_at=datetime(2026, 1, 5, 12, 0, 1, tzinfo=UTC),
    ended_at=datetime(2026, 1, 5, 12, 0, 4, 500_000, tzinfo=UTC),
    execution_cost_credits=0.25,
    metadata=Metadata(("a", "b"), total_row_count=30_000, total_result_set_bytes=1_234_567),
)  # fmt: skip


def test_a_status_says_what_people_ask_for():
    """State, times, rows, size, credits, and the link to the query."""
    assert repr(STATUS) == (
        f"<Status: execution {ID}, state COMPLETED, query 7, submitted 2026-01-05 12:00:00 UTC, "
        "ran 3.5 s, ended 2026-01-05 12:00:04 UTC, rows 30,000, columns 2, size 1.23 MB, "
        "credits 0.25>"
    )
    page = STATUS._repr_html_()
    assert '<a href="https://dune.com/queries/7"' in page
    assert re.search(r">state</th><td[^>]*>COMPLETED<", page)
    failed = replace(STATUS, state="QUERY_STATE_FAILED", failure=Failure("x", "line 1:2: no\nway"))
    assert repr(failed).endswith("failure line 1:2: no way>")


def test_an_estimate_says_what_an_export_costs():
    """Rows, megabytes, and credits by plan."""
    assert repr(estimate(STATUS)).startswith(
        "<Estimate: rows 30,000, size 1.23 MB, credits (free) 24.6913, credits (analyst) 12.3457"
    )


def test_usage_and_queries_say_what_they_are():
    """Credits for each period; a query's SQL stands in the table and not in the line."""
    usage = Usage((BillingPeriod(date(2026, 1, 1), date(2026, 2, 1), 12.5, 2500),), 3)
    assert repr(usage) == (
        "<Usage: 2026-01-01 to 2026-02-01 12.5 of 2,500 credits, private queries 3>"
    )
    query = SavedQuery(7, "Volumes", "SELECT\n 1", (QueryParameter("n", "number", "1"),))
    assert repr(query) == "<SavedQuery: query 7, name Volumes, parameters n (number) = 1>"
    assert "<pre>SELECT\n 1</pre>" in query._repr_html_()


def test_a_handle_shows_what_it_was_told_last():
    """An execution knows its id at first; after each status it shows that, and asks for nothing."""
    with LocalDune() as local, closing(local.client()) as client:
        run = client.execute_sql("SELECT 1 AS one")
        assert repr(run) == f"<Execution: execution {run.execution_id}>"
        run.wait()
        local.save_query(7, "SELECT 1 AS one")
        pipeline = client.execute_pipeline(7)
        pipeline.wait()
        local.clear_requests()
        assert "state COMPLETED, " in repr(run)
        assert "rows 1, " in repr(run)
        assert "COMPLETED" in run._repr_html_()
        assert "query 7 COMPLETED" in repr(pipeline)
        assert not local.requests


def test_an_error_is_readable_at_the_end_of_a_cell():
    """Its HTML keeps the lines of its message and escapes them."""
    error = QueryFailedError("a < b\n    ^", execution_id=ID)
    assert error._repr_html_().startswith("<pre>QueryFailedError: a &lt; b\n    ^\nExecution: ")


@pytest.mark.parametrize("times", [1, 3])
def test_an_error_in_ipython_is_the_users_lines_and_its_words(times):
    """IPython shows what an error renders: frames of the user's, none of this package's."""

    def deeper(left):
        if left:
            deeper(left - 1)
        with LocalDune() as local, closing(local.client()) as client:
            client.read_query(999)

    with pytest.raises(LookupError) as caught:
        deeper(times)
    *frames, words = caught.value._render_traceback_()
    assert len(frames) == times + 2
    assert all(__file__ in frame for frame in frames)
    assert words.startswith("QueryNotFoundError: ")
    assert words.splitlines()[-1].startswith("What to do: ")
