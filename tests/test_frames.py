"""Arrow to pandas and polars: dtypes from the schema alone, values unchanged."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from type_table import OWN, TABLE, WIDE, Row, Same
from wire_kinds import KINDS, NULL, Kind, Result, Value, nullable, plain, results

from dune_frames._decode.from_json import decode_json
from dune_frames._frame.frames import FrameOptions, to_frame
from dune_frames._frame.polars_frame import to_polars
from dune_frames._frame.python_values import python_values
from dune_frames._types.schema import Typing, dune_type, result_schema
from dune_frames._types.table import TypeOptions
from dune_frames.errors import InvalidRequestError

if TYPE_CHECKING:
    from dune_frames._frame.pandas_frame import DtypeBackend

BACKENDS: list[DtypeBackend] = [None, "numpy_nullable", "pyarrow"]
pytestmark = pytest.mark.filterwarnings("ignore::dune_frames._types.schema.DuneTypeWarning")


def to_pandas(table: pa.Table, options: FrameOptions) -> pd.DataFrame:
    """Return the pandas frame of a table that comes in two parts."""
    half = len(table) // 2
    return to_frame([table[:half], table[half:]], table.schema, options)


def table_of(told: str, *values: str, to: pa.DataType | None = None, **options: Any) -> pa.Table:
    overrides = {} if to is None else {"c": to}
    schema = result_schema(["c"], [told], Typing(TypeOptions(**options), overrides))
    rows = ",".join(f'{{"c":{value}}}' for value in values)
    return decode_json(f"[{rows}]".encode(), schema)


def pages_of(row: Row) -> list[pa.Table]:
    """A full page, one of nulls, an empty one, none at all, and all of them together."""
    full = table_of(row.told, row.json, "null", **row.options)
    nulls = table_of(row.told, "null", "null", **row.options)
    empty = table_of(row.told, **row.options)
    return [full, nulls, empty, full.schema.empty_table(), pa.concat_tables([empty, nulls, full])]


def dtypes(tables: list[pa.Table], backend: DtypeBackend, row: Row) -> set[str]:
    options = FrameOptions(dtype_backend=backend, **_wish(row))
    return {str(to_pandas(table, options)["c"].dtype) for table in tables}


def _wish(row: Row) -> dict[str, Any]:
    return {name: wish for name, wish in row.options.items() if name == "uint256"}


# The table of types


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_pandas_dtypes(row: Row) -> None:
    """A column's dtype is that of the table, whether rows, nulls or nothing came."""
    assert dtypes(pages_of(row), None, row) == {row.pandas}
    assert dtypes(pages_of(row), "numpy_nullable", row) == {row.nullable}


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_pandas_dtypes_of_arrow(row: Row) -> None:
    """With `dtype_backend="pyarrow"` a column has its Arrow type; exact wide integers stay `int`."""
    exact = "int256" in row.told and not row.options
    months = pa.types.is_interval(row.arrow)  # of which pandas cannot show an Arrow column
    arrow = "object" if exact or months else str(pd.ArrowDtype(row.arrow))
    assert dtypes(pages_of(row), "pyarrow", row) == {arrow}


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_polars_dtypes(row: Row) -> None:
    """A column's dtype is that of the table, whether rows, nulls or nothing came."""
    assert {str(to_polars(table)["c"].dtype) for table in pages_of(row)} == {row.polars}


@pytest.mark.parametrize("row", TABLE, ids=str)
@pytest.mark.parametrize("backend", BACKENDS[:2])
def test_pandas_values(row: Row, backend: DtypeBackend) -> None:
    """The value of the table comes out of pandas, and what is missing beside it."""
    options = FrameOptions(dtype_backend=backend, **_wish(row))
    value, missing = to_pandas(pages_of(row)[0], options)["c"]
    expected = row.value if row.in_pandas is Same else row.in_pandas
    assert (value is None and expected is None) or expected == value
    assert type(value) is not float or math.copysign(1, value) == math.copysign(1, expected)
    assert missing is None or pd.isna(missing)


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_polars_values(row: Row) -> None:
    """The value of the table comes out of polars, and null beside it."""
    expected = row.value if row.in_polars is Same else row.in_polars
    assert to_polars(pages_of(row)[0])["c"].to_list() == [expected, None]


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_arrow_is_handed_over(row: Row) -> None:
    """`frame="pyarrow"` is the rows themselves, types as the table says."""
    table = pages_of(row)[0]
    assert to_frame([table, table], table.schema, FrameOptions("pyarrow")).slice(2).equals(table)


