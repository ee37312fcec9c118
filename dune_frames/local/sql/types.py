"""The type rules: which types go together, and what their operators give."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dune_frames._types.table import DuneType, Field, parse_type

if TYPE_CHECKING:
    from collections.abc import Sequence

BOOLEAN, BIGINT, INTEGER = (parse_type(name) for name in ("boolean", "bigint", "integer"))
DOUBLE, REAL = parse_type("double"), parse_type("real")
UINT256, INT256 = parse_type("uint256"), parse_type("int256")
VARCHAR, VARBINARY = parse_type("varchar"), parse_type("varbinary")
DATE, JSON, UNKNOWN = (parse_type(name) for name in ("date", "json", "unknown"))
DAY_TO_SECOND = parse_type("interval day to second")
YEAR_TO_MONTH = parse_type("interval year to month")
TIMESTAMP, TIMESTAMP_TZ = parse_type("timestamp(3)"), parse_type("timestamp(3) with time zone")

#: From narrow to wide, with the decimal digits that each needs.
INTEGERS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
BIG_INTEGERS = ("uint256", "int256")
INTERVALS = (DAY_TO_SECOND.name, YEAR_TO_MONTH.name)
MAX_DIGITS = 38
_INTEGER_ORDER = list(INTEGERS)
_MOMENTS = ["date", "timestamp", "timestamp with time zone"]
_TEXTS = ("varchar", "char")


def array_of(item: DuneType) -> DuneType:
    """Return the type of an array."""
    return DuneType("array", children=(Field(None, item),))


def map_of(key: DuneType, value: DuneType) -> DuneType:
    """Return the type of a map."""
    return DuneType("map", children=(Field(None, key), Field(None, value)))


def decimal(precision: int, scale: int) -> DuneType:
    """Return a decimal type, its precision not above what there is."""
    return DuneType("decimal", (min(precision, MAX_DIGITS), scale))


def is_number(dune: DuneType) -> bool:
    """Tell whether a type is numeric."""
    return dune.name in (*INTEGERS, *BIG_INTEGERS, "decimal", "real", "double")


def is_moment(dune: DuneType) -> bool:
    """Tell whether a type is a date or a timestamp."""
    return dune.name in _MOMENTS


def as_decimal(dune: DuneType) -> DuneType:
    """Return the decimal type that holds an integer type; a decimal stays."""
    return dune if dune.name == "decimal" else decimal(INTEGERS[dune.name], 0)


def digits(dune: DuneType) -> tuple[int, int]:
    """Return precision and scale of a decimal type."""
    precision, scale = (*dune.arguments, 0)[:2]
    return precision, scale


def fraction_digits(dune: DuneType) -> int:
    """Return the precision of a time or timestamp type."""
    return dune.arguments[0] if dune.arguments else 3


def common_type(left: DuneType, right: DuneType) -> DuneType | None:
    """Return the narrowest type that both can become, None where there is none.

    Notes
    -----
    Trino's coercions, and Dune's for 256-bit integers
    (https://docs.dune.com/query-engine/Functions-and-operators/conversion).
    """
    if right in (left, UNKNOWN):
        return left
    if left == UNKNOWN:
        return right
    if is_number(left) and is_number(right):
        return _common_number(left, right)
    if is_moment(left) and is_moment(right):
        return _common_moment(left, right)
    if left.name != right.name:
        return None
    return _common_of_one_name(left, right)


def _common_moment(left: DuneType, right: DuneType) -> DuneType:
    name = _MOMENTS[max(_MOMENTS.index(left.name), _MOMENTS.index(right.name))]
    known = [fraction_digits(dune) for dune in (left, right) if dune.name != "date"]
    return DuneType(name, (max(known),))


def _common_of_one_name(left: DuneType, right: DuneType) -> DuneType | None:
    if left.name in _TEXTS:
        return _common_text(left, right)
    if left.name == "time":
        return DuneType("time", (max(fraction_digits(left), fraction_digits(right)),))
    return _common_nested(left, right) if left.children else None


def common_of(types: Sequence[DuneType]) -> DuneType | None:
    """Return the narrowest type that all can become."""
    found: DuneType | None = UNKNOWN
    for dune in types:
        found = found and common_type(found, dune)
    return found


def _common_number(left: DuneType, right: DuneType) -> DuneType:
    names = {left.name, right.name}
    if names <= INTEGERS.keys():
        return DuneType(max(names, key=_INTEGER_ORDER.index))
    big = names & set(BIG_INTEGERS)
    if big:
        other = right if left.name in BIG_INTEGERS else left
        whole = other.name in (*INTEGERS, *BIG_INTEGERS)
        if whole or (other.name == "decimal" and not digits(other)[1]):
            return INT256 if "int256" in names else UINT256
        return DOUBLE
    if "double" in names:
        return DOUBLE
    if "real" in names:
        return REAL
    (p1, s1), (p2, s2) = digits(as_decimal(left)), digits(as_decimal(right))
    scale = max(s1, s2)
    return decimal(max(p1 - s1, p2 - s2) + scale, scale)


def _common_text(left: DuneType, right: DuneType) -> DuneType:
    if not (left.arguments and right.arguments):
        return VARCHAR
    return replace(left, arguments=(max(left.arguments[0], right.arguments[0]),))


def _common_nested(left: DuneType, right: DuneType) -> DuneType | None:
    if len(left.children) != len(right.children):
        return None
    children = []
    for one, other in zip(left.children, right.children, strict=True):
        inner = common_type(one.type, other.type)
        if inner is None:
            return None
        children.append(Field(one.name if one.name == other.name else None, inner))
    return replace(left, children=tuple(children))


def can_become(given: DuneType, wanted: DuneType) -> bool:
    """Tell whether a value of one type is taken for another without a cast."""
    if given.name == "char" and wanted == VARCHAR:
        return True
    return common_type(given, wanted) == wanted
