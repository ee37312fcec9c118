"""Rendering: whole columns at once give what one value at a time would give."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dune_frames._types.table import parse_type
from dune_frames.local import Quirks
from dune_frames.local.bodies import csv_body, json_rows
from dune_frames.local.frames import typed_result

MOMENTS = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31))
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
FLOATS = st.floats() | st.integers(-(10**22), 10**22).map(float) | st.floats(-1e-3, 1e-3)


def whole(bits: int) -> st.SearchStrategy[int]:
    limit = 2 ** (bits - 1)
    near = min(10**6 + 10, limit - 1)
    return st.integers(-limit, limit - 1) | st.integers(-near, near)


def micros(moment: dt.datetime | dt.time, digits: int) -> dt.datetime | dt.time:
    return moment.replace(microsecond=moment.microsecond // 10 ** (6 - digits) * 10 ** (6 - digits))


SCALARS = {
    "boolean": st.booleans(),
    "tinyint": whole(8),
    "smallint": whole(16),
    "integer": whole(32),
    "bigint": whole(64),
    "real": st.floats(width=32),
    "double": FLOATS,
    "decimal(10, 3)": st.decimals(-9999999, 9999999, places=3),
    "decimal(38, 0)": st.decimals(-(10**38) + 1, 10**38 - 1, places=0),
    "uint256": st.integers(0, 2**256 - 1),
    "int256": st.integers(-(2**255), 2**255 - 1),
    "varchar": TEXT | st.sampled_from(["", "<nil>", " a", 'q"q', "a,b", "a\nb", "\\."]),
    "char(3)": st.just("abc"),
    "json": st.just('{"a":1}'),
    "varbinary": st.binary(max_size=5),
    "date": st.dates(dt.date(1000, 1, 1)),
    "time(3)": st.times().map(lambda value: micros(value, 3)),
    "time(6)": st.times(),
    "timestamp(0)": MOMENTS.map(lambda value: micros(value, 0)),
    "timestamp(3)": MOMENTS.map(lambda value: micros(value, 3)),
    "timestamp(5)": MOMENTS.map(lambda value: micros(value, 5)),
    "timestamp(3) with time zone": MOMENTS.map(lambda value: micros(value, 3).replace(tzinfo=dt.UTC)),
    "timestamp(6) with time zone": MOMENTS.map(lambda value: value.replace(tzinfo=dt.UTC)),
    "interval day to second": st.integers(-(10**12), 10**12).map(lambda n: dt.timedelta(milliseconds=n)),
    "interval year to month": st.integers(-1000, 1000),
    "unknown": st.none(),
    "hyperloglog": st.integers() | TEXT | st.lists(st.integers(), max_size=2),
}  # fmt: skip
KEYS = ("varchar", "bigint", "uint256", "boolean", "date")


@st.composite
def columns(draw: st.DrawFn, depth: int = 2) -> tuple[str, st.SearchStrategy[object]]:
    """A Dune type and values of it."""
    kind = draw(st.sampled_from(["scalar"] * 3 + ["array", "map", "row"])) if depth else "scalar"
    if kind == "scalar":
        text = draw(st.sampled_from(sorted(SCALARS)))
        return text, st.none() | SCALARS[text]
    inner, values = draw(columns(depth=depth - 1))
    if kind == "array":
        return f"array({inner})", st.none() | st.lists(values, max_size=3)
    if kind == "map":
        key = draw(st.sampled_from(KEYS))
        return f"map({key}, {inner})", st.none() | st.dictionaries(SCALARS[key], values, max_size=3)
    other, others = draw(columns(depth=0))
    return f'row(b {inner}, "a x" {other})', st.none() | st.tuples(values, others)


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, str], list[tuple[object, ...]]]:
    """Types of columns under odd names, and rows."""
    kinds = draw(st.lists(columns(), min_size=1, max_size=3))
    names = draw(st.lists(TEXT, min_size=len(kinds), max_size=len(kinds), unique=True))
    rows = draw(st.lists(st.tuples(*(values for _, values in kinds)), max_size=5))
    return dict(zip(names, (text for text, _ in kinds), strict=True)), rows


# The reference: one value at a time, from the documents alone.


def digits_of(number: float) -> tuple[str, str, int]:
    """Sign, shortest digits and the exponent of the first."""
    sign, digits, exponent = Decimal(repr(number)).as_tuple()
    text = "".join(map(str, digits)).lstrip("0") or "0"
    return "-" if sign else "", text.rstrip("0") or "0", len(text) + int(exponent) - 1


def go_float(number: float, low: float, high: float, exponent_digits: int) -> str:
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    sign, digits, exponent = digits_of(number)
    if number and not low <= abs(number) < high:
        rest = f".{digits[1:]}" if digits[1:] else ""
        mark = "-" if exponent < 0 else "+"
        return f"{sign}{digits[0]}{rest}e{mark}{abs(exponent):0{exponent_digits}d}"
    plain = format(Decimal(repr(abs(number))), "f")
    return sign + (plain.rstrip("0").rstrip(".") if "." in plain else plain)


def shortest(number: float, dune: str) -> float:
    """The double that the shortest digits of a real mean."""
    if dune != "real" or not math.isfinite(number):
        return number
    import numpy as np

    return float(str(np.float32(number)))


def moment_text(value: object, dune: str) -> str:
    precision = parse_type(dune).arguments[0]
    if isinstance(value, dt.time):
        text = f"{value:%H:%M:%S}"
    else:
        text = f"{value.year:04d}-{value:%m-%d %H:%M:%S}"
    fraction = f"{value.microsecond:06d}".ljust(12, "0")[:precision]
    zone = " UTC" if dune.endswith("zone") else ""
    return text + (f".{fraction}" if fraction else "") + zone


def scalar_text(value: object, dune: str) -> str:
    """What a value is as text, but for floats."""
    base = parse_type(dune).name
    if base == "boolean":
        return "true" if value else "false"
    if base == "decimal":
        return format(value, "f")
    if base == "varbinary":
        return "0x" + value.hex()
    if base in ("time", "timestamp", "timestamp with time zone"):
        return moment_text(value, dune)
    if base == "interval day to second":
        total = abs(value) // dt.timedelta(milliseconds=1)
        seconds, millis = divmod(total, 1000)
        days, rest = divmod(seconds, 86400)
        clock = f"{rest // 3600:02d}:{rest % 3600 // 60:02d}:{rest % 60:02d}.{millis:03d}"
        return f"{'-' if value < dt.timedelta() else ''}{days} {clock}"
    if base == "interval year to month":
        return f"{'-' if value < 0 else ''}{abs(value) // 12}-{abs(value) % 12}"
    return str(value)


def as_json(value: object, dune: str) -> object:
    """What JSON must hold."""
    kind = parse_type(dune)
    if value is None:
        return None
    if kind.name == "array":
        return [as_json(item, str(kind.children[0].type)) for item in value]
    if kind.name == "map":
        key, item = (str(child.type) for child in kind.children)
        return {key_text(k, key): as_json(v, item) for k, v in value.items()}
    if kind.name == "row":
        pairs = zip(kind.children, value, strict=True)
        return {child.name: as_json(item, str(child.type)) for child, item in pairs}
    if kind.name in ("real", "double"):
        if math.isfinite(value):
            return shortest(value, kind.name)
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if kind.name in ("boolean", "tinyint", "smallint", "integer", "bigint", "hyperloglog"):
        return value
    return scalar_text(value, dune)


def key_text(value: object, dune: str) -> str:
    """How a key of a map is written in JSON: as in CSV, but for integers, which keep their digits."""
    return (
        str(value)
        if dune in ("tinyint", "smallint", "integer", "bigint")
        else scalar_csv(value, dune)
    )


def scalar_csv(value: object, dune: str) -> str:
    base = parse_type(dune).name
    if base in ("real", "double"):
        return go_float(shortest(value, base), 1e-4, 1e6, 2)
    if base in ("tinyint", "smallint", "integer", "bigint"):
        return go_float(float(value), 1e-4, 1e6, 2) if abs(value) >= 10**6 else str(value)
    return scalar_text(value, dune)


def as_csv(value: object, dune: str) -> str:
    """What a CSV field must hold before it is quoted."""
    kind = parse_type(dune)
    if value is None:
        return "<nil>"
    if kind.name == "array":
        return f"[{' '.join(as_csv(item, str(kind.children[0].type)) for item in value)}]"
    if kind.name == "map":
        key, item = (str(child.type) for child in kind.children)
        pairs = sorted((scalar_csv(k, key), as_csv(v, item)) for k, v in value.items())
        return f"map[{' '.join(f'{k}:{v}' for k, v in pairs)}]"
    if kind.name == "row":
        zipped = zip(kind.children, value, strict=True)
        pairs = sorted((child.name, as_csv(item, str(child.type))) for child, item in zipped)
        return f"map[{' '.join(f'{k}:{v}' for k, v in pairs)}]"
    if kind.name == "hyperloglog":
        return value if isinstance(value, str) else json.dumps(value)
    return scalar_csv(value, dune)


PROPERTY = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


def same(read: object, expected: object) -> bool:
    """Compare; where a float is expected, what was read is taken as one, as a client must."""
    if isinstance(expected, float):
        return isinstance(read, int | float) and float(read) == expected
    if isinstance(expected, dict) and isinstance(read, dict):
        return read.keys() == expected.keys() and all(same(read[k], expected[k]) for k in read)
    if isinstance(expected, list) and isinstance(read, list):
        return len(read) == len(expected) and all(map(same, read, expected))
    return type(read) is type(expected) and read == expected


def keys_in_order(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys = [key.encode() for key, _ in pairs]
    assert keys == sorted(keys)
    return dict(pairs)


@PROPERTY
@given(tables())
def test_json_rows_are_what_one_value_at_a_time_gives(table):
    """JSON holds every value as its type demands, keys in byte order, any type at any depth."""
    types, rows = table
    page = typed_result(rows, types)
    read = json.loads(json_rows(page, Quirks()), object_pairs_hook=keys_in_order)
    expected = [
        {name: as_json(v, t) for (name, t), v in zip(types.items(), row, strict=True)}
        for row in rows
    ]
    assert same(read, expected), (read, expected)


@PROPERTY
@given(tables())
def test_csv_is_what_one_value_at_a_time_gives(table):
    """CSV holds Go's `%v` of every value, and a CSV reader gets it back."""
    types, rows = table
    body = csv_body(typed_result(rows, types), Quirks()).decode()
    read = list(csv.reader(io.StringIO(body, newline="")))
    expected = [list(types)] + [
        [as_csv(v, t) for t, v in zip(types.values(), row, strict=True)] for row in rows
    ]
    # A line of one empty field is an empty line, which readers drop; Go writes it so too.
    assert [line or [""] for line in read] == expected
    assert body.endswith("\n")
    assert "\r\n" not in body.replace('"', "") or any(
        "\r" in part for line in expected for part in line
    )


