"""Filters and sorting: Dune's little language, exact for every type, and nothing beyond it."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from asking import rows_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dune_frames.local import LocalDune, Quirks

BIG = 2**256 - 1
TYPES = {
    "n": "bigint",
    "u": "uint256",
    "d": "decimal(10, 2)",
    "x": "double",
    "s": "varchar",
    "h": "varbinary",
    "day": "date",
    "at": "timestamp(3) with time zone",
    "yes": "boolean",
    "Odd, name": "varchar",
    "list": "array(bigint)",
}
ROWS = [
    (1, BIG, "1.50", 0.5, "abc", "0xab", "2024-01-01", "2024-01-01 00:00:00 UTC", True, "p", [1]),
    (9007199254740993, 0, "-2.00", math.nan, "a%c", "0xcd", "2024-02-29", "2024-01-01 10:00:00.123 UTC", False, "q", []),
    (None,) * len(TYPES),
    (-5, 7, "0.00", math.inf, "<nil>", "0x", "1969-12-31", "1969-12-31 23:59:59.999 UTC", None, "", None),
]  # fmt: skip

#: Filter, and the rows that it keeps.
KEPT = [
    ("n = 9007199254740993", [1]),
    ("n = 9007199254740992", []),
    ("n > 0", [0, 1]),
    ("n < 0.5", [3]),
    ("n <> 1", [1, 3]),
    ("n != 1", [1, 3]),
    ("n >= -5", [0, 1, 3]),
    ("n < 1e30", [0, 1, 3]),
    ("n = 1.5", []),
    (f"u = {BIG}", [0]),
    (f"u >= {BIG}", [0]),
    ("u < 1e18", [1, 3]),
    ("d = 1.5", [0]),
    ("d < 1.499", [1, 3]),
    ("d > 1e20", []),
    ("x > 0", [0, 3]),
    ("x <> 0.5", [1, 3]),
    ("s = 'abc'", [0]),
    ("s > 'a%'", [0, 1]),
    ("s LIKE 'a%'", [0, 1]),
    ("s LIKE '_%_'", [0, 1, 3]),
    ("s = '<nil>' OR n >= 9007199254740992", [1, 3]),
    ("s IN ('abc', 'zzz')", [0]),
    ("h = 0xAB", [0]),
    ("h = '0xab'", [0]),
    ("h IN (0xab, 0xcd)", [0, 1]),
    ("h = 0x00", []),
    ("h LIKE '0xa%'", [0]),
    ("day >= '2024-01-01'", [0, 1]),
    ("day > '2024-01-01'", [1]),
    ("day < '2024-01-01 00:00:01'", [0, 3]),
    ("at >= '2024-01-01 10:00'", [1]),
    ("at = '2024-01-01 10:00:00.123'", [1]),
    ("at > '2024-01-01 10:00:00.1229'", [1]),
    ("at = '2024-01-01T00:00:00Z'", [0]),
    ("at = '2024-01-01 00:00:00.000 UTC'", [0]),
    ("at < '1970-01-01'", [3]),
    ("yes = true", [0]),
    ("n IS NULL", [2]),
    ("n IS NOT NULL AND (x = 0.5 OR s LIKE '<%')", [0, 3]),
    ("list IS NOT NULL", [0, 1]),
    ("\"Odd, name\" = ''", [3]),
    ("(N = 1)", [0]),
]  # fmt: skip


@pytest.fixture(scope="module")
def execution(dune):
    return dune.store_result(ROWS, TYPES)


def kept(ask, execution, filters):
    answer = ask.get(f"/execution/{execution}/results", filters=filters)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]["rows"]


@pytest.mark.parametrize(("filters", "expected"), KEPT)
def test_a_filter_keeps_the_rows_for_which_it_is_true(ask, execution, filters, expected):
    """Comparisons are exact for every type, and null is never true."""
    whole = ask.get(f"/execution/{execution}/results").json()["result"]["rows"]
    assert kept(ask, execution, filters) == [whole[place] for place in expected]


REFUSED = [
    "NOT n = 1", "n NOT IN (1)", "s NOT LIKE 'a'", "NOT n IS NULL", "n IS NOT 1",
    "lower(s) = 'abc'", "n + 1 = 2", "n = 1 + 1", "n = m", "n = n", "1 = n", "n", "n BETWEEN 1 AND 2",
    "n IN (SELECT 1)", "n IN ()", "n = null", "n IN (1, null)", "at > now()", "day = date '2024-01-01'",
    "s ILIKE 'a'", "s LIKE 'a' ESCAPE 'x'", "t.n = 1", "n = '1'", "s = 1", "yes = 'true'", "yes > true",
    "day = 'yesterday'", "day = '2024-02-31'", "at > 5", "h = 'ab'", "h = 0xabc", "list = 1", "x = 'NaN'", "n =", "n = 1;", "n = 1 --",
    "EXISTS (SELECT 1)", "CASE WHEN true THEN n END = 1", "n = 1e999999999", "((((", "'",
]  # fmt: skip


@pytest.mark.parametrize("filters", REFUSED)
def test_what_is_not_in_the_language_is_refused(ask, execution, filters):
    """NOT, functions, expressions, subqueries and values that do not fit are 400 with a text."""
    for kind in ("results", "results/csv"):
        answer = ask.get(f"/execution/{execution}/{kind}", filters=filters)
        assert answer.status_code == 400
        assert isinstance(answer.json()["error"], str)


def test_nan_in_filters_can_be_the_largest_number(serve):
    """The quirk compares NaN as the largest number, as some engines do."""
    ask = serve(quirks=Quirks(nan_in_filters="largest"))
    execution = ask.dune.store_result([(math.nan,), (1.0,), (None,)], {"x": "double"})
    assert kept(ask, execution, "x > 5") == [{"x": "NaN"}]


#: Sorting, and the order of the rows.
SORTED = [
    ("n", [3, 0, 1, 2]),
    ("n desc", [1, 0, 3, 2]),
    ("n desc nulls first", [2, 1, 0, 3]),
    ("u", [1, 3, 0, 2]),
    ("yes desc, n", [0, 1, 3, 2]),
    ('"Odd, name" asc', [3, 0, 1, 2]),
    ("at", [3, 0, 1, 2]),
]


@pytest.mark.parametrize(("sort_by", "order"), SORTED)
def test_sorting_is_by_value_with_nulls_last(ask, execution, sort_by, order):
    """256-bit integers sort as numbers; rows that are equal keep their order."""
    whole = ask.get(f"/execution/{execution}/results").json()["result"]["rows"]
    answer = ask.get(f"/execution/{execution}/results", sort_by=sort_by)
    assert answer.json()["result"]["rows"] == [whole[place] for place in order]


@pytest.mark.parametrize("sort_by", ["m", "lower(s)", "n limit 1", "1", "list", "n desc desc", ";"])
def test_sorting_takes_columns_and_directions_only(ask, execution, sort_by):
    """Anything else is 400."""
    assert ask.get(f"/execution/{execution}/results", sort_by=sort_by).status_code == 400


# A property: any filter over any rows, against three-valued logic in Python.

COLUMNS = {
    "n": (st.integers(-3, 3) | st.just(2**53 + 1), "bigint"),
    "u": (st.integers(0, 3) | st.just(BIG), "uint256"),
    "d": (st.decimals(-3, 3, places=2), "decimal(10, 2)"),
    "x": (st.sampled_from([-1.5, 0.0, 2.0, math.inf, math.nan]), "double"),
    "s": (st.sampled_from(["", "a", "b", "it's"]), "varchar"),
    "day": (st.dates(dt.date(2024, 1, 1), dt.date(2024, 1, 4)), "date"),
}
NUMBERS = ["-1", "0", "1", "1.5", "2", "0.001", "9007199254740992", "1e77", "-2.005"]
TEXTS = ["", "a", "it's", "zz"]
DAYS = ["2024-01-02", "2024-01-02 00:00:01", "2024-01-03T00:00:00Z"]
COMPARE = {
    "=": lambda a, b: a == b, "<>": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def compared(operator, name, literal):
    """A comparison, as text and as what it means for a row."""

    def meaning(row):
        value = row[name]
        if value is None:
            return None
        if isinstance(value, str):
            return COMPARE[operator](value.encode(), literal.encode())
        if isinstance(value, dt.date):
            moment = dt.datetime.fromisoformat(literal.removesuffix("Z"))
            return COMPARE[operator](dt.datetime.combine(value, dt.time()), moment)
        if isinstance(value, float):
            return COMPARE[operator](value, float(literal))
        return COMPARE[operator](Fraction(value), Fraction(literal))

    shown = literal if literal in NUMBERS else quoted(literal)
    return f"{name} {operator} {shown}", meaning


def both(left, right):
    def meaning(row):
        sides = (left[1](row), right[1](row))
        return False if False in sides else None if None in sides else True

    return f"({left[0]} AND {right[0]})", meaning


def either(left, right):
    def meaning(row):
        sides = (left[1](row), right[1](row))
        return True if True in sides else None if None in sides else False

    return f"({left[0]} OR {right[0]})", meaning


def literals(name):
    return st.sampled_from({"s": TEXTS, "day": DAYS}.get(name, NUMBERS))


LEAVES = st.sampled_from(sorted(COLUMNS)).flatmap(
    lambda name: (
        st.builds(compared, st.sampled_from(sorted(COMPARE)), st.just(name), literals(name))
        | st.just((f"{name} IS NULL", lambda row: row[name] is None))
        | st.just((f"{name} IS NOT NULL", lambda row: row[name] is not None))
    )
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.builds(both, inner, inner) | st.builds(either, inner, inner),
    max_leaves=6,
)
TABLE = st.lists(
    st.fixed_dictionaries({n: st.none() | v for n, (v, _) in COLUMNS.items()}), max_size=6
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(TABLE, st.lists(FILTERS, min_size=3, max_size=3))
def test_any_filter_is_three_valued_logic(ask, rows, filters):
    """For every row and filter: kept exactly when the filter is true, in Python and in the server."""
    dune: LocalDune = ask.dune
    types = {name: text for name, (_, text) in COLUMNS.items()}
    execution = dune.store_result(
        [{**row, "i": i} for i, row in enumerate(rows)], types | {"i": "bigint"}
    )
    for text, meaning in filters:
        answer = ask.get(f"/execution/{execution}/results", filters=text, columns="i")
        expected = [[i] for i, row in enumerate(rows) if meaning(row) is True]
        assert rows_of(answer.json()) == expected, text


@pytest.mark.parametrize("filters", ["n = {}", "n <= {}", "n IN (5, {})"])
@pytest.mark.parametrize("least", [-(2**63), 2**63 - 1])
def test_the_ends_of_bigint_are_numbers_like_others(ask, dune, filters, least):
    """The least and the greatest bigint compare as what they are."""
    odd = dune.store_result(pa.table({"n": pa.array([least, None], pa.int64())}))
    assert kept(ask, odd, filters.format(least)) == [{"n": least}]


def test_decimal_bounds_do_not_overflow(ask, dune):
    """A literal beyond what the column can hold is compared, not refused."""
    execution = dune.store_result([(Decimal(10**38 - 1),), (None,)], {"d": "decimal(38, 0)"})
    assert len(kept(ask, execution, "d < 1e50")) == 1
    assert len(kept(ask, execution, "d > -1e50")) == 1
    assert kept(ask, execution, "d >= 1e38") == []
    assert len(kept(ask, execution, f"d >= {10**38 - 1}")) == 1
