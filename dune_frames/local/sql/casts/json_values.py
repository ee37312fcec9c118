"""Casts from and to JSON: arrays, maps and rows part by part."""

from __future__ import annotations

from dune_frames._types.table import field_names
from dune_frames.local.sql.binding import bound
from dune_frames.local.sql.casts.cast import Cast, CastError
from dune_frames.local.sql.types import JSON, VARCHAR
from dune_frames.local.sql.values import sql_string


def json_to_array(cast: Cast) -> str:
    """Cast each item."""
    item = _variable(cast.sql)
    inner = cast.again(f"CAST({item} AS JSON)", JSON, cast.target.children[0].type)
    return f"list_transform({cast.udf('json_items', _text(cast.sql))}, lambda {item}: {inner})"


def json_to_map(cast: Cast) -> str:
    """Cast each key, which is text, and each value."""
    key_type, value_type = (child.type for child in cast.target.children)
    part = _variable(cast.sql)
    key = cast.again(part, VARCHAR, key_type)
    value = cast.again(f"CAST({part} AS JSON)", JSON, value_type)

    def written(text: str) -> str:
        keys = f"list_transform({cast.udf('json_members', text)}, lambda {part}: {key})"
        values = f"list_transform({cast.udf('json_member_values', text)}, lambda {part}: {value})"
        return (
            f"CASE WHEN {cast.udf('json_members', text)} IS NOT NULL THEN map({keys}, {values}) END"
        )

    return bound(written, _text(cast.sql))


def json_to_row(cast: Cast) -> str:
    """Cast each field: by its name from an object, by its place from an array."""

    def written(text: str) -> str:
        fields = []
        for place, (name, child) in enumerate(
            zip(field_names(cast.target), cast.target.children, strict=True)
        ):
            field = cast.udf("json_field", text, sql_string(name), str(place))
            value = cast.again(f"CAST({field} AS JSON)", JSON, child.type)
            fields.append(f'"{name}": {value}')
        return f"CASE WHEN {text} <> 'null' THEN {{{', '.join(fields)}}} END"

    return bound(written, _text(cast.sql))


def array_to_json(cast: Cast) -> str:
    """Write each item."""
    item = _variable(cast.sql)
    inner = cast.again(item, cast.value.type.children[0].type, JSON)
    texts = f"list_transform({cast.sql}, lambda {item}: coalesce(CAST({inner} AS VARCHAR), 'null'))"
    return f"CAST('[' || array_to_string({texts}, ',') || ']' AS JSON)"


def map_to_json(cast: Cast) -> str:
    """Write each key and value, sorted by key as Trino does."""
    key_type, value_type = (child.type for child in cast.value.type.children)
    entry = _variable(cast.sql)
    key = f"json_text_of({cast.again(f'{entry}.key', key_type, VARCHAR)})"
    value = cast.again(f"{entry}.value", value_type, JSON)
    pair = f"{key} || ':' || coalesce(CAST({value} AS VARCHAR), 'null')"
    pairs = f"list_transform(map_entries({cast.sql}), lambda {entry}: {pair})"
    return f"CAST(json_parsed('{{' || array_to_string({pairs}, ',') || '}}') AS JSON)"


def row_to_json(cast: Cast) -> str:
    """Write an object; a field without a name has no key to go by."""
    if not all(child.name for child in cast.value.type.children):
        raise CastError("a row without names cast to json is not supported by the embedded Dune")

    def written(row: str) -> str:
        parts = []
        for place, child in enumerate(cast.value.type.children, start=1):
            value = cast.again(f"struct_extract_at({row}, {place})", child.type, JSON)
            key = sql_string(f'"{child.name}":')
            parts.append(f"{key} || coalesce(CAST({value} AS VARCHAR), 'null')")
        whole = " || ',' || ".join(parts)
        return f"CASE WHEN {row} IS NOT NULL THEN CAST('{{' || {whole} || '}}' AS JSON) END"

    return bound(written, cast.sql)


def decimal_to_json(cast: Cast) -> str:
    """Write all digits."""
    return f"CAST({_text(cast.sql)} AS JSON)"


def number_to_json(cast: Cast) -> str:
    """Write a number as its text is."""
    text = cast.again(cast.sql, cast.value.type, VARCHAR)
    finite = f"CASE WHEN NOT isnan({cast.sql}) AND NOT isinf({cast.sql}) THEN {text} "
    return f"CAST({finite}WHEN {cast.sql} IS NOT NULL THEN '\"' || {text} || '\"' END AS JSON)"


def text_to_json(cast: Cast) -> str:
    """Write a text, or what is shown as text, in quotes."""
    return f"CAST(json_text_of({cast.again(cast.sql, cast.value.type, VARCHAR)}) AS JSON)"


def _text(sql: str) -> str:
    return f"CAST({sql} AS VARCHAR)"


def _variable(sql: str) -> str:
    """Return a name for a lambda's argument that its own array does not use."""
    return f"j{len(sql)}"