@PROPERTY
@given(st.lists(FLOATS, min_size=1))
def test_floats_are_spelt_as_go_spells_them(numbers):
    """JSON takes an exponent below 1e-6 and from 1e21 on, CSV below 1e-4 and from a million on."""
    page = typed_result([(number,) for number in numbers], {"x": "double"})
    lines = csv_body(page, Quirks()).decode().splitlines()[1:]
    assert lines == [go_float(number, 1e-4, 1e6, 2) for number in numbers]
    cells = json_rows(page, Quirks()).decode()[1:-1].replace('{"x":', "").split("},")
    words = {"NaN": '"NaN"', "+Inf": '"Infinity"', "-Inf": '"-Infinity"'}
    spelt = [go_float(number, 1e-6, 1e21, 1) for number in numbers]
    assert [cell.removesuffix("}") for cell in cells] == [words.get(text, text) for text in spelt]


@pytest.mark.parametrize(
    ("quirks", "as_json", "as_csv"),
    [
        (Quirks(), '"2024-01-31"', "2024-01-31"),
        (Quirks(dates_as_timestamps=True), '"2024-01-31T00:00:00Z"', "2024-01-31T00:00:00Z"),
    ],
)
def test_dates_can_be_spelt_as_in_2024(quirks, as_json, as_csv):
    """The quirk writes a date as a timestamp, in both formats."""
    page = typed_result([("2024-01-31",)], {"d": "date"})
    assert json_rows(page, quirks).decode() == f'[{{"d":{as_json}}}]'
    assert csv_body(page, quirks).decode() == f"d\n{as_csv}\n"


