"""Parameters: Python values as Dune wants them, and `{{name}}` bound as Trino literals."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

from dune_frames.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dune_frames._wire import Parameters


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
        A value has no form that Dune takes.
    """
    return {
        name: [_text(name, each) for each in _filled(name, value)]
        if isinstance(value, list | tuple)
        else _text(name, value)
        for name, value in (params or {}).items()
    }


def plain(value: Any) -> Any:
    """Return a member of an enum, or a number of numpy, as the Python value that it stands for."""
    if isinstance(value, Enum):
        return value.value
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    is_number = kind in ("b", "i", "u", "f") and value.shape == ()
    return value.item() if is_number else value


def _filled(name: str, values: Sequence[Any]) -> Sequence[Any]:
    if not values:
        raise InvalidRequestError(
            f"parameter {name!r} is an empty list",
            advice="leave the parameter or the condition out: SQL has no empty IN list.",
        )
    return values


def _text(name: str, value: Any) -> str:
    value = plain(value)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal):
        return _number(name, value)
    if isinstance(value, date):
        return _moment(name, value)
    if isinstance(value, bytes | bytearray):
        return f"0x{value.hex()}"
    raise _refused(name, value)


def _refused(name: str, value: Any) -> InvalidRequestError:
    if value is None:
        advice = "leave the parameter out: Dune then takes its default."
    else:
        advice = "give text, a number, a date or datetime, a bool, bytes, or a list of these."
    return InvalidRequestError(f"parameter {name!r} cannot be {value!r}", advice=advice)


def _number(name: str, value: float | Decimal) -> str:
    """Write a number in full, without an exponent."""
    if isinstance(value, int):
        return str(int(value))
    plain = Decimal(float.__repr__(value)) if isinstance(value, float) else value
    if not plain.is_finite():
        raise _refused(name, value)
    return format(plain, "f")


def _moment(name: str, value: date) -> str:
    """Write ``YYYY-MM-DD HH:MM:SS``, with a fraction where there is one; a date is its midnight."""
    if not isinstance(value, datetime):
        return f"{value.isoformat()} 00:00:00"
    local = _in_utc(name, value)
    return local.isoformat(" ", _precision(local) if _fraction(local) else "seconds")


def _in_utc(name: str, value: datetime) -> datetime:
    """Return the wall clock: of UTC, if the time is aware of its zone."""
    if value != value:  # noqa: PLR0124 - not a time, as pandas has it
        raise _refused(name, value)
    try:
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    except OverflowError as problem:
        raise _refused(name, value) from problem


def _fraction(value: datetime) -> int:
    """Return the nanoseconds after the second; only a time of pandas has more than microseconds."""
    return value.microsecond * 1000 + int(getattr(value, "nanosecond", 0))


def _precision(value: datetime) -> str:
    sizes = {1_000_000: "milliseconds", 1000: "microseconds", 1: "nanoseconds"}
    return next(name for size, name in sizes.items() if not _fraction(value) % size)


#: What in SQL can hold a placeholder without meaning it as a value, or the placeholder itself.
_TOKENS = re.compile(
    r"""(?P<comment>--[^\r\n]*|/\*.*?\*/)
      | (?P<escaped>\b[uU]&'(?:[^']|'')*')
      | (?P<text>'(?:[^']|'')*')
      | (?P<name>"(?:[^"]|"")*")
      | (?P<open>['"]|/\*)
      | \{\{\s*(?P<placeholder>[^{}]+?)\s*\}\}""",
    re.VERBOSE | re.DOTALL,
)
#: Trino's longest decimal.
_DECIMAL_DIGITS = 38
_INSIDE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


def bind(sql: str, params: Mapping[str, Any] | None) -> str:
    """Put Trino literals in the places of `{{name}}` placeholders.

    A placeholder that stands for itself becomes a literal of the value's type. Inside a text
    (``'{{day}}'``) the value's plain text is put, with its quotes doubled, as Dune does for the
    widespread habit of quoting placeholders. Comments and quoted names are left alone.

    Raises
    ------
    InvalidRequestError
        A placeholder has no value, a value no placeholder, or a value has no literal.
    """
    values = dict(params or {})
    wanted = dict.fromkeys(_placeholders(sql))
    _refuse_mismatch(list(wanted), list(values))
    return _TOKENS.sub(lambda found: _replace(found, values), sql) if values else sql


