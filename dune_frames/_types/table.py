"""Dune's types: the one parser of their texts and the one table from them to Arrow."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

Uint256 = Literal["exact", "string", "float64", "decimal"]
Varbinary = Literal["hex", "bytes"]

#: Trino writes a timestamp or time without a precision with three fractional digits.
DEFAULT_PRECISION = 3
MICROSECONDS = 6
#: Trino's widest decimal, and what `decimal` without arguments means.
_WHOLE = (38, 0)


@dataclass(frozen=True, slots=True)
class Field:
    """A child of a nested type: a row's field with its name, or an element, key or value."""

    name: str | None
    type: DuneType


@dataclass(frozen=True, slots=True)
class DuneType:
    """A type as Dune's result metadata tells it. `str()` gives Dune's text back.

    Attributes
    ----------
    name : str
        The base name in lower case, time zone and interval words included:
        ``"timestamp with time zone"``.
    arguments : tuple of int
        Length, precision, or precision and scale, where written.
    children : tuple of Field
        An array's element, a map's key and value, a row's fields.
    """

    name: str
    arguments: tuple[int, ...] = ()
    children: tuple[Field, ...] = ()

    def __str__(self) -> str:
        """Return the type as Dune writes it."""
        inside = [str(number) for number in self.arguments] + [
            _field_text(c) for c in self.children
        ]
        head, space, tail = self.name.partition(" with")
        return f"{head}({', '.join(inside)}){space}{tail}" if inside else self.name


def _field_text(field: Field) -> str:
    if field.name is None:
        return str(field.type)
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", field.name)
    name = field.name if plain else '"' + field.name.replace('"', '""') + '"'
    return f"{name} {field.type}"


_SHAPE = re.compile(
    r"([^()]+?)\s*(?:\((.*)\)\s*(with(?:out)?\s+time\s+zone)?)?", re.DOTALL | re.IGNORECASE
)
_QUOTED_FIELD = re.compile(r'"((?:[^"]|"")*)"\s+(.+)', re.DOTALL)


@lru_cache(maxsize=1024)
def parse_type(text: str) -> DuneType:
    """Read Dune's text of a type, leniently in case and spaces.

    Parameters
    ----------
    text : str
        For example ``"decimal(10, 3)"`` or ``"array(row(a bigint, b uint256))"``.

    Returns
    -------
    DuneType
        A text that is in no table becomes a type of that name; it never raises.

    Examples
    --------
    >>> str(parse_type("TIMESTAMP(3)  with time zone"))
    'timestamp(3) with time zone'
    """
    shape = _SHAPE.fullmatch(text.strip())
    if shape is None:
        return DuneType(text.strip())
    head, inside, zone = shape.groups()
    name = " ".join(f"{head} {zone or ''}".lower().split()).removesuffix(" without time zone")
    parts = _split(inside) if inside else []
    if name in _NESTED:
        return DuneType(name, children=tuple(_parse_field(part, name) for part in parts))
    if all(part.isdecimal() for part in parts):
        return DuneType(name, tuple(int(part) for part in parts))
    return DuneType(" ".join(text.split()))


def _split(inside: str) -> list[str]:
    """Cut at the commas that stand in no parentheses and no quotes."""
    parts, depth, quoted = [""], 0, False
    for character in inside:
        quoted ^= character == '"'
        depth += 0 if quoted else (character == "(") - (character == ")")
        if character == "," and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _parse_field(text: str, parent: str) -> Field:
    whole = parse_type(text)
    if parent != "row" or is_listed(whole):
        return Field(None, whole)
    quoted = _QUOTED_FIELD.fullmatch(text)
    if quoted:
        return Field(quoted[1].replace('""', '"'), parse_type(quoted[2]))
    return _parse_plain_field(text) or Field(None, whole)


def _parse_plain_field(text: str) -> Field | None:
    """Cut a field at the first space behind which a listed type stands, or else at the first one.

    Trino shows the names of fields without quotes, even those that have spaces.
    """
    head = text.partition("(")[0]
    spaces = [place for place, character in enumerate(head) if character.isspace()]
    cuts = [Field(text[:place].rstrip(), parse_type(text[place:])) for place in spaces]
    return next((cut for cut in cuts if is_listed(cut.type)), cuts[0] if cuts else None)


@dataclass(frozen=True, slots=True)
class TypeOptions:
    """The caller's wishes that decide an Arrow type where Dune's type leaves a choice."""

    uint256: Uint256 = "exact"
    varbinary: Varbinary = "hex"


def _time_unit(dune: DuneType) -> str:
    precision = dune.arguments[0] if dune.arguments else DEFAULT_PRECISION
    return "us" if precision <= MICROSECONDS else "ns"


def _big_integer(_: DuneType, options: TypeOptions) -> pa.DataType:
    import pyarrow as pa

    choices = {"float64": pa.float64(), "decimal": pa.decimal128(38, 0)}
    return choices.get(options.uint256, pa.string())


