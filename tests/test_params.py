"""Parameters: values as Dune takes them, and placeholders bound as literals."""

from __future__ import annotations

import enum
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import sqlglot
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from dune_frames._ask.binding import bind
from dune_frames._ask.literals import literal
from dune_frames._ask.params import encode
from dune_frames.errors import InvalidRequestError

PLUS_TWO = timezone(timedelta(hours=2))


class Chain(str, enum.Enum):  # noqa: UP042 - as many people still write them
    """As enums of text are often written."""

    ETHEREUM = "ethereum"


class Level(enum.Enum):
    """An enum of numbers."""

    HIGH = 3


ENCODED = [
    ("it's", "it's"), ("", ""), ("7", "7"), (7, "7"), (-7, "-7"), (2**200, str(2**200)),
    (True, "true"), (False, "false"), (Chain.ETHEREUM, "ethereum"), (Level.HIGH, "3"),
    (0.1, "0.1"), (1e22, "10000000000000000000000"), (1e-7, "0.0000001"), (-2.5, "-2.5"),
    (100.0, "100.0"), (5e-324, "0." + "0" * 323 + "5"),
    (Decimal("1.50"), "1.50"), (Decimal("1E+3"), "1000"), (Decimal("1E-9"), "0.000000001"),
    (np.int64(7), "7"), (np.uint8(7), "7"), (np.float64(0.1), "0.1"), (np.float32(0.5), "0.5"),
    (np.bool_(True), "true"), (np.str_("a"), "a"),
    (date(2024, 2, 29), "2024-02-29 00:00:00"),
    (datetime(2024, 2, 29, 1, 2, 3), "2024-02-29 01:02:03"),
    (datetime(2024, 2, 29, 1, 2, 3, 450000), "2024-02-29 01:02:03.450"),
    (datetime(2024, 2, 29, 1, 2, 3, 7), "2024-02-29 01:02:03.000007"),
    (datetime(2024, 2, 29, 1, 2, 3, tzinfo=PLUS_TWO), "2024-02-28 23:02:03"),
    (datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC), "2024-02-29 01:02:03"),
    (pd.Timestamp("2024-02-29 01:02:03", tz="Asia/Tokyo"), "2024-02-28 16:02:03"),
    (pd.Timestamp("2024-02-29 01:02:03.000000004"), "2024-02-29 01:02:03.000000004"),
    (np.datetime64("2024-02-29"), "2024-02-29 00:00:00"),
    (np.datetime64("2024-02-29T01:02:03.000000004"), "2024-02-29 01:02:03.000000004"),
    (b"\xc0\xff\xee", "0xc0ffee"), (b"", "0x"), (bytearray(b"\0"), "0x00"),
    (["a", 1, True], ["a", "1", "true"]), ((1.5,), ["1.5"]), ([Chain.ETHEREUM], ["ethereum"]),
]  # fmt: skip


@pytest.mark.parametrize(("value", "sent"), ENCODED, ids=lambda each: repr(each)[:40])
def test_values_as_dune_takes_them(value: Any, sent: Any) -> None:
    """Each kind of value is written exactly, without an exponent, aware times in UTC."""
    found = encode({"x": value})
    assert found == {"x": sent}
    assert all(type(each) is str for each in found["x"]) or type(found["x"]) is str


REFUSED = [
    float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity"), pd.NaT, pd.NA, {"a": 1},
    {1, 2}, Ellipsis, timedelta(1), time(1), 1j, np.datetime64("NaT"), np.array([1, 2]),
    [[1]], [None], [], (), datetime.min.replace(tzinfo=PLUS_TWO),
]  # fmt: skip


@pytest.mark.parametrize("value", REFUSED, ids=lambda each: repr(each)[:40])
def test_values_that_dune_cannot_take(value: Any) -> None:
    """What has no form is refused by name, before anything is sent."""
    with pytest.raises(InvalidRequestError, match="parameter 'x'"):
        encode({"x": value})


def test_none_is_refused_with_a_reason() -> None:
    """None could mean a default or NULL: the message says how to get the default."""
    with pytest.raises(InvalidRequestError, match="Dune then takes its default"):
        encode({"x": None})


@pytest.mark.parametrize("params", ["a=1", 5, [("a", 1)], [{"a": 1}], {1: "x"}, {"": 1}, {None: 1}])
def test_what_is_no_set_of_parameters(params: Any) -> None:
    """Pairs, texts and names that are none are refused, for saved queries and for SQL alike."""
    with pytest.raises(InvalidRequestError, match="parameter"):
        encode(params)
    with pytest.raises(InvalidRequestError, match="parameter"):
        bind("SELECT {{a}}", params)


