"""Literals: numbers, texts, bytes, moments and intervals as a query writes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from dune_frames._types.table import DuneType
from dune_frames.local.sql.failures import failure, unsupported
from dune_frames.local.sql.types import (
    BIGINT,
    DAY_TO_SECOND,
    DOUBLE,
    INTEGER,
    MAX_DIGITS,
    VARBINARY,
    YEAR_TO_MONTH,
    decimal,
)
from dune_frames.local.sql.values import Value, sql_string

if TYPE_CHECKING:
    from dune_frames.local.sql.nodes import Node


#: A moment whose text names a zone: its literal is a timestamp with time zone.
_ZONE = re.compile(r"\S+ (?:[\d:.]+\s*)?(?:[A-Za-z].*|[+-]\d.*)")
_FRACTION = re.compile(r":\d+\.(\d+)")
_UNITS = {
    **dict.fromkeys(("SECOND", "MINUTE", "HOUR", "DAY", "WEEK"), DAY_TO_SECOND),
    **dict.fromkeys(("MONTH", "YEAR"), YEAR_TO_MONTH),
}


def number(node: exp.Literal) -> Value:
    """Return a number: integer or bigint, decimal with a point, double with an exponent."""
    text = node.name.lower()
    if "e" in text:
        return Value(f"CAST('{text}' AS DOUBLE)", DOUBLE, text)
    if "." in text:
        whole, _, fraction = text.partition(".")
        precision = max(len(whole.lstrip("0")) + len(fraction), 1)
        if precision > MAX_DIGITS:
            raise failure(f"Invalid decimal literal: {text}", node)
        dune = decimal(precision, len(fraction))
        return Value(f"CAST('{text}' AS DECIMAL({precision}, {len(fraction)}))", dune, text)
    if int(text) < 2**31:
        return Value(text, INTEGER, text)
    if int(text) < 2**63:
        return Value(f"CAST({text} AS BIGINT)", BIGINT, text)
    raise failure(f"Invalid numeric literal: {text}", node)


def string(node: Node) -> Value:
    """Return a text; its type has its length."""
    return Value(sql_string(node.name), DuneType("varchar", (len(node.name),)), node.name)


def hex_value(node: exp.HexString) -> Value:
    """Return bytes, written ``0x...`` or ``X'...'``."""
    digits = re.sub(r"\s", "", node.name)
    if len(digits) % 2 or not re.fullmatch("[0-9a-fA-F]*", digits):
        raise failure("Binary literal must contain an even number of hexadecimal digits", node)
    return Value(f"from_hex('{digits}')", VARBINARY, digits)


def interval(node: exp.Interval) -> Value:
    """Return an interval of one unit."""
    unit = node.args["unit"].name.upper() if node.args.get("unit") else ""
    count = node.this.this if isinstance(node.this, exp.Neg) else node.this
    sign = "-" if isinstance(node.this, exp.Neg) else ""
    if unit not in _UNITS or not re.fullmatch(r"-?\d+", count.name):
        raise unsupported("this interval", node)
    return Value(f"INTERVAL '{sign}{count.name}' {unit}", _UNITS[unit])


def literal_type(node: exp.Cast, target: DuneType) -> DuneType:
    """Return the type of ``TIMESTAMP '...'``, ``TIME '...'`` or ``DECIMAL '...'``.

    Its text decides, where it is no explicit precision. For every other type a literal is the same
    as a cast of a text.
    """
    text = node.this.name.strip()
    if node.args["to"].expressions:
        return target
    if target.name == "decimal":
        whole, _, fraction = text.lstrip("+-").partition(".")
        return decimal(max(len(whole.lstrip("0")) + len(fraction), 1), len(fraction))
    zone = _ZONE.fullmatch(text)
    if target.name not in ("time", "timestamp", "timestamp with time zone"):
        return target
    name = "timestamp with time zone" if target.name != "time" and zone else target.name
    fraction = _FRACTION.search(text)
    return DuneType(name, (len(fraction[1]) if fraction else 0,))
