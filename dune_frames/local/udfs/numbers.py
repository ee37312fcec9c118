"""Numbers: exact 256-bit integers, divided decimals, and floats as text."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING

from dune_frames.local.udfs.udf import Udf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Of 256 bits.
_BYTES = 32
_LIMITS = {"uint256": (0, 2**256 - 1), "int256": (-(2**255), 2**255 - 1)}
#: Of a bigint.
_BITS = 64
_DECIMAL_BYTES = 16
_DECIMAL_DIGITS = 38
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LEAST_RADIX = 2
_TWO_TEXTS = ("VARCHAR", "VARCHAR")


def _divided(left: int, right: int) -> int:
    """Divide towards zero, as Trino does."""
    if not right:
        raise ValueError("Division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "add": lambda left, right: left + right,
    "sub": lambda left, right: left - right,
    "mul": lambda left, right: left * right,
    "div": _divided,
    "mod": lambda left, right: left - right * _divided(left, right),
}


def _within(kind: str, number: int) -> int:
    low, high = _LIMITS[kind]
    if not low <= number <= high:
        raise ValueError(f"{kind.upper()} overflow: {number}")
    return number


def _integer_operation(
    kind: str, operation: Callable[[int, int], int]
) -> Callable[[str, str], str]:
    def compute(left: str, right: str) -> str:
        operands = (_within(kind, int(left)), _within(kind, int(right)))
        return str(_within(kind, operation(*operands)))

    return compute


def _to_integer(kind: str) -> Callable[[str], str]:
    def convert(text: str) -> str:
        if not text.removeprefix("-").removeprefix("+").isdecimal() or not text.isascii():
            raise ValueError(f"Cannot cast '{text}' to {kind.upper()}")
        return str(_within(kind, int(text)))

    return convert


def _double_to_integer(kind: str) -> Callable[[float], str]:
    def convert(number: float) -> str:
        if not math.isfinite(number):
            raise ValueError(f"Cannot cast {number} to {kind.upper()}")
        return str(_within(kind, int(Decimal(number).to_integral_value(ROUND_HALF_UP))))

    return convert


def _bytes_to_integer(kind: str) -> Callable[[bytes], str]:
    def convert(data: bytes) -> str:
        if len(data) > _BYTES:
            raise ValueError(f"varbinary of {len(data)} bytes is too long for {kind.upper()}")
        signed = kind == "int256" and len(data) == _BYTES
        return str(int.from_bytes(data, "big", signed=signed))

    return convert


def _integer_to_bytes(kind: str) -> Callable[[str], bytes]:
    return lambda text: int(text).to_bytes(_BYTES, "big", signed=kind == "int256")


def _bytes_to_bigint(data: bytes, size: int) -> int:
    return _bytes_to_number(data, size)


def _bytes_to_decimal(data: bytes) -> str:
    number = _bytes_to_number(data, _DECIMAL_BYTES)
    if abs(number) >= 10**_DECIMAL_DIGITS:
        raise ValueError(f"Value is out of range for DECIMAL({_DECIMAL_DIGITS},0): {number}")
    return str(number)


def _bytes_to_number(data: bytes, size: int) -> int:
    """Read big-endian bytes in two's complement; fewer than there may be are padded with zeros."""
    if len(data) > size:
        raise ValueError(f"varbinary of {len(data)} bytes is too long for {size} bytes")
    return int.from_bytes(data, "big", signed=len(data) == size)


def _from_base(text: str, radix: int) -> int:
    _check_radix(radix)
    try:
        number = int(text, radix)
    except ValueError:
        raise ValueError(f"Not a valid base-{radix} number: {text}") from None
    if not -(2**63) <= number < 2**63 or not text.isascii() or "_" in text or text != text.strip():
        raise ValueError(f"Not a valid base-{radix} number: {text}")
    return number


def _to_base(number: int, radix: int) -> str:
    _check_radix(radix)
    left, digits = abs(number), ""
    while left or not digits:
        left, digit = divmod(left, radix)
        digits = _DIGITS[digit] + digits
    return f"-{digits}" if number < 0 else digits


def _shifted_left(number: int, by: int) -> int:
    return _as_signed(number << by) if 0 <= by < _BITS else 0


def _shifted_right(number: int, by: int) -> int:
    """Shift in zeros, whatever the sign."""
    return _as_signed((number % 2**_BITS) >> by) if 0 <= by < _BITS else 0


def _as_signed(number: int) -> int:
    number %= 2**_BITS
    return number - 2**_BITS if number >= 2 ** (_BITS - 1) else number


def _check_radix(radix: int) -> None:
    if not _LEAST_RADIX <= radix <= len(_DIGITS):
        raise ValueError("Radix must be between 2 and 36")


def _decimal_div(left: str, right: str, scale: int) -> str:
    """Divide decimals to a scale, halves away from zero."""
    divisor = Decimal(right)
    if not divisor:
        raise ValueError("Division by zero")
    with localcontext(prec=200, rounding=ROUND_HALF_UP):
        return str((Decimal(left) / divisor).quantize(Decimal(1).scaleb(-scale)))


def double_text(number: float) -> str:
    """Write a double as Trino's cast to varchar does."""
    return _java_text(repr(number))


def _real_text(shortest: str) -> str:
    return _java_text(shortest)


def _java_text(text: str) -> str:
    """Write a float as Trino's cast to varchar does: ``1.0E10``, and plain from 1e-3 to 1e7."""
    named = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    if text in named:
        return named[text]
    number = Decimal(text)
    if not number or Decimal("1e-3") <= abs(number) < Decimal("1e7"):
        plain = format(number.normalize(), "f")
        return plain if "." in plain else f"{plain}.0"
    sign, digits, _ = number.normalize().as_tuple()
    rest = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{rest}E{number.adjusted()}"


def _of_kind(kind: str) -> Iterator[Udf]:
    for name, operation in _OPERATIONS.items():
        yield Udf(f"{kind}_{name}", _integer_operation(kind, operation), _TWO_TEXTS, "VARCHAR")
    yield Udf(f"to_{kind}", _to_integer(kind), ("VARCHAR",), "VARCHAR")
    yield Udf(f"double_to_{kind}", _double_to_integer(kind), ("DOUBLE",), "VARCHAR")
    yield Udf(f"bytes_to_{kind}", _bytes_to_integer(kind), ("BLOB",), "VARCHAR")
    yield Udf(f"{kind}_to_bytes", _integer_to_bytes(kind), ("VARCHAR",), "BLOB")


UDFS = (
    *_of_kind("uint256"),
    *_of_kind("int256"),
    Udf("decimal_div", _decimal_div, ("VARCHAR", "VARCHAR", "BIGINT"), "VARCHAR"),
    Udf("bytes_to_bigint", _bytes_to_bigint, ("BLOB", "BIGINT"), "BIGINT"),
    Udf("bytes_to_decimal", _bytes_to_decimal, ("BLOB",), "VARCHAR"),
    Udf("shifted_left", _shifted_left, ("BIGINT", "BIGINT"), "BIGINT"),
    Udf("shifted_right", _shifted_right, ("BIGINT", "BIGINT"), "BIGINT"),
    Udf("from_base", _from_base, ("VARCHAR", "BIGINT"), "BIGINT"),
    Udf("to_base", _to_base, ("BIGINT", "BIGINT"), "VARCHAR"),
    Udf("double_text", double_text, ("DOUBLE",), "VARCHAR"),
    Udf("real_text", _real_text, ("VARCHAR",), "VARCHAR"),
)
