"""Text to typed values: one exact, vectorised rule for each Arrow type that a column can have.

Both wire formats meet here: a JSON page is first read as text leaves, and a CSV page is text.
A text that does not fit its type is an error that names it; nothing is rounded or nulled.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa


class MisfitError(ValueError):
    """A text does not fit a type. The decoder that knows the column turns it into a DecodeError."""

    def __init__(self, value: object, to: pa.DataType, why: str = "") -> None:
        shown = repr(value) if len(repr(value)) <= 80 else repr(value)[:77] + "..."  # noqa: PLR2004
        super().__init__(f"the value {shown} does not fit {to}{why}")


def cast_text(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Return the typed values of an array whose leaves are text.

    Parameters
    ----------
    text : pyarrow.Array
        Strings, or lists, structs and maps of strings at any depth, shaped like `to`.
    to : pyarrow.DataType
        What to make of it.

    Returns
    -------
    pyarrow.Array
        As long as `text`, of type `to`; null stays null.

    Raises
    ------
    MisfitError
        Names the first text that does not fit.
    """
    import pyarrow as pa

    if pa.types.is_nested(to):
        return _cast_nested(text, to)
    try:
        return _cast_leaf(text, to)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError, OverflowError) as problem:
        raise MisfitError(_first_misfit(text, to), to) from problem


def _first_misfit(text: pa.Array, to: pa.DataType) -> object:
    """Halve the array until the text that does not fit is alone."""
    while len(text) > 1:
        half = text.slice(0, len(text) // 2)
        text = half if not _fits(half, to) else text.slice(len(half))
    return text[0].as_py() if len(text) else None


def _fits(text: pa.Array, to: pa.DataType) -> bool:
    import pyarrow as pa

    try:
        _cast_leaf(text, to)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError, OverflowError):
        return False
    return True


