"""Values in expressions of polars: nodes of its JSON form without columns, evaluated by polars."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import polars as pl

    from dune_frames._predicate.algebra import Value

#: A node of the JSON form.
Node: TypeAlias = Any

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - polars counts moments without a zone from here, too
_PER_SECOND = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def expression_of(node: Node) -> pl.Expr:
    """Return the expression that a node stands for."""
    import polars as pl

    return pl.Expr.deserialize(io.BytesIO(json.dumps(node).encode()), format="json")


def value_of(node: Node) -> Value | None:
    """Return the one value of a node without columns; `None` where it has none, or null."""
    constant = _constant(node)
    values = None if constant is None else _values(constant)
    return values[0] if values and len(values) == 1 else None


def members_of(node: Node) -> list[Value] | None:
    """Return the values of a node that is one list; `None` where it is none, or has a null."""
    import polars as pl

    constant = _constant(node)
    if constant is None or len(constant) != 1 or constant.dtype != pl.List:
        return None
    return _values(constant[0])


def _constant(node: Node) -> pl.Series | None:
    import polars as pl

    return pl.select(expression_of(node)).to_series() if _is_constant(node) else None


def _is_constant(node: Node) -> bool:
    """Tell whether a node holds nothing but values, and functions that give the same every time."""
    match node:
        case {"Literal": _}:
            return True
        case {"Cast": {"expr": inner}} | {"Alias": [inner, _]}:
            return _is_constant(inner)
        case {"BinaryExpr": {"left": left, "right": right}}:
            return _is_constant(left) and _is_constant(right)
        case {"Function": {"input": inputs, "function": {"TemporalExpr": _}}}:
            return all(map(_is_constant, inputs))
    return False


def _values(series: pl.Series) -> list[Value] | None:
    """Return values as Python's, exactly; `None` where one is null or Python has no such type."""
    import polars as pl

    if series.null_count():
        return None
    if isinstance(series.dtype, pl.Datetime):
        return _moments(series, series.dtype)
    plain = (pl.Boolean, pl.String, pl.Binary, pl.Date, pl.Decimal)
    return series.to_list() if series.dtype.is_numeric() or series.dtype in plain else None


def _moments(series: pl.Series, dtype: pl.Datetime) -> list[Value] | None:
    """Return moments, those with a zone in UTC; `None` where one has more digits than Python's."""
    counts = [each * 10**9 // _PER_SECOND[dtype.time_unit] for each in series.to_physical()]
    if any(count % 1000 for count in counts):
        return None
    zone = None if dtype.time_zone is None else UTC
    return [(_EPOCH + timedelta(microseconds=each // 1000)).replace(tzinfo=zone) for each in counts]
