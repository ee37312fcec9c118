"""Binary: bytes taken apart, put together, hashed and encoded."""

from __future__ import annotations

import hashlib
import hmac
import re
import zlib
from typing import TYPE_CHECKING

from dune_frames.local.udfs.keccak import keccak256
from dune_frames.local.udfs.udf import Udf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DIGESTS = ("md5", "sha1", "sha256", "sha512")
_ONE = ("BLOB",)
_TWO = ("BLOB", "BLOB")
_LONGEST = 2**31 - 1
_ADDRESS_DIGITS = 64


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


def _hmac(name: str) -> Callable[[bytes, bytes], bytes]:
    return lambda data, key: hmac.digest(key, data, name)


def _text(data: bytes) -> str:
    """Decode UTF-8; what is none becomes U+FFFD."""
    return data.decode("utf-8", "replace")


def _from_hex(text: str) -> bytes:
    digits = re.sub("^0[xX]", "", text)
    if len(digits) % 2:
        raise ValueError(f"Odd number of hexadecimal digits: {text}")
    if not re.fullmatch("[0-9a-fA-F]*", digits):
        raise ValueError(f"Invalid hexadecimal digit in: {text}")
    return bytes.fromhex(digits)


def _address(text: str) -> bytes:
    """Read hexadecimal digits into 32 bytes, zeros before them."""
    digits = re.sub("^0[xX]", "", text)
    if len(digits) > _ADDRESS_DIGITS:
        raise ValueError(f"More than 32 bytes: {text}")
    return _from_hex(digits.rjust(_ADDRESS_DIGITS, "0"))


def _big_endian(size: int) -> tuple[Callable[[bytes], int], Callable[[int], bytes]]:
    def read(data: bytes) -> int:
        if len(data) != size:
            raise ValueError(f"expected {size}-byte input, but got instead: {len(data)}")
        return int.from_bytes(data, "big", signed=True)

    return read, lambda number: number.to_bytes(size, "big", signed=True)


def _padded(data: bytes, size: int, pad: bytes) -> bytes:
    """Return the padding of some bytes to a size."""
    if not 0 <= size <= _LONGEST:
        raise ValueError(f"Target length must be in the range [0..{_LONGEST}]")
    if not pad:
        raise ValueError("Padding bytes must not be empty")
    missing = max(size - len(data), 0)
    return (pad * (missing // len(pad) + 1))[:missing]


def _lpad(data: bytes, size: int, pad: bytes) -> bytes:
    return (_padded(data, size, pad) + data)[:size] if size > len(data) else data[:size]


def _rpad(data: bytes, size: int, pad: bytes) -> bytes:
    return (data + _padded(data, size, pad))[:size]


def _big_endian_udfs() -> Iterator[Udf]:
    for size, bits in ((4, 32), (8, 64)):
        read, write = _big_endian(size)
        yield Udf(f"bytes_from_big_endian_{bits}", read, _ONE, "BIGINT")
        yield Udf(f"bytes_to_big_endian_{bits}", write, ("BIGINT",), "BLOB")


UDFS = (
    Udf("bytes_substring", _bytes_substring, ("BLOB", "BIGINT", "BIGINT"), "BLOB"),
    Udf("bytes_position", lambda data, part: data.find(part) + 1, _TWO, "BIGINT"),
    Udf("bytes_starts_with", lambda data, part: int(data.startswith(part)), _TWO, "BIGINT"),
    Udf("bytes_replace", _bytes_replace, ("BLOB", "BLOB", "BLOB"), "BLOB"),
    Udf("bytes_reverse", lambda data: data[::-1], _ONE, "BLOB"),
    Udf("bytes_ltrim", lambda data: data.lstrip(b"\0"), _ONE, "BLOB"),
    Udf("bytes_rtrim", lambda data: data.rstrip(b"\0"), _ONE, "BLOB"),
    Udf("bytes_lpad", _lpad, ("BLOB", "BIGINT", "BLOB"), "BLOB"),
    Udf("bytes_rpad", _rpad, ("BLOB", "BIGINT", "BLOB"), "BLOB"),
    Udf("bytes_text", _text, _ONE, "VARCHAR"),
    Udf("bytes_from_hex", _from_hex, ("VARCHAR",), "BLOB"),
    Udf("bytes_address", _address, ("VARCHAR",), "BLOB"),
    Udf("bytes_crc32", zlib.crc32, _ONE, "BIGINT"),
    Udf("keccak", keccak256, _ONE, "BLOB"),
    *(Udf(f"bytes_{name}", _digest(name), _ONE, "BLOB") for name in _DIGESTS),
    *(Udf(f"bytes_hmac_{name}", _hmac(name), _TWO, "BLOB") for name in _DIGESTS),
    *_big_endian_udfs(),
)
