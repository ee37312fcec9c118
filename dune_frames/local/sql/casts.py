"""Casts: how a value of one type becomes another, and what happens when it cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dune_frames._types import DuneType, field_names
from dune_frames.local.duckdb_types import computed_type
from dune_frames.local.sql.types import (
    BIG_INTEGERS,
    DOUBLE,
    INTEGERS,
    UNKNOWN,
    VARCHAR,
    fraction_digits,
    is_number,
)
from dune_frames.local.sql.values import Value, sql_name, sql_string

#: The fractional digits that DuckDB keeps of most moments.
_MICROSECONDS = 6
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


class CastError(Exception):
    """There is no such cast, or not here."""


@dataclass(frozen=True, slots=True)
class _Cast:
    """One cast.

    Attributes
    ----------
    value : Value
        What is cast.
    target : DuneType
        To what.
    attempt : bool
        Whether a value that cannot be cast becomes null instead of an error.
    """

    value: Value
    target: DuneType
    attempt: bool

    @property
    def sql(self) -> str:
        return self.value.sql

    def native(self, sql: str) -> str:
        """Let DuckDB cast to the target."""
        word = "TRY_CAST" if self.attempt else "CAST"
        return f"{word}({sql} AS {computed_type(self.target)})"

    def udf(self, name: str, *arguments: str) -> str:
        """Call a function of ours."""
        return f"{'try_' if self.attempt else ''}{name}({', '.join(arguments)})"

    def to(self, target: DuneType, sql: str, source: DuneType) -> str:
        """Cast on from an intermediate type."""
        return cast(Value(sql, source), target, attempt=self.attempt).sql


def cast(value: Value, target: DuneType, *, attempt: bool = False) -> Value:
    """Cast a value to a type.

    Parameters
    ----------
    value : Value
        The value.
    target : DuneType
        The type.
    attempt : bool
        Whether what cannot be cast becomes null, as with ``try_cast``.

    Raises
    ------
    CastError
        The types have no cast.
    """
    source = value.type
    if source == UNKNOWN:
        return Value(f"CAST(NULL AS {computed_type(target)})", target)
    if source == target:
        return value
    rule = _RULES.get((_family(source), _family(target)))
    if rule is None:
        raise CastError(f"Cannot cast {source} to {target}")
    literal = value.literal if is_number(source) and is_number(target) else None
    return Value(rule(_Cast(value, target, attempt)), target, literal)


def _family(dune: DuneType) -> str:
    if dune.name in INTEGERS:
        return "integer"
    if dune.name in BIG_INTEGERS:
        return "big"
    families = {"real": "float", "double": "float", "varchar": "text", "char": "text"}
    return families.get(dune.name, dune.name)


def _native(cast: _Cast) -> str:
    return cast.native(cast.sql)


def _same(cast: _Cast) -> str:
    return cast.sql


# Numbers


def _rounded(cast: _Cast) -> str:
    """Round halves away from zero, where DuckDB rounds them to even."""
    return cast.native(f"round({cast.sql})")


def _integer_to_big(cast: _Cast) -> str:
    literal = cast.value.literal
    if cast.target.name == "int256" or (literal and literal.isdecimal()):
        return f"CAST({cast.sql} AS BIGNUM)"
    return _text_to_big(cast)


def _text_to_big(cast: _Cast) -> str:
    return f"CAST({cast.udf(f'to_{cast.target.name}', f'CAST({cast.sql} AS VARCHAR)')} AS BIGNUM)"


def _decimal_to_big(cast: _Cast) -> str:
    whole = f"CAST(round({cast.sql}) AS DECIMAL(38, 0))"
    return f"CAST({cast.udf(f'to_{cast.target.name}', f'CAST({whole} AS VARCHAR)')} AS BIGNUM)"


def _float_to_big(cast: _Cast) -> str:
    number = f"CAST({cast.sql} AS DOUBLE)"
    return f"CAST({cast.udf(f'double_to_{cast.target.name}', number)} AS BIGNUM)"


def _via_text(cast: _Cast) -> str:
    return cast.native(f"CAST({cast.sql} AS VARCHAR)")


def _big_to_bytes(cast: _Cast) -> str:
    return f"{cast.value.type.name}_to_bytes(CAST({cast.sql} AS VARCHAR))"


def _boolean_to_number(cast: _Cast) -> str:
    return cast.native(f"CAST({cast.sql} AS INTEGER)")


def _number_to_boolean(cast: _Cast) -> str:
    return f"({cast.sql} <> 0)"


# Text


def _from_text(cast: _Cast) -> str:
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


def _finished(cast: _Cast, sql: str) -> str:
    moment = cast.native(sql)
    return _to_precision(moment, cast.target) if "time" in cast.target.name else moment


def _to_text(cast: _Cast) -> str:
    return _sized(cast, f"CAST({cast.sql} AS VARCHAR)")


def _sized(cast: _Cast, text: str) -> str:
    """Cut a text to the length of its type; char pads it."""
    if not cast.target.arguments:
        return text if cast.target == VARCHAR else f"left({text}, 1)"
    length = cast.target.arguments[0]
    cut = f"left({text}, {length})"
    return f"rpad({cut}, {length}, ' ')" if cast.target.name == "char" else cut


def _text_to_text(cast: _Cast) -> str:
    return _sized(cast, cast.sql)


def _float_to_text(cast: _Cast) -> str:
    if cast.value.type == DOUBLE:
        return _sized(cast, f"double_text({cast.sql})")
    return _sized(cast, f"real_text(CAST({cast.sql} AS VARCHAR))")


def _bytes_to_text(cast: _Cast) -> str:
    return _sized(cast, f"('0x' || lower(hex({cast.sql})))")


def _text_to_bytes(cast: _Cast) -> str:
    return f"encode({cast.sql})"


def _moment_to_text(cast: _Cast) -> str:
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


# Moments


def _to_precision(moment: str, dune: DuneType) -> str:
    """Round a moment to the digits of its type; DuckDB keeps six or nine."""
    precision = fraction_digits(dune)
    if precision >= _MICROSECONDS:
        return moment
    step = 10 ** (_MICROSECONDS - precision)
    micros = f"CAST(round(epoch_us({moment}) / {step}.0) AS BIGINT) * {step}"
    if dune.name == "time":
        return f"CAST(make_timestamp({micros}) AS TIME)"
    made = f"make_timestamp({micros})"
    return f"timezone('UTC', {made})" if dune.name.endswith("zone") else made


def _moment_to_moment(cast: _Cast) -> str:
    given, wanted = cast.value.type, cast.target
    moment = cast.sql
    if given.name.endswith("zone") and not wanted.name.endswith("zone"):
        moment = f"timezone('UTC', {moment})"
    if wanted.name == "date":
        return f"CAST({moment} AS DATE)"
    if given.name == "date":
        moment = f"CAST({moment} AS TIMESTAMP)"
    if wanted.name.endswith("zone") and not given.name.endswith("zone"):
        moment = f"timezone('UTC', CAST({moment} AS TIMESTAMP))"
    if given.name != "date" and fraction_digits(wanted) < fraction_digits(given):
        return _to_precision(moment, wanted)
    return f"CAST({moment} AS {computed_type(wanted)})"


def _time_to_time(cast: _Cast) -> str:
    return _to_precision(cast.sql, cast.target)


# JSON


def _json_to_text(cast: _Cast) -> str:
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


def _json_to_scalar(cast: _Cast) -> str:
    return cast.to(cast.target, _json_to_text(_Cast(cast.value, VARCHAR, cast.attempt)), VARCHAR)


def _to_json(cast: _Cast) -> str:
    return f"to_json({cast.sql})"


# Nested


def _array_to_array(cast: _Cast) -> str:
    given, wanted = (dune.children[0].type for dune in (cast.value.type, cast.target))
    item = _variable(cast.sql)
    return f"list_transform({cast.sql}, lambda {item}: {cast.to(wanted, item, given)})"


def _map_to_map(cast: _Cast) -> str:
    entry = _variable(cast.sql)
    parts = [
        f"'{part}': {cast.to(wanted.type, f'{entry}.{part}', given.type)}"
        for part, given, wanted in zip(
            ("key", "value"), cast.value.type.children, cast.target.children, strict=True
        )
    ]
    entries = f"list_transform(map_entries({cast.sql}), lambda {entry}: {{{', '.join(parts)}}})"
    return f"map_from_entries({entries})"


def _row_to_row(cast: _Cast) -> str:
    given, wanted = cast.value.type.children, cast.target.children
    if len(given) != len(wanted):
        raise CastError(f"Cannot cast {cast.value.type} to {cast.target}")
    parts = []
    names = field_names(cast.target)
    for place, (name, old, new) in enumerate(zip(names, given, wanted, strict=True), start=1):
        field = f"struct_extract_at({cast.sql}, {place})"
        parts.append(f"{sql_name(name)}: {cast.to(new.type, field, old.type)}")
    return f"CASE WHEN {cast.sql} IS NULL THEN NULL ELSE {{{', '.join(parts)}}} END"


def _variable(sql: str) -> str:
    """Return a lambda's name that no lambda inside or outside can have taken."""
    return f"v{len(sql)}"