def test_no_parameters() -> None:
    """None and an empty mapping are no parameters."""
    assert encode(None) == encode({}) == {}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_written_exactly(number: float) -> None:
    """A float's text has no exponent and is read as the same float."""
    text = encode({"x": number})["x"]
    assert "e" not in text
    assert float(text) == number


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None))
def test_decimals_are_written_exactly(number: Decimal) -> None:
    """A Decimal's text has no exponent and is read as the same number."""
    assume(abs(number.adjusted()) < 1000)
    text = encode({"x": number})["x"]
    assert "E" not in text
    assert Decimal(text) == number


@given(st.datetimes(timezones=st.timezones() | st.just(PLUS_TWO)))
def test_aware_times_are_the_same_instant(moment: datetime) -> None:
    """An aware time's text is the wall clock of that instant in UTC."""
    assume(moment.fold == 0)
    try:
        instant = moment.astimezone(UTC)
    except OverflowError:
        with pytest.raises(InvalidRequestError):
            encode({"x": moment})
        return
    assert datetime.fromisoformat(encode({"x": moment})["x"]).replace(tzinfo=UTC) == instant


# Literals

DATABASE = duckdb.connect()
TEXT = st.text() | st.text("'\"-{}/*\\;\n\r\0u&U%ab ", max_size=20)


def value_of(sql: str, dialect: str) -> Any:
    """Return what a parser takes a literal for."""
    parsed = sqlglot.parse(f"SELECT {sql} AS x", dialect=dialect)
    assert len(parsed) == 1
    (selected,) = parsed[0].expressions
    assert parsed[0].args.keys() >= {"expressions"}
    return selected.this


@settings(max_examples=400)
@given(TEXT, st.sampled_from(["trino", "presto"]))
def test_no_text_breaks_out(text: str, dialect: str) -> None:
    """Any text is one string literal with that very text."""
    found = value_of(literal("x", text), dialect)
    assert isinstance(found, exp.Literal)
    assert found.is_string
    assert found.this == text


@settings(max_examples=200)
@given(TEXT.filter(lambda text: "\0" not in text))
def test_a_database_reads_the_text(text: str) -> None:
    """A database that reads SQL strings as Trino does gives the text back."""
    assert DATABASE.execute(bind("SELECT {{x}} AS x", {"x": text})).fetchone() == (text,)


@settings(max_examples=200)
@given(st.lists(TEXT.filter(lambda text: "\0" not in text), min_size=1, max_size=4))
def test_texts_side_by_side(texts: list[str]) -> None:
    """Placeholders that touch each other, or text, keep their values apart."""
    names = [f"p{place}" for place in range(len(texts))]
    values = dict(zip(names, texts, strict=True))
    sql = "SELECT [" + ",".join(f"{{{{{name}}}}}" for name in names) + "] AS x, 'a{{p0}}b' AS y"
    assert DATABASE.execute(bind(sql, values)).fetchone() == (texts, f"a{texts[0]}b")
    tokens = sqlglot.tokenize(bind("".join(f"{{{{{n}}}}}" for n in names), values), dialect="trino")
    assert [token.text for token in tokens] == texts


@given(st.integers(-(2**255), 2**256 - 1))
def test_any_integer(number: int) -> None:
    """An integer is plain digits, or a cast to a type that holds it."""
    found = value_of(literal("x", number), "trino")
    if -(2**63) < number < 2**63:
        assert int(found.sql().strip("()")) == number
        assert DATABASE.execute(f"SELECT {literal('x', number)}").fetchone() == (number,)
    else:
        assert int(found.this.this) == number
        assert found.to.sql().upper() == ("UINT256" if number > 0 else "INT256")


@given(st.integers(-50, 50), st.sampled_from(["-", "+", "*", "- ", "-  -"]))
def test_negative_numbers_behind_operators(number: int, operator: str) -> None:
    """A negative number behind a minus does not begin a comment."""
    sql = bind(f"SELECT 1{operator}{{{{x}}}} AS x", {"x": number})
    found = DATABASE.execute(sql).fetchone()
    assert found == (eval(f"1{operator}({number})"),)  # noqa: S307 - of our own making


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_float(number: float) -> None:
    """A float is a DOUBLE with the same bits."""
    (found,) = DATABASE.execute(f"SELECT {literal('x', number)}").fetchone()
    assert (found, math.copysign(1, found)) == (number, math.copysign(1, number))


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**19), max_value=10**19, places=9
    )
)
def test_any_decimal(number: Decimal) -> None:
    """A Decimal is a DECIMAL of the same number."""
    found = value_of(literal("x", number), "trino")
    assert found.to.this == exp.DataType.Type.DECIMAL
    assert Decimal(found.this.this) == number


