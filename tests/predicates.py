"""Predicates for tests: columns of every type, rows, random predicates, and what they mean."""

from __future__ import annotations

import math
import operator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, reduce
from typing import Any

import numpy as np
import polars as pl
from hypothesis import strategies as st
from sqlglot.dialects.dune import Dune
from sqlglot.tokens import TokenType

from dune_frames._predicate.algebra import (
    And,
    Comparison,
    HasText,
    In,
    IsNotNaN,
    IsNotNull,
    IsNull,
    Not,
    Or,
    Predicate,
    Unreadable,
)

NAN, INFINITY = math.nan, math.inf

#: By column name: Dune's type, and values that a column of it has. Few, so that they meet.
COLUMNS: dict[str, tuple[str, list[Any]]] = {
    "tiny": ("tinyint", [-128, -1, 0, 1, 127]),
    "number": ("bigint", [-(2**63) + 1, -1, 0, 1, 2, 2**53, 2**53 + 1, 2**63 - 1]),
    "real": ("real", [-0.5, 0.0, float(np.float32(0.1)), 2.0, INFINITY, NAN]),
    "a double": ("double", [-INFINITY, -2.5, -0.0, 0.0, 0.1, 2.0, 1e16, 1e300, INFINITY, NAN]),
    "amount": ("decimal(10, 3)", [Decimal(each) for each in ("-1.500", "0.000", "0.001", "2.000")]),
    "text": (
        "varchar",
        ["", "a", "ab", "b'c", 'q"q', "100%", "a_b", "a\\b", "É", "z😀", "-- ;", "NOT", "0xab"],
    ),
    'has "quotes", commas': ("varchar(10)", ["a", "b", "x' OR 1=1 --"]),
    "hash": ("varbinary", ["0x00ff", "0xab", "0xabcd"]),
    "day": ("date", [date(1, 1, 1), date(1969, 12, 31), date(2024, 2, 29), date(9999, 12, 31)]),
    "local": (
        "timestamp(3)",
        [datetime(1969, 12, 31, 23, 59, 59, 999000), datetime(2024, 1, 1, 12, 0, 0, 123000)],
    ),
    "moment": (
        "timestamp(3) with time zone",
        [
            datetime(2024, 1, 1, tzinfo=UTC),
            datetime(2024, 1, 1, 0, 0, 0, 1000, UTC),
            datetime(2024, 1, 1, 12, 0, 0, 123000, UTC),
        ],
    ),
    "micro": ("timestamp(6)", [datetime(2024, 1, 1, 12, 0, 0, 123456), datetime(2024, 1, 1)]),
    "untold": ("timestamp", [datetime(2024, 1, 1, 12, 0, 0, 123000), datetime(2024, 1, 1)]),
    "flag": ("boolean", [True, False]),
    "wide": ("uint256", ["0", "9", "10", str(2**256 - 1)]),
}

#: What else those columns are compared with: values between and beside their own.
_OTHERS: dict[str, list[Any]] = {
    "tiny": [2, 0.5, 1.0],
    "number": [0.5, 2.0, -0.5],
    "real": [0.1, 0.25, 1.0],
    "a double": [1, 2, 0.2],
    "amount": [0, 2, Decimal("0.1")],
    "text": ["b", "100", "%", "_", "<nil>"],
    "day": [datetime(2024, 2, 29, 5), datetime(2024, 2, 29)],
    "local": [datetime(2024, 1, 1, 12, 0, 0, 123456), datetime(2023, 1, 1)],
    "moment": [datetime(2024, 1, 1, 12, 0, 0, 123456, UTC), datetime(2023, 1, 1, tzinfo=UTC)],
    "micro": [datetime(2024, 1, 1, 12)],
    "untold": [datetime(2024, 1, 1, 12, 0, 0, 123456)],
}

_OPERATORS = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_TEXT_MATCHES = {"start": str.startswith, "end": str.endswith, "anywhere": str.__contains__}


