"""Functions that DuckDB lacks, in Python: exact 256-bit arithmetic, bytes, hashes.

Each is registered twice: under its name it raises, and under ``try_`` it gives null instead.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from dune_frames.local.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import duckdb

#: Of 256 bits.
_BYTES = 32
_LIMITS = {"uint256": (0, 2**256 - 1), "int256": (-(2**255), 2**255 - 1)}
_ARROW = {"VARCHAR": pa.string(), "BLOB": pa.binary(), "BIGINT": pa.int64()}


@dataclass(frozen=True, slots=True)
class Udf:
    """A function for DuckDB; null in gives null out.

    Attributes
    ----------
    name : str
        Its name.
    function : callable
        From Python values to one.
    parameters : tuple of str
        DuckDB's types of its arguments.
    returns : str
        DuckDB's type of its value: VARCHAR, BLOB or BIGINT.
    """

    name: str
    function: Callable[..., Any]
    parameters: tuple[str, ...]
    returns: str


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Make every function known to a database."""
    for udf in _all():
        for name, function in (
            (udf.name, udf.function),
            (f"try_{udf.name}", _trying(udf.function)),
        ):
            columnwise = _columnwise(function, len(udf.parameters), _ARROW[udf.returns])
            # DuckDB takes the plain word too, which its stubs do not tell.
            make: Any = connection.create_function
            make(name, columnwise, list(udf.parameters), udf.returns, type="arrow")


def _trying(function: Callable[..., Any]) -> Callable[..., Any]:
    def attempt(*values: Any) -> Any:
        try:
            return function(*values)
        except ValueError:
            return None

    return attempt


def _columnwise(
    function: Callable[..., Any], arity: int, returns: pa.DataType
) -> Callable[..., pa.Array]:
    def over(columns: list[pa.ChunkedArray]) -> pa.Array:
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        return pa.array([None if None in row else function(*row) for row in rows], returns)

    # DuckDB counts the parameters of what it is given.
    arities: dict[int, Callable[..., pa.Array]] = {
        1: lambda one: over([one]),
        2: lambda one, two: over([one, two]),
        3: lambda one, two, three: over([one, two, three]),
    }
    return arities[arity]


def _all() -> Iterator[Udf]:
    for kind in _LIMITS:
        for name, operation in _OPERATIONS.items():
            yield Udf(f"{kind}_{name}", _integer_operation(kind, operation), _TWO_TEXTS, "VARCHAR")
        yield Udf(f"to_{kind}", _to_integer(kind), ("VARCHAR",), "VARCHAR")
        yield Udf(f"double_to_{kind}", _double_to_integer(kind), ("DOUBLE",), "VARCHAR")
        yield Udf(f"bytes_to_{kind}", _bytes_to_integer(kind), ("BLOB",), "VARCHAR")
        yield Udf(f"{kind}_to_bytes", _integer_to_bytes(kind), ("VARCHAR",), "BLOB")
    yield Udf("decimal_div", _decimal_div, ("VARCHAR", "VARCHAR", "BIGINT"), "VARCHAR")
    yield Udf("bytes_to_bigint", _bytes_to_bigint, ("BLOB", "BIGINT"), "BIGINT")
    yield Udf("double_text", _double_text, ("DOUBLE",), "VARCHAR")
    yield Udf("real_text", _real_text, ("VARCHAR",), "VARCHAR")
    yield Udf("bytes_substring", _bytes_substring, ("BLOB", "BIGINT", "BIGINT"), "BLOB")
    yield Udf("bytes_position", lambda data, part: data.find(part) + 1, _TWO_BLOBS, "BIGINT")
    yield Udf(
        "bytes_starts_with", lambda data, part: int(data.startswith(part)), _TWO_BLOBS, "BIGINT"
    )
    yield Udf("bytes_replace", _bytes_replace, ("BLOB", "BLOB", "BLOB"), "BLOB")
    yield Udf("bytes_reverse", lambda data: data[::-1], ("BLOB",), "BLOB")
    yield Udf("bytes_ltrim", lambda data: data.lstrip(b"\0"), ("BLOB",), "BLOB")
    yield Udf("bytes_rtrim", lambda data: data.rstrip(b"\0"), ("BLOB",), "BLOB")
    yield Udf("keccak", keccak256, ("BLOB",), "BLOB")
    for digest in ("md5", "sha1", "sha256", "sha512"):
        yield Udf(f"bytes_{digest}", _digest(digest), ("BLOB",), "BLOB")


_TWO_TEXTS = ("VARCHAR", "VARCHAR")
_TWO_BLOBS = ("BLOB", "BLOB")


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
    if len(data) > size:
        raise ValueError(f"varbinary of {len(data)} bytes is too long for {size} bytes")
    return int.from_bytes(data, "big", signed=len(data) == size)


def _decimal_div(left: str, right: str, scale: int) -> str:
    """Divide decimals to a scale, halves away from zero."""
    divisor = Decimal(right)
    if not divisor:
        raise ValueError("Division by zero")
    with localcontext(prec=200, rounding=ROUND_HALF_UP):
        return str((Decimal(left) / divisor).quantize(Decimal(1).scaleb(-scale)))


def _double_text(number: float) -> str:
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


def _bytes_substring(data: bytes, start: int, length: int) -> bytes:
    """Take bytes from a position counted from 1, or from the end where it is negative."""
    if not start or length < 0:
        return b""
    first = start - 1 if start > 0 else len(data) + start
    return data[first : first + length] if first >= 0 else b""


def _bytes_replace(data: bytes, old: bytes, new: bytes) -> bytes:
    return data.replace(old, new) if old else data


def _digest(name: str) -> Callable[[bytes], bytes]:
    return lambda data: hashlib.new(name, data, usedforsecurity=False).digest()
