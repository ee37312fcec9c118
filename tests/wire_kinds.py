"""Hypothesis strategies: any Dune type, and values of it as the API writes them.

The rendering follows the recorded payloads, not the code under test: object keys in byte order,
floats and decimals in the spellings that were seen, zones by name.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st


@dataclass(frozen=True)
class Value:
    """One value: what Arrow should hold (see `plain`), and how JSON and CSV write it."""

    plain: Any
    json: str
    csv: str


NULL = Value(None, "null", "<nil>")


@dataclass(frozen=True)
class Kind:
    """One type: Dune's text, Arrow's type, and a strategy of values."""

    text: str
    arrow: pa.DataType
    values: st.SearchStrategy[Value]
    csv: bool = False

    def __repr__(self) -> str:
        return self.text


def plain(value: pa.Scalar) -> Any:
    """Return an Arrow value in a form that Python can hold and compare, whatever its size.

    Moments and spans are counts of their unit; a float is told apart by its bits.
    """
    if not value.is_valid:
        return None
    if pa.types.is_map(value.type):
        pairs = value.values.field(0), value.values.field(1)
        return {plain(key): plain(item) for key, item in zip(*pairs, strict=True)}
    if pa.types.is_struct(value.type):
        return {name: plain(value[name]) for name in value}
    if pa.types.is_list(value.type):
        return [plain(each) for each in value.values]
    if pa.types.is_interval(value.type):
        return value.as_py().months
    if pa.types.is_floating(value.type):
        return float_bits(value.as_py())
    is_count = pa.types.is_temporal(value.type)
    return value.value if is_count else value.as_py()


def float_bits(number: float) -> str:
    """Tell floats apart, minus zero too; all NaN are alike."""
    return repr(float(number))


def quoted(text: str) -> str:
    """Write a JSON string as Go does: `<`, `>` and `&` escaped."""
    raw = json.dumps(text, ensure_ascii=False)
    return raw.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def _csv_field(text: str) -> str:
    special = any(each in text for each in ',"\r\n') or text[:1] in (" ", "\t")
    return '"' + text.replace('"', '""') + '"' if special else text


def _string(text: str) -> Value:
    return Value(text, quoted(text), _csv_field(text))


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def _go_float(number: float, whole_from: float) -> str:
    """Write a float as Go does: no `.0`, and an exponent when it is large or small."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    plain_range = number == 0 or 1e-4 <= abs(number) < whole_from
    text = np.format_float_positional(number, trim="-") if plain_range else None
    return text or np.format_float_scientific(number, trim="-", exp_digits=2)


def _integers(text: str, bits: int) -> Kind:
    bound = 2 ** (bits - 1)
    values = st.integers(-bound, bound - 1) | st.sampled_from([0, -bound, bound - 1])

    def write(number: int) -> Value:
        in_csv = _go_float(float(number), 1e6)
        return Value(number, str(number), in_csv)

    return Kind(text, getattr(pa, f"int{bits}")(), values.map(write), csv=bits < 64)


_JSON_WORDS = {"NaN": '"NaN"', "+Inf": '"Infinity"', "-Inf": '"-Infinity"'}


def _double(number: float) -> Value:
    text = _go_float(number, 1e21)
    return Value(float_bits(number), _JSON_WORDS.get(text, text), _go_float(number, 1e6))


def _real(number: float) -> Value:
    """Write the digits of the float32, or of the float64 that holds it: both are possible."""
    short = _go_float(np.float32(number), 1e21)
    return Value(float_bits(number), _JSON_WORDS.get(short, short), _go_float(number, 1e6))


@st.composite
def _decimals(draw: st.DrawFn) -> Kind:
    precision = draw(st.integers(1, 38))
    scale = draw(st.integers(0, precision))

    def write(unscaled: int, padded: bool) -> Value:
        number = Decimal(f"{unscaled}e-{scale}")
        text = f"{number:f}"
        if not padded and "." in text:
            text = text.rstrip("0").rstrip(".")
        return Value(number, f'"{text}"', text)

    bound = 10**precision - 1
    values = st.builds(write, st.integers(-bound, bound), st.booleans())
    told = f"decimal({precision},{draw(st.sampled_from(['', ' ']))}{scale})"
    return Kind(told, pa.decimal128(precision, scale), values, csv=True)


