"""The schema of a result: from names, type texts and options alone."""

from __future__ import annotations

import warnings
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from wire_kinds import Result, results

from dune_frames._types.schema import (
    DuneTypeWarning,
    Typing,
    dune_type,
    is_overridden,
    result_schema,
)
from dune_frames._types.table import TypeOptions
from dune_frames.errors import DecodeError, InvalidRequestError


@given(results())
def test_fields_are_the_columns_in_order(result: Result) -> None:
    """Field order is the order of `column_names`, types follow the table, Dune's text is kept."""
    schema = result_schema(result.names, result.types, Typing())
    assert schema.names == result.names
    assert schema.types == [kind.arrow for kind in result.kinds]
    again = result_schema(result.names, [str(dune_type(field)) for field in schema], Typing())
    assert again.equals(schema, check_metadata=True)


def test_without_types_all_is_text_and_one_warning_tells() -> None:
    """Results from before mid-2024 tell no types: every column is a string, with one warning."""
    with pytest.warns(DuneTypeWarning, match=r"a \(not told\), b \(not told\)") as caught:
        schema = result_schema(["a", "b"], None, Typing())
    assert schema.types == [pa.string()] * 2
    assert len(caught) == 1


def test_unlisted_types_warn_once_together() -> None:
    """All unlisted types of a result make one warning, which names columns and types."""
    types = ["bigint", "hyperloglog", "array(qdigest(bigint))"]
    with pytest.warns(DuneTypeWarning) as caught:
        result_schema(["a", "b", "c"], types, Typing())
    assert len(caught) == 1
    text = str(caught[0].message)
    assert "b (hyperloglog), c (array(qdigest(bigint)))" in text
    assert "schema_overrides" in text


def test_the_warning_points_at_the_caller() -> None:
    """The warning is shown at the line outside the package that caused it."""
    with pytest.warns(DuneTypeWarning) as caught:
        result_schema(["a"], None, Typing())
    assert Path(caught[0].filename) == Path(__file__)


def test_an_overridden_column_does_not_warn() -> None:
    """Who names a column's type is not warned that it was not known."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schema = result_schema(["a"], None, Typing(overrides={"a": pa.int64()}))
    assert schema.types == [pa.int64()]


def test_known_types_do_not_warn() -> None:
    """The `unknown` type of a bare NULL is listed: it is no news."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result_schema(["a", "b"], ["unknown", "row(a bigint)"], Typing())


def test_options_and_overrides_stay_apart() -> None:
    """Options type all columns of a kind; an override wins over them, for its column."""
    typing = Typing(TypeOptions("decimal", "bytes"), {"b": pa.decimal256(76, 0)})
    schema = result_schema(["a", "b", "c"], ["uint256", "uint256", "varbinary"], typing)
    assert schema.types == [pa.decimal128(38, 0), pa.decimal256(76, 0), pa.binary()]
    assert [is_overridden(field) for field in schema] == [False, True, False]


def test_an_override_must_name_a_column() -> None:
    """A misspelt column is an error that lists the columns there are."""
    with pytest.raises(InvalidRequestError, match="'amuont'") as caught:
        result_schema(["amount"], ["bigint"], Typing(overrides={"amuont": pa.int8()}))
    assert "'amount'" in str(caught.value)


@pytest.mark.parametrize(
    "to",
    [
        "int64", int, None, pa.field("a", pa.int64()),
        pa.list_view(pa.int64()), pa.string_view(), pa.struct([]), pa.list_(pa.binary_view()),
        pa.run_end_encoded(pa.int32(), pa.int64()), pa.dense_union([pa.field("a", pa.int64())]),
    ],
)  # fmt: skip
def test_an_override_must_be_a_type_that_text_can_become(to: object) -> None:
    """What is no Arrow type, or one that nothing can read, is refused when it is given."""
    with pytest.raises(InvalidRequestError, match="schema_overrides cannot make .* of column 'a'"):
        Typing(overrides={"a": to})


def test_columns_must_have_different_names() -> None:
    """A row of JSON holds one value a name: two columns of one name cannot be told apart."""
    with pytest.raises(DecodeError, match="several columns of the result are called 'a'"):
        result_schema(["a", "b", "a"], ["bigint"] * 3, Typing())


def test_names_and_types_must_be_as_many() -> None:
    """Metadata that contradicts itself is an error, not a shift of types."""
    with pytest.raises(DecodeError, match="2 column names and 1 column types"):
        result_schema(["a", "b"], ["bigint"], Typing())
