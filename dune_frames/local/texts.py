"""Texts: how Dune writes a scalar value as plain text, before JSON or CSV quotes it."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from dune_frames._types.table import DEFAULT_PRECISION, DuneType
from dune_frames.local.go_floats import csv_floats

if TYPE_CHECKING:
    from collections.abc import Callable

    from dune_frames.local.settings import Quirks

_UNITS = ((0, "s"), (3, "ms"), (6, "us"))
_DAY = dt.timedelta(days=1)
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")


def plain_text(values: pa.Array, dune: DuneType, quirks: Quirks) -> pl.Series:
    """Write a stored column of a type that is not nested; null stays null."""
    return _WRITERS.get(dune.name, _as_text)(values, dune, quirks)


def _float(values: pa.Array, _: DuneType, __: Quirks) -> pl.Series:
    return csv_floats(_series(values))


def _as_text(values: pa.Array, _: DuneType, __: Quirks) -> pl.Series:
    return _series(values).cast(pl.String)


def _series(values: pa.Array) -> pl.Series:
    series = pl.from_arrow(values)
    if not isinstance(series, pl.Series):
        raise TypeError(f"an Arrow {values.type} is no column")
    return series


def _decimal(values: pa.Array, dune: DuneType, quirks: Quirks) -> pl.Series:
    if pa.types.is_decimal128(values.type):
        text = _as_text(values, dune, quirks)
    else:
        text = _each(values, "{:f}".format)
    return _trimmed(text) if quirks.trimmed_decimals else text


def _trimmed(text: pl.Series) -> pl.Series:
    """Take the trailing zeros off a fraction, and the point where nothing is left of it."""
    return text.str.replace(r"(\.\d*?)0+$", "$1").str.replace(r"\.$", "")


def _varbinary(values: pa.Array, _: DuneType, __: Quirks) -> pl.Series:
    return "0x" + _series(values).bin.encode("hex")


def _date(values: pa.Array, _: DuneType, quirks: Quirks) -> pl.Series:
    text = _series(values.cast(pa.string()))
    return text + "T00:00:00Z" if quirks.dates_as_timestamps else text


def precision(dune: DuneType) -> int:
    """Return the fractional digits of a time or timestamp type."""
    return dune.arguments[0] if dune.arguments else DEFAULT_PRECISION


def _unit(dune: DuneType) -> str:
    return next((unit for digits, unit in _UNITS if precision(dune) <= digits), "ns")


def _fraction(text: pl.Series, dune: DuneType) -> pl.Series:
    """Bring the fraction to the digits of the type; Arrow writes 0, 3, 6 or 9 of them."""
    digits = precision(dune)
    whole = text.str.replace(r"\..*$", "")
    if not digits:
        return whole
    fraction = text.str.extract(r"\.(\d+)$").str.slice(0, digits).str.pad_end(digits, "0")
    return whole + "." + fraction


def _timestamp(values: pa.Array, dune: DuneType, quirks: Quirks) -> pl.Series:
    unit = _unit(dune)
    text = _series(pc.cast(values, pa.timestamp(unit), safe=False).cast(pa.string()))
    exact = {0: "s", 3: "ms", 6: "us", 9: "ns"}.get(precision(dune)) == unit
    text = text if exact else _fraction(text, dune)
    return _trimmed(text) if quirks.trimmed_fractions else text


def _timestamp_with_zone(values: pa.Array, dune: DuneType, quirks: Quirks) -> pl.Series:
    return _timestamp(_local(values, quirks.time_zone), dune, quirks) + f" {quirks.time_zone}"


def _local(values: pa.Array, zone: str) -> pa.Array:
    """Return what clocks in a zone show at these instants."""
    unit = values.type.unit
    offset = _OFFSET.fullmatch(zone)
    if offset is None:
        return pc.local_timestamp(values.cast(pa.timestamp(unit, zone)))
    minutes = int(f"{offset[1]}1") * (60 * int(offset[2]) + int(offset[3]))
    shift = pa.scalar(dt.timedelta(minutes=minutes), pa.duration(unit))
    return pc.add(values.cast(pa.timestamp(unit)), shift)


def _time(values: pa.Array, dune: DuneType, _: Quirks) -> pl.Series:
    return _fraction(_series(values.cast(pa.string())), dune)


def _day_to_second(values: pa.Array, _: DuneType, __: Quirks) -> pl.Series:
    return _each(values, _write_duration)


def _write_duration(value: dt.timedelta) -> str:
    """Write as Trino does: ``2 03:04:05.678``, the sign in front of all."""
    days, rest = divmod(abs(value), _DAY)
    seconds, milliseconds = divmod(rest // dt.timedelta(milliseconds=1), 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    sign = "-" if value < dt.timedelta() else ""
    return f"{sign}{days} {hour:02d}:{minute:02d}:{second:02d}.{milliseconds:03d}"


def _year_to_month(values: pa.Array, _: DuneType, __: Quirks) -> pl.Series:
    return _each(values, _write_months)


def _write_months(value: Any) -> str:
    years, months = divmod(abs(value.months), 12)
    return f"{'-' if value.months < 0 else ''}{years}-{months}"


def _each(values: pa.Array, write: Callable[[Any], str]) -> pl.Series:
    texts = [None if value is None else write(value) for value in values.to_pylist()]
    return pl.Series(texts, dtype=pl.String)


_WRITERS: dict[str, Callable[[pa.Array, DuneType, Quirks], pl.Series]] = {
    "real": _float,
    "double": _float,
    "decimal": _decimal,
    "varbinary": _varbinary,
    "date": _date,
    "time": _time,
    "timestamp": _timestamp,
    "timestamp with time zone": _timestamp_with_zone,
    "interval day to second": _day_to_second,
    "interval year to month": _year_to_month,
}
