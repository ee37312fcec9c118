"""What to ask: references to saved queries, ages, and windows of rows."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dune_frames._ask.query import Window, age_of, execution_id_of, query_id_of
from dune_frames.errors import DuneError, InvalidRequestError

IDS = st.integers(1, 2**63 - 1)


@given(
    IDS,
    st.sampled_from(["https://", "http://", "", "HTTPS://"]),
    st.sampled_from(["dune.com", "www.dune.com", "Dune.com"]),
    st.sampled_from(["", "/", "/5875000", "/5875000/9871234", "?days=7", "#results", "/1?a=b#c"]),
)
def test_ids_and_urls_name_the_query(number: int, scheme: str, host: str, rest: str) -> None:
    """An id as a number or text, and any URL of the query, name the same query."""
    references = [number, str(number), f" {number}\n", f"{scheme}{host}/queries/{number}{rest}"]
    assert {query_id_of(each) for each in references} == {number}


def test_numbers_of_numpy_are_ids() -> None:
    """An id taken out of a frame is an id."""
    assert query_id_of(np.int64(3493826)) == 3493826


@pytest.mark.parametrize(
    "wrong",
    [
        0, -1, 2**63, True, 3.0, None, "", "abc", "-5", "1e3", "3 493 826", "9" * 5000, "٣",
        "https://dune.com/queries/", "https://dune.com/queries/12abc", "https://dune.com/12",
        "https://evil.example/queries/1", "https://dune.com.evil.example/queries/1",
        "https://evil.example/?https://dune.com/queries/1", "https://dune.com/queries/1\nx",
    ],
)  # fmt: skip
def test_what_is_no_reference(wrong: Any) -> None:
    """Anything else is refused, with the two forms that are accepted."""
    with pytest.raises(InvalidRequestError, match="no reference to a Dune query") as caught:
        query_id_of(wrong)
    assert "https://dune.com/queries/3493826" in str(caught.value)


@given(st.text() | st.integers() | st.floats() | st.binary())
def test_no_reference_breaks_the_parser(anything: Any) -> None:
    """Whatever is given, it is an id or a `DuneError`."""
    with contextlib.suppress(DuneError):
        assert 0 < query_id_of(anything) < 2**63


@pytest.mark.parametrize(
    ("given_age", "age"),
    [
        (None, None), (0, timedelta(0)), (90, timedelta(seconds=90)),
        (1.5, timedelta(seconds=1.5)), (timedelta(days=2), timedelta(days=2)),
        ("45s", timedelta(seconds=45)), ("30m", timedelta(minutes=30)), ("1h", timedelta(hours=1)),
        ("1.5h", timedelta(minutes=90)), (" 2 d ", timedelta(days=2)), ("3w", timedelta(weeks=3)),
        (np.int64(5), timedelta(seconds=5)), ("0s", timedelta(0)),
    ],
)  # fmt: skip
def test_ages(given_age: Any, age: timedelta | None) -> None:
    """An age is seconds, a timedelta, or a number with a unit; None is any age."""
    assert age_of(given_age) == age


@pytest.mark.parametrize(
    "wrong",
    [
        -1, -0.5, timedelta(seconds=-1), True, float("nan"), float("inf"), 1e300, "1", "h", "1y",
        "-1h", "1h30m", "", "99999999999w", "1e3s", b"1h", [1], {}, Decimal(1), "1 hour", np.timedelta64(1, "h"),
        np.timedelta64(1, "ns"),
    ],
)  # fmt: skip
def test_what_is_no_age(wrong: Any) -> None:
    """Anything else is refused, with examples of what is accepted."""
    with pytest.raises(InvalidRequestError, match="is no age") as caught:
        age_of(wrong)
    assert '"1h"' in str(caught.value)


@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize("value", [-1, 1.0, "1", True, float("nan"), b"1"])
def test_rows_are_counted_in_whole_numbers(name: str, value: Any) -> None:
    """A count of rows is a whole number from 0 on."""
    with pytest.raises(InvalidRequestError, match=f"{name}=.* is no count of rows"):
        Window(**{name: value})


@pytest.mark.parametrize("value", [0, -1, 1.5, "5"])
def test_a_sample_has_rows(value: Any) -> None:
    """A sample is of one row at least."""
    with pytest.raises(InvalidRequestError, match="sample_count"):
        Window(sample_count=value)


@pytest.mark.parametrize("other", [{"limit": 0}, {"offset": 0}, {"filters": "a > 1"}])
def test_a_sample_goes_alone(other: dict[str, Any]) -> None:
    """Dune draws samples from the whole result: with a window or a filter it is refused."""
    with pytest.raises(InvalidRequestError, match=f"cannot go together with {next(iter(other))}"):
        Window(sample_count=5, **other)


@pytest.mark.parametrize("columns", [(), ("a", "a"), ("a", "b", "a")])
def test_columns_are_named_once(columns: tuple[str, ...]) -> None:
    """No columns, or one twice, is no selection."""
    with pytest.raises(InvalidRequestError, match="columns="):
        Window(columns=columns)


WINDOWS = st.builds(
    Window, limit=st.none() | st.integers(0, 50), offset=st.none() | st.integers(0, 50)
)


@given(WINDOWS, st.integers(0, 100))
def test_a_window_counts_like_a_slice(window: Window, total: int) -> None:
    """The rows of a window are those that the same slice of a list has."""
    rows = list(range(total))[window.offset or 0 :]
    assert window.rows_of(total) == len(rows if window.limit is None else rows[: window.limit])


@given(WINDOWS, st.integers(0, 100))
def test_a_window_is_uncertain_where_it_must_be(window: Window, total: int) -> None:
    """With a filter, for a sample, and where no total is told, nothing is promised."""
    assert window.rows_of(None) is None
    assert Window(filters="a > 1", limit=window.limit).rows_of(total) is None
    assert Window(sample_count=5).rows_of(total) is None


def test_a_page_keeps_what_was_asked() -> None:
    """A page of a window changes where and how much, and nothing else."""
    window = Window(columns=("b", "a"), filters="a > 1", sort_by="a desc", limit=100, offset=7)
    page = window.page(39, 32)
    assert page == Window(("b", "a"), "a > 1", "a desc", 32, 39)


@pytest.mark.parametrize("wrong", [None, 5, "", " \n", b"01HKZJ2683PHF9Q9PHHQ8FW4Q1"])
def test_what_is_no_id_of_an_execution(wrong: Any) -> None:
    """An execution is named by a text with something in it; nothing is asked of Dune otherwise."""
    with pytest.raises(InvalidRequestError, match="is no id of an execution"):
        execution_id_of(wrong)


def test_blanks_around_an_id_are_none_of_it() -> None:
    """An id that was copied with blanks around it is the same id."""
    assert execution_id_of(" 01HKZJ2683PHF9Q9PHHQ8FW4Q1\n") == "01HKZJ2683PHF9Q9PHHQ8FW4Q1"
