"""Expressions of polars, read as predicates: the forms that are known, and all others unharmed."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.io.plugins import register_io_source
from predicates import COLUMNS, NAN, columns_of, expression, holds, predicates, rows

from dune_frames._frame.polars_frame import to_polars
from dune_frames._predicate.algebra import (
    And,
    Comparison,
    HasText,
    In,
    IsNotNaN,
    IsNotNull,
    IsNull,
    Not,
    Or,
    Unreadable,
    conjuncts,
)
from dune_frames._predicate.polars_reader import _Reader, evaluable, read
from dune_frames._types.schema import Typing, result_schema

POLARS = tuple(int(part) for part in pl.__version__.split(".")[:2])
SCHEMA = {
    "i": pl.Int64, "i32": pl.Int32, "f": pl.Float64, "f32": pl.Float32, "s": pl.String,
    "b": pl.Boolean, "bin": pl.Binary, "d": pl.Date, "t": pl.Datetime("us"),
    "tz": pl.Datetime("us", "UTC"), "dec": pl.Decimal(18, 3), "time": pl.Time,
    "ns": pl.Datetime("ns"),
}  # fmt: skip
i, f, s, b, d, t = (pl.col(name) for name in ("i", "f", "s", "b", "d", "t"))


def handed_over(condition, schema):
    """Return the expression that polars hands over to a source for a filter; `None` for none."""
    found = []

    def source(_columns, predicate, _rows, _size):
        found.append(predicate)
        yield pl.DataFrame(schema=schema)

    register_io_source(source, schema=schema).filter(condition).collect(engine="in-memory")
    return found[0]


def _read(condition):
    predicate = handed_over(condition, SCHEMA)
    return None if predicate is None else read(predicate, SCHEMA)


NEW_YEAR = datetime(2024, 1, 1)
KNOWN = {
    "greater": (i > 5, Comparison("i", ">", 5)),
    "at least": (i >= 5, Comparison("i", ">=", 5)),
    "less": (i < 5, Comparison("i", "<", 5)),
    "at most": (i <= 5, Comparison("i", "<=", 5)),
    "equal": (s == "it's", Comparison("s", "=", "it's")),
    "unequal": (s != "", Comparison("s", "!=", "")),
    "value first": (pl.lit(5) < i, Comparison("i", ">", 5)),
    "computed value": (i > pl.lit(5) + 3, Comparison("i", ">", 8)),
    "float": (f < 2, Comparison("f", "<", 2.0)),
    "small integer": (pl.col("i32") > 5, Comparison("i32", ">", 5)),
    "bytes": (pl.col("bin") == b"ab", Comparison("bin", "=", b"ab")),
    "decimal": (pl.col("dec") > Decimal("1.5"), Comparison("dec", ">", Decimal("1.5"))),
    "date": (d > date(2024, 1, 1), Comparison("d", ">", date(2024, 1, 1))),
    "date with datetime": (d > NEW_YEAR, Comparison("d", ">", NEW_YEAR)),
    "datetime": (t > NEW_YEAR, Comparison("t", ">", NEW_YEAR)),
    "datetime with date": (t > date(2024, 1, 1), Comparison("t", ">", NEW_YEAR)),
    "far datetime": (t < datetime(3000, 1, 1), Comparison("t", "<", datetime(3000, 1, 1))),
    "aware datetime": (
        pl.col("tz") >= datetime(2024, 1, 1, tzinfo=UTC),
        Comparison("tz", ">=", datetime(2024, 1, 1, tzinfo=UTC)),
    ),
    "computed datetime": (
        t > pl.lit(NEW_YEAR) - pl.duration(days=1),
        Comparison("t", ">", NEW_YEAR - timedelta(days=1)),
    ),
    "equal or both null": (i.eq_missing(5), And((Comparison("i", "=", 5), IsNotNull("i")))),
    "unequal or null": (i.ne_missing(5), Or((Comparison("i", "!=", 5), IsNull("i")))),
    "is_in": (i.is_in([1, 2]), In("i", (1, 2))),
    "is_in of dates": (d.is_in([date(2024, 1, 1)]), In("d", (date(2024, 1, 1),))),
    "is_in with nulls": (s.is_in(["a"], nulls_equal=True), And((In("s", ("a",)), IsNotNull("s")))),
    "not is_in": (~s.is_in(["a"]), Not(In("s", ("a",)))),
    "is_between": (i.is_between(1, 5), And((Comparison("i", ">=", 1), Comparison("i", "<=", 5)))),
    "is_between, open": (
        i.is_between(1, 5, closed="none"),
        And((Comparison("i", ">", 1), Comparison("i", "<", 5))),
    ),
    "is_null": (i.is_null(), IsNull("i")),
    "is_not_null": (i.is_not_null(), IsNotNull("i")),
    "is_not_nan": (f.is_not_nan(), IsNotNaN("f")),
    "is_nan": (f.is_nan(), Not(IsNotNaN("f"))),
    "starts_with": (s.str.starts_with("a%"), HasText("s", "start", "a%")),
    "ends_with": (s.str.ends_with("a"), HasText("s", "end", "a")),
    "contains, literal": (s.str.contains("a.b", literal=True), HasText("s", "anywhere", "a.b")),
    "contains, plain": (s.str.contains("ab c"), HasText("s", "anywhere", "ab c")),
    "and": ((i > 1) & (s == "a"), And((Comparison("i", ">", 1), Comparison("s", "=", "a")))),
    "or": ((i > 1) | (s == "a"), Or((Comparison("i", ">", 1), Comparison("s", "=", "a")))),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_forms_are_read(name):
    """These forms, as the installed polars hands them over, are read as what they mean."""
    condition, meaning = KNOWN[name]
    assert _in_any_order(_read(condition)) == _in_any_order(meaning)


def _in_any_order(predicate):
    """Some versions of polars hand conditions over in another order each time."""
    return frozenset(conjuncts(predicate))


@pytest.mark.skipif(POLARS < (2, 0), reason="polars before 2.0 keeps these filters to itself")
@pytest.mark.parametrize(
    ("condition", "meaning"),
    [
        (pl.col("i32") > 5.5, Comparison("i32", ">", 5.5)),
        (pl.col("i32").is_in(pl.Series([1, 2])), In("i32", (1, 2))),
        (
            pl.col("tz") > pl.datetime(2024, 1, 1, time_zone="UTC"),
            Comparison("tz", ">", datetime(2024, 1, 1, tzinfo=UTC)),
        ),
        (i.eq_missing(None), IsNull("i")),
    ],
)
def test_forms_that_later_versions_hand_over_are_read(condition, meaning):
    """Casts that polars adds, and values that it computes, are read too."""
    assert _read(condition) == meaning


@pytest.mark.parametrize(
    ("condition", "operator"),
    [(pl.lit(5) < i, ">"), (pl.lit(5) >= i, "<="), (pl.lit(5) == i, "=")],
)
def test_a_value_may_stand_first(condition, operator):
    """A comparison is read from either side, also where polars did not turn it round itself."""
    assert read(condition, SCHEMA) == Comparison("i", operator, 5)


def test_finite_numbers_are_no_nan():
    """`is_finite` is read as far as it matters: what is finite is not NaN."""
    assert IsNotNaN("f") in conjuncts(_read((f > 1) & f.is_finite()))


UNKNOWN = {
    "a truth value": b,
    "column with column": i > pl.col("i32"),
    "column computed": i + 1 > 5,
    "column cast": f.cast(pl.Int64) > 5,
    "function of a column": s.str.to_lowercase() == "a",
    "part of a date": t.dt.year() == 2024,
    "regular expression": s.str.contains("a.b"),
    "several texts": s.str.contains_any(["a", "b"]),
    "null in a list": s.is_in(["a", None]),
    "null in a list, equal": s.is_in(["a", None], nulls_equal=True),
    "exclusive or": (i > 1) ^ (s == "a"),
    "choice": pl.when(i > 5).then(b).otherwise(None),
    "NaN": f == NAN,
    "infinity": f < float("inf"),
    "time of day": pl.col("time") > pl.lit(NEW_YEAR.time()),
    "nanoseconds": pl.col("ns") > pl.lit(1_700_000_000_000_000_001, pl.Datetime("ns")),
    "fill_null": i.fill_null(0) > 5,
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown_forms_are_unreadable(name):
    """What is not known stays local: it is `Unreadable`, or polars keeps it to itself."""
    found = _read(UNKNOWN[name])
    assert found is None or isinstance(found, Unreadable)


def test_what_is_known_beside_it_is_read_all_the_same():
    """An unreadable part makes only itself unreadable."""
    found = _read((i > 5) & (s.str.to_lowercase() == "a"))
    known = [each for each in conjuncts(found) if not isinstance(each, Unreadable)]
    assert known == [Comparison("i", ">", 5)]


def test_too_deep_an_expression_is_unreadable():
    """An expression that is nested beyond Python's depth is left alone."""
    deep = i == 0
    for number in range(3_000):
        deep = deep | (i == number)
    assert isinstance(read(deep, SCHEMA), Unreadable)


