"""Casts to and from text, bytes and JSON: a text must look like what it becomes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dune_frames.local.sql.binding import bound
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
#: A moment at a zone that is not UTC.
_ELSEWHERE = rf"(?:{_MOMENT})(?:[A-Za-z]+/[A-Za-z_/+-]+|[+-](?:0?[1-9]|1\d):\d\d)\s*"
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
    "uuid": r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
}


def from_text(cast: Cast) -> str:
    """Cast a text that has the shape its type needs."""
    shape = sql_string(_SHAPES[cast.target.name])

    def attempted(text: str) -> str:
        return f"CASE WHEN regexp_full_match({text}, {shape}) THEN {text} END"

    def checked(text: str) -> str:
        shaped = f"regexp_full_match({text}, {shape}) OR {text} IS NULL"
        return f"CASE WHEN {shaped} THEN {text} ELSE fail({_refusal(cast, text)}) END"

    return _finished(cast, bound(attempted if cast.attempt else checked, cast.sql))


def _refusal(cast: Cast, text: str) -> str:
    """Return Trino's words for a text that is no such value, as SQL."""
    name = cast.target.name
    if name == "decimal":
        shown = str(cast.target).upper().replace(" ", "")
        return f"'Cannot cast VARCHAR ''' || {text} || ''' to {shown}. Value is not a number.'"
    if name in ("date", "time", "timestamp", "timestamp with time zone"):
        return f"'Value cannot be cast to {name}: ' || {text}"
    word = "INT" if name == "integer" else name.upper()
    return f"'Cannot cast ''' || {text} || ''' to {word}'"


def from_zoned_text(cast: Cast) -> str:
    """Read an instant. Dune keeps the zone of the text, which only UTC's clock can do here."""

    def written(text: str) -> str:
        elsewhere = f"regexp_full_match({text}, {sql_string(_ELSEWHERE)})"
        refused = "fail('a time zone other than UTC is not supported by the embedded Dune')"
        return f"CASE WHEN {elsewhere} THEN {refused} ELSE {text} END"

    local = f"regexp_replace({bound(written, cast.sql)}, '\\s*(UTC|Z|[+-]00:00)\\s*$', '')"
    moment = cast.again(local, VARCHAR, replace(cast.target, name="timestamp"))
    return f"timezone('UTC', CAST({moment} AS TIMESTAMP))"


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
    return _sized(cast, cast.udf("json_as_text", f"CAST({cast.sql} AS VARCHAR)"))


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