@given(st.datetimes(timezones=st.none() | st.just(UTC) | st.just(PLUS_TWO)))
def test_any_datetime(moment: datetime) -> None:
    """A datetime is a TIMESTAMP: of its wall clock, or of its instant in UTC."""
    try:
        utc = moment.astimezone(UTC) if moment.tzinfo else moment
    except OverflowError:
        return
    text = literal("x", moment)
    assert text.startswith("TIMESTAMP '")
    assert text.endswith(" UTC'") == (moment.tzinfo is not None)
    wall = text.removeprefix("TIMESTAMP '").removesuffix("'").removesuffix(" UTC")
    assert datetime.fromisoformat(wall) == utc.replace(tzinfo=None)
    (found,) = DATABASE.execute(f"SELECT TIMESTAMP '{wall}'").fetchone()
    assert found == utc.replace(tzinfo=None)


@given(st.dates())
def test_any_date(day: date) -> None:
    """A date is a DATE of that day."""
    assert DATABASE.execute(f"SELECT {literal('x', day)}").fetchone() == (day,)


@given(st.binary(min_size=1, max_size=20))
def test_any_bytes(value: bytes) -> None:
    """Bytes are Dune's `0x` literal, in whole bytes."""
    assert literal("x", value) == f"0x{value.hex()}"


@pytest.mark.parametrize(
    ("value", "sql"),
    [
        (None, "NULL"), (True, "TRUE"), (np.bool_(False), "FALSE"), (b"", "X''"),
        (float("nan"), "DOUBLE 'NaN'"), (-math.inf, "DOUBLE '-Infinity'"),
        ([1, None, "a"], "1, NULL, 'a'"), (Chain.ETHEREUM, "'ethereum'"), (Level.HIGH, "3"),
        (np.int64(-5), "(-5)"), (np.float64(1.5), "DOUBLE '1.5'"),
        (-(2**63), f"CAST('{-(2**63)}' AS INT256)"), (2**63 - 1, str(2**63 - 1)),
        (pd.Timestamp("2024-02-29 01:02:03.000000004"), "TIMESTAMP '2024-02-29 01:02:03.000000004'"),
        (pd.Timestamp("2024-02-29", tz="Asia/Tokyo"), "TIMESTAMP '2024-02-28 15:00:00.000 UTC'"),
    ],
)  # fmt: skip
def test_other_literals(value: Any, sql: str) -> None:
    """The literal of each remaining kind."""
    assert literal("x", value) == sql


@pytest.mark.parametrize(
    "value",
    [
        2**256, -(2**255) - 1, Decimal(10) ** 38, Decimal("1e-39"), Decimal("NaN"), [], [[1]],
        {"a": 1}, Ellipsis, timedelta(1), time(1), pd.NaT, pd.NA, np.datetime64("NaT"),
    ],
    ids=repr,
)  # fmt: skip
def test_what_has_no_literal(value: Any) -> None:
    """What Trino has no literal for is refused by name."""
    with pytest.raises(InvalidRequestError, match="parameter 'x'"):
        literal("x", value)


# Binding


@pytest.mark.parametrize(
    ("sql", "bound"),
    [
        ("SELECT {{x}}", "SELECT 'v''w'"),
        ("SELECT {{ x }},{{x}}", "SELECT 'v''w','v''w'"),
        ("SELECT '{{x}}'", "SELECT 'v''w'"),
        ("SELECT 'it''s {{x}}: {{x}}'", "SELECT 'it''s v''w: v''w'"),
        ("SELECT a{{x}}b", "SELECT a 'v''w' b"),
        ("SELECT 'a'{{x}}'b'", "SELECT 'a' 'v''w' 'b'"),
        ('SELECT "{{x}}", {{x}}', "SELECT \"{{x}}\", 'v''w'"),
        ("SELECT {{x}} -- not {{x}}, it's\n", "SELECT 'v''w' -- not {{x}}, it's\n"),
        ("SELECT 1 -- it's\rSELECT {{x}}", "SELECT 1 -- it's\rSELECT 'v''w'"),
        ("SELECT /* it's {{y}} \" */ {{x}}", "SELECT /* it's {{y}} \" */ 'v''w'"),
        ("SELECT '--', {{x}}, '/*'", "SELECT '--', 'v''w', '/*'"),
        ("SELECT u&'\\0041', {{x}}", "SELECT u&'\\0041', 'v''w'"),
        ("SELECT '{ {x} }', {{x}}", "SELECT '{ {x} }', 'v''w'"),
    ],
)
def test_where_placeholders_stand(sql: str, bound: str) -> None:
    """Alone a placeholder is a literal, in a text the plain text; comments and names are left."""
    assert bind(sql, {"x": "v'w"}) == bound


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"), (0.1, "0.1"), (True, "true"), (b"\xab", "0xab"), (date(2024, 1, 2), "2024-01-02 00:00:00"),
        (Chain.ETHEREUM, "ethereum"), ("{{y}}", "{{y}}"), ("--", "--"), ("';--", "'';--"),
    ],
)  # fmt: skip
def test_plain_texts_inside_text(value: Any, text: str) -> None:
    """Inside quotes stands the text that a saved query would get, quotes doubled."""
    assert bind("SELECT '<{{x}}>'", {"x": value}) == f"SELECT '<{text}>'"


