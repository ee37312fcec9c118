"""Storing: frames of every kind become results and tables, with Dune's types and no value changed."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ARROW = pa.table(
    {
        "b": pa.array([True, None]),
        "i8": pa.array([1, None], pa.int8()),
        "i16": pa.array([1, None], pa.int16()),
        "i32": pa.array([1, None], pa.int32()),
        "i64": pa.array([2**53 + 1, None], pa.int64()),
        "u8": pa.array([255, None], pa.uint8()),
        "u64": pa.array([2**64 - 1, None], pa.uint64()),
        "f32": pa.array([0.1, None], pa.float32()),
        "f64": pa.array([0.1, None], pa.float64()),
        "dec": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
        "s": pa.array(["", None]),
        "ls": pa.array(["a", None], pa.large_string()),
        "bin": pa.array([b"\xab", None], pa.binary()),
        "d": pa.array([dt.date(2024, 1, 31), None]),
        "t": pa.array([dt.time(1, 2, 3), None], pa.time64("us")),
        "ts": pa.array([dt.datetime(2024, 1, 31, 1), None], pa.timestamp("us")),
        "us": pa.array([dt.datetime(2024, 1, 31, 1, 0, 0, 1), None], pa.timestamp("us")),
        "tz": pa.array([dt.datetime(2024, 1, 31, 1), None], pa.timestamp("us", "UTC")),
        "dur": pa.array([dt.timedelta(days=1), None], pa.duration("us")),
        "l": pa.array([[1, None], None], pa.list_(pa.int64())),
        "m": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
        "st": pa.array([{"a": 1, "b c": "x"}, None]),
    }
)
TYPES = [
    "boolean", "tinyint", "smallint", "integer", "bigint", "smallint", "uint256", "real", "double",
    "decimal(10, 2)", "varchar", "varchar", "varbinary", "date", "time(3)", "timestamp(3)", "timestamp(6)",
    "timestamp(3) with time zone", "interval day to second", "array(bigint)", "map(varchar, bigint)",
    'row(a bigint, "b c" varchar)',
]  # fmt: skip
FIRST = {
    "b": True, "i8": 1, "i16": 1, "i32": 1, "i64": 2**53 + 1, "u8": 255, "u64": str(2**64 - 1), "f32": 0.1, "f64": 0.1,
    "dec": "1.50", "s": "", "ls": "a", "bin": "0xab", "d": "2024-01-31", "t": "01:02:03.000",
    "ts": "2024-01-31 01:00:00.000", "us": "2024-01-31 01:00:00.000001", "tz": "2024-01-31 01:00:00.000 UTC",
    "dur": "1 00:00:00.000", "l": [1, None], "m": {"k": 1}, "st": {"a": 1, "b c": "x"},
}  # fmt: skip


def served(ask, execution):
    return ask.get(f"/execution/{execution}/results").json()["result"]


@pytest.mark.parametrize("how", ["store", "register"])
def test_an_arrow_frame_gets_the_types_its_own_types_stand_for(dune, ask, how):
    """Every Arrow type has its Dune type; the values and nulls are unchanged, stored or registered."""
    if how == "store":
        shown = served(ask, dune.store_result(ARROW))
    else:
        dune.register("any.frame", ARROW)
        shown = ask.run("SELECT * FROM any.frame")["result"]
    assert shown["metadata"]["column_names"] == ARROW.column_names
    assert shown["metadata"]["column_types"] == TYPES
    assert shown["rows"][0] == FIRST
    assert set(shown["rows"][1].values()) == {None}


def test_frames_of_every_library_are_taken(dune, ask, tmp_path):
    """pandas, polars, Arrow, a capsule of Arrow and a Parquet file hold the same table."""
    frame = pl.DataFrame({"a": [1, 2, None], "s": ["x", "", None]})
    path = tmp_path / "frame.parquet"
    pq.write_table(frame.to_arrow(), path)

    class Capsule:
        def __arrow_c_stream__(self, requested_schema=None):
            return frame.to_arrow().__arrow_c_stream__(requested_schema)

    pandas = pd.DataFrame(
        {"a": pd.array([1, 2, None], "Int64"), "s": ["x", "", None]}, index=[5, 6, 7]
    )
    for given in (frame, frame.to_arrow(), Capsule(), path, str(path), pandas):
        shown = served(ask, dune.store_result(given))
        assert shown["metadata"]["column_types"] == ["bigint", "varchar"]
        assert shown["rows"] == [{"a": 1, "s": "x"}, {"a": 2, "s": ""}, {"a": None, "s": None}]


def test_what_is_no_frame_is_a_type_error(dune):
    """The error names what came."""
    with pytest.raises(TypeError, match="set is no frame"):
        dune.register("x", {1})


def test_types_that_frames_lack_are_named(dune, ask):
    """uint256 from text, integers or decimals; varbinary from 0x text; time zones by name."""
    big = 2**256 - 1
    table = pa.table({
        "text": [str(big)], "number": pa.array([7], pa.int64()), "decimal": pa.array([Decimal(8)], pa.decimal128(38, 0)),
        "hex": ["0xAB"], "naive": pa.array([dt.datetime(2024, 1, 1)], pa.timestamp("s")),
    })  # fmt: skip
    types = {
        "text": "uint256",
        "number": "int256",
        "decimal": "uint256",
        "hex": "varbinary",
        "naive": "timestamp(3)",
    }
    expected = {
        "text": str(big),
        "number": "7",
        "decimal": "8",
        "hex": "0xab",
        "naive": "2024-01-01 00:00:00.000",
    }
    assert served(ask, dune.store_result(table, types))["rows"] == [expected]
    dune.register("typed", table, types)
    answer = ask.run("SELECT *, text - 1 AS less FROM typed")["result"]
    assert answer["metadata"]["column_types"][:5] == list(types.values())
    assert answer["rows"] == [expected | {"less": str(big - 1)}]


def test_odd_types_can_be_served(dune, ask):
    """Nanoseconds, deep nesting with 256-bit integers inside, names that repeat, types nobody lists."""
    types = [
        ("deep", 'map(varchar, array(row(x uint256, "y z" varbinary)))'),
        ("nano", "timestamp(9)"),
        ("clock", "time(9)"),
        ("odd", "tdigest"),
        ("odd", "array(qdigest(bigint))"),
    ]
    rows = [
        (
            {"k": [(2**255, "0x01"), None]},
            "2024-01-01 00:00:00.123456789",
            "01:02:03.000000001",
            {"any": 1},
            None,
        )
    ]
    execution = dune.store_result(rows, types)
    shown = served(ask, execution)
    assert shown["metadata"]["column_types"] == [text for _, text in types]
    assert shown["rows"] == [{
        "deep": {"k": [{"x": str(2**255), "y z": "0x01"}, None]},
        "nano": "2024-01-01 00:00:00.123456789", "clock": "01:02:03.000000001", "odd": None,
    }]  # fmt: skip
    csv = ask.get(f"/execution/{execution}/results/csv").text
    assert csv.splitlines()[0] == "deep,nano,clock,odd,odd"
    assert '"{""any"": 1}"' in csv


@pytest.mark.parametrize(
    ("rows", "types"),
    [
        ([("x",)], {"a": "bigint"}),
        ([(300,)], {"a": "tinyint"}),
        ([("0xzz",)], {"a": "varbinary"}),
        ([("1.2345",)], {"a": "decimal(3, 2)"}),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_an_error(dune, rows, types):
    """Nothing is cut or rounded on the way in."""
    with pytest.raises((ValueError, pa.ArrowInvalid, TypeError)):
        dune.store_result(rows, types)


def test_names_with_dots_case_and_replacement(dune, ask):
    """Tables are found in any case, by any number of parts, and a new one takes the old one's place."""
    dune.register("My.Deep.Frame", pl.DataFrame({"Col": [1]}))
    assert ask.rows("SELECT col FROM my.deep.FRAME") == [[1]]
    assert ask.rows(
        "SELECT deep.frame.col, t.col FROM my.deep.frame JOIN my.deep.frame AS t ON TRUE"
    ) == [[1, 1]]
    dune.register("my.deep.frame", pl.DataFrame({"col": ["two"]}))
    assert ask.rows("SELECT col FROM my.deep.frame") == [["two"]]