QUIRKS = [
    (Quirks(time_zone="America/New_York"), "timestamp(3) with time zone", "2024-01-01 05:00:00 UTC",
     '"2024-01-01 00:00:00.000 America/New_York"', "2024-01-01 00:00:00.000 America/New_York"),
    (Quirks(time_zone="+08:30"), "timestamp(3) with time zone", "2024-01-01 00:00:00 UTC",
     '"2024-01-01 08:30:00.000 +08:30"', "2024-01-01 08:30:00.000 +08:30"),
    (Quirks(trimmed_decimals=True), "decimal(10, 3)", "12.500", '"12.5"', "12.5"),
    (Quirks(trimmed_decimals=True), "decimal(10, 3)", "100", '"100"', "100"),
    (Quirks(trimmed_fractions=True), "timestamp(3)", "2024-01-01 00:00:00", '"2024-01-01 00:00:00"', "2024-01-01 00:00:00"),
    (Quirks(trimmed_fractions=True), "timestamp(6)", "2024-01-01 00:00:00.12", '"2024-01-01 00:00:00.12"', "2024-01-01 00:00:00.12"),
    (Quirks(rows_as_lists=True), "row(b bigint, a varchar)", (1, "x"), '[1,"x"]', "[1 x]"),
    (Quirks(non_finite="null"), "double", math.nan, "null", "NaN"),
    (Quirks(csv_integers_as_floats=False), "bigint", 12345678, "12345678", "12345678"),
    (Quirks(csv_uint256_as_floats=True), "uint256", 10**20, '"100000000000000000000"', "1e+20"),
]  # fmt: skip


