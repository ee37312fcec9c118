"""A result with a column of every type that Dune has, for tests that hand results on to engines."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from dune_frames.local import LocalDune

_MOMENT = dt.datetime(2024, 2, 29, 1, 2, 3, 456000)

#: Column name to Dune's type text and one value.
COLUMNS: dict[str, tuple[str, Any]] = {
    "flag": ("boolean", True),
    "tiny": ("tinyint", -128),
    "small": ("smallint", 32767),
    "number": ("integer", 1_000_000),
    "big": ("bigint", 2**63 - 1),
    "real": ("real", 1.5),
    "double": ("double", 8.05e-07),
    "price": ("decimal(10, 3)", Decimal("2080561.775")),
    "whole": ("decimal(38, 0)", Decimal(10) ** 37),
    "wide": ("uint256", str(2**256 - 1)),
    "signed": ("int256", "-57"),
    "text": ("varchar", "héllo"),
    "hash": ("varbinary", "0xc0ffee"),
    "day": ("date", dt.date(2024, 2, 29)),
    "clock": ("time(3)", dt.time(1, 2, 3, 456000)),
    "local": ("timestamp(3)", _MOMENT),
    "moment": ("timestamp(3) with time zone", _MOMENT.replace(tzinfo=dt.UTC)),
    "nanos": ("timestamp(9)", _MOMENT),
    "span": ("interval day to second", dt.timedelta(days=2, hours=3, milliseconds=678)),
    "months": ("interval year to month", pa.MonthDayNano([-14, 0, 0])),
    "list": ("array(uint256)", ["57", None, str(2**255)]),
    "map": ("map(varchar, bigint)", {"a": 1, "b": None}),
    "row": ('row(a bigint, "b c" array(varchar))', {"a": 1, "b c": ["x", None]}),
    "nothing": ("unknown", None),
}
TYPES = {name: told for name, (told, _) in COLUMNS.items()}


def rows_of_every_type(count: int) -> list[dict[str, Any]]:
    """Return rows: of each three one has values, one has none, and one only a few."""
    values = {name: value for name, (_, value) in COLUMNS.items()}
    some = {name: value for place, (name, value) in enumerate(values.items()) if place % 2}
    kinds = (values, dict.fromkeys(values), dict.fromkeys(values) | some)
    return [dict(kinds[place % 3]) for place in range(count)]


def store_every_type(local: LocalDune, count: int) -> str:
    """Store so many rows; return the execution id."""
    return local.store_result(rows_of_every_type(count), TYPES)
