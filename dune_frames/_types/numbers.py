"""Numbers: text to booleans, integers, floats, decimals and bytes, exactly.

Arrow's own casts do the work. What they would read wrongly and without a word (hexadecimal
integers, floats beyond their range, decimals of more digits than fit) is refused.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from dune_frames._types.constants import constant

if TYPE_CHECKING:
    import pyarrow as pa

#: Digits that a decimal128 and a decimal256 always hold. Arrow's cast wraps around beyond, both
#: when it reads the digits and when it makes room for the scale.
_NARROW, _WIDE = 38, 76
_INFINITY = r"^[+-]?(?i:inf|infinity)$"


def read_boolean(text: pa.Array, to: pa.DataType) -> pa.Array:
    """Read `true` and `false`."""
    import pyarrow.compute as pc

    true = pc.equal(text, constant("true"))
    if not pc.all(pc.or_(true, pc.equal(text, constant("false")))).as_py():
        raise ValueError("neither true nor false")
    return true.cast(to)


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

    text = _without_exponents(text)
    longest = pc.max(pc.binary_length(text)).as_py()
    needed = max(longest, pc.max(_count_whole_digits(text)).as_py() + to.scale)
    if needed <= _NARROW:
        return text.cast(to)
    if needed > _WIDE:
        raise ValueError("more digits than a decimal can have")
    return text.cast(pa.decimal256(_WIDE, to.scale)).cast(to)


def _count_whole_digits(text: pa.Array) -> pa.Array:
    """Count the digits before the point, zeros in front aside."""
    import pyarrow.compute as pc

    digits = pc.utf8_ltrim(text, "+-0")
    point = pc.find_substring(digits, ".")
    return pc.if_else(pc.less(point, constant(0)), pc.binary_length(digits), point)


_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]{1,3}")


def _without_exponents(text: pa.Array) -> pa.Array:
    """Write in full what has an exponent. It is rare, so that Python may do it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pc.any(pc.match_substring_regex(text, "[eE]")).as_py():
        return text
    return pa.array([_in_full(each) for each in text.to_pylist()], pa.string())


def _in_full(text: str | None) -> str | None:
    return f"{Decimal(text):f}" if text and _SCIENTIFIC.fullmatch(text) else text


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