@pytest.mark.parametrize(("quirks", "dune", "value", "as_json", "as_csv"), QUIRKS)
def test_each_quirk_changes_its_spelling_only(quirks, dune, value, as_json, as_csv):
    """A quirk of spelling writes that type its own way."""
    page = typed_result([(value,)], {"x": dune})
    assert json_rows(page, quirks).decode() == f'[{{"x":{as_json}}}]'
    assert csv_body(page, quirks).decode() == f"x\n{as_csv}\n"


def test_recorded_csv_is_written_the_same(examples):
    """The recorded 2022 CSV and the recorded parameters CSV come out byte for byte."""
    old = (examples / "docs_old_results_csv.csv").read_bytes()
    rows = json.loads((examples / "docs_old_results_0.json").read_text())["result"]["rows"]
    page = typed_result(rows, {"ct": "bigint", "TableName": "varchar"})
    assert csv_body(page, Quirks()) == old

    recorded = (examples / "real_csv_32000_rows_2024.csv").read_bytes()
    lines = list(csv.DictReader(io.StringIO(recorded.decode())))
    for line in lines:
        line["price"] = float(line["price"])
    types = {"price": "double", "symbol": "varchar", "time": "timestamp(3) with time zone"}
    assert csv_body(typed_result(lines, types), Quirks()) == recorded


def test_of_two_columns_with_one_name_json_holds_the_last_and_csv_both():
    """A JSON object cannot hold a name twice; CSV can."""
    page = typed_result([(1, 2)], [("a", "bigint"), ("a", "bigint")])
    assert json_rows(page, Quirks()) == b'[{"a":2}]'
    assert csv_body(page, Quirks()) == b"a,a\n1,2\n"