def _wide(text: str, least: int, greatest: int) -> Kind:
    edges = st.sampled_from([least, greatest, 0, 2**53 + 1, 10**38])
    values = (st.integers(least, greatest) | edges).map(str).map(_string)
    return Kind(text, pa.string(), values, csv=True)


def _varbinary(value: bytes) -> Value:
    return _string("0x" + value.hex())


_CALENDAR = st.integers(-719162, 2932896)
#: Days of years 1 to 9999, and now and then of years far beyond.
_DAYS = st.integers(0, 9).flatmap(
    lambda roll: _CALENDAR if roll else st.integers(-1_000_000, 5_000_000)
)


def _day_text(day: int) -> str:
    """Write a day as `java.time` does: years beyond four digits with a sign."""
    text = str(np.datetime64(day, "D"))
    year, rest = int(text[:-6]), text[-6:]
    sign = "-" if year < 0 else "+" if year > 9999 else ""
    return f"{sign}{abs(year):04d}{rest}"


@st.composite
def _dates(draw: st.DrawFn) -> Value:
    day = draw(_DAYS)
    text = _day_text(day) + draw(st.sampled_from(["", "T00:00:00Z"]))
    return Value(day, f'"{text}"', text)


def _clock_text(ticks: int, precision: int) -> str:
    """Write the clock of so many ticks of 10^-precision seconds."""
    seconds, fraction = divmod(ticks, 10**precision)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return clock + (f".{fraction:0{precision}d}" if precision else "")


def _unit_digits(precision: int) -> int:
    return 6 if precision <= 6 else 9


#: Zones whose distance from UTC is the same all year, in seconds.
_ZONES = {
    "UTC": 0, "Z": 0, "Etc/UTC": 0, "GMT": 0, "+00:00": 0, "+02:00": 7200, "-05:30": -19800,
    "Asia/Tokyo": 32400, "Etc/GMT+8": -28800,
}  # fmt: skip


@st.composite
def _moments(draw: st.DrawFn, precision: int, zoned: bool) -> Value:
    # Within what 64 bits of the unit hold: nanoseconds reach from 1677 to 2262.
    days = st.integers(-100_000, 100_000) if precision > 6 else _DAYS
    per_day = 86400 * 10**precision
    ticks = draw(days) * per_day + draw(st.integers(0, per_day - 1))
    zone = draw(st.sampled_from(list(_ZONES) if draw(st.booleans()) else ["UTC"])) if zoned else ""
    if zone == "Asia/Tokyo":  # before 1952 its distance was another
        ticks = abs(ticks) % (per_day * 50_000) + per_day * 20_000
    day, clock = divmod(ticks + _ZONES.get(zone, 0) * 10**precision, per_day)
    text = f"{_day_text(day)} {_clock_text(clock, precision)}"
    text += zone if zone == "Z" else f" {zone}".rstrip()
    return Value(ticks * 10 ** (_unit_digits(precision) - precision), f'"{text}"', text)


@st.composite
def _timestamps(draw: st.DrawFn) -> Kind:
    precision, zoned = draw(st.sampled_from([None, 0, 1, 3, 6, 7, 9])), draw(st.booleans())
    digits = 3 if precision is None else precision
    told = "timestamp" + ("" if precision is None else f"({precision})")
    told += " with time zone" if zoned else ""
    unit = "us" if digits <= 6 else "ns"
    arrow = pa.timestamp(unit, "UTC" if zoned else None)
    return Kind(told, arrow, _moments(digits, zoned), csv=True)


