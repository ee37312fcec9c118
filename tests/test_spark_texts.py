"""What Spark hands over and takes, without Spark: options as texts, and Arrow in Spark's types."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from dune_frames import errors
from dune_frames._frame.spark import for_spark, spark_schema
from dune_frames._parts.texts import read_texts
from dune_frames._read.options import Running

SOURCE = {"execution_id": "01K0"}


@pytest.mark.parametrize(
    ("texts", "read"),
    [
        ({"columns": "a, b"}, {"columns": ["a", "b"]}),
        ({"columns": '["a, b", "c"]'}, {"columns": ["a, b", "c"]}),
        ({"LIMIT": "10", "offset": "0"}, {"limit": 10, "offset": 0}),
        ({"maxAge".lower(): "x"}, errors.InvalidRequestError),
        ({"max_age": "3600"}, {"max_age": 3600.0}),
        ({"max_age": "1h"}, {"max_age": "1h"}),
        ({"cache": "False", "allow_partial": "true"}, {"cache": False, "allow_partial": True}),
        ({"params": '{"chain": "base", "n": 5}'}, {"params": {"chain": "base", "n": 5}}),
        ({"schema_overrides": '{"a": "string"}'}, {"schema_overrides": {"a": pa.string()}}),
        ({"timeout": "2.5"}, {"timeout": 2.5}),
        ({"filters": "a = 'b'"}, {"filters": "a = 'b'"}),
        ({"limit": "ten"}, errors.InvalidRequestError),
        ({"cache": "maybe"}, errors.InvalidRequestError),
        ({"params": "[1]"}, errors.InvalidRequestError),
        ({"params": "{"}, errors.InvalidRequestError),
        ({"columns": "[1]"}, errors.InvalidRequestError),
        ({"schema_overrides": '{"a": "int5"}'}, errors.InvalidRequestError),
        ({"path": "/somewhere"}, errors.InvalidRequestError),
        ({"query_id": "5"}, errors.InvalidRequestError),
    ],
)
def test_options_are_read_from_texts(texts, read):
    """In whatever case; what cannot be meant is refused with its name, before anything is sent."""
    if isinstance(read, dict):
        assert read_texts(SOURCE | texts).options == read
        return
    with pytest.raises(read) as raised:
        read_texts(SOURCE | texts)
    assert next(iter(texts)) in str(raised.value)


def test_every_option_of_a_read_is_known():
    """None is forgotten; only what has no meaning in Spark is not there."""
    of_python = {name for kind in Running.__mro__ for name in getattr(kind, "__slots__", ())}
    left_out = {"dtype_backend", "sample_count", "progress"}
    texts = {
        "params": "{}", "schema_overrides": "{}", "columns": "a", "limit": "1", "offset": "1",
        "partition_rows": "1", "timeout": "1", "max_export_mb": "1",
        "cache": "true", "offline": "true", "allow_partial": "true",
    }  # fmt: skip
    told = SOURCE | {name: texts.get(name, "x") for name in of_python - left_out}
    assert set(read_texts(told).options) == of_python - left_out
    for name in left_out:
        with pytest.raises(errors.InvalidRequestError, match=name):
            read_texts(SOURCE | {name: "1"})


def test_the_key_is_no_option():
    """Spark shows options; the error says where the key belongs, and does not repeat it."""
    with pytest.raises(errors.InvalidRequestError, match="DUNE_API_KEY") as raised:
        read_texts(SOURCE | {"api_key": "kA9xQ2mZ7pL4"})
    assert "kA9xQ2mZ7pL4" not in str(raised.value)


def test_exactly_one_source_is_named():
    """Nothing is nothing to read, and two are one too many."""
    with pytest.raises(errors.InvalidRequestError, match="nothing to read"):
        read_texts({})


# Types

INTERVAL = pa.month_day_nano_interval()


@pytest.mark.parametrize(
    ("own", "value", "spark", "there"),
    [
        (pa.timestamp("ns"), datetime(2024, 1, 1), pa.timestamp("us"), datetime(2024, 1, 1)),
        (pa.time64("us"), 3_723_000_456, pa.string(), "01:02:03.000456"),
        (pa.time64("ns"), 3_723_000_000_456, pa.string(), "01:02:03.000000456"),
        (INTERVAL, pa.MonthDayNano([-14, 0, 0]), pa.int32(), -14),
        (pa.list_(pa.time64("us")), [0, None], pa.list_(pa.string()), ["00:00:00.000000", None]),
        (pa.list_(INTERVAL), [pa.MonthDayNano([1, 0, 0]), None], pa.list_(pa.int32()), [1, None]),
        (
            pa.struct({"a": INTERVAL, "b": pa.timestamp("ns")}),
            {"a": None, "b": datetime(2024, 1, 1)},
            pa.struct({"a": pa.int32(), "b": pa.timestamp("us")}),
            {"a": None, "b": datetime(2024, 1, 1)},
        ),
        (
            pa.map_(pa.string(), INTERVAL),
            [("a", pa.MonthDayNano([2, 0, 0]))],
            pa.map_(pa.string(), pa.int32()),
            [("a", 2)],
        ),
        (pa.decimal128(38, 2), Decimal("1.25"), pa.decimal128(38, 2), Decimal("1.25")),
    ],
)
def test_what_spark_lacks_becomes_what_it_has(own, value, spark, there):
    """Nested at any depth, nulls too; all else stays as it is."""
    table = pa.table({"v": pa.array([value, None], own)})
    schema = spark_schema(table.schema)
    assert schema.field("v").type == spark
    assert for_spark(table, schema)["v"].to_pylist() == [there, None]


def test_a_moment_that_spark_would_cut_is_an_error():
    """It names the column and how to read its text."""
    table = pa.table({"v": pa.array([1], pa.timestamp("ns"))})
    with pytest.raises(errors.DecodeError, match="schema_overrides") as raised:
        for_spark(table, spark_schema(table.schema))
    assert raised.value.column_name == "v"


def test_a_decimal_too_wide_for_spark_is_refused():
    """Before anything is read."""
    with pytest.raises(errors.InvalidRequestError, match="decimal256"):
        spark_schema(pa.schema({"v": pa.decimal256(76, 0)}))
