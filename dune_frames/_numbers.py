"""Numbers: text to booleans, integers, floats, decimals and bytes, exactly.

Arrow's own casts do the work. What they would read wrongly and without a word (hexadecimal
integers, floats beyond their range, decimals of more digits than fit) is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

#: Digits that a decimal128 and a decimal256 always hold. Longer texts wrap around in Arrow's cast.
_NARROW, _WIDE = 38, 76
_INFINITY = r"^[+-]?(?i:inf|infinity)$"


def read_boolean(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Read `true` and `false`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    place = pc.index_in(text, value_set=pa.array(["false", "true"]), skip_nulls=True)
    if place.null_count != text.null_count:
        raise ValueError("neither true nor false")
    return place.cast(pa.bool_()).cast(to)


def read_integer(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Read plain digits, or else an integral number in any decimal notation."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if any(pc.any(pc.match_substring(text, x)).as_py() for x in "xX"):
        raise ValueError("hexadecimal")
    try:
        return text.cast(to)
    except pa.ArrowInvalid:
        return read_decimal(text, pa.decimal128(_NARROW, 0)).cast(to)


def read_float(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Read the nearest float; infinite is only what is written so."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = text.cast(to)
    infinite = text.filter(pc.is_inf(numbers.cast(pa.float64())))
    if pc.any(pc.invert(pc.match_substring_regex(infinite, _INFINITY))).as_py():
        raise ValueError("beyond the range of a float")
    return numbers


def read_decimal(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Read a number of which every digit fits."""
    import pyarrow as pa
    import pyarrow.compute as pc

    longest = pc.max(pc.binary_length(text)).as_py()
    if longest <= _NARROW:
        return text.cast(to)
    if longest > _WIDE:
        raise ValueError("more digits than a decimal can have")
    return text.cast(pa.decimal256(_WIDE, to.scale)).cast(to)


def read_bytes(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Read `0x` and pairs of hexadecimal digits."""
    import polars as pl
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pc.all(pc.starts_with(text, "0x")).as_py():
        raise ValueError("no 0x in front")
    digits = pl.Series(pc.utf8_slice_codeunits(text, 2).cast(pa.large_string()))
    try:
        return digits.str.decode("hex", strict=True).to_arrow().cast(pa.binary()).cast(to)
    except pl.exceptions.ComputeError as problem:
        raise ValueError(str(problem)) from problem
