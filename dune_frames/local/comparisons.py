"""Comparisons of a stored column with a literal: exact, whatever the type and the size."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from fractions import Fraction
from math import floor, isfinite
from typing import TYPE_CHECKING

from dune_frames.local.answers import RefusedError
from dune_frames.local.storage import storage_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from dune_frames._types.table import DuneType
    from dune_frames.local.columns import ResultColumn
    from dune_frames.local.settings import Quirks

_INTEGERS = ("tinyint", "smallint", "integer", "bigint")
_TEXTS = ("varchar", "char", "uuid", "ipaddress", "json")
_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?:[T ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)"
    r"(?:\.(?P<fraction>\d{1,12}))?)?)?(?:Z|\s?UTC|(?P<offset>[+-]\d\d:\d\d))?"
)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as a filter writes it.

    Attributes
    ----------
    text : str
        Its text, without quotes or prefix.
    kind : {"number", "string", "hex", "boolean"}
        How it was written.
    """

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class _Scale:
    """A type whose values are whole numbers of a unit; what lies between two can be rounded away.

    Attributes
    ----------
    column : str
        The column's number of units, as SQL.
    units : Fraction
        The literal's number of units, which may lie between two.
    constant : callable
        From a whole number of units to SQL, or None where no value of the column reaches that far.
    """

    column: str
    units: Fraction
    constant: Callable[[int], str | None]


def comparison(column: ResultColumn, operator: str, literal: Literal, quirks: Quirks) -> str:
    """Return SQL that compares a stored column with a literal, null where the column is null.

    Parameters
    ----------
    column : ResultColumn
        The column.
    operator : {"=", "<>", "<", "<=", ">", ">="}
        The operator.
    literal : Literal
        The value.
    quirks : Quirks
        Decides what NaN compares like.

    Raises
    ------
    RefusedError
        The literal does not fit the column's type.
    """
    name = column.type.name
    if name == "unknown":
        return "CAST(NULL AS BOOLEAN)"
    if name in ("double", "real"):
        return _float_comparison(column, operator, literal, quirks)
    if name == "boolean" and literal.kind == "boolean" and operator in ("=", "<>"):
        return f"({column.sql} {operator} {literal.text})"
    if name in _TEXTS and literal.kind == "string":
        return f"({column.sql} {operator} {sql_string(literal.text)})"
    if name == "varbinary" and literal.kind in ("hex", "string"):
        return f"({column.sql} {operator} {_binary(column, literal)})"
    return _discrete_comparison(operator, _scale(column, literal))


def sql_string(text: str) -> str:
    """Write a text as a SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _refusal(column: ResultColumn, literal: Literal) -> RefusedError:
    shown = sql_string(literal.text) if literal.kind == "string" else literal.text
    return RefusedError(
        400, f"cannot compare column {column.name} of type {column.type} with {shown}"
    )


def _number(column: ResultColumn, literal: Literal) -> Fraction:
    if literal.kind != "number" or not isfinite(float(literal.text)):
        raise _refusal(column, literal)
    return Fraction(literal.text)


def _binary(column: ResultColumn, literal: Literal) -> str:
    if not re.fullmatch(r"0x(?:[0-9a-fA-F]{2})*", literal.text):
        raise _refusal(column, literal)
    return f"from_hex('{literal.text[2:]}')"


def _float_comparison(column: ResultColumn, operator: str, literal: Literal, quirks: Quirks) -> str:
    number = float(_number(column, literal))
    plain = f"CAST({column.sql} AS DOUBLE) {operator} CAST('{number!r}' AS DOUBLE)"
    if quirks.nan_in_filters == "largest":
        return f"({plain})"
    differs = "TRUE" if operator == "<>" else "FALSE"
    return f"(CASE WHEN isnan({column.sql}) THEN {differs} ELSE {plain} END)"


def _discrete_comparison(operator: str, scale: _Scale) -> str:
    """Compare whole numbers of units; `a < 2.5` is `a <= 2`, and `a = 2.5` never holds."""
    whole = scale.units.denominator == 1
    if operator in ("=", "<>") and not whole:
        return _constant(scale.column, holds=operator == "<>")
    bound = floor(scale.units)
    if not whole:
        operator = {"<": "<=", ">=": ">"}.get(operator, operator)
    constant = scale.constant(bound)
    if constant is None:
        below = bound > 0
        holds = operator == "<>" or operator in (("<", "<=") if below else (">", ">="))
        return _constant(scale.column, holds=holds)
    return f"({scale.column} {operator} {constant})"


def _constant(column: str, *, holds: bool) -> str:
    return f"(CASE WHEN {column} IS NULL THEN NULL ELSE {str(holds).upper()} END)"


def _scale(column: ResultColumn, literal: Literal) -> _Scale:
    name = column.type.name
    if name in _INTEGERS:
        return _Scale(column.sql, _number(column, literal), _bigint)
    if name in ("uint256", "int256"):
        big = f"CAST({column.sql} AS BIGNUM)"
        return _Scale(big, _number(column, literal), lambda units: f"CAST('{units}' AS BIGNUM)")
    if name == "decimal":
        return _decimal_scale(column, _number(column, literal))
    if name == "date":
        days = f"date_diff('day', DATE '1970-01-01', {column.sql})"
        return _Scale(days, _moment(column, literal) / 86_400, _within(2**31, str))
    if name.startswith("timestamp"):
        unit, per_second = ("us", 10**6) if _is_micro(column.type) else ("ns", 10**9)
        moments = f"epoch_{unit}({column.sql})"
        return _Scale(moments, _moment(column, literal) * per_second, _within(2**63, str))
    raise _refusal(column, literal)


def _bigint(units: int) -> str | None:
    """Write what DuckDB's bigint holds; its least value has no positive counterpart."""
    return str(units) if -(2**63) <= units < 2**63 else None


def _within(limit: int, write: Callable[[int], str]) -> Callable[[int], str | None]:
    return lambda units: write(units) if -limit < units < limit else None


def _is_micro(dune: DuneType) -> bool:
    return bool(storage_type(dune).unit == "us")


def _decimal_scale(column: ResultColumn, number: Fraction) -> _Scale:
    stored = storage_type(column.type)
    digits, scale = stored.precision, stored.scale

    def constant(units: int) -> str:
        shifted = f"{abs(units):0{scale + 1}d}"
        text = f"{shifted[:-scale]}.{shifted[-scale:]}" if scale else shifted
        return f"CAST('{'-' if units < 0 else ''}{text}' AS DECIMAL({digits},{scale}))"

    return _Scale(column.sql, number * 10**scale, _within(10**digits, constant))


def _moment(column: ResultColumn, literal: Literal) -> Fraction:
    """Return the seconds since 1970 of a date or time as a string."""
    match = _MOMENT.fullmatch(literal.text.strip()) if literal.kind == "string" else None
    if match is None:
        raise _refusal(column, literal)
    try:
        clock = f"{match['hour'] or '00'}:{match['minute'] or '00'}:{match['second'] or '00'}"
        moment = dt.datetime.fromisoformat(f"{match['day']}T{clock}{match['offset'] or ''}")
    except ValueError:
        raise _refusal(column, literal) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    fraction = match["fraction"] or "0"
    return Fraction((moment - _EPOCH) // dt.timedelta(seconds=1)) + Fraction(f"0.{fraction}")
