"""Filters: what of a predicate Dune's own filter language says exactly, and in which words.

The language has comparisons of a column with a string or a number, ``IN``, ``AND``, ``OR`` and
parentheses; dates and times are strings; ``NOT``, functions and expressions are refused
(https://docs.dune.com/api-reference/executions/filtering). ``LIKE`` and ``IS [NOT] NULL`` are SQL's
own and not described there.

A part of a predicate is said only where Dune then drops no row that the predicate keeps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from dune_frames._predicate.algebra import (
    And,
    Comparison,
    HasText,
    In,
    IsNotNaN,
    IsNotNull,
    IsNull,
    Operator,
    Or,
    Predicate,
    Value,
    conjunction,
    conjuncts,
    without_not,
)
from dune_frames._predicate.comparisons import Column, Said, say, string
from dune_frames._types.schema import dune_type, is_overridden
from dune_frames._types.table import FLOATS, is_listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

#: Bytes that filters may take in an address: servers commonly refuse one of more than 8 kB.
LONGEST = 6_000
#: Types of which a value can be null here and none there.
_OTHER_NULLS = frozenset({"json", "unknown"})


@dataclass(frozen=True, slots=True)
class Split:
    """A predicate in two: it holds exactly where the filters and the residual both hold.

    Attributes
    ----------
    filters : str or None
        What Dune's language says of it.
    documented : str or None
        The part of `filters` that keeps to what Dune documents.
    residual : Predicate or None
        What has to be evaluated here.
    """

    filters: str | None
    documented: str | None
    residual: Predicate | None


def split(predicate: Predicate, schema: pa.Schema) -> Split:
    """Split a predicate into what Dune's language says exactly and what it does not.

    Parameters
    ----------
    predicate : Predicate
        Any; negations are pushed inwards first, so that no ``NOT`` is ever sent.
    schema : pyarrow.Schema
        Of the result, as `result_schema` makes it. What is said of a column with another type than
        Dune's is left to the residual.
    """
    parts = conjuncts(without_not(predicate))
    writer = _Writer(schema, _never_nan(parts))
    texts = [writer.write(part) for part in parts]
    # In an order of their own: polars hands the same conditions over in different ones.
    filters = list(_that_fit(sorted({text for text in texts if text})))
    said = dict(zip(texts, parts, strict=True))
    documented = (text for text in filters if _is_documented(said[text]))
    residual = (part for part, text in zip(parts, texts, strict=True) if text not in filters)
    return Split(both(filters), both(documented), conjunction(residual))


def _that_fit(texts: Iterable[str]) -> Iterator[str]:
    """Leave out what would make an address too long."""
    room = LONGEST
    for text in texts:
        length = len(quote_plus(f"{text} AND "))
        if length <= room:
            room -= length
            yield text


def both(filters: Iterable[str | None]) -> str | None:
    """Return a filter that is true where all given ones are; `None` stands for no filter."""
    return " AND ".join(text for text in filters if text) or None


def _is_documented(part: Predicate) -> bool:
    if isinstance(part, And | Or):
        return all(map(_is_documented, part.parts))
    return isinstance(part, Comparison | In)


def _never_nan(parts: Iterable[Predicate]) -> frozenset[str]:
    """Return the columns of which one of the parts is false where they are NaN."""
    found = set()
    for part in parts:
        match part:
            case IsNotNaN(column):
                found.add(column)
            case Comparison(column, "=" | "<" | "<=", value) if not _is_nan(value):
                found.add(column)
            case In(column, values) if not any(map(_is_nan, values)):
                found.add(column)
    return frozenset(found)


def _is_nan(value: Value) -> bool:
    return isinstance(value, float | Decimal) and math.isnan(value)


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes what it can say of a predicate's parts, and `None` of the others.

    Attributes
    ----------
    numbers : frozenset of str
        The columns that another part keeps from being NaN.
    """

    schema: pa.Schema
    numbers: frozenset[str]

    def write(self, part: Predicate) -> str | None:
        match part:
            case And(parts):
                numbers = self.numbers | _never_nan(conjuncts(part))
                return replace(self, numbers=numbers).joined(parts, " AND ")
            case Or(parts):
                return self.joined(parts, " OR ")
            case Comparison() | In() | HasText() | IsNull() | IsNotNull():
                column = self._column(part.column)
                said = None if column is None else self._said(column, part)
                return said and f"{_quoted(part.column)} {said}"
        return None

    def joined(self, parts: tuple[Predicate, ...], word: str) -> str | None:
        texts = [text for text in map(self.write, parts) if text is not None]
        return f"({word.join(texts)})" if len(texts) == len(parts) > 0 else None

    def _column(self, name: str) -> Column | None:
        """Return a column; `None` unless it is typed here as Dune types it."""
        place = self.schema.get_field_index(name)
        field = None if place < 0 else self.schema.field(place)
        dune = None if field is None or is_overridden(field) else dune_type(field)
        if field is None or dune is None or not is_listed(dune):
            return None
        return Column(name, dune, field.type)

    def _said(self, column: Column, leaf: Predicate) -> str | None:
        """Return what is said of a column, behind its name."""
        match leaf:
            case Comparison(_, operator, value):
                said = self._compared(column, operator, value)
                return said and " ".join(said)
            case In(_, values):
                texts = [
                    said[1] for value in values if (said := self._compared(column, "=", value))
                ]
                return f"IN ({', '.join(texts)})" if len(texts) == len(values) > 0 else None
            case HasText(_, place, text):
                return _like(column, place, text)
            case IsNull() if column.dune.name not in _OTHER_NULLS | FLOATS:
                return "IS NULL"  # a NaN may come as null
            case IsNotNull() if column.dune.name not in _OTHER_NULLS:
                return "IS NOT NULL"
        return None

    def _compared(self, column: Column, operator: Operator, value: Value) -> Said | None:
        """Leave ``>`` on a column that may be NaN: NaN is the largest number here, not there."""
        drops_nan = column.dune.name in FLOATS and operator in (">", ">=")
        if drops_nan and column.name not in self.numbers:
            return None
        return say(column, operator, value)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _like(column: Column, place: str, text: str) -> str | None:
    """Say a text match, unless the text has wildcards: how to escape them is not told."""
    if column.dune.name != "varchar" or set(text) & set("%_\\\0"):
        return None
    before, after = "" if place == "start" else "%", "" if place == "end" else "%"
    return f"LIKE {string(before + text + after)}"