# Any result


@given(KINDS)
def test_dtypes_never_depend_on_rows(kind: Kind) -> None:
    """For any type, nested too, nulls and nothing have the dtype of values."""
    empty = table_of(kind.text)
    nulls = table_of(kind.text, "null")
    for backend in BACKENDS:
        options = FrameOptions(dtype_backend=backend)
        assert to_pandas(empty, options).dtypes.equals(to_pandas(nulls, options).dtypes)
    assert to_polars(empty).schema == to_polars(nulls).schema


@st.composite
def _columns(draw: st.DrawFn) -> tuple[Kind, list[Value]]:
    kind = draw(KINDS)
    return kind, draw(st.lists(nullable(kind), max_size=5))


@given(_columns())
def test_dtypes_are_those_of_no_rows(column: tuple[Kind, list[Value]]) -> None:
    """For any type and any values, the dtype is the one that an empty result has."""
    kind, values = column
    table, empty = table_of(kind.text, *(each.json for each in values)), table_of(kind.text)
    for backend in BACKENDS:
        options = FrameOptions(dtype_backend=backend)
        assert to_pandas(table, options).dtypes.equals(to_pandas(empty, options).dtypes)
    assert to_polars(table).schema == to_polars(empty).schema


@given(_columns())
def test_any_values_in_polars(column: tuple[Kind, list[Value]]) -> None:
    """Values of any type are in polars what they were, at any depth."""
    kind, values = column
    back = to_polars(table_of(kind.text, *(each.json for each in values)))["c"].to_arrow()
    assert [_of_polars(each, kind.arrow) for each in back] == [each.plain for each in values]


def _of_polars(value: pa.Scalar, of: pa.DataType) -> Any:
    """Undo what polars does not have: maps, intervals of months, times in microseconds."""
    if not value.is_valid:
        return None
    if pa.types.is_map(of):
        pairs = [(pair["key"], pair["value"]) for pair in value.values]
        return {_of_polars(k, of.key_type): _of_polars(v, of.item_type) for k, v in pairs}
    if pa.types.is_struct(of):
        return {child.name: _of_polars(value[child.name], child.type) for child in of}
    if pa.types.is_list(of):
        return [_of_polars(each, of.value_type) for each in value.values]
    if pa.types.is_time(of) and of.unit == "us":
        return value.value // 1000
    if pa.types.is_interval(of):
        return value.as_py()
    return plain(value)


#: Types whose values Python holds all.
HELD = KINDS.filter(
    lambda kind: not any(word in kind.text for word in ("timestamp", "date", "time", "interval"))
)


@given(HELD.flatmap(lambda kind: st.tuples(st.just(kind), st.lists(nullable(kind)))), st.data())
def test_any_values_in_pandas(column: tuple[Kind, list[Value]], data: st.DataObject) -> None:
    """Values of any type are the Python values they should be, wide integers as `int`."""
    kind, values = column
    table = table_of(kind.text, *(each.json for each in values))
    cut = data.draw(st.integers(0, len(values)))
    pieces = pa.concat_tables([table[:cut], table[cut:]])
    exact, text = (
        [_bits(each, dune) for chunk in pieces["c"].chunks for each in python_values(chunk, dune)]
        for dune in (dune_type(table.schema.field("c")), None)
    )
    assert text == [each.plain for each in values]
    assert [_texts(each) for each in exact] == [_texts(each) for each in text]
    series = to_pandas(pieces, FrameOptions())["c"]
    if pa.types.is_nested(kind.arrow) or "int256" in kind.text:
        assert [_bits(each, None) for each in series] == exact


