"""Moments: text to dates, times of day, timestamps and intervals, exactly.

What Dune writes as a rule goes through Arrow's own cast. The rest goes through one regular
expression: zones other than UTC, years beyond four digits, fractions with more zeros than needed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dune_frames._types.constants import constant

if TYPE_CHECKING:
    import pyarrow as pa

_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_DAY_SECONDS = 24 * 60 * 60
#: The calendar repeats itself after so many years, which are so many days.
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097


def read_timestamp(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Read ISO 8601 with a zone's name or offset behind it, or without where `to` has no zone.

    UTC may stand behind a timestamp without a zone: its wall clock is what is meant.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    ends = (end for end in (" UTC", "Z") if pc.all(pc.ends_with(text, end)).as_py())
    end = next(ends, "")
    if end or to.tz is None:
        try:
            return _without(text, end).cast(pa.timestamp("us")).cast(to)
        except pa.ArrowInvalid:
            pass
    return _read_parts(text, to)


def _without(text: pa.Array, end: str) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not end:
        return text
    return pc.binary_slice(text.cast(pa.binary()), 0, -len(end)).view(pa.string())


def read_date(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Read `YYYY-MM-DD`, and its midnight in UTC, as the API wrote dates until 2024."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return text.cast(pa.date32()).cast(to)
    except pa.ArrowInvalid:
        seconds = _read_parts(text, pa.timestamp("s")).cast(pa.int64())
    days = pc.divide(seconds, constant(_DAY_SECONDS))
    if not pc.all(pc.equal(pc.multiply(days, constant(_DAY_SECONDS)), seconds)).as_py():
        raise ValueError("not midnight")
    return days.cast(pa.int32()).cast(pa.date32()).cast(to)


def read_time(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Read a time of day as the instant on the first day of the epoch: Arrow has no direct cast."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pc.any(pc.invert(pc.match_substring_regex(text, _CLOCK))).as_py():
        raise ValueError("not a time of day")
    moments = pc.binary_join_element_wise(constant("1970-01-01"), text, constant(" "))
    try:
        return moments.cast(pa.timestamp(to.unit)).cast(to)
    except pa.ArrowInvalid:
        return _read_parts(moments, pa.timestamp(to.unit)).cast(to)


_CLOCK = r"^\d\d:\d\d:\d\d(\.\d+)?$"
_PARTS = (
    r"^(?P<year>[+-]?\d{4,6})(?P<day>-\d\d-\d\d)"
    r"(?:[ T](?P<clock>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d*?)0*)?)?"
    r" ?(?P<zone>Z|[+-]\d\d:?\d\d|[A-Za-z][\w/+\-]*)?$"
)


def _read_parts(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Read moments part by part: any zone, any year, any number of zeros in the fraction."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.extract_regex(text.drop_null(), _PARTS)
    if found.null_count:
        raise ValueError("not a moment in time")
    year, day, clock, fraction, zone = found.flatten()
    seconds = _in_utc(_local_seconds(year, day, clock), zone, to)
    ticks = pc.multiply_checked(seconds, constant(10 ** _DIGITS[to.unit]))
    ticks = pc.add_checked(ticks, _fraction_ticks(fraction, to.unit))
    return pc.replace_with_mask(pa.nulls(len(text), to), text.is_valid(), ticks.cast(to))


def _local_seconds(year: pa.Array, day: pa.Array, clock: pa.Array) -> pa.Array:
    """Return seconds since 1970, by way of that year of 2000 to 2399 whose calendar is the same."""
    import polars as pl
    import pyarrow as pa
    import pyarrow.compute as pc

    years = pl.Series(pc.utf8_ltrim(year, "+").cast(pa.int64()))
    cycles = (years - 2000) // _CYCLE_YEARS
    alike = (years - _CYCLE_YEARS * cycles).to_arrow().cast(pa.string())
    clock = pc.if_else(pc.equal(clock, constant("")), constant("00:00:00"), clock)
    moments = pc.binary_join_element_wise(alike, day, constant(" "), clock, constant(""))
    seconds = moments.cast(pa.timestamp("s")).cast(pa.int64())
    return pc.add(seconds, (cycles * _CYCLE_DAYS * _DAY_SECONDS).to_arrow())


def _fraction_ticks(digits: pa.Array, unit: str) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    width = _DIGITS[unit]
    if (pc.max(pc.utf8_length(digits)).as_py() or 0) > width:
        raise ValueError(f"finer than {unit}")
    whole = pc.binary_join_element_wise(constant("0"), digits, constant(""))
    return pc.utf8_rpad(whole, width + 1, "0").cast(pa.int64())


def _in_utc(seconds: pa.Array, zones: pa.Array, to: pa.DataType) -> pa.Array:
    """Return the seconds of the same instants in UTC."""
    import pyarrow.compute as pc

    for zone in zones.unique().to_pylist():
        if zone in ("", "Z", "UTC") and (zone or to.tz is None):
            continue
        if to.tz is None or not zone:
            raise ValueError("a timestamp without a time zone" if to.tz else "a time zone")
        here = pc.equal(zones, constant(zone))
        seconds = pc.replace_with_mask(seconds, here, _zoned(seconds.filter(here), zone))
    return seconds


def _zoned(seconds: pa.Array, zone: str) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if zone[0] in "+-":
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        return pc.subtract(seconds, constant((-60 if zone[0] == "-" else 60) * minutes))
    return pc.assume_timezone(seconds.cast(pa.timestamp("s")), zone).cast(pa.int64())


_DAYS = re.compile(r"(?P<sign>-?)(?P<d>\d+) (?P<h>\d+):(?P<m>\d+):(?P<s>\d+)(?:\.(?P<f>\d{1,6}))?")


def read_duration(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Read Trino's `days hours:minutes:seconds.fraction`, a sign before all of it."""
    import pyarrow as pa

    counts = [None if each is None else _microseconds(each) for each in text.to_pylist()]
    return pa.array(counts, pa.int64()).cast(pa.duration("us")).cast(to)


def _microseconds(text: str) -> int:
    parts = _DAYS.fullmatch(text)
    if parts is None:
        raise ValueError(text)
    hours = int(parts["d"]) * 24 + int(parts["h"])
    seconds = (hours * 60 + int(parts["m"])) * 60 + int(parts["s"])
    size = seconds * 1_000_000 + int((parts["f"] or "0").ljust(6, "0"))
    return -size if parts["sign"] else size


_YEARS = re.compile(r"(-?)(\d+)-(\d+)")


def read_months(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Read Trino's `years-months`, a sign before all of it."""
    import pyarrow as pa

    values = [None if each is None else (_month_count(each), 0, 0) for each in text.to_pylist()]
    return pa.array(values, to)


def _month_count(text: str) -> int:
    parts = _YEARS.fullmatch(text)
    if parts is None:
        raise ValueError(text)
    size = int(parts[2]) * 12 + int(parts[3])
    return -size if parts[1] else size
