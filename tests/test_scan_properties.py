"""Lazy scans, at random: whatever is asked of one, on every server, equals the read frame's rows."""

from __future__ import annotations

from contextlib import ExitStack

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from predicates import COLUMNS, columns_of, expression, predicates, rows, says_not

from dune_frames.local import LocalDune, Quirks

#: Servers that differ in what the real one is not known to do.
SERVERS = {
    "usual": {},
    "NaN is the largest number": {"quirks": Quirks(nan_in_filters="largest")},
    "NaN comes as null": {"quirks": Quirks(non_finite="null", timestamp_precision=False)},
    "short pages of dates as moments": {
        "page_rows": 2,
        "quirks": Quirks(short_pages=1, filtered_total=True, dates_as_timestamps=True),
    },
}


@pytest.fixture(scope="module")
def servers():
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(LocalDune(**settings)) for name, settings in SERVERS.items()
        }


CASES = predicates().flatmap(
    lambda drawn: st.tuples(
        st.just(drawn),
        st.frozensets(st.sampled_from(list(COLUMNS)), max_size=3).flatmap(
            lambda more: rows(columns_of(drawn) | more, 12)
        ),
    )
)


def _stored(server, drawn):
    return server.store_result(drawn, {name: COLUMNS[name][0] for name in drawn[0]})


def _question(case, data):
    """Return what cuts, filters, projects and cuts a frame again, in some way."""
    filtered = expression(case[0])
    names = list(case[1][0])
    projected = data.draw(st.lists(st.sampled_from(names), unique=True, min_size=1) | st.none())
    first, last = (data.draw(st.none() | st.integers(0, 5)) for _ in range(2))

    def ask(frame):
        frame = frame if first is None else frame.head(first)
        frame = frame.filter(filtered)
        frame = frame if projected is None else frame.select(projected)
        return frame if last is None else frame.head(last)

    return ask


def _or_error(frame, engine):
    try:
        return frame.collect(engine=engine)
    except pl.exceptions.PolarsError as problem:
        return problem


@pytest.mark.parametrize("server", SERVERS)
@settings(max_examples=35, deadline=None)
@given(case=CASES, engine=st.sampled_from(["streaming", "in-memory"]), data=st.data())
@pytest.mark.filterwarnings("ignore:kept as text")
def test_lazy_equals_eager(servers, server, case, engine, data):
    """Whatever is asked of a scan gives what asking it of the read frame gives, on every server."""
    local = servers[server]
    local.clear_requests()
    client, execution_id = local.client(), _stored(local, case[1])
    ask = _question(case, data)
    eager = _or_error(ask(client.read_execution(execution_id, frame="polars").lazy()), engine)
    lazy = _or_error(ask(client.scan_execution(execution_id, cache=False)), engine)
    if isinstance(eager, Exception):
        assert isinstance(lazy, Exception)
    else:
        assert_frame_equal(lazy, eager)
    assert not any(says_not(each.query.get("filters")) for each in local.requests)
