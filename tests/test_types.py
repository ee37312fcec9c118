"""The parser of Dune's type texts and the table from them to Arrow."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from type_table import TABLE, Row
from wire_kinds import KINDS, Kind

from dune_frames._types.table import (
    DuneType,
    Field,
    TypeOptions,
    arrow_type,
    is_listed,
    parse_type,
    unlisted,
)


def to_arrow(text: str, **options: str) -> pa.DataType:
    return arrow_type(parse_type(text), TypeOptions(**options))


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_each_row_of_the_table(row: Row) -> None:
    """A Dune type becomes the Arrow type of the table."""
    assert to_arrow(row.told, **row.options) == row.arrow


@given(KINDS)
def test_any_type_at_any_depth(kind: Kind) -> None:
    """Types nest to any depth, with field names that need quotes, and each part is typed alike."""
    assert to_arrow(kind.text) == kind.arrow


@given(KINDS)
def test_parse_and_render_are_inverse(kind: Kind) -> None:
    """`str` gives back a text that is read as the same type."""
    parsed = parse_type(kind.text)
    assert parse_type(str(parsed)) == parsed


@given(KINDS.filter(lambda kind: "row" not in kind.text), st.data())
def test_case_and_spaces_do_not_matter(kind: Kind, data: st.DataObject) -> None:
    """A text may come in any case and with any white space between its words."""
    space = st.sampled_from([" ", "  ", "\n "])
    text = "".join(data.draw(space) if each == " " else each for each in kind.text)
    loose = text.replace("(", data.draw(st.sampled_from(["(", "( ", " ("])))
    assert to_arrow(f" {loose.upper()} ") == kind.arrow


@given(st.text(max_size=40) | st.text('arowmp(), "bigint', max_size=40))
def test_no_text_is_an_error(text: str) -> None:
    """Any text is some type, and what is not listed is a string."""
    dune = parse_type(text)
    assert is_listed(dune) or arrow_type(dune, TypeOptions()) == pa.string()


@pytest.mark.parametrize(
    "text",
    [
        "hyperloglog", "time(3) with time zone", "decimal(39, 2)", "decimal(3, 4)", "decimal(0, 0)",
        "array", "array()", "array(bigint, bigint)", "map(bigint)", "row()", "row", "(bigint)", "",
        "array(bigint", "bigint)", "decimal(a, b)",
    ],
)  # fmt: skip
def test_what_is_not_listed_is_a_string(text: str) -> None:
    """A type with a name or with arguments that the table does not know is kept as text."""
    assert not is_listed(parse_type(text))
    assert to_arrow(text) == pa.string()


def test_unlisted_types_are_found_inside() -> None:
    """An unlisted type inside a listed one is a string there, and is told."""
    text = "row(a bigint, b array(hyperloglog), c map(varchar, qdigest(bigint)))"
    names = [each.name for each in unlisted(parse_type(text))]
    assert names == ["hyperloglog", "qdigest(bigint)"]
    assert to_arrow(text).field("b").type == pa.list_(pa.string())


def test_a_row_that_names_a_field_twice_is_text() -> None:
    """Neither a JSON object nor a struct holds two fields of one name: such a row stays text."""
    assert to_arrow("row(a bigint, a varchar)") == pa.string()
    assert to_arrow("row(bigint, field0 varchar)") == pa.string()


def test_field_names_with_spaces_need_no_quotes() -> None:
    """Trino shows field names without quotes: the longest type behind the name is the type."""
    named = to_arrow("row(my first field bigint, at timestamp(3) with time zone, b varchar(5))")
    assert [field.name for field in named] == ["my first field", "at", "b"]
    assert named.field("at").type == pa.timestamp("us", "UTC")


def test_fields_without_names_are_called_after_their_place() -> None:
    """A row's field without a name is `field` and its place from 0, also beside named ones."""
    named = to_arrow("row(bigint, a varchar, interval day to second)")
    assert [field.name for field in named] == ["field0", "a", "field2"]


def test_depth_costs_no_more_than_length() -> None:
    """A type nested a hundred times is read as fast as one is written."""
    text = "row(" * 100 + "bigint" + ")" * 100
    assert str(parse_type(text)) == text


@pytest.mark.parametrize("told", ["uint256", "int256"])
@pytest.mark.parametrize("shape", ["{}", "array({})", "map(varchar, {})", "row(a {}, b array({}))"])
@pytest.mark.parametrize(
    ("choice", "leaf"),
    [
        ("exact", pa.string()),
        ("string", pa.string()),
        ("float64", pa.float64()),
        ("decimal", pa.decimal128(38, 0)),
    ],
)
def test_wide_integers_follow_the_option_at_any_depth(
    told: str, shape: str, choice: str, leaf: pa.DataType
) -> None:
    """`uint256=` decides the type of wide integers also inside nested types."""
    shapes = {
        "{}": leaf,
        "array({})": pa.list_(leaf),
        "map(varchar, {})": pa.map_(pa.string(), leaf),
        "row(a {}, b array({}))": pa.struct({"a": leaf, "b": pa.list_(leaf)}),
    }
    assert to_arrow(shape.format(told, told), uint256=choice) == shapes[shape]


@pytest.mark.parametrize(("choice", "leaf"), [("hex", pa.string()), ("bytes", pa.binary())])
def test_varbinary_follows_the_option_at_any_depth(choice: str, leaf: pa.DataType) -> None:
    """`varbinary=` decides the type of bytes also inside nested types."""
    found = to_arrow("array(row(a varbinary))", varbinary=choice)
    assert found == pa.list_(pa.struct({"a": leaf}))


def test_a_type_is_a_value() -> None:
    """Types compare and hash by what they are, so that schemas can be compared."""
    assert parse_type("array(bigint)") == DuneType(
        "array", children=(Field(None, DuneType("bigint")),)
    )
    assert len({parse_type("decimal(10, 3)"), parse_type("DECIMAL(10,3)")}) == 1
