"""Spark's filters as predicates: ``python -m pytest -n 0 -m spark``; no Java is needed for these."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predicates import COLUMNS, columns_of, holds, rows

from dune_frames._predicate.algebra import Comparison, HasText, In, IsNotNull, IsNull, Not
from dune_frames._predicate.spark_reader import read_filter, read_filters

spark = pytest.importorskip("pyspark.sql.datasource", reason="needs the extra 'spark'")
pytestmark = pytest.mark.spark

_CLASSES = {
    "=": "EqualTo", "<": "LessThan", "<=": "LessThanOrEqual", ">": "GreaterThan",
    ">=": "GreaterThanOrEqual", "start": "StringStartsWith", "end": "StringEndsWith",
    "anywhere": "StringContains",
}  # fmt: skip


def filter_of(predicate):
    """Return a predicate as Spark hands it over."""
    match predicate:
        case Not(part):
            return spark.Not(filter_of(part))
        case Comparison(column, "!=", value):
            return spark.Not(spark.EqualTo((column,), value))
        case Comparison(column, kind, value) | HasText(column, kind, value):
            return getattr(spark, _CLASSES[kind])((column,), value)
        case In(column, values):
            return spark.In((column,), values)
        case IsNull(column):
            return spark.IsNull((column,))
    return spark.IsNotNull((predicate.column,))


def _leaves(name):
    values = st.sampled_from(COLUMNS[name][1])
    found = [
        st.builds(
            Comparison, st.just(name), st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), values
        ),
        st.builds(In, st.just(name), st.lists(values, min_size=1).map(tuple)),
        st.sampled_from([IsNull(name), IsNotNull(name)]),
    ]
    if COLUMNS[name][0].startswith("varchar"):
        places = st.sampled_from(["start", "anywhere", "end"])
        found.append(st.builds(HasText, st.just(name), places, values))
    leaf = st.one_of(found)
    return leaf | st.builds(Not, leaf)


LEAVES = st.one_of(*map(_leaves, COLUMNS))


@settings(max_examples=300)
@given(LEAVES, st.data())
def test_a_filter_means_what_spark_means(predicate, data):
    """For every row, unknown included."""
    read = read_filter(filter_of(predicate))
    for row in data.draw(rows(columns_of(predicate))):
        assert holds(read, row) == holds(predicate, row)


@given(st.lists(LEAVES, min_size=1, max_size=4), st.data())
def test_several_filters_drop_no_row_that_spark_keeps(predicates, data):
    """What is left out keeps more rows, never fewer."""
    read = read_filters(map(filter_of, predicates))
    names = frozenset().union(*map(columns_of, predicates))
    for row in data.draw(rows(names)):
        if all(holds(each, row) is True for each in predicates):
            assert holds(read, row) is True


@pytest.mark.parametrize("value", [None, 5])
def test_null_is_a_value_like_others_where_it_is_asked_so(value):
    """``n <=> NULL`` and ``n <=> 5`` are never unknown."""
    read = read_filter(spark.EqualNullSafe(("n",), value))
    assert [holds(read, {"n": each}) for each in (None, 5, 6)] == [value is None, value == 5, False]


@pytest.mark.parametrize(
    "told",
    [
        lambda: spark.EqualTo(("a", "b"), 1),
        lambda: spark.EqualTo(("list",), [1, 2]),
        lambda: spark.In(("n",), (1, None)),
        lambda: spark.In(("n",), ()),
    ],
)
def test_what_nobody_here_knows_is_left_to_spark(told):
    """Parts of rows, lists, and null among values."""
    assert type(read_filter(told())).__name__ == "Unreadable"


def test_a_date_stays_a_date():
    """Spark's values are Python's."""
    read = read_filter(spark.LessThan(("d",), date(2024, 1, 1)))
    assert read == Comparison("d", "<", date(2024, 1, 1))