@st.composite
def _times(draw: st.DrawFn) -> Kind:
    precision = draw(st.sampled_from([0, 3, 6, 9]))

    def write(ticks: int) -> Value:
        count = ticks * 10 ** (_unit_digits(precision) - precision)
        return Value(count, f'"{_clock_text(ticks, precision)}"', "")

    arrow = pa.time64("us" if precision <= 6 else "ns")
    ticks = st.integers(0, 86400 * 10**precision - 1)
    return Kind(f"time({precision})", arrow, ticks.map(write))


def _span(milliseconds: int) -> Value:
    days, rest = divmod(abs(milliseconds), 86_400_000)
    text = f"{'-' if milliseconds < 0 else ''}{days} {_clock_text(rest, 3)}"
    return Value(milliseconds * 1000, f'"{text}"', "")


def _months(count: int) -> Value:
    years, months = divmod(abs(count), 12)
    return Value(count, f'"{"-" if count < 0 else ""}{years}-{months}"', "")


FLAT: st.SearchStrategy[Kind] = st.one_of(
    st.just(Kind("boolean", pa.bool_(), st.sampled_from(
        [Value(True, "true", "true"), Value(False, "false", "false")]), csv=True)),
    st.sampled_from([_integers(*each) for each in (
        ("tinyint", 8), ("smallint", 16), ("integer", 32), ("bigint", 64))]),
    st.just(Kind("double", pa.float64(), st.floats().map(_double), csv=True)),
    st.just(Kind("real", pa.float32(), st.floats(width=32).map(_real), csv=True)),
    _decimals(),
    st.just(_wide("uint256", 0, 2**256 - 1)),
    st.just(_wide("int256", -(2**255), 2**255 - 1)),
    st.sampled_from(["varchar", "varchar(7)", "char(3)"]).map(
        lambda told: Kind(told, pa.string(), TEXTS.filter(lambda t: t != "<nil>").map(_string), True)),
    st.sampled_from(["json", "ipaddress", "uuid"]).map(
        lambda told: Kind(told, pa.string(), TEXTS.map(_string))),
    st.just(Kind("varbinary", pa.string(), st.binary(max_size=6).map(_varbinary), csv=True)),
    st.just(Kind("date", pa.date32(), _dates(), csv=True)),
    _timestamps(),
    _times(),
    st.just(Kind("interval day to second", pa.duration("us"),
                 st.integers(-10**14, 10**14).map(_span))),
    st.just(Kind("interval year to month", pa.month_day_nano_interval(),
                 st.integers(-(2**31), 2**31 - 1).map(_months))),
    st.just(Kind("unknown", pa.null(), st.nothing(), csv=True)),
)  # fmt: skip


def nullable(kind: Kind) -> st.SearchStrategy[Value]:
    """Return values of a kind, null among them."""
    return st.just(NULL) | kind.values


def _array(kind: Kind) -> Kind:
    def write(items: list[Value]) -> Value:
        return Value([i.plain for i in items], "[" + ",".join(i.json for i in items) + "]", "")

    values = st.lists(nullable(kind), max_size=3).map(write)
    return Kind(f"array({kind.text})", pa.list_(kind.arrow), values)


_KEYS = st.sampled_from([
    Kind("varchar", pa.string(), TEXTS.map(_string)), _integers("bigint", 64),
    Kind("varbinary", pa.string(), st.binary(max_size=3).map(_varbinary)),
])  # fmt: skip


@st.composite
def _maps(draw: st.DrawFn, items: st.SearchStrategy[Kind]) -> Kind:
    key, item = draw(_KEYS), draw(items)

    def write(pairs: list[tuple[Value, Value]]) -> Value:
        written = sorted((quoted(str(k.plain)), i.json) for k, i in pairs)
        found = {k.plain: i.plain for k, i in pairs}
        return Value(found, "{" + ",".join(f"{k}:{i}" for k, i in written) + "}", "")

    pair = st.tuples(key.values, nullable(item))
    values = st.lists(pair, max_size=3, unique_by=lambda pair: str(pair[0].plain)).map(write)
    return Kind(f"map({key.text}, {item.text})", pa.map_(key.arrow, item.arrow), values)


