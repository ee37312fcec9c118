"""Comparisons: the operator and the literal with which Dune says one exactly, by column type.

A type that has no rule compares differently there than here, or not in a documented way: uint256,
which is text here and a number there; char, which is padded there; booleans, times, intervals,
JSON and nested values.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

from dune_frames._predicate.algebra import Operator, Value
from dune_frames._types.table import INTEGERS

if TYPE_CHECKING:
    import pyarrow as pa

    from dune_frames._types.table import DuneType

#: Digits that a number may have: those of Trino's widest decimal.
_DIGITS = 38
#: From here on neighbouring integers share a float64.
_FIRST_INEXACT = 2**53

#: The operator and the literal of a comparison; another operator where the value was rounded.
Said: TypeAlias = tuple[Operator, str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result: its type on Dune, and the Arrow type that follows from it."""

    name: str
    dune: DuneType
    arrow: pa.DataType


def say(column: Column, operator: Operator, value: Value) -> Said | None:
    """Return how Dune says a comparison; `None` where it cannot say it exactly.

    NaN, which compares differently there, is the caller's concern.
    """
    rule = _RULES.get(column.dune.name)
    return None if rule is None else rule(column, operator, value)


def string(text: str) -> str:
    """Return a string literal."""
    return "'" + text.replace("'", "''") + "'"


def _rounded_down(operator: Operator, *, whole: bool) -> Operator | None:
    """Return the operator that says of the next lower value what `operator` says of a value."""
    if whole:
        return operator
    changed: dict[Operator, Operator] = {"<": "<=", "<=": "<=", ">": ">", ">=": ">"}
    return changed.get(operator)


def _said(operator: Operator | None, literal: str) -> Said | None:
    return None if operator is None else (operator, literal)


def _integer(_: Column, operator: Operator, value: Value) -> Said | None:
    if isinstance(value, float) and abs(value) < _FIRST_INEXACT:
        below = math.floor(value)
        return _said(_rounded_down(operator, whole=below == value), str(below))
    fits = _is_int(value) and -(2**63) <= value < 2**63
    return (operator, str(value)) if fits else None


def _is_int(value: Value) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _double(_: Column, operator: Operator, value: Value) -> Said | None:
    number = float(value) if _is_int(value) and abs(value) < _FIRST_INEXACT else value
    if not isinstance(number, float) or not math.isfinite(number):
        return None
    # Adding zero makes -0.0 a plain 0.0, which it equals.
    text = format(Decimal(repr(number + 0.0)), "f")
    return (operator, text) if sum(map(str.isdigit, text)) <= _DIGITS else None


def _real(column: Column, operator: Operator, value: Value) -> Said | None:
    """Say a number that is one of the column's: others are rounded to one here, and not there."""
    exact = isinstance(value, float) and ctypes.c_float(value).value == value
    return _double(column, operator, value) if exact else None


def _decimal(column: Column, operator: Operator, value: Value) -> Said | None:
    if not _is_int(value) and not (isinstance(value, Decimal) and value.is_finite()):
        return None
    units = Fraction(value) * 10**column.arrow.scale
    fits = units.denominator == 1 and abs(units) < 10**column.arrow.precision
    return (operator, format(Decimal(value), "f")) if fits else None


def _text(_: Column, operator: Operator, value: Value) -> Said | None:
    return (operator, string(value)) if isinstance(value, str) and "\0" not in value else None


def _binary(_: Column, operator: Operator, value: Value) -> Said | None:
    """Say equality only: bytes have one text in lower case, and their order is not documented."""
    text = f"0x{value.hex()}" if isinstance(value, bytes) else value
    plain = isinstance(text, str) and re.fullmatch(r"0x([0-9a-f]{2})+", text)
    return (operator, str(text)) if plain and operator in ("=", "!=") else None


def _date(_: Column, operator: Operator, value: Value) -> Said | None:
    if not isinstance(value, datetime):
        return (operator, string(value.isoformat())) if isinstance(value, date) else None
    if value.tzinfo is not None:
        return None
    midnight = value == datetime.combine(value, datetime.min.time())
    return _said(_rounded_down(operator, whole=midnight), string(value.date().isoformat()))


def _timestamp(column: Column, operator: Operator, value: Value) -> Said | None:
    """Say a moment with as many digits as the column has; with three where that is not told."""
    zoned = column.dune.name.endswith("zone")
    if not isinstance(value, datetime) or (value.tzinfo is not None) != zoned:
        return None
    moment = value.astimezone(UTC).replace(tzinfo=None) if zoned else value
    digits = column.dune.arguments[0] if column.dune.arguments else 3
    rest = moment.microsecond % 10 ** max(6 - digits, 0)
    if rest and not column.dune.arguments:
        return None
    below = moment - timedelta(microseconds=rest)
    width = "milliseconds" if below.microsecond % 1000 == 0 else "microseconds"
    text = below.isoformat(" ", width if below.microsecond else "seconds")
    return _said(_rounded_down(operator, whole=not rest), string(text))


_Rule: TypeAlias = Callable[[Column, Operator, Value], Said | None]

_RULES: dict[str, _Rule] = {
    **dict.fromkeys(INTEGERS, _integer),
    "double": _double,
    "real": _real,
    "decimal": _decimal,
    "varchar": _text,
    "varbinary": _binary,
    "date": _date,
    "timestamp": _timestamp,
    "timestamp with time zone": _timestamp,
}
