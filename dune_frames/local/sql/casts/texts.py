"""Casts to and from text, bytes and JSON: a text must look like what it becomes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dune_frames.local.sql.casts.moments import to_precision
from dune_frames.local.sql.types import DOUBLE, INTEGERS, VARCHAR, fraction_digits
from dune_frames.local.sql.values import sql_string

if TYPE_CHECKING:
    from dune_frames.local.sql.casts.cast import Cast

_INTEGER = r"[+-]?\d+"
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_DATE = r"\s*\d{4}-\d{1,2}-\d{1,2}\s*"
_CLOCK = r"\d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?"
_MOMENT = rf"\s*\d{{4}}-\d{{1,2}}-\d{{1,2}}(\s+{_CLOCK})?\s*"
_ZONED = rf"\s*\d{{4}}-\d{{1,2}}-\d{{1,2}}(\s+{_CLOCK})?\s*(UTC|Z|[+-]\d\d:\d\d)?\s*"
#: What a text must look like to become a type; DuckDB would take more.
_SHAPES = {
    **dict.fromkeys(INTEGERS, _INTEGER),
    "decimal": r"[+-]?(\d+\.?\d*|\.\d+)",
    "real": rf"{_NUMBER}|[+-]?Infinity|NaN",
    "double": rf"{_NUMBER}|[+-]?Infinity|NaN",
    "boolean": r"(?i:true|false|t|f|1|0)",
    "date": _DATE,
    "time": _CLOCK,
    "timestamp": _MOMENT,
    "timestamp with time zone": _ZONED,
    "uuid": r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
}


def from_text(cast: Cast) -> str:
    """Cast a text that has the shape its type needs."""
    shaped = f"regexp_full_match({cast.sql}, {sql_string(_SHAPES[cast.target.name])})"
    if cast.attempt:
        return _finished(cast, f"CASE WHEN {shaped} THEN {cast.sql} END")
    shown = str(cast.target).upper()
    text = f"'Cannot cast ''' || {cast.sql} || ''' to {shown}'"
    return _finished(
        cast,
        f"CASE WHEN {shaped} OR {cast.sql} IS NULL THEN {cast.sql} "
        f"ELSE CAST(error({text}) AS VARCHAR) END",
    )


def _finished(cast: Cast, sql: str) -> str:
    moment = cast.native(sql)
    return to_precision(moment, cast.target) if "time" in cast.target.name else moment


def to_text(cast: Cast) -> str:
    """Cast what DuckDB writes as Trino does."""
    return _sized(cast, f"CAST({cast.sql} AS VARCHAR)")


def _sized(cast: Cast, text: str) -> str:
    """Cut a text to the length of its type; char pads it."""
    if not cast.target.arguments:
        return text if cast.target == VARCHAR else f"left({text}, 1)"
    length = cast.target.arguments[0]
    cut = f"left({text}, {length})"
    return f"rpad({cut}, {length}, ' ')" if cast.target.name == "char" else cut


def text_to_text(cast: Cast) -> str:
    """Cut or pad."""
    return _sized(cast, cast.sql)


def float_to_text(cast: Cast) -> str:
    """Write as Java does."""
    if cast.value.type == DOUBLE:
        return _sized(cast, f"double_text({cast.sql})")
    return _sized(cast, f"real_text(CAST({cast.sql} AS VARCHAR))")


def bytes_to_text(cast: Cast) -> str:
    """Write as Dune shows bytes."""
    return _sized(cast, f"('0x' || lower(hex({cast.sql})))")


def text_to_bytes(cast: Cast) -> str:
    """Take a text's UTF-8."""
    return f"encode({cast.sql})"


def json_to_text(cast: Cast) -> str:
    """Take a JSON scalar as text; what is nested has no such cast."""
    scalar = (
        f"CASE WHEN json_type({cast.sql}) NOT IN ('OBJECT', 'ARRAY') THEN {cast.sql} ->> '$' END"
    )
    if cast.attempt:
        return _sized(cast, f"({scalar})")
    shown = f"'Cannot cast ''' || CAST({cast.sql} AS VARCHAR) || ''' to VARCHAR'"
    nested = f"json_type({cast.sql}) IN ('OBJECT', 'ARRAY')"
    return _sized(
        cast, f"(CASE WHEN {nested} THEN CAST(error({shown}) AS VARCHAR) ELSE {scalar} END)"
    )


def json_to_scalar(cast: Cast) -> str:
    """Take a JSON scalar as text, and cast that."""
    text = json_to_text(replace(cast, target=VARCHAR))
    return cast.again(text, VARCHAR, cast.target)


def to_json(cast: Cast) -> str:
    """Make a JSON scalar."""
    return f"to_json({cast.sql})"


def moment_to_text(cast: Cast) -> str:
    """Write a time or timestamp with the fractional digits of its type."""
    precision = fraction_digits(cast.value.type)
    moment = cast.sql
    if cast.value.type.name == "time":
        moment = f"(TIMESTAMP '1970-01-01' + {moment})"
    clock = "%H:%M:%S" if cast.value.type.name == "time" else "%Y-%m-%d %H:%M:%S"
    written = f"strftime({moment}, '{clock}.%f')"
    kept = len("00:00:00" if cast.value.type.name == "time" else "1970-01-01 00:00:00")
    length = kept + (precision + 1 if precision else 0)
    text = f"rpad(left({written}, {length}), {length}, '0')"
    return _sized(cast, f"({text} || ' UTC')" if cast.value.type.name.endswith("zone") else text)
