"""DuckDB's types: which Dune type each stands for, and in which of them a Dune type is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dune_frames._types.table import DuneType, Field, field_names

if TYPE_CHECKING:
    from collections.abc import Mapping

#: DuckDB's name to Dune's, with the precision that DuckDB keeps.
_SCALARS = {
    "boolean": DuneType("boolean"),
    "tinyint": DuneType("tinyint"),
    "smallint": DuneType("smallint"),
    "integer": DuneType("integer"),
    "bigint": DuneType("bigint"),
    "utinyint": DuneType("smallint"),
    "usmallint": DuneType("integer"),
    "uinteger": DuneType("bigint"),
    "ubigint": DuneType("uint256"),
    "hugeint": DuneType("int256"),
    "bignum": DuneType("int256"),
    "float": DuneType("real"),
    "double": DuneType("double"),
    "blob": DuneType("varbinary"),
    "json": DuneType("json"),
    "uuid": DuneType("uuid"),
    "date": DuneType("date"),
    "time": DuneType("time", (6,)),
    "time_ns": DuneType("time", (9,)),
    "timestamp_s": DuneType("timestamp", (6,)),
    "timestamp_ms": DuneType("timestamp", (6,)),
    "timestamp": DuneType("timestamp", (6,)),
    "timestamp_ns": DuneType("timestamp", (9,)),
    "timestamp with time zone": DuneType("timestamp with time zone", (6,)),
    "interval": DuneType("interval day to second"),
    '"null"': DuneType("unknown"),
}
_VARCHAR = DuneType("varchar")


def dune_type(duckdb_type: Any) -> DuneType:
    """Return the Dune type that a DuckDB type stands for; what Dune lacks becomes varchar."""
    kind = duckdb_type.id
    if kind in ("list", "array"):
        return DuneType("array", children=(Field(None, dune_type(duckdb_type.children[0][1])),))
    if kind in ("map", "struct", "tuple"):
        named = kind != "map"
        children = [
            (name if named else "", dune_type(child)) for name, child in duckdb_type.children
        ]
        fields = tuple(Field(name or None, child) for name, child in children)
        return DuneType("row" if named else "map", children=fields)
    if kind == "decimal":
        return DuneType("decimal", tuple(size for _, size in duckdb_type.children))
    return _SCALARS.get(str(duckdb_type).lower(), _VARCHAR)


_COMPUTED = {
    "uint256": "BIGNUM",
    "int256": "BIGNUM",
    "char": "VARCHAR",
    "ipaddress": "VARCHAR",
    "varbinary": "BLOB",
    "real": "FLOAT",
    "timestamp with time zone": "TIMESTAMPTZ",
    "interval day to second": "INTERVAL",
    "interval year to month": "INTERVAL",
    "unknown": "INTEGER",
}
_STORED = {**_COMPUTED, **dict.fromkeys(("uint256", "int256", "json", "uuid"), "VARCHAR")}
_NANOSECONDS_FROM = 7


def computed_type(dune: DuneType) -> str:
    """Return the DuckDB type in which SQL computes with a Dune type."""
    return _sql_type(dune, _COMPUTED)


def stored_type(dune: DuneType) -> str:
    """Return the DuckDB type in which values of a Dune type enter and leave DuckDB."""
    return _sql_type(dune, _STORED)


def _sql_type(dune: DuneType, names: Mapping[str, str]) -> str:
    inner = [_sql_type(child.type, names) for child in dune.children]
    if dune.name == "array":
        return f"{inner[0]}[]"
    if dune.name == "map":
        return f"MAP({', '.join(inner)})"
    if dune.name == "row":
        quoted = ('"' + name.replace('"', '""') + '"' for name in field_names(dune))
        return f"STRUCT({', '.join(f'{n} {t}' for n, t in zip(quoted, inner, strict=True))})"
    if dune.name == "decimal":
        precision, scale = (*dune.arguments, *(38, 0)[len(dune.arguments) :])
        return f"DECIMAL({precision}, {scale})"
    if dune.name in ("timestamp", "time") and dune.arguments[:1] >= (_NANOSECONDS_FROM,):
        return f"{dune.name.upper()}_NS"
    return names.get(dune.name, dune.name.upper())
