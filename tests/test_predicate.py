"""The algebra of predicates, and what Dune's filters say of it: exact under three-valued logic."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from predicates import COLUMNS, NAN, both, columns_of, holds, predicates, rows, says_not, words
from sqlglot import exp

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
    without_not,
)
from dune_frames._predicate.filters import LONGEST, split
from dune_frames._types.schema import Typing, result_schema

#: Dune knows nothing of this column: a predicate of its values stands for all that is unreadable.
SECRET = "flag"
DRAWN = predicates(st.just(Unreadable(SECRET)))
CASES = DRAWN.flatmap(lambda drawn: st.tuples(st.just(drawn), rows(columns_of(drawn))))


def _schema(names):
    return result_schema(names, [COLUMNS[name][0] for name in names], Typing())


SCHEMA = _schema(list(COLUMNS))


@settings(max_examples=120, deadline=None)
@given(CASES)
def test_pushing_negations_inwards_changes_nothing(case):
    """`without_not` is exact for true, false and unknown, and leaves a negation only before such
    leaves that have no complement.
    """
    predicate, drawn = case
    plain = without_not(predicate)
    assert [holds(plain, row) for row in drawn] == [holds(predicate, row) for row in drawn]
    assert _negated(plain) <= {HasText, IsNotNaN, Unreadable}


def _negated(predicate):
    match predicate:
        case And(parts) | Or(parts):
            return {kind for part in parts for kind in _negated(part)}
        case Not(part):
            return {type(part)}
    return set()


@pytest.fixture(scope="module")
def database():
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def _table(drawn):
    """Return rows as DuckDB takes them: bytes as bytes."""
    columns = {}
    for field in _schema(list(drawn[0])):
        values = [row[field.name] for row in drawn]
        if field.name == "hash":
            values = [each and bytes.fromhex(each[2:]) for each in values]
        columns[field.name] = pa.array(values, pa.binary() if field.name == "hash" else field.type)
    return pa.table(columns)


def _tree(filters):
    return sqlglot.parse_one(filters, read="dune", into=exp.Condition)


def _nan_as_in_trino(node):
    """Make a comparison of NaN false, and `!=` true: DuckDB itself holds NaN for the largest."""
    if isinstance(node, exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE | exp.In):
        column = node.this.sql("duckdb")
        if COLUMNS[node.this.name][0] in ("double", "real"):
            other = "TRUE" if isinstance(node, exp.NEQ) else "FALSE"
            text = f"(CASE WHEN isnan({column}) THEN {other} ELSE {node.sql('duckdb')} END)"
            return sqlglot.parse_one(text, read="duckdb")
    return node


def _on_server(database, filters, drawn, nan="largest"):
    """Evaluate filters row by row with DuckDB."""
    if filters is None:
        return [True] * len(drawn)
    tree = _tree(filters) if nan == "largest" else _tree(filters).transform(_nan_as_in_trino)
    database.register("t", _table(drawn))
    found = database.execute(f"SELECT {tree.sql('duckdb')} FROM t").fetchall()
    return [each for (each,) in found]


@pytest.mark.parametrize("nan", ["largest", "unequal"])
@settings(max_examples=150, deadline=None)
@given(case=CASES)
def test_filters_and_residual_together_are_the_predicate(database, nan, case):
    """What DuckDB makes of the filters AND what remains is the predicate, unknown included, whether
    the server holds NaN for the largest number or for none.
    """
    predicate, drawn = case
    said = split(predicate, SCHEMA)
    there = _on_server(database, said.filters, drawn, nan)
    here = [True if said.residual is None else holds(said.residual, row) for row in drawn]
    expected = [holds(predicate, row) for row in drawn]
    assert [both(*pair) for pair in zip(there, here, strict=True)] == expected


@settings(max_examples=150, deadline=None)
@given(case=CASES)
def test_the_documented_part_is_weaker(database, case):
    """What is said in documented words alone drops no row that all of it keeps."""
    predicate, drawn = case
    said = split(predicate, SCHEMA)
    strict = _on_server(database, said.filters, drawn)
    weak = _on_server(database, said.documented, drawn)
    assert all(kept for kept, wanted in zip(weak, strict, strict=True) if wanted)
    assert not {"LIKE", "NULL"} & set(words(said.documented))


@settings(max_examples=150, deadline=None)
@given(DRAWN)
def test_no_not_is_ever_said(predicate):
    """Dune refuses NOT: it stands in IS NOT NULL only."""
    assert not says_not(split(predicate, SCHEMA).filters)


@settings(max_examples=120, deadline=None)
@given(name=st.text(min_size=1), value=st.text())
def test_names_and_texts_cannot_break_out(name, value):
    """Whatever stands in a name or a text, the filter is one comparison of that name with it."""
    schema = result_schema([name], ["varchar"], Typing())
    filters = split(Comparison(name, "=", value), schema).filters
    if "\0" in value:
        assert filters is None
    else:
        tree = _tree(filters)
        assert isinstance(tree, exp.EQ)
        assert (tree.this.name, tree.expression.this) == (name, value)


def _said(kind, predicate):
    return split(predicate, result_schema(["c"], [kind], Typing())).filters


NEW_YEAR = datetime(2024, 1, 1)
MICROS = datetime(2024, 1, 1, 0, 0, 0, 1234)


@pytest.mark.parametrize(
    ("kind", "operator", "value", "said"),
    [
        ("bigint", ">", 5, "5"),
        ("bigint", "<=", -5, "-5"),
        ("bigint", "=", 2.0, "2"),
        ("bigint", "=", 2.5, None),
        ("bigint", ">", 2.0**53, None),
        ("bigint", "<", 2**64, None),
        ("bigint", "=", True, None),
        ("double", "<", 0.1, "0.1"),
        ("double", "<", 1e-7, "0.0000001"),
        ("double", "=", -0.0, "0.0"),
        ("double", "!=", 1e16, "10000000000000000"),
        ("double", ">", 0.1, None),
        ("double", "=", NAN, None),
        ("double", "<=", float("inf"), None),
        ("double", "<", 5e-324, None),
        ("real", "<", 0.5, "0.5"),
        ("real", "<", 0.1, None),
        ("real", "<", 1e300, None),
        ("decimal(10, 3)", ">", Decimal("1.5"), "1.5"),
        ("decimal(10, 3)", ">", 7, "7"),
        ("decimal(10, 3)", ">", Decimal("1.5555"), None),
        ("decimal(10, 3)", "<", Decimal("1e10"), None),
        ("decimal(10, 3)", "<", 1.5, None),
        ("varchar", "=", "it's", "'it''s'"),
        ("varchar(5)", ">", "", "''"),
        ("varchar", "=", 5, None),
        ("char(5)", "=", "a", None),
        ("varbinary", "=", "0x00ff", "0x00ff"),
        ("varbinary", "!=", b"\x00\xff", "0x00ff"),
        ("varbinary", "=", "0x00FF", None),
        ("varbinary", "=", "0xf", None),
        ("varbinary", "=", "0x", None),
        ("varbinary", "<", "0xff", None),
        ("date", ">=", date(2024, 2, 29), "'2024-02-29'"),
        ("date", "<", NEW_YEAR, "'2024-01-01'"),
        ("date", "=", MICROS, None),
        ("timestamp(3)", ">", NEW_YEAR, "'2024-01-01 00:00:00'"),
        ("timestamp(6)", ">=", MICROS, "'2024-01-01 00:00:00.001234'"),
        ("timestamp(9)", "<", MICROS, "'2024-01-01 00:00:00.001234'"),
        ("timestamp(3)", "=", MICROS, None),
        ("timestamp", "<", datetime(2024, 1, 1, 5, 0, 0, 1000), "'2024-01-01 05:00:00.001'"),
        ("timestamp", "<", MICROS, None),
        ("timestamp", "<", datetime(2024, 1, 1, tzinfo=UTC), None),
        ("timestamp(3) with time zone", "<", NEW_YEAR, None),
        ("timestamp(3) with time zone", "<", NEW_YEAR.replace(tzinfo=UTC), "'2024-01-01 00:00:00'"),
        ("uint256", "=", "5", None),
        ("uint256", ">", 5, None),
        ("boolean", "=", True, None),
        ("json", "=", "{}", None),
        ("uuid", "=", "00000000-0000-0000-0000-000000000000", None),
        ("array(bigint)", "=", 5, None),
        ("something new", "=", "a", None),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_types_decide_what_is_said(kind, operator, value, said):
    """A comparison is said where both sides mean the same by it, and only there."""
    expected = None if said is None else f'"c" {operator} {said}'
    assert _said(kind, Comparison("c", operator, value)) == expected


@pytest.mark.parametrize(
    ("kind", "value", "below"),
    [
        ("bigint", 2.5, "2"),
        ("bigint", -2.5, "-3"),
        ("date", datetime(2024, 2, 29, 5), "'2024-02-29'"),
        ("timestamp(3)", MICROS, "'2024-01-01 00:00:00.001'"),
        ("timestamp(0)", MICROS, "'2024-01-01 00:00:00'"),
    ],
)
def test_a_value_between_two_of_a_column_is_rounded_with_its_operator(kind, value, below):
    """No value of the column lies between the one that is said and the one that was meant."""
    for meant, said in {"<": "<=", "<=": "<=", ">": ">", ">=": ">"}.items():
        assert _said(kind, Comparison("c", meant, value)) == f'"c" {said} {below}'


ABOVE, BELOW = Comparison("c", ">", 5.0), Comparison("c", "<", 9.0)


@pytest.mark.parametrize(
    ("kind", "predicate", "said"),
    [
        ("bigint", In("c", (1, 2)), '"c" IN (1, 2)'),
        ("bigint", In("c", (1, 2.5)), None),
        ("bigint", In("c", ()), None),
        ("bigint", Not(In("c", (1, 2))), '"c" != 1 AND "c" != 2'),
        ("bigint", IsNull("c"), '"c" IS NULL'),
        ("bigint", Not(IsNull("c")), '"c" IS NOT NULL'),
        ("array(bigint)", IsNull("c"), '"c" IS NULL'),
        ("double", IsNull("c"), None),
        ("double", IsNotNull("c"), '"c" IS NOT NULL'),
        ("json", IsNull("c"), None),
        ("varchar", HasText("c", "start", "a"), "\"c\" LIKE 'a%'"),
        ("varchar", HasText("c", "end", "'"), "\"c\" LIKE '%'''"),
        ("varchar", HasText("c", "anywhere", ""), "\"c\" LIKE '%%'"),
        ("varchar", HasText("c", "start", "a_b"), None),
        ("varchar", HasText("c", "end", "100%"), None),
        ("varchar", HasText("c", "anywhere", "a\\b"), None),
        ("varchar", Not(HasText("c", "start", "a")), None),
        ("varbinary", HasText("c", "start", "0xab"), None),
        ("double", And((ABOVE, IsNotNaN("c"))), '"c" > 5.0'),
        ("double", And((ABOVE, BELOW)), '"c" < 9.0 AND "c" > 5.0'),
        ("double", And((ABOVE, Comparison("c", "!=", 9.0))), '"c" != 9.0'),
        ("double", And((ABOVE, Comparison("c", "<=", NAN))), None),
        (
            "double",
            Or((IsNotNull("c"), And((ABOVE, BELOW)))),
            '("c" IS NOT NULL OR ("c" > 5.0 AND "c" < 9.0))',
        ),
        ("bigint", Or((Comparison("c", ">", 5), Unreadable("x"))), None),
        ("bigint", And((Comparison("c", ">", 5), Unreadable("x"))), '"c" > 5'),
        ("bigint", Not(Or((Comparison("c", ">", 5), Unreadable("x")))), '"c" <= 5'),
        ("bigint", Comparison("another", ">", 5), None),
    ],
)
def test_predicates_are_said(kind, predicate, said):
    """Conjunctions are parted, alternatives are all or nothing, and NaN is kept out of `>`."""
    assert _said(kind, predicate) == said


def test_nothing_is_said_of_an_overridden_or_untold_column():
    """Where a column has another type here than on Dune, Dune's comparisons are not ours."""
    predicate = Comparison("c", "=", "1")
    overridden = result_schema(["c"], ["varchar"], Typing(overrides={"c": pa.int64()}))
    assert split(predicate, overridden).filters is None
    with pytest.warns(UserWarning, match="not told"):
        untold = result_schema(["c"], None, Typing())
    assert split(predicate, untold).filters is None


