"""A predicate: what a filter asks of a row, as a small tree that no frame library owns.

Its logic has three values: a comparison with null is unknown, and a row is kept only where the
whole is true. Numbers are ordered as polars and Spark order them: NaN equals itself and is larger
than every other number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">="]
Place: TypeAlias = Literal["start", "anywhere", "end"]
#: A datetime is a date. An aware one means its instant.
Value: TypeAlias = bool | int | float | Decimal | str | bytes | date

_COMPLEMENT: dict[Operator, Operator] = {
    "=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">",
}  # fmt: skip
#: The operator that means the same with its sides exchanged.
MIRRORED: dict[Operator, Operator] = {
    "=": "=", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<=",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """A column compared with a value; unknown where the column is null."""

    column: str
    operator: Operator
    value: Value

    def __str__(self) -> str:
        return f"{self.column} {self.operator} {_shown(self.value)}"


@dataclass(frozen=True, slots=True)
class In:
    """A column equals one of some values; unknown where the column is null."""

    column: str
    values: tuple[Value, ...]

    def __str__(self) -> str:
        return f"{self.column} IN ({', '.join(map(_shown, self.values))})"


@dataclass(frozen=True, slots=True)
class HasText:
    """A text column starts with a text, ends with it or contains it; unknown where it is null."""

    column: str
    place: Place
    text: str

    def __str__(self) -> str:
        verb = {"start": "starts with", "anywhere": "contains", "end": "ends with"}[self.place]
        return f"{self.column} {verb} {_shown(self.text)}"


@dataclass(frozen=True, slots=True)
class IsNull:
    """A column is null; never unknown."""

    column: str

    def __str__(self) -> str:
        return f"{self.column} IS NULL"


@dataclass(frozen=True, slots=True)
class IsNotNull:
    """A column is not null; never unknown."""

    column: str

    def __str__(self) -> str:
        return f"{self.column} IS NOT NULL"


@dataclass(frozen=True, slots=True)
class IsNotNaN:
    """A column is a number, infinities included; unknown where it is null."""

    column: str

    def __str__(self) -> str:
        return f"{self.column} IS NOT NaN"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that only its owner can evaluate.

    Attributes
    ----------
    text : str
        What to call it in a log.
    """

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold: false where one is false, else unknown where one is unknown."""

    parts: tuple[Predicate, ...]

    def __str__(self) -> str:
        return _joined(" AND ", self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """A part holds: true where one is true, else unknown where one is unknown."""

    parts: tuple[Predicate, ...]

    def __str__(self) -> str:
        return _joined(" OR ", self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """A part does not hold; unknown where it is unknown."""

    part: Predicate

    def __str__(self) -> str:
        return f"NOT ({self.part})"


Predicate: TypeAlias = (
    Comparison | In | HasText | IsNull | IsNotNull | IsNotNaN | Unreadable | And | Or | Not
)


def _shown(value: Value) -> str:
    return str(value) if isinstance(value, (date, Decimal)) else repr(value)


def _joined(word: str, parts: tuple[Predicate, ...]) -> str:
    return word.join(f"({part})" if isinstance(part, (And, Or)) else str(part) for part in parts)


def without_not(predicate: Predicate) -> Predicate:
    """Return the same predicate with its negations pushed inwards, exact for unknown too.

    A negation stays only in front of what has no complement: a text match, `IsNotNaN`, and what is
    unreadable.
    """
    match predicate:
        case And(parts):
            return And(tuple(map(without_not, parts)))
        case Or(parts):
            return Or(tuple(map(without_not, parts)))
        case Not(part):
            return _denied(part)
    return predicate


def _denied(part: Predicate) -> Predicate:
    """Return what holds where a part does not."""
    match part:
        case And(parts):
            return Or(tuple(map(_denied, parts)))
        case Or(parts):
            return And(tuple(map(_denied, parts)))
        case Not(inner):
            return without_not(inner)
    return _complement(part) or Not(part)


def _complement(leaf: Predicate) -> Predicate | None:
    match leaf:
        case Comparison(column, operator, value):
            return Comparison(column, _COMPLEMENT[operator], value)
        case In(column, values) if values:
            return And(tuple(Comparison(column, "!=", value) for value in values))
        case IsNull(column):
            return IsNotNull(column)
        case IsNotNull(column):
            return IsNull(column)
    return None


def conjuncts(predicate: Predicate) -> tuple[Predicate, ...]:
    """Return the parts that must all hold, however deep the conjunctions are nested."""
    if isinstance(predicate, And):
        return tuple(inner for part in predicate.parts for inner in conjuncts(part))
    return (predicate,)


def conjunction(parts: Iterable[Predicate]) -> Predicate | None:
    """Return what holds where all parts do; `None` where there is none."""
    parts = tuple(parts)
    return parts[0] if len(parts) == 1 else And(parts) if parts else None