def _cast_nested(text: pa.Array, to: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_struct(to):
        children = [
            # flatten, because a child may hold anything where its struct is null
            cast_text(child, field.type)
            for child, field in zip(text.flatten(), to, strict=True)
        ]
        return pa.StructArray.from_arrays(children, fields=list(to), mask=text.is_null())
    if pa.types.is_map(to):
        keys, items = cast_text(text.keys, to.key_type), cast_text(text.items, to.item_type)
        return pa.MapArray.from_arrays(_offsets(text), keys, items, type=to)
    values = cast_text(text.values, to.value_type)
    return pa.ListArray.from_arrays(_offsets(text), values, type=to)


def _offsets(text: pa.Array) -> pa.Array:
    """Return a list array's offsets with null where the list is null, as from_arrays wants them."""
    import numpy as np
    import pyarrow as pa

    offsets = text.offsets.to_numpy()
    nulls = np.append(text.is_null().to_numpy(zero_copy_only=False), False)
    return pa.array(offsets.astype("int32"), mask=nulls)


def _cast_leaf(text: pa.Array, to: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if text.null_count == len(text):
        return pa.nulls(len(text), to)
    for applies, rule in _rules():
        if applies(to):
            return rule(text, to)
    return text.cast(to)


def _rules() -> list[tuple[Callable[[Any], bool], Callable[[pa.Array, pa.DataType], pa.Array]]]:
    from pyarrow import types

    return [
        (types.is_null, _no_value),
        (types.is_boolean, _boolean),
        (types.is_integer, _integer),
        (types.is_date, _date),
        (types.is_time, _time),
        (types.is_timestamp, _timestamp),
        (types.is_duration, _duration),
        (types.is_interval, _months),
        (lambda to: types.is_binary(to) or types.is_large_binary(to), _binary),
    ]


def _no_value(text: pa.Array, to: pa.DataType) -> pa.Array:
    raise ValueError(f"{text} has values, {to} has none")


def _boolean(text: pa.Array, to: pa.DataType) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    place = pc.index_in(text, value_set=pa.array(["false", "true"]), skip_nulls=True)
    if place.null_count != text.null_count:
        raise ValueError("neither true nor false")
    return place.cast(pa.bool_()).cast(to)


def _integer(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Read plain digits, or else an integral number in any notation, exactly."""
    import pyarrow as pa

    try:
        return text.cast(to)
    except pa.ArrowInvalid:
        return text.cast(pa.decimal128(38, 9)).cast(pa.decimal128(38, 0)).cast(to)


#: Midnight after a date, as the API wrote dates until 2024.
_MIDNIGHT = r"[T ]00:00:00(\.0+)?( ?UTC|Z)?$"


def _date(text: pa.Array, to: pa.DataType) -> pa.Array:
    import pyarrow.compute as pc

    return pc.replace_substring_regex(text, _MIDNIGHT, "").cast(to)


def _time(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Read a time of day as the instant on the first day of the epoch: Arrow has no direct cast."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.binary_join_element_wise("1970-01-01", text, " ").cast(pa.timestamp(to.unit)).cast(to)


def _timestamp(text: pa.Array, to: pa.DataType) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    suffix = " UTC" if pc.all(pc.ends_with(text, " UTC")).as_py() else None
    suffix = suffix or ("Z" if pc.all(pc.ends_with(text, "Z")).as_py() else None)
    if suffix:
        local = pc.utf8_slice_codeunits(text, 0, -len(suffix)).cast(pa.timestamp(to.unit))
        return local.cast(to) if to.tz is None else pc.assume_timezone(local, "UTC").cast(to)
    if to.tz is None:
        return text.cast(to)
    return _zoned(text, to)


_ZONE = re.compile(r"(?P<local>.*\d) ?(?P<zone>Z|[+-]\d\d:?\d\d|[A-Za-z][\w/+\-]*)")


def _zoned(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Read local times with the zone's name or offset behind them: the same instants in UTC."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = pc.extract_regex(text, f"^{_ZONE.pattern}$")
    if parts.null_count != text.null_count:
        raise ValueError("a timestamp without a time zone")
    local, zones = (pc.struct_field(parts, name) for name in ("local", "zone"))
    out = pa.nulls(len(text), to)
    for zone in zones.drop_null().unique().to_pylist():
        here = pc.fill_null(pc.equal(zones, zone), False)
        instants = _instants(local.filter(here), zone, to)
        out = pc.replace_with_mask(out, here, instants)
    return out


def _instants(local: pa.Array, zone: str, to: pa.DataType) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if zone == "Z" or zone[0] in "+-":
        return pc.binary_join_element_wise(local, zone, "").cast(to)
    return pc.assume_timezone(local.cast(pa.timestamp(to.unit)), zone).cast(to)


_DAYS = re.compile(r"(?P<sign>-?)(?P<d>\d+) (?P<h>\d+):(?P<m>\d+):(?P<s>\d+)(?:\.(?P<f>\d{1,6}))?")


def _duration(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Read Trino's `days hours:minutes:seconds.fraction`, a sign before all of it."""
    import pyarrow as pa

    counts = pa.array([None if each is None else _microseconds(each) for each in text.to_pylist()])
    return counts.cast(pa.int64()).cast(pa.duration("us")).cast(to)


def _microseconds(text: str) -> int:
    parts = _DAYS.fullmatch(text)
    if parts is None:
        raise ValueError(text)
    hours = int(parts["d"]) * 24 + int(parts["h"])
    seconds = (hours * 60 + int(parts["m"])) * 60 + int(parts["s"])
    size = seconds * 1_000_000 + int((parts["f"] or "0").ljust(6, "0"))
    return -size if parts["sign"] else size


_YEARS = re.compile(r"(-?)(\d+)-(\d+)")


def _months(text: pa.Array, to: pa.DataType) -> pa.Array:
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


def _binary(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Read `0x` and pairs of hexadecimal digits."""
    import polars as pl
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pc.all(pc.starts_with(text, "0x")).as_py():
        raise ValueError("no 0x in front")
    digits = pl.Series(pc.utf8_slice_codeunits(text, 2).cast(pa.large_string()))
    try:
        return digits.str.decode("hex", strict=True).to_arrow().cast(to)
    except pl.exceptions.ComputeError as problem:
        raise ValueError(str(problem)) from problem