@cache
def rows(names: frozenset[str], most: int = 6) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Rows of some columns, nulls among their values."""
    row = {name: st.sampled_from([None, *COLUMNS[name][1]]) for name in sorted(names)}
    return st.lists(st.fixed_dictionaries(row), min_size=1, max_size=most)


def columns_of(predicate: Predicate) -> frozenset[str]:
    """Return the columns that a predicate is about."""
    match predicate:
        case And(parts) | Or(parts):
            return frozenset().union(*map(columns_of, parts))
        case Not(part):
            return columns_of(part)
        case Unreadable(text):
            return frozenset({text})
    return frozenset({predicate.column})


def _leaves(name: str) -> st.SearchStrategy[Predicate]:
    kind, own = COLUMNS[name]
    values = st.sampled_from(own + _OTHERS.get(name, []))
    leaves: list[st.SearchStrategy[Predicate]] = [
        st.builds(Comparison, st.just(name), st.sampled_from(list(_OPERATORS)), values),
        st.builds(In, st.just(name), st.lists(st.sampled_from(own), min_size=1).map(tuple)),
        st.sampled_from([IsNull(name), IsNotNull(name)]),
    ]
    if kind in ("double", "real"):
        leaves.append(st.just(IsNotNaN(name)))
    if kind.startswith("varchar"):
        leaves.append(
            st.builds(HasText, st.just(name), st.sampled_from(list(_TEXT_MATCHES)), values)
        )
    return st.one_of(leaves)


def predicates(
    *more: st.SearchStrategy[Predicate],
) -> st.SearchStrategy[Predicate]:
    """Predicates over the columns, nested, with `more` among their leaves."""

    def nested(inner: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
        parts = st.lists(inner, min_size=1, max_size=3).map(tuple)
        return st.builds(And, parts) | st.builds(Or, parts) | st.builds(Not, inner)

    return st.recursive(st.one_of(*map(_leaves, COLUMNS), *more), nested, max_leaves=6)


def holds(predicate: Predicate, row: dict[str, Any]) -> bool | None:
    """Say what a predicate is for a row, by nothing but its definition; `None` is unknown."""
    match predicate:
        case And(parts):
            return both(*(holds(part, row) for part in parts))
        case Or(parts):
            return _not(both(*(_not(holds(part, row)) for part in parts)))
        case Not(part):
            return _not(holds(part, row))
        case Unreadable(text):
            return row[text]
        case IsNull(column):
            return row[column] is None
        case IsNotNull(column):
            return row[column] is not None
    return None if row[predicate.column] is None else _leaf(predicate, row[predicate.column])


def _leaf(leaf: Comparison | In | HasText | IsNotNaN, value: Any) -> bool:
    match leaf:
        case Comparison(_, symbol, other):
            return _OPERATORS[symbol](_place(value), _place(other))
        case In(_, others):
            return _place(value) in map(_place, others)
        case HasText(_, place, text):
            return _TEXT_MATCHES[place](value, text)
    return value == value  # noqa: PLR0124 - NaN alone differs from itself


def _place(value: Any) -> Any:
    """Return what is ordered as the definition says: NaN behind all numbers, days at midnight."""
    if isinstance(value, float | int | Decimal):
        return (True, 0) if value != value else (False, value)  # noqa: PLR0124
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value


def both(*values: bool | None) -> bool | None:
    """Return the conjunction of values of three-valued logic."""
    return False if False in values else None if None in values else True


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def expression(predicate: Predicate) -> pl.Expr:
    """Return a predicate as somebody would write it with polars."""
    match predicate:
        case And(parts):
            return reduce(operator.and_, map(expression, parts))
        case Or(parts):
            return reduce(operator.or_, map(expression, parts))
        case Not(part):
            return ~expression(part)
        case Unreadable(text):
            return pl.col(text)
        case Comparison(column, symbol, value):
            return _OPERATORS[symbol](pl.col(column), value)
        case In(column, values):
            return pl.col(column).is_in(list(values))
        case HasText(column, place, text):
            return _text_expression(pl.col(column).str, place, text)
    return {
        IsNull: pl.Expr.is_null, IsNotNull: pl.Expr.is_not_null, IsNotNaN: pl.Expr.is_not_nan,
    }[type(predicate)](pl.col(predicate.column))  # fmt: skip


def _text_expression(column: Any, place: str, text: str) -> pl.Expr:
    if place == "anywhere":
        return column.contains(text, literal=True)
    return column.starts_with(text) if place == "start" else column.ends_with(text)


def words(filters: str | None) -> list[str]:
    """Return the words of a filter, in capitals, without its texts and names."""
    quoted = (TokenType.STRING, TokenType.IDENTIFIER)
    tokens = Dune().tokenize(filters or "")
    return [each.text.upper() for each in tokens if each.token_type not in quoted]


def says_not(filters: str | None) -> bool:
    """Tell whether a filter has a NOT that Dune refuses: every one but that of IS NOT NULL."""
    said = words(filters)
    places = [place for place, word in enumerate(said) if word == "NOT"]
    return any(said[place - 1 : place + 2] != ["IS", "NOT", "NULL"] for place in places)
