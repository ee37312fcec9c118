"""Casts: how a value of one type becomes another, and what happens when it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dune_frames.local.duckdb_types import computed_type
from dune_frames.local.sql.casts import json_values, moments, nested, numbers, texts
from dune_frames.local.sql.casts.cast import Cast, CastError, Rule
from dune_frames.local.sql.types import BIG_INTEGERS, INTEGERS, UNKNOWN, is_number
from dune_frames.local.sql.values import Value

if TYPE_CHECKING:
    from dune_frames._types.table import DuneType

__all__ = ["CastError", "cast"]


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
    if attempt and target.children:
        # One part that cannot be cast makes all of it null.
        return Value(f"TRY({cast(value, target).sql})", target)
    literal = value.literal if is_number(source) and is_number(target) else None

    def again(sql: str, given: DuneType, wanted: DuneType) -> str:
        return cast(Value(sql, given), wanted, attempt=attempt).sql

    return Value(rule(Cast(value, target, attempt, again)), target, literal)


def _family(dune: DuneType) -> str:
    if dune.name in INTEGERS:
        return "integer"
    if dune.name in BIG_INTEGERS:
        return "big"
    families = {"real": "float", "double": "float", "varchar": "text", "char": "text"}
    return families.get(dune.name, dune.name)


_INSTANTS = ("timestamp", "timestamp with time zone")
_MOMENTS = ("date", *_INSTANTS)
_SHAPED = ("integer", "decimal", "float", "boolean", "time", "uuid", *_MOMENTS)

#: From a family of types to another, and how.
_RULES: dict[tuple[str, str], Rule] = {
    ("integer", "integer"): numbers.native,
    ("integer", "decimal"): numbers.native,
    ("integer", "float"): numbers.native,
    ("integer", "big"): numbers.integer_to_big,
    ("integer", "boolean"): numbers.number_to_boolean,
    ("integer", "text"): texts.to_text,
    ("integer", "json"): texts.to_json,
    ("big", "integer"): numbers.via_text,
    ("big", "big"): numbers.text_to_big,
    ("big", "decimal"): numbers.via_text,
    ("big", "float"): numbers.via_text,
    ("big", "text"): texts.to_text,
    ("big", "varbinary"): numbers.big_to_bytes,
    ("decimal", "integer"): numbers.native,
    ("decimal", "decimal"): numbers.native,
    ("decimal", "float"): numbers.native,
    ("decimal", "big"): numbers.decimal_to_big,
    ("decimal", "boolean"): numbers.number_to_boolean,
    ("decimal", "text"): texts.to_text,
    ("float", "integer"): numbers.rounded,
    ("float", "decimal"): numbers.native,
    ("float", "float"): numbers.native,
    ("float", "big"): numbers.float_to_big,
    ("float", "boolean"): numbers.number_to_boolean,
    ("float", "text"): texts.float_to_text,
    ("boolean", "integer"): numbers.boolean_to_number,
    ("boolean", "float"): numbers.boolean_to_number,
    ("boolean", "decimal"): numbers.boolean_to_number,
    ("boolean", "text"): texts.to_text,
    ("boolean", "json"): texts.to_json,
    **{("text", wanted): texts.from_text for wanted in _SHAPED},
    ("text", "timestamp with time zone"): texts.from_zoned_text,
    ("text", "big"): numbers.text_to_big,
    ("text", "text"): texts.text_to_text,
    ("text", "varbinary"): texts.text_to_bytes,
    ("text", "json"): json_values.text_to_json,
    ("date", "json"): json_values.text_to_json,
    **{(given, "json"): json_values.text_to_json for given in _INSTANTS},
    ("decimal", "json"): json_values.decimal_to_json,
    ("float", "json"): json_values.number_to_json,
    ("array", "json"): json_values.array_to_json,
    ("map", "json"): json_values.map_to_json,
    ("row", "json"): json_values.row_to_json,
    ("json", "array"): json_values.json_to_array,
    ("json", "map"): json_values.json_to_map,
    ("json", "row"): json_values.json_to_row,
    ("varbinary", "text"): texts.bytes_to_text,
    **{(given, wanted): moments.moment_to_moment for given in _MOMENTS for wanted in _MOMENTS},
    ("time", "time"): moments.time_to_time,
    ("date", "text"): texts.to_text,
    **{(given, "text"): texts.moment_to_text for given in ("time", *_INSTANTS)},
    ("uuid", "text"): texts.to_text,
    ("json", "text"): texts.json_to_text,
    **{
        ("json", wanted): texts.json_to_scalar
        for wanted in ("integer", "float", "decimal", "boolean", "big")
    },
    ("array", "array"): nested.array_to_array,
    ("map", "map"): nested.map_to_map,
    ("row", "row"): nested.row_to_row,
}