def test_an_address_stays_short():
    """What would make the address too long stays here; what fits before and after it is said."""
    many = In("c", tuple(range(10_000)))
    around = (Comparison("c", ">", 5), many, Comparison("c", "<", 9))
    said = split(And(around), result_schema(["c"], ["bigint"], Typing()))
    assert said.filters == '"c" < 9 AND "c" > 5'
    assert said.residual == many
    assert len(said.filters) < LONGEST


def test_the_order_of_conditions_does_not_matter():
    """The same conditions are the same filter, in whichever order they come."""
    there, back = (And(parts) for parts in ((ABOVE, BELOW, IsNotNull("c")),) * 2)
    back = And(back.parts[::-1])
    assert _said("double", there) == _said("double", back)


def test_conjunctions_are_flat():
    """The conjuncts of nested conjunctions are their leaves, in order."""
    parts = [Unreadable(each) for each in "abc"]
    assert conjuncts(And((parts[0], And((parts[1], And((parts[2],))))))) == tuple(parts)


@pytest.mark.parametrize(
    ("predicate", "text"),
    [
        (Comparison("x", ">", 2.5), "x > 2.5"),
        (Comparison("x", "=", "a 'b'"), "x = \"a 'b'\""),
        (Comparison("at", "<", datetime(2026, 1, 5, 7)), "at < 2026-01-05 07:00:00"),
        (In("x", (1, 2)), "x IN (1, 2)"),
        (HasText("s", "start", "0x"), "s starts with '0x'"),
        (Not(IsNotNaN("x")), "NOT (x IS NOT NaN)"),
        (
            And((IsNull("x"), Or((IsNotNull("y"), Unreadable("?"))))),
            "x IS NULL AND (y IS NOT NULL OR ?)",
        ),
    ],
)
def test_a_predicate_reads_well_in_a_log(predicate, text):
    """Its text says what it asks for, in the words of SQL, with brackets where they are needed."""
    assert str(predicate) == text
