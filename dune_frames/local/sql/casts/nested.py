"""Casts of arrays, maps and rows: each part is cast by its own rule."""

from __future__ import annotations

from dune_frames._types.table import field_names
from dune_frames.local.sql.casts.cast import Cast, CastError
from dune_frames.local.sql.values import sql_name


def array_to_array(cast: Cast) -> str:
    """Cast each item."""
    given, wanted = (dune.children[0].type for dune in (cast.value.type, cast.target))
    item = _variable(cast.sql)
    return f"list_transform({cast.sql}, lambda {item}: {cast.again(item, given, wanted)})"


def map_to_map(cast: Cast) -> str:
    """Cast each key and value."""
    entry = _variable(cast.sql)
    parts = [
        f"'{part}': {cast.again(f'{entry}.{part}', given.type, wanted.type)}"
        for part, given, wanted in zip(
            ("key", "value"), cast.value.type.children, cast.target.children, strict=True
        )
    ]
    entries = f"list_transform(map_entries({cast.sql}), lambda {entry}: {{{', '.join(parts)}}})"
    return f"map_from_entries({entries})"


def row_to_row(cast: Cast) -> str:
    """Cast field by field, in their order; names come from the target."""
    given, wanted = cast.value.type.children, cast.target.children
    if len(given) != len(wanted):
        raise CastError(f"Cannot cast {cast.value.type} to {cast.target}")
    parts = []
    names = field_names(cast.target)
    for place, (name, old, new) in enumerate(zip(names, given, wanted, strict=True), start=1):
        field = f"struct_extract_at({cast.sql}, {place})"
        parts.append(f"{sql_name(name)}: {cast.again(field, old.type, new.type)}")
    return f"CASE WHEN {cast.sql} IS NULL THEN NULL ELSE {{{', '.join(parts)}}} END"


def _variable(sql: str) -> str:
    """Return a name for a lambda's argument that its own array does not use."""
    return f"v{len(sql)}"