def _decimal(dune: DuneType, _: TypeOptions) -> pa.DataType:
    import pyarrow as pa

    return pa.decimal128(*_precision_and_scale(dune))


def _precision_and_scale(dune: DuneType) -> tuple[int, int]:
    precision, scale = (*dune.arguments, *_WHOLE[len(dune.arguments) :])[:2]
    return precision, scale


def _is_decimal(dune: DuneType) -> bool:
    precision, scale = _precision_and_scale(dune)
    return 0 <= scale <= precision and 1 <= precision <= _WHOLE[0]


def _nested(dune: DuneType, options: TypeOptions) -> pa.DataType:
    import pyarrow as pa

    inner = [arrow_type(child.type, options) for child in dune.children]
    if dune.name == "array":
        return pa.list_(inner[0])
    if dune.name == "map":
        # Arrow has no map whose keys are null: `map()` is one of unknown keys, and has none.
        key, item = inner
        return pa.map_(pa.string() if pa.types.is_null(key) else key, item)
    return pa.struct(list(zip(field_names(dune), inner, strict=True)))


def field_names(row: DuneType) -> list[str]:
    """Return a row's field names; a field without one is called after its place, from 0."""
    return [child.name or f"field{place}" for place, child in enumerate(row.children)]


_NESTED = {"array": 1, "map": 2, "row": None}
_STRING = ("varchar", "char", "json", "uuid", "ipaddress")

INTEGERS = frozenset({"tinyint", "smallint", "integer", "bigint"})
FLOATS = frozenset({"real", "double"})
#: Names whose values have up to 78 digits.
BIG_INTEGERS = frozenset({"uint256", "int256"})

_Rule = Callable[[DuneType, TypeOptions], "pa.DataType"]


def _plain(name: str) -> _Rule:
    def rule(_: DuneType, __: TypeOptions) -> pa.DataType:
        import pyarrow as pa

        return getattr(pa, name)()

    return rule


def _timestamp(zone: str | None) -> _Rule:
    def rule(dune: DuneType, _: TypeOptions) -> pa.DataType:
        import pyarrow as pa

        return pa.timestamp(_time_unit(dune), zone)

    return rule


def _time(dune: DuneType, _: TypeOptions) -> pa.DataType:
    import pyarrow as pa

    return pa.time64(_time_unit(dune))


def _duration(_: DuneType, __: TypeOptions) -> pa.DataType:
    import pyarrow as pa

    return pa.duration("us")


def _binary(_: DuneType, options: TypeOptions) -> pa.DataType:
    import pyarrow as pa

    return pa.binary() if options.varbinary == "bytes" else pa.string()


#: The table of Dune's types: base name to the rule that gives the Arrow type.
_TABLE: dict[str, _Rule] = {
    "boolean": _plain("bool_"),
    "tinyint": _plain("int8"),
    "smallint": _plain("int16"),
    "integer": _plain("int32"),
    "bigint": _plain("int64"),
    "real": _plain("float32"),
    "double": _plain("float64"),
    "decimal": _decimal,
    **dict.fromkeys(BIG_INTEGERS, _big_integer),
    **dict.fromkeys(_STRING, _plain("string")),
    "varbinary": _binary,
    "date": _plain("date32"),
    "time": _time,
    "timestamp": _timestamp(None),
    "timestamp with time zone": _timestamp("UTC"),
    "interval day to second": _duration,
    "interval year to month": _plain("month_day_nano_interval"),
    **dict.fromkeys(_NESTED, _nested),
    "unknown": _plain("null"),
}


def is_listed(dune: DuneType) -> bool:
    """Tell whether the table knows the type and its children are as many as it takes.

    A row with two fields of one name is not listed: no object, struct or dict can hold both.
    """
    if dune.name not in _TABLE or (dune.name == "decimal" and not _is_decimal(dune)):
        return False
    if dune.name == "row" and len(set(field_names(dune))) != len(dune.children):
        return False
    wanted = _NESTED.get(dune.name, 0)
    return bool(dune.children) if wanted is None else len(dune.children) == wanted


def arrow_type(dune: DuneType, options: TypeOptions) -> pa.DataType:
    """Return the Arrow type of a Dune type: of the type and the options alone, never of values.

    Parameters
    ----------
    dune : DuneType
        The type.
    options : TypeOptions
        The caller's choices.

    Returns
    -------
    pyarrow.DataType
        A type that is not listed is a string.
    """
    import pyarrow as pa

    return _TABLE[dune.name](dune, options) if is_listed(dune) else pa.string()


def unlisted(dune: DuneType) -> list[DuneType]:
    """Return the types that no table lists, in this one and inside it."""
    if not is_listed(dune):
        return [dune]
    return [each for child in dune.children for each in unlisted(child.type)]
