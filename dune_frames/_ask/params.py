"""Parameters: Python values as the texts that Dune takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

from dune_frames.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The parameters of a query as they travel: a text each, or several for a multi-select.
Parameters: TypeAlias = "Mapping[str, str | list[str]]"


def encode(params: Mapping[str, Any] | None) -> Parameters:
    """Return the parameters of a saved query as the texts that Dune takes.

    Parameters
    ----------
    params : mapping of str to value, or None
        Text, int, float, Decimal, bool, date, datetime (an aware one is converted to UTC), bytes
        (as ``0x…``), an enum's member, or a list of these for a multi-select.

    Raises
    ------
    InvalidRequestError
        A value has no form that Dune takes, or it is no mapping of names.
    """
    return {
        name: [as_text(name, each) for each in filled(name, value)]
        if isinstance(value, list | tuple)
        else as_text(name, value)
        for name, value in named(params).items()
    }


def named(params: Any) -> Mapping[str, Any]:
    """Return one set of parameters, or refuse what is none."""
    if params is None:
        return {}
    if not isinstance(params, Mapping):
        raise InvalidRequestError(
            f"params={params!r} is no set of parameters", advice='give a dict: {"name": value}.'
        )
    for name in params:
        if not isinstance(name, str) or not name.strip():
            raise InvalidRequestError(
                f"{name!r} is no name of a parameter",
                advice="give text, as in the query's {{name}}.",
            )
    return params


def plain(value: Any) -> Any:
    """Return a member of an enum, or a scalar of numpy, as the Python value that it stands for."""
    if isinstance(value, Enum):
        return value.value
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind is None or value.shape != ():
        return value
    if kind == "M":
        import pandas as pd

        return pd.Timestamp(value)  # which, unlike a datetime, keeps nanoseconds
    return value.item() if kind in ("b", "i", "u", "f") else value


def filled(name: str, values: Sequence[Any]) -> Sequence[Any]:
    """Return the values of a list, or refuse it when there are none."""
    if not values:
        raise InvalidRequestError(
            f"parameter {name!r} is an empty list",
            advice="leave the parameter or the condition out: SQL has no empty IN list.",
        )
    return values


def as_text(name: str, value: Any) -> str:
    """Return one value as the text that Dune takes for it."""
    value = plain(value)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal):
        return as_number(name, value)
    if isinstance(value, date):
        return _moment(name, value)
    if isinstance(value, bytes | bytearray):
        return f"0x{value.hex()}"
    raise refused(name, value)


def refused(name: str, value: Any) -> InvalidRequestError:
    """Return the error for a value that has no form, which names what has."""
    if value is None:
        advice = "leave the parameter out: Dune then takes its default."
    else:
        advice = "give text, a number, a date or datetime, a bool, bytes, or a list of these."
    return InvalidRequestError(f"parameter {name!r} cannot be {value!r}", advice=advice)


def as_number(name: str, value: float | Decimal) -> str:
    """Write a number in full, without an exponent."""
    if isinstance(value, int):
        return str(int(value))
    plain = Decimal(float.__repr__(value)) if isinstance(value, float) else value
    if not plain.is_finite():
        raise refused(name, value)
    return format(plain, "f")


def _moment(name: str, value: date) -> str:
    """Write ``YYYY-MM-DD HH:MM:SS``, with a fraction where there is one; a date is its midnight."""
    if not isinstance(value, datetime):
        return f"{value.isoformat()} 00:00:00"
    local = in_utc(name, value)
    return local.isoformat(" ", precision(local) if _fraction(local) else "seconds")


def in_utc(name: str, value: datetime) -> datetime:
    """Return the wall clock: of UTC, if the time is aware of its zone."""
    if value != value:  # noqa: PLR0124 - not a time, as pandas has it
        raise refused(name, value)
    try:
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    except OverflowError as problem:
        raise refused(name, value) from problem


def _fraction(value: datetime) -> int:
    """Return the nanoseconds after the second; only a time of pandas has more than microseconds."""
    return value.microsecond * 1000 + int(getattr(value, "nanosecond", 0))


def precision(value: datetime) -> str:
    """Return the coarsest `timespec` that keeps all of a time."""
    sizes = {1_000_000: "milliseconds", 1000: "microseconds", 1: "nanoseconds"}
    return next(name for size, name in sizes.items() if not _fraction(value) % size)
