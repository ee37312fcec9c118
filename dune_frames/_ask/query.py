"""What to ask: the reference to a saved query, and the window of rows to take from a result."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from numbers import Integral, Real
from typing import TypeAlias

from dune_frames.errors import InvalidRequestError

QueryReference: TypeAlias = int | str

_URL = re.compile(
    r"(?:https?://)?(?:www\.)?dune\.com/queries/([0-9]{1,19})(?:[/?#].*)?", re.IGNORECASE
)
#: Dune keeps query ids in a signed 64-bit integer: a larger one makes the server itself fail.
_LARGEST_ID = 2**63 - 1


def query_id_of(query: QueryReference) -> int:
    """Return the id that a reference to a saved query names.

    Parameters
    ----------
    query : int or str
        An id (``3493826``, ``"3493826"``) or the query's URL.

    Raises
    ------
    InvalidRequestError
        The reference is neither.

    Examples
    --------
    >>> query_id_of("https://dune.com/queries/3493826/5875000")
    3493826
    """
    found = re.fullmatch(r"[0-9]{1,19}", str(query).strip()) or _URL.fullmatch(str(query).strip())
    number = int(found[found.lastindex or 0]) if found and not isinstance(query, bool) else 0
    if not 0 < number <= _LARGEST_ID:
        raise InvalidRequestError(
            f"{query!r} is no reference to a Dune query",
            advice="give its number (3493826) or its URL (https://dune.com/queries/3493826).",
        )
    return number


def execution_id_of(execution: str) -> str:
    """Return the id of an execution, without blanks around it.

    Raises
    ------
    InvalidRequestError
        It is no text, or there is nothing in it that could be an id.
    """
    dots = ". \t\r\n"  # which lead elsewhere in a path, as blanks do
    if not isinstance(execution, str) or not execution.strip(dots):
        raise InvalidRequestError(
            f"{execution!r} is no id of an execution",
            advice="give the id as Dune shows it, such as '01HKZJ2683PHF9Q9PHHQ8FW4Q1'.",
        )
    return execution.strip()


MaxAge: TypeAlias = float | timedelta | str | None

_AGE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|m|h|d|w)\s*")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def age_of(max_age: MaxAge) -> timedelta | None:
    """Return the greatest age that a stored result may have; `None` allows any.

    Parameters
    ----------
    max_age : float, timedelta, str or None
        Seconds, a timedelta, or a number with a unit of s, m, h, d or w: ``"1h"``, ``"30m"``.

    Raises
    ------
    InvalidRequestError
        It is none of these, or negative.

    Examples
    --------
    >>> age_of("1.5h")
    datetime.timedelta(seconds=5400)
    """
    if max_age is None:
        return None
    age = _timedelta(max_age)
    if age is None or age < timedelta(0):
        raise InvalidRequestError(
            f"max_age={max_age!r} is no age",
            advice='give seconds, a timedelta, "30m" or "1h"; 0 executes, None takes any age.',
        )
    return age


def is_amount(value: object) -> bool:
    """Tell whether a value is a number. numpy's durations, of any unit, say that they are."""
    is_duration = getattr(getattr(value, "dtype", None), "kind", None) == "m"
    return not isinstance(value, bool) and isinstance(value, Real) and not is_duration


def _timedelta(age: object) -> timedelta | None:
    if isinstance(age, timedelta):
        return age
    found = _AGE.fullmatch(age) if isinstance(age, str) else None
    unit, size = (_UNITS[found[2]], found[1]) if found else ("seconds", age)
    if not (found or is_amount(size)):
        return None
    try:
        return timedelta(**{unit: float(size)})  # type: ignore[arg-type]
    except (ValueError, OverflowError):  # not a number, or more than a timedelta holds
        return None


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows and columns of a stored result to take; Dune does the selecting.

    Attributes
    ----------
    columns : tuple of str or None
        Names, in the order wanted. `None` takes all.
    filters : str or None
        Dune's own filter expression.
    sort_by : str or None
        Dune's own sort expression.
    limit, offset : int or None
        Rows to take at most, and rows to skip first.
    sample_count : int or None
        About how many rows to draw at random; it excludes `limit`, `offset` and `filters`.
    """

    columns: tuple[str, ...] | None = None
    filters: str | None = None
    sort_by: str | None = None
    limit: int | None = None
    offset: int | None = None
    sample_count: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("limit", 0), ("offset", 0), ("sample_count", 1)):
            _refuse_bad_count(name, getattr(self, name), least)
        if self.columns is not None and (
            not self.columns or len(set(self.columns)) != len(self.columns)
        ):
            raise InvalidRequestError(
                f"columns={list(self.columns)} is empty or names a column twice",
                advice="name each wanted column once, or leave columns out to take all.",
            )
        _refuse_sample_with_others(self)

    @property
    def start(self) -> int:
        """The place of the first row wanted, from 0."""
        return self.offset or 0

    def rows_of(self, total: int | None) -> int | None:
        """Return how many rows the window holds of a result with `total` rows, where certain."""
        if total is None or self.filters or self.sample_count:
            return None
        rest = max(total - self.start, 0)
        return rest if self.limit is None else min(rest, self.limit)

    def page(self, offset: int, limit: int) -> Window:
        """Return the part of this window that one request asks for."""
        return replace(self, offset=offset, limit=limit)


def _refuse_bad_count(name: str, value: object, least: int) -> None:
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, Integral) or value < least
    ):
        raise InvalidRequestError(
            f"{name}={value!r} is no count of rows", advice=f"give a whole number from {least} on."
        )


def _refuse_sample_with_others(window: Window) -> None:
    others = [name for name in ("limit", "offset", "filters") if getattr(window, name) is not None]
    if window.sample_count is not None and others:
        raise InvalidRequestError(
            f"sample_count cannot go together with {' and '.join(others)}",
            advice="Dune draws a sample from the whole result: give one or the other.",
        )