def _bits(value: Any, _: Any) -> Any:
    """Tell floats apart by their bits."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {key: _bits(each, _) for key, each in value.items()}
    return [_bits(each, _) for each in value] if isinstance(value, list) else value


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _texts(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_texts(each) for each in value]
    return value if value is None else str(value)


@given(results(max_rows=3))
def test_columns_keep_names_order_and_length(result: Result) -> None:
    """Every frame has the columns in order, under any names, and a plain index."""
    schema = result_schema(result.names, result.types, Typing())
    table = decode_json(result.json, schema)
    for backend in BACKENDS:
        frame = to_pandas(table, FrameOptions(dtype_backend=backend))
        assert list(frame.columns) == result.names
        assert frame.index.equals(pd.RangeIndex(len(result.rows)))
    assert to_polars(table).columns == result.names
    assert to_polars(table).height == len(result.rows)


# Peculiarities


def test_wide_integers_are_python_integers() -> None:
    """In pandas, exact wide integers are `int` at any depth, and can be counted with."""
    table = table_of(
        "row(a uint256, b map(uint256, array(int256)))", f'{{"a":"{WIDE}","b":{{"7":["-1",null]}}}}'
    )
    value = to_pandas(table, FrameOptions())["c"][0]
    assert value == {"a": WIDE, "b": {7: [-1, None]}}
    amounts = to_pandas(table_of("uint256", f'"{WIDE}"', '"1"'), FrameOptions())["c"]
    assert amounts.sum() == WIDE + 1
    assert [type(each) for each in amounts] == [int, int]


@pytest.mark.parametrize("wish", ["string", "decimal", "float64"])
def test_wide_integers_otherwise(wish: Any) -> None:
    """With another `uint256=` pandas has what Arrow has."""
    table = table_of("uint256", '"7"', uint256=wish)
    dtype = to_pandas(table, FrameOptions(uint256=wish))["c"].dtype
    assert str(dtype) == {"string": OWN, "decimal": "object", "float64": "float64"}[wish]


def test_an_overridden_wide_integer_is_what_was_asked() -> None:
    """An override with text is text, although `"exact"` would have been `int`."""
    value = to_pandas(table_of("uint256", '"7"', to=pa.string()), FrameOptions())["c"][0]
    assert value == "7"
    nested = table_of("array(uint256)", '["7"]', to=pa.list_(pa.int64()))
    assert to_pandas(nested, FrameOptions())["c"][0] == [7]


def test_nan_and_null_stay_apart_where_pandas_can() -> None:
    """A float column of Arrow tells NaN from null; a plain one has NaN for both."""
    table = table_of("double", '"NaN"', "null", "1.5")
    numbers = to_pandas(table, FrameOptions(dtype_backend="pyarrow"))["c"]
    assert pa.array(numbers).is_null().to_pylist() == [False, True, False]
    assert to_pandas(table, FrameOptions())["c"].isna().tolist() == [True, True, False]


@pytest.mark.parametrize("zone", ["", " UTC"])
def test_moments_beyond_the_calendar(zone: str) -> None:
    """Years that Python's datetime does not hold stay exact in every frame."""
    told = "timestamp(3) with time zone" if zone else "timestamp(3)"
    table = table_of(
        told, f'"+54257-02-10 01:02:03.000{zone}"', f'"-0044-03-15 12:00:00.000{zone}"'
    )
    ticks = table["c"].cast(pa.int64()).to_pylist()
    assert to_pandas(table, FrameOptions())["c"].astype("int64").tolist() == ticks
    assert to_polars(table)["c"].to_physical().to_list() == ticks
    nested = table_of(f"array({told})", f'["+54257-02-10 01:02:03.000{zone}"]')
    assert str(to_pandas(nested, FrameOptions())["c"][0][0])[:9] in ("+54257-02", "54257-02-")


def test_dates_compare_and_resample() -> None:
    """Dates in pandas are midnights: they compare with dates and resample."""
    frame = to_pandas(
        table_of("date", '"2024-02-28"', '"2024-02-29"', '"2024-03-01"'), FrameOptions()
    )
    assert (frame["c"] >= "2024-02-29").tolist() == [False, True, True]
    assert frame.resample("MS", on="c").size().tolist() == [2, 1]


def test_pandas_arithmetic_keeps_nullable_integers() -> None:
    """Nulls do not turn integers into floats."""
    numbers = to_pandas(table_of("bigint", str(2**53 + 1), "null"), FrameOptions())["c"]
    assert (numbers + 1).tolist()[0] == 2**53 + 2
    assert str((numbers + 1).dtype) == "Int64"


def test_times_finer_than_python_holds() -> None:
    """A time of nanoseconds is exact in pandas and polars."""
    table = table_of("time(9)", '"01:02:03.000000009"')
    assert pa.array(to_pandas(table, FrameOptions())["c"])[0].value % 1000 == 9
    assert to_polars(table)["c"].to_physical()[0] % 1000 == 9


