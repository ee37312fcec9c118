"""Literals: Python values as Trino writes them, so that no value can break out of its place."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dune_frames._ask.params import as_number, as_text, filled, in_utc, plain, precision, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Trino's longest decimal.
_DECIMAL_DIGITS = 38


def literal(name: str, value: Any) -> str:
    """Return a value as a Trino literal that no value can break out of."""
    value = plain(value)
    for kinds, write in _LITERALS:
        if isinstance(value, kinds):
            return write(name, value)
    return "NULL" if value is None else "'" + quoted_text(name, value) + "'"


def quoted_text(name: str, value: Any) -> str:
    """Return the plain text of a value, for a place between single quotes."""
    return as_text(name, value).replace("'", "''")


def _list_literal(name: str, values: Sequence[Any]) -> str:
    if any(isinstance(each, list | tuple) for each in values):
        raise refused(name, values)
    return ", ".join(literal(name, each) for each in filled(name, values))


def _boolean_literal(_: str, value: bool) -> str:
    return str(value).upper()


def _float_literal(_: str, value: float) -> str:
    text = float.__repr__(value)
    return f"DOUBLE '{text}'".replace("inf", "Infinity").replace("nan", "NaN")


def _integer_literal(name: str, value: int) -> str:
    """Write plain digits, or name the type where SQL would not read them exactly.

    A negative number stands in parentheses: behind a minus it would start a comment.
    """
    if -(2**63) < value < 2**63:
        return str(int(value)) if value >= 0 else f"({int(value)})"
    if not -(2**255) <= value < 2**256:
        raise refused(name, value)
    return f"CAST('{int(value)}' AS {'UINT256' if value >= 0 else 'INT256'})"


def _decimal_literal(name: str, value: Decimal) -> str:
    text = as_number(name, value)
    whole, _, fraction = text.lstrip("-").partition(".")
    if len(whole.lstrip("0") + fraction) > _DECIMAL_DIGITS:
        raise refused(name, value)
    return f"DECIMAL '{text}'"


def _date_literal(_: str, value: date) -> str:
    return f"DATE '{value.isoformat()}'"


def _datetime_literal(name: str, value: datetime) -> str:
    local = in_utc(name, value)
    zone = " UTC" if value.tzinfo else ""
    return f"TIMESTAMP '{local.isoformat(' ', precision(local))}{zone}'"


def _bytes_literal(_: str, value: bytes) -> str:
    return f"0x{value.hex()}" if value else "X''"


#: The first kind that fits a value decides: a bool is an int, a datetime is a date.
_LITERALS: tuple[tuple[Any, Callable[[str, Any], str]], ...] = (
    (bool, _boolean_literal),
    (int, _integer_literal),
    (float, _float_literal),
    (Decimal, _decimal_literal),
    (datetime, _datetime_literal),
    (date, _date_literal),
    ((bytes, bytearray), _bytes_literal),
    ((list, tuple), _list_literal),
)