NAMES = st.sampled_from(["a", "b", "from", "field0", "x y", 'q"t', "a,b", "p(1", "ü", "R&D", ""])
FIELD_NAMES = NAMES.filter(bool)


@st.composite
def _rows(draw: st.DrawFn, items: st.SearchStrategy[Kind]) -> Kind:
    names = draw(st.lists(FIELD_NAMES, min_size=1, max_size=3, unique=True))
    kinds = [draw(items) for _ in names]
    as_list = draw(st.booleans())

    def write(values: tuple[Value, ...]) -> Value:
        found = {name: value.plain for name, value in zip(names, values, strict=True)}
        pairs = sorted(zip(map(quoted, names), (v.json for v in values), strict=True))
        text = (
            "[" + ",".join(v.json for v in values) + "]"
            if as_list
            else "{" + ",".join(f"{name}:{item}" for name, item in pairs) + "}"
        )
        return Value(found, text, "")

    fields = ", ".join(
        f"{_field_name(name)} {kind.text}" for name, kind in zip(names, kinds, strict=True)
    )
    arrow = pa.struct([pa.field(n, k.arrow) for n, k in zip(names, kinds, strict=True)])
    return Kind(f"row({fields})", arrow, st.tuples(*map(nullable, kinds)).map(write))


def _field_name(name: str) -> str:
    plain_name = name.isidentifier() and name.isascii()
    return name if plain_name else '"' + name.replace('"', '""') + '"'


def _nest(items: st.SearchStrategy[Kind]) -> st.SearchStrategy[Kind]:
    return items.map(_array) | _maps(items) | _rows(items)


KINDS: st.SearchStrategy[Kind] = FLAT | st.recursive(FLAT, _nest, max_leaves=4)


@dataclass(frozen=True)
class Result:
    """Columns and rows: what to send and what to expect."""

    names: list[str]
    kinds: list[Kind]
    rows: list[tuple[Value, ...]]

    @property
    def types(self) -> list[str]:
        """Dune's texts of the types."""
        return [kind.text for kind in self.kinds]

    @property
    def json(self) -> bytes:
        """The rows as JSON writes them, keys in byte order."""
        order = sorted(range(len(self.names)), key=lambda place: self.names[place].encode())
        rows = (
            ",".join(f"{quoted(self.names[place])}:{row[place].json}" for place in order)
            for row in self.rows
        )
        return ("[" + ",".join(f"{{{row}}}" for row in rows) + "]").encode()

    @property
    def csv(self) -> bytes:
        """The rows as CSV writes them."""
        lines = [",".join(map(_csv_field, self.names))]
        lines += [",".join(value.csv for value in row) for row in self.rows]
        return ("\n".join(lines) + "\n").encode()

    @property
    def columns(self) -> list[list[Any]]:
        """What each column should hold."""
        return [[row[place].plain for row in self.rows] for place in range(len(self.names))]


def sendable(value: Any, of: pa.DataType) -> Any:
    """Return what `plain` would return as a Python value that Arrow and others take."""
    if value is None:
        return None
    if pa.types.is_floating(of):
        return float(value)
    if pa.types.is_map(of):
        pairs = value.items()
        return {sendable(k, of.key_type): sendable(v, of.item_type) for k, v in pairs}
    if pa.types.is_struct(of):
        return {child.name: sendable(value[child.name], child.type) for child in of}
    return [sendable(each, of.value_type) for each in value] if pa.types.is_list(of) else value


@st.composite
def results(draw: st.DrawFn, kinds: st.SearchStrategy[Kind] = KINDS, max_rows: int = 6) -> Result:
    """Draw whole results."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    chosen = [draw(kinds) for _ in names]
    row = st.tuples(*map(nullable, chosen))
    return Result(names, chosen, draw(st.lists(row, max_size=max_rows)))