def test_a_registered_table_hides_a_sample(serve):
    """dex.trades can be one's own."""
    ask = serve()
    ask.dune.register("dex.trades", pl.DataFrame({"x": [1]}))
    assert ask.rows("SELECT * FROM dex.trades") == [[1]]


def test_a_large_frame_is_served_whole(dune, ask):
    """Pages of a frame with several chunks hold every row."""
    numbers = np.arange(70_000)
    table = pa.concat_tables([pa.table({"x": numbers[:10]}), pa.table({"x": numbers[10:]})])
    execution = dune.store_result(table)
    seen, place = [], 0
    while place is not None:
        page = ask.get(f"/execution/{execution}/results", limit=32_000, offset=place).json()
        seen += [row["x"] for row in page["result"]["rows"]]
        place = page.get("next_offset")
    assert seen == numbers.tolist()
    assert json.dumps(seen[-1]) == "69999"


def test_keys_of_maps_keep_their_digits(dune, ask):
    """A map's key in JSON is the number itself, also where CSV would write a float."""
    stored = dune.store_result(
        [[{2**53 + 1: True, 1_000_000: None}]], [("m", "map(bigint, boolean)")]
    )
    rows = ask.get(f"/execution/{stored}/results").json()["result"]["rows"]
    assert rows == [{"m": {"1000000": None, "9007199254740993": True}}]
