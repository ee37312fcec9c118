"""The table of types, as a table: what Dune tells, what it sends, and what comes out of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa

#: This pandas' own string dtype.
OWN = "str" if int(pd.__version__.split(".")[0]) >= 3 else "string"
WIDE = 2**256 - 1


@dataclass(frozen=True)
class Months:
    """An interval of months, of whatever class."""

    count: int

    def __eq__(self, other: object) -> bool:
        return bool(getattr(other, "months", None) == self.count)

    __hash__ = None


class Same:
    """In place of a value: the same as from Arrow."""


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes
    ----------
    told : str
        Dune's text of the type.
    json, csv : str, str or None
        One value as JSON and CSV send it; CSV does not carry every type.
    arrow, value
        The type and that value from Arrow.
    pandas, nullable, polars : str
        The dtypes: of pandas with ``dtype_backend=None`` and ``"numpy_nullable"``, and of polars.
    in_pandas, in_polars : object
        That value there, where it is another.
    options : dict
        Of `TypeOptions`.
    """

    told: str
    json: str
    csv: str | None
    arrow: pa.DataType
    value: Any
    pandas: str
    nullable: str
    polars: str
    in_pandas: Any = Same
    in_polars: Any = Same
    options: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.told, *self.options.values()])


def _moment(fraction: str, unit: str, zone: str | None) -> dict[str, Any]:
    """Fill the cells of a timestamp's row."""
    text = f"2024-02-29 01:02:03{fraction}"
    moment = pd.Timestamp(text, tz=zone)
    whole = moment.floor("us").to_pydatetime()
    sent = f"{text} {zone}" if zone else text
    dtype = f"datetime64[{unit}, {zone}]" if zone else f"datetime64[{unit}]"
    return {
        "json": f'"{sent}"',
        "csv": sent,
        "arrow": pa.timestamp(unit, zone),
        "value": moment if unit == "ns" else whole,
        "pandas": dtype,
        "nullable": dtype,
        "polars": f"Datetime(time_unit={unit!r}, time_zone={zone!r})",
        "in_polars": whole,
    }


def _text(told: str, text: str, csv: str | None) -> Row:
    return Row(told, f'"{text}"', csv, pa.string(), text, OWN, "string", "String")


_DAY, _CLOCK, _SPAN = (
    dt.date(2024, 2, 29),
    dt.time(1, 2, 3, 456000),
    dt.timedelta(days=2, hours=3, minutes=4, seconds=5, milliseconds=678),
)
_PRICE, _BIG, _PAIR = Decimal("2080561.775"), Decimal(10) ** 37, [{"key": "a", "value": 1}]
_DECIMAL = "Decimal(precision={}, scale={})".format
_LIST_OF_PAIRS = "List(Struct({'key': String, 'value': Int64}))"
_ROW = "Struct({'a': Int64, 'b c': List(String)})"