def test_a_python_function_is_unreadable():
    """What has no JSON form at all is left alone."""
    condition = i.map_batches(lambda values: values > 5, return_dtype=pl.Boolean)
    assert isinstance(read(condition, SCHEMA), Unreadable)


_KEYS = st.sampled_from(
    ["BinaryExpr", "left", "op", "right", "Function", "input", "function", "Boolean", "Column"]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["i", "Eq", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=120, deadline=None)
@given(_JSON)
def test_no_form_raises(node):
    """Whatever a future polars writes, reading it says something and raises nothing."""
    assert _Reader(SCHEMA).predicate(node) is not None


def _paths(node, at=()):
    """Yield the places of all nodes of a JSON tree."""
    yield at
    if isinstance(node, dict | list):
        for key, inner in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _paths(inner, (*at, key))


@pytest.mark.parametrize("name", ["is_between", "is_in", "starts_with", "aware datetime", "or"])
def test_a_form_that_lost_a_part_is_still_no_error(name):
    """Each node of a known form may be missing or be something else: nothing raises."""
    tree = json.loads(handed_over(KNOWN[name][0], SCHEMA).meta.serialize(format="json"))
    for path in [each for each in _paths(tree) if each][:60]:
        for other in ("something new", None, {}):
            changed = json.loads(json.dumps(tree))
            inner = changed
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = other
            assert _Reader(SCHEMA).predicate(changed) is not None


ALL = result_schema(list(COLUMNS), [kind for kind, _ in COLUMNS.values()], Typing())
DRAWN = predicates()
CASES = DRAWN.flatmap(lambda drawn: st.tuples(st.just(drawn), rows(columns_of(drawn))))


@settings(max_examples=120, deadline=None)
@given(CASES)
def test_what_is_read_means_what_polars_does(case):
    """A predicate that was read is, row by row, what polars makes of the expression."""
    predicate, drawn = case
    arrow = pa.schema([ALL.field(name) for name in drawn[0]])
    frame = pl.DataFrame(drawn, schema=to_polars(arrow.empty_table()).schema)
    condition = expression(predicate)
    try:
        over = handed_over(condition, frame.schema)
    except pl.exceptions.InvalidOperationError:  # versions around 1.40 refuse decimals in is_in
        over = None
    found = Unreadable("") if over is None else read(over, frame.schema)
    if _is_read(found):
        truth = frame.select(condition.alias("truth"))["truth"].to_list()
        assert [holds(found, row) for row in drawn] == truth


def _is_read(predicate):
    """Tell whether all of a predicate was read."""
    match predicate:
        case And(parts) | Or(parts):
            return all(map(_is_read, parts))
        case Not(part):
            return _is_read(part)
    return not isinstance(predicate, Unreadable)


def _hinted(*, beside):
    """Return an expression as polars 1.39 to 1.43 hand it over for a `head` of sorted rows."""
    hint = {"Display": {"inputs": [{"Column": "i"}], "fmt_str": "dynamic_pred: 0b0f"}}
    known = json.loads((i > 5).meta.serialize(format="json"))
    tree = {"BinaryExpr": {"left": known, "op": "And", "right": hint}} if beside else hint
    return pl.Expr.deserialize(io.BytesIO(json.dumps(tree).encode()), format="json")


@pytest.mark.skipif(POLARS < (1, 39), reason="polars before 1.39 knows no such hints")
def test_hints_of_polars_to_itself_are_left_out():
    """A condition that polars only displays is not evaluated; the others are."""
    frame = pl.DataFrame({"i": [4, 6]})
    assert frame.filter(evaluable(_hinted(beside=True)))["i"].to_list() == [6]
    assert evaluable(_hinted(beside=False)) is None
    plain = i > 5
    assert evaluable(plain) is plain
