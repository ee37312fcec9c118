"""Base58: the letters in which Bitcoin, Solana and Tron write bytes."""

from __future__ import annotations

import hashlib

from dune_frames.local.udfs.udf import Udf

_LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_TRON_PREFIX = b"\x41"
_CHECKSUM = 4
_ADDRESS = 20
#: The work grows with the square of the length, and nothing real is longer.
_LONGEST = 10_000


def _encoded(data: bytes) -> str:
    _check_length(len(data))
    zeros = len(data) - len(data.lstrip(b"\0"))
    number, letters = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, len(_LETTERS))
        letters = _LETTERS[digit] + letters
    return _LETTERS[0] * zeros + letters


def _decoded(text: str) -> bytes:
    _check_length(len(text))
    zeros = len(text) - len(text.lstrip(_LETTERS[0]))
    number = 0
    for letter in text:
        digit = _LETTERS.find(letter)
        if digit < 0:
            raise ValueError(f"Invalid Base58 character: {letter}")
        number = number * len(_LETTERS) + digit
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _check_length(length: int) -> None:
    if length > _LONGEST:
        raise ValueError(f"Base58 of more than {_LONGEST} characters")


def _tron_address(address: bytes) -> str:
    if len(address) != _ADDRESS:
        raise ValueError(f"A Tron address has {_ADDRESS} bytes, not {len(address)}")
    data = _TRON_PREFIX + address
    return _encoded(data + _checksum(data))


def _from_tron_address(text: str) -> bytes:
    whole = _decoded(text)
    data, checksum = whole[:-_CHECKSUM], whole[-_CHECKSUM:]
    if data[:1] != _TRON_PREFIX or len(data) != 1 + _ADDRESS or checksum != _checksum(data):
        raise ValueError(f"Invalid Tron address: {text}")
    return data[1:]


def _checksum(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()[:_CHECKSUM]


UDFS = (
    Udf("base58_encoded", _encoded, ("BLOB",), "VARCHAR"),
    Udf("base58_decoded", _decoded, ("VARCHAR",), "BLOB"),
    Udf("tron_address", _tron_address, ("BLOB",), "VARCHAR"),
    Udf("from_tron_address", _from_tron_address, ("VARCHAR",), "BLOB"),
)