# fmt: off
TABLE = [
    #   Dune's text    JSON           CSV            Arrow         value      pandas     nullable   polars
    Row("boolean",     "true",        "true",        pa.bool_(),   True,      "boolean", "boolean", "Boolean"),
    Row("tinyint",     "-128",        "-128",        pa.int8(),    -128,      "Int8",    "Int8",    "Int8"),
    Row("smallint",    "32767",       "32767",       pa.int16(),   32767,     "Int16",   "Int16",   "Int16"),
    Row("integer",     "1000000",     "1e+06",       pa.int32(),   1000000,   "Int32",   "Int32",   "Int32"),
    Row("bigint",      "4474223",     "4.474223e+06", pa.int64(),  4474223,   "Int64",   "Int64",   "Int64"),
    Row("real",        "1.5",         "1.5",         pa.float32(), 1.5,       "float32", "Float32", "Float32"),
    Row("double",      "8.05e-07",    "8.05e-07",    pa.float64(), 8.05e-07,  "float64", "Float64", "Float64"),
    Row("double",      "100",         "1.0e+02",     pa.float64(), 100.0,     "float64", "Float64", "Float64"),
    Row("double",      '"Infinity"',  "+Inf",        pa.float64(), float("inf"), "float64", "Float64", "Float64"),
    Row("decimal(10, 3)", '"2080561.775"', "2080561.775", pa.decimal128(10, 3), _PRICE, "object", "object", _DECIMAL(10, 3)),
    Row("decimal(38,0)", f'"{_BIG:f}"', f"{_BIG:f}", pa.decimal128(38, 0), _BIG, "object", "object", _DECIMAL(38, 0)),
    Row("uint256",     f'"{WIDE}"',   str(WIDE),     pa.string(),  str(WIDE), "object",  "object",  "String", WIDE),
    Row("int256",      '"-57"',       "-57",         pa.string(),  "-57",     "object",  "object",  "String", -57),
    Row("uint256",     '"57"',        "57",          pa.string(),  "57",      OWN,       "string",  "String", options={"uint256": "string"}),
    Row("uint256",     '"57"',        "57",          pa.float64(), 57.0,      "float64", "Float64", "Float64", options={"uint256": "float64"}),
    Row("int256",      '"-57"',       "-57",         pa.decimal128(38, 0), Decimal(-57), "object", "object", _DECIMAL(38, 0), options={"uint256": "decimal"}),
    _text("varchar", "", ""),
    _text("varchar(9)", "héllo", "héllo"),
    _text("char(3)", "ab ", "ab "),
    _text("json", "[1,2]", None),
    _text("uuid", "12151fd2-7586-11e9-8f9e-2a86e4085a59", "12151fd2-7586-11e9-8f9e-2a86e4085a59"),
    _text("ipaddress", "10.0.0.1", "10.0.0.1"),
    _text("varbinary", "0xc0ffee", "0xc0ffee"),
    Row("varbinary",   '"0xc0ffee"',  "0xc0ffee",    pa.binary(),  b"\xc0\xff\xee", "object", "object", "Binary", options={"varbinary": "bytes"}),
    Row("date",        '"2024-02-29"', "2024-02-29", pa.date32(),  _DAY,      "datetime64[s]", "datetime64[s]", "Date", pd.Timestamp(_DAY)),
    Row("date", '"2024-02-29T00:00:00Z"', "2024-02-29T00:00:00Z", pa.date32(), _DAY, "datetime64[s]", "datetime64[s]", "Date", pd.Timestamp(_DAY)),
    Row("time(3)",     '"01:02:03.456"', None,       pa.time64("us"), _CLOCK, "object",  "object",  "Time"),
    Row("time(9)", '"01:02:03.456000000"', None,     pa.time64("ns"), _CLOCK, "time64[ns][pyarrow]", "time64[ns][pyarrow]", "Time"),
    Row("timestamp",   **_moment(".456", "us", None)),
    Row("timestamp(0)", **_moment("", "us", None)),
    Row("timestamp(6)", **_moment(".456789", "us", None)),
    Row("timestamp(9)", **_moment(".456789012", "ns", None)),
    Row("timestamp with time zone",    **_moment(".456", "us", "UTC")),
    Row("timestamp(0) with time zone", **_moment("", "us", "UTC")),
    Row("timestamp(3) with time zone", **_moment(".456", "us", "UTC")),
    Row("timestamp(6) with time zone", **_moment(".456789", "us", "UTC")),
    Row("timestamp(9) with time zone", **_moment(".456789012", "ns", "UTC")),
    Row("interval day to second", '"2 03:04:05.678"', None, pa.duration("us"), _SPAN, "timedelta64[us]", "timedelta64[us]", "Duration(time_unit='us')"),
    Row("interval year to month", '"-1-2"', None,    pa.month_day_nano_interval(), Months(-14), "object", "object", "Int32", in_polars=-14),
    Row("array(bigint)", "[1,null]",  None,          pa.list_(pa.int64()), [1, None], "object", "object", "List(Int64)"),
    Row("array(uint256)", '["57",null]', None,       pa.list_(pa.string()), ["57", None], "object", "object", "List(String)", [57, None]),
    Row("array(array(varbinary))", '[["0x01"],[]]', None, pa.list_(pa.list_(pa.string())), [["0x01"], []], "object", "object", "List(List(String))"),
    Row("map(varchar, bigint)", '{"a":1}', None,     pa.map_(pa.string(), pa.int64()), [("a", 1)], "object", "object", _LIST_OF_PAIRS, {"a": 1}, _PAIR),
    Row('row(a bigint, "b c" array(varchar))', '{"a":1,"b c":["x"]}', None, pa.struct({"a": pa.int64(), "b c": pa.list_(pa.string())}), {"a": 1, "b c": ["x"]}, "object", "object", _ROW),
    Row("row(bigint, varchar)", '[1,"x"]', None,     pa.struct({"field0": pa.int64(), "field1": pa.string()}), {"field0": 1, "field1": "x"}, "object", "object", "Struct({'field0': Int64, 'field1': String})"),
    Row("unknown",     "null",        "<nil>",       pa.null(),    None,      "object",  "object",  "Null"),
    _text("HyperLogLog", "AgwBAAA=", None),
]
# fmt: on