_Rule = Callable[[_Cast], str]
_RULES: dict[tuple[str, str], _Rule] = {
    ("integer", "integer"): _native,
    ("integer", "decimal"): _native,
    ("integer", "float"): _native,
    ("integer", "big"): _integer_to_big,
    ("integer", "boolean"): _number_to_boolean,
    ("integer", "text"): _to_text,
    ("big", "integer"): _via_text,
    ("big", "big"): _text_to_big,
    ("big", "decimal"): _via_text,
    ("big", "float"): _via_text,
    ("big", "text"): _to_text,
    ("big", "varbinary"): _big_to_bytes,
    ("decimal", "integer"): _native,
    ("decimal", "decimal"): _native,
    ("decimal", "float"): _native,
    ("decimal", "big"): _decimal_to_big,
    ("decimal", "boolean"): _number_to_boolean,
    ("decimal", "text"): _to_text,
    ("float", "integer"): _rounded,
    ("float", "decimal"): _native,
    ("float", "float"): _native,
    ("float", "big"): _float_to_big,
    ("float", "boolean"): _number_to_boolean,
    ("float", "text"): _float_to_text,
    ("boolean", "integer"): _boolean_to_number,
    ("boolean", "float"): _boolean_to_number,
    ("boolean", "decimal"): _boolean_to_number,
    ("boolean", "text"): _to_text,
    ("text", "big"): _text_to_big,
    **dict.fromkeys((("text", "integer"), ("text", "decimal"), ("text", "float")), _from_text),
    **dict.fromkeys((("text", "boolean"), ("text", "date"), ("text", "time")), _from_text),
    **dict.fromkeys((("text", "timestamp"), ("text", "timestamp with time zone")), _from_text),
    ("text", "uuid"): _from_text,
    ("text", "text"): _text_to_text,
    ("text", "varbinary"): _text_to_bytes,
    ("varbinary", "text"): _bytes_to_text,
    ("date", "text"): _to_text,
    **dict.fromkeys(
        (
            (given, wanted)
            for given in ("date", "timestamp", "timestamp with time zone")
            for wanted in ("date", "timestamp", "timestamp with time zone")
        ),
        _moment_to_moment,
    ),
    ("time", "time"): _time_to_time,
    **dict.fromkeys(
        ((given, "text") for given in ("time", "timestamp", "timestamp with time zone")),
        _moment_to_text,
    ),
    ("uuid", "text"): _to_text,
    ("json", "text"): _json_to_text,
    **dict.fromkeys(
        (("json", wanted) for wanted in ("integer", "float", "decimal", "boolean", "big")),
        _json_to_scalar,
    ),
    **dict.fromkeys(((given, "json") for given in ("integer", "boolean", "text")), _to_json),
    ("array", "array"): _array_to_array,
    ("map", "map"): _map_to_map,
    ("row", "row"): _row_to_row,
}