@settings(max_examples=300)
@given(TEXT, TEXT)
def test_values_are_never_read_as_sql(first: str, second: str) -> None:
    """Whatever the values, the statement keeps its shape, and values are not bound again."""
    sql = bind(
        "SELECT {{a}} AS a, '{{b}}' AS b FROM t WHERE c = {{a}} -- {{a}}", {"a": first, "b": second}
    )
    statements = sqlglot.parse(sql, dialect="trino")
    assert len(statements) == 1
    assert [each.alias for each in statements[0].expressions] == ["a", "b"]
    assert [each.this.this for each in statements[0].expressions] == [first, second]
    assert statements[0].args["where"].this.expression.this == first


@pytest.mark.parametrize(
    ("sql", "params", "told"),
    [
        ("SELECT {{x}}", None, "no value for {{x}}"),
        ("SELECT {{x}}", {}, "no value for {{x}}"),
        ("SELECT '{{x}}'", {}, "no value for {{x}}"),
        ("SELECT {{x}}", {"x": 1, "y": 2}, "no placeholder {{y}}"),
        ("SELECT 1 -- {{x}}", {"x": 1}, "no placeholder {{x}}"),
        ('SELECT "{{x}}"', {"x": 1}, "no placeholder {{x}}"),
        ("SELECT {{x}} {{z}}", {"y": 1}, "no value for {{x}}; no value for {{z}}; no placeholder {{y}}"),
    ],
)  # fmt: skip
def test_names_must_match(sql: str, params: dict[str, Any] | None, told: str) -> None:
    """A placeholder without a value, or a value without a placeholder, is refused by name."""
    with pytest.raises(InvalidRequestError) as caught:
        bind(sql, params)
    assert told in str(caught.value)
    assert "Nothing was sent" in str(caught.value)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'open {{x}}", "SELECT {{x}}, 'it's'", 'SELECT {{x}} AS "open', "SELECT {{x}} /* open",
        "SELECT U&'{{x}}'", "SELECT u&'a{{x}}' UESCAPE '!'", "SELECT 'a''{{x}}",
    ],
)  # fmt: skip
def test_sql_in_which_no_value_is_safe(sql: str) -> None:
    """In SQL with an open quote or comment, or where a backslash means more, nothing is bound."""
    with pytest.raises(InvalidRequestError, match="no value can be put safely"):
        bind(sql, {"x": "; DROP TABLE t; --"})


@pytest.mark.parametrize("value", [None, [1, 2], float("nan"), Ellipsis])
def test_what_has_no_text_cannot_stand_in_text(value: Any) -> None:
    """Inside quotes only a value with a plain text can stand."""
    with pytest.raises(InvalidRequestError, match="parameter 'x'"):
        bind("SELECT '{{x}}'", {"x": value})


@given(st.text("SELECT '\"-/*{}x\n", max_size=30))
def test_sql_without_parameters_is_left_alone(sql: str) -> None:
    """Without params the SQL is sent as it is, or refused for its placeholders."""
    try:
        assert bind(sql, None) == sql
    except InvalidRequestError as problem:
        assert "no value for" in str(problem)


def test_lists_for_in() -> None:
    """A list is what stands in the parentheses of IN."""
    sql = bind(
        "SELECT x FROM (VALUES ('a'), ('b''c'), ('d')) t(x) WHERE x IN ({{xs}})",
        {"xs": ["a", "b'c"]},
    )
    assert sorted(DATABASE.execute(sql).fetchall()) == [("a",), ("b'c",)]