def test_intervals_are_durations() -> None:
    """Intervals of days and seconds can be added to moments; those of months are offsets."""
    days = to_pandas(table_of("interval day to second", '"-1 00:00:00.001"'), FrameOptions())["c"]
    assert days[0] == -dt.timedelta(days=1, milliseconds=1)
    months = to_pandas(table_of("interval year to month", '"1-2"'), FrameOptions())["c"]
    assert pd.Timestamp("2024-01-31") + months[0] == pd.Timestamp("2025-03-31")


@pytest.mark.parametrize("backend", BACKENDS)
def test_intervals_of_months_can_be_shown(backend: DtypeBackend) -> None:
    """Pandas cannot show an Arrow column of them, so they are objects in every backend."""
    table = table_of("interval year to month", '"1-2"', "null")
    assert "months=14" in str(to_pandas(table, FrameOptions(dtype_backend=backend)))


def test_maps_with_intervals_in_polars() -> None:
    """Months are counts also inside maps, rows and lists."""
    told = "map(varchar, row(a interval year to month, b array(interval year to month)))"
    table = table_of(told, '{"k":{"a":"1-0","b":["-0-1",null]}}', "null", "{}")
    assert to_polars(table)["c"].to_list() == [
        [{"key": "k", "value": {"a": 12, "b": [-1, None]}}],
        None,
        [],
    ]


def test_polars_has_no_wider_decimals() -> None:
    """A type that polars does not have is an error that says so, not a crash."""
    table = table_of("uint256", '"7"', to=pa.decimal256(76, 0))
    assert to_pandas(table, FrameOptions())["c"].tolist() == [Decimal(7)]
    with pytest.raises(InvalidRequestError, match="polars has no decimal256"):
        to_polars(table)


SENSIBLE = [
    ("varchar", '"57"', pa.uint64()), ("varchar", '"57"', pa.float16()),
    ("varchar", '"57"', pa.decimal256(30, 0)), ("varchar", '"57"', pa.large_string()),
    ("varchar", '"57"', pa.dictionary(pa.int32(), pa.string())),
    ("varbinary", '"0xc0ff"', pa.binary(2)), ("varbinary", '"0xc0ff"', pa.large_binary()),
    ("date", '"2024-01-02"', pa.date64()), ("date", '"2024-01-02"', pa.timestamp("s")),
    ("timestamp", '"2024-01-02 00:00:00"', pa.timestamp("s", "Asia/Tokyo")),
    ("time(3)", '"01:02:03.004"', pa.time32("ms")), ("time(0)", '"01:02:03"', pa.time32("s")),
    ("interval day to second", '"1 00:00:00.000"', pa.duration("s")),
    ("array(bigint)", "[1,null]", pa.large_list(pa.int8())),
    ("array(bigint)", "[1,null]", pa.list_(pa.int64(), 2)),
    ("map(varchar, bigint)", '{"a":1}', pa.map_(pa.large_string(), pa.float64())),
    ("row(a bigint)", '{"a":1}', pa.struct({"a": pa.string()})),
]  # fmt: skip


@pytest.mark.parametrize(("told", "value", "to"), SENSIBLE)
def test_overrides_reach_every_frame(told: str, value: str, to: pa.DataType) -> None:
    """Every type that an override may name gives frames, with rows and without."""
    full, empty = table_of(told, value, "null", to=to), table_of(told, to=to)
    for backend in BACKENDS:
        frames = [to_pandas(table, FrameOptions(dtype_backend=backend)) for table in (full, empty)]
        kinds = {str(frame["c"].dtype) for frame in frames}
        assert len(kinds) == 1
        assert frames[0]["c"].isna().tolist() == [False, True]
    if not pa.types.is_decimal256(to):
        assert to_polars(full)["c"].is_null().to_list() == [False, True]
        assert to_polars(full).schema == to_polars(empty).schema


@pytest.mark.parametrize(
    "wrong",
    [{"frame": "spark"}, {"frame": None}, {"dtype_backend": "numpy"}, {"dtype_backend": "arrow"}],
)
def test_unknown_frames_and_backends(wrong: dict[str, Any]) -> None:
    """Another frame or backend is refused with the choices."""
    with pytest.raises(InvalidRequestError, match="choose one of"):
        FrameOptions(**wrong)


def test_null_is_not_a_value() -> None:
    """The strategies' null is null in every format: a guard of the tests themselves."""
    assert (NULL.plain, NULL.json, NULL.csv) == (None, "null", "<nil>")
    assert isinstance(to_polars(table_of("bigint", NULL.json)), pl.DataFrame)