def _placeholders(sql: str) -> Iterator[str]:
    for found in _TOKENS.finditer(sql):
        if found["placeholder"]:
            yield found["placeholder"]
        else:
            yield from _INSIDE.findall(found["text"] or found["escaped"] or "")


def _refuse_mismatch(wanted: list[str], given: list[str]) -> None:
    missing = [name for name in wanted if name not in given]
    unknown = [name for name in given if name not in wanted]
    if missing or unknown:
        what = [f"no value for {{{{{name}}}}}" for name in missing]
        what += [f"no placeholder {{{{{name}}}}} for the value given" for name in unknown]
        raise InvalidRequestError(
            "params and SQL do not fit: " + "; ".join(what),
            advice="give each {{name}} in the SQL one value in params. Nothing was sent.",
        )


def _replace(found: re.Match[str], values: Mapping[str, Any]) -> str:
    if found["placeholder"]:
        name = found["placeholder"]
        return _apart(found, literal(name, values[name]))
    if found["text"]:
        return _INSIDE.sub(lambda each: _quoted_text(each[1], values[each[1]]), found["text"])
    if found["open"] or _INSIDE.search(found["escaped"] or ""):
        raise InvalidRequestError(
            f"no value can be put safely into this SQL: {found.string[found.start() :][:40]!r}",
            advice="close every quote and comment, and put placeholders outside U&'...'.",
        )
    return found[0]


def _apart(found: re.Match[str], text: str) -> str:
    """Keep a literal from growing together with what stands beside it: ``'a'{{b}}``, ``x{{b}}``."""
    before, after = found.string[: found.start()][-1:], found.string[found.end() :][:1]
    lead = " " if re.match(r"[\w'\"&]", before) else ""
    return lead + text + (" " if re.match(r"[\w'\"{]", after) else "")


def _quoted_text(name: str, value: Any) -> str:
    return _text(name, value).replace("'", "''")


def literal(name: str, value: Any) -> str:
    """Return a value as a Trino literal that no value can break out of."""
    value = plain(value)
    for kinds, write in _LITERALS:
        if isinstance(value, kinds):
            return write(name, value)
    return "NULL" if value is None else "'" + _quoted_text(name, value) + "'"


def _list_literal(name: str, values: Sequence[Any]) -> str:
    if any(isinstance(each, list | tuple) for each in values):
        raise _refused(name, values)
    return ", ".join(literal(name, each) for each in _filled(name, values))


def _boolean_literal(_: str, value: bool) -> str:
    return str(value).upper()


def _float_literal(_: str, value: float) -> str:
    text = float.__repr__(value)
    return f"DOUBLE '{text}'".replace("inf", "Infinity").replace("nan", "NaN")


def _integer_literal(name: str, value: int) -> str:
    """Write plain digits, or name the type where SQL would not read them exactly.

    A negative number stands in parentheses: behind a minus it would start a comment.
    """
    if -(2**63) < value < 2**63:
        return str(int(value)) if value >= 0 else f"({int(value)})"
    if not -(2**255) <= value < 2**256:
        raise _refused(name, value)
    return f"CAST('{int(value)}' AS {'UINT256' if value >= 0 else 'INT256'})"


def _decimal_literal(name: str, value: Decimal) -> str:
    text = _number(name, value)
    whole, _, fraction = text.lstrip("-").partition(".")
    if len(whole.lstrip("0") + fraction) > _DECIMAL_DIGITS:
        raise _refused(name, value)
    return f"DECIMAL '{text}'"


def _date_literal(_: str, value: date) -> str:
    return f"DATE '{value.isoformat()}'"


def _datetime_literal(name: str, value: datetime) -> str:
    local = _in_utc(name, value)
    zone = " UTC" if value.tzinfo else ""
    return f"TIMESTAMP '{local.isoformat(' ', _precision(local))}{zone}'"


def _bytes_literal(_: str, value: bytes) -> str:
    return f"0x{value.hex()}" if value else "X''"


#: The first kind that fits a value decides: a bool is an int, a datetime is a date.
_LITERALS: tuple[tuple[Any, Callable[[str, Any], str]], ...] = (
    (bool, _boolean_literal),
    (int, _integer_literal),
    (float, _float_literal),
    (Decimal, _decimal_literal),
    (datetime, _datetime_literal),
    (date, _date_literal),
    ((bytes, bytearray), _bytes_literal),
    ((list, tuple), _list_literal),
)
