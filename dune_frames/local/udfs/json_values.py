"""JSON values: read, taken apart and written with every digit of their numbers.

Functions take and give JSON as text. Two languages of paths are known: the short one of
``json_extract``, and that of SQL for ``json_value``, ``json_query`` and ``json_exists``
(https://trino.io/docs/current/functions/json.html).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from dune_frames.local.udfs.numbers import double_text
from dune_frames.local.udfs.udf import Udf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_STEP = re.compile(r'\.(?P<name>[^.\[\]"]+)|\["(?P<quoted>(?:[^"\\]|\\.)*)"\]|\[(?P<place>\d+)\]')
_SQL_STEP = re.compile(
    r'\s*(?:\.\s*(?P<name>[A-Za-z_$][\w$]*)(?!\s*\()|\.\s*"(?P<quoted>[^"]*)"'
    r"|\[\s*(?P<place>\d+)\s*\]|(?P<all>\[\s*\*\s*\]))"
)
_SQL_STEPS = re.sub(r"\?P<\w+>", "?:", _SQL_STEP.pattern)
_SQL_PATH = re.compile(rf"\s*(?:(?P<mode>lax|strict)\s+)?\$(?P<steps>(?:{_SQL_STEPS})*)\s*")
_MISSING = object()


class _Float(str):
    """A number with a fraction or an exponent, as it is written."""

    __slots__ = ()


# Reading and writing


def _read(text: str) -> Any:
    try:
        return json.loads(text, parse_float=_Float, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _readable(text: str) -> Any:
    """Read JSON, `_MISSING` where it is none."""
    try:
        return _read(text)
    except ValueError:
        return _MISSING


def _written(value: Any, *, sort: bool = False) -> str:
    if isinstance(value, _Float):
        return double_text(float(value))
    if isinstance(value, dict):
        items = sorted(value.items()) if sort else value.items()
        parts = (f"{json.dumps(k, ensure_ascii=False)}:{_written(v, sort=sort)}" for k, v in items)
        return f"{{{','.join(parts)}}}"
    if isinstance(value, list):
        return f"[{','.join(_written(one, sort=sort) for one in value)}]"
    return json.dumps(value, ensure_ascii=False)


def _scalar(value: Any) -> str | None:
    """Return a scalar as text; None for null and for what is no scalar."""
    if value is None or value is _MISSING or isinstance(value, dict | list):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _parsed(text: str) -> str:
    try:
        return _written(_read(text), sort=True)
    except ValueError:
        raise ValueError(f"Cannot convert value to JSON: '{text}'") from None


# The short paths of json_extract


def _at(text: str, path: str) -> Any:
    value, end = _readable(text), 1
    if not path.startswith("$"):
        raise ValueError(f"Invalid JSON path: '{path}'")
    while end < len(path):
        step = _STEP.match(path, end)
        if step is None:
            raise ValueError(f"Invalid JSON path: '{path}'")
        name = step["name"] or step["place"]
        value = _child(value, re.sub(r"\\(.)", r"\1", step["quoted"]) if name is None else name)
        end = step.end()
    return value


def _child(value: Any, name: str) -> Any:
    """Return a member of an object, or an item of an array: the short paths mix them."""
    if isinstance(value, dict):
        return value.get(name, _MISSING)
    if isinstance(value, list) and name.isascii() and name.isdecimal() and int(name) < len(value):
        return value[int(name)]
    return _MISSING


def _extract(text: str, path: str) -> str | None:
    value = _at(text, path)
    return None if value is _MISSING else _written(value)


def _extract_scalar(text: str, path: str) -> str | None:
    return _scalar(_at(text, path))


def _size(text: str, path: str) -> int | None:
    value = _at(text, path)
    if value is _MISSING:
        return None
    return len(value) if isinstance(value, dict | list) else 0


# Arrays


def _array(text: str) -> list[Any] | None:
    value = _readable(text)
    return value if isinstance(value, list) else None


def _array_length(text: str) -> int | None:
    array = _array(text)
    return None if array is None else len(array)


def _array_get(text: str, place: int) -> str | None:
    array = _array(text) or []
    found = array[place] if -len(array) <= place < len(array) else None
    return None if found is None else _written(found)


def _array_contains(text: str, wanted: str) -> int | None:
    """Tell whether an array has an item; which is wanted as JSON."""
    array = _array(text)
    return None if array is None else int(_written(_read(wanted)) in map(_written, array))


# Parts, for casts


def _text(text: str) -> str | None:
    value = _read(text)
    if isinstance(value, dict | list):
        raise ValueError(f"Cannot cast '{text}' to varchar")  # noqa: TRY004 - of the text
    return double_text(float(value)) if isinstance(value, _Float) else _scalar(value)


def _items(text: str) -> list[str] | None:
    return _parts(text, list, lambda value: map(_written, value))


def _keys(text: str) -> list[str] | None:
    return _parts(text, dict, lambda value: value)


def _values(text: str) -> list[str] | None:
    return _parts(text, dict, lambda value: map(_written, value.values()))


def _parts(text: str, kind: type, take: Callable[[Any], Any]) -> list[str] | None:
    value = _read(text)
    if value is None:
        return None
    if not isinstance(value, kind):
        word = "array" if kind is list else "map"
        raise ValueError(f"Cannot cast to {word}. Expected a json {word}, but got {text}")  # noqa: TRY004
    return list(take(value))


def _field(text: str, name: str, place: int) -> str | None:
    """Return a field of a row: by name in an object, by place in an array."""
    value = _read(text)
    if isinstance(value, list):
        return _written(value[place]) if place < len(value) else None
    if not isinstance(value, dict):
        raise ValueError(f"Cannot cast to row. Expected a json array or object, but got {text}")  # noqa: TRY004
    names = {key.lower(): key for key in value}
    found = name if name in value else names.get(name.lower())
    return None if found is None else _written(value[found])


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


# The paths of SQL


def _selected(text: str, path: str) -> list[Any] | None:
    """Return what a path selects, None where it fails."""
    match = _SQL_PATH.fullmatch(path)
    if match is None:
        raise ValueError(f"this JSON path is not supported by the embedded Dune: {path}")
    found: list[Any] = [_readable(text)]
    if found[0] is _MISSING:
        return None
    for step in _SQL_STEP.finditer(match["steps"]):
        found = list(_stepped(found, step, strict=match["mode"] == "strict"))
    return None if _MISSING in found else found


def _stepped(values: Sequence[Any], step: re.Match[str], *, strict: bool) -> Iterator[Any]:
    """Take a step from each value; a strict one that fails gives `_MISSING`."""
    for value in values:
        if step["all"] or step["place"]:
            yield from _items_at(value, step["place"], strict=strict)
        elif isinstance(value, list) and not strict:
            yield from _members(value, step, strict=False)
        else:
            yield from _members([value], step, strict=strict)


def _members(values: Sequence[Any], step: re.Match[str], *, strict: bool) -> Iterator[Any]:
    name = step["name"] if step["quoted"] is None else step["quoted"]
    for value in values:
        if isinstance(value, dict) and name in value:
            yield value[name]
        elif strict:
            yield _MISSING


def _items_at(value: Any, place: str | None, *, strict: bool) -> Iterator[Any]:
    """Give items of an array; what is none is a lax array of one."""
    if strict and not isinstance(value, list):
        yield _MISSING
        return
    items = value if isinstance(value, list) else [value]
    if place is None:
        yield from items
    elif int(place) < len(items):
        yield items[int(place)]
    elif strict:
        yield _MISSING


def _path_value(text: str, path: str) -> str | None:
    found = _selected(text, path)
    return _scalar(found[0]) if found is not None and len(found) == 1 else None


def _path_query(text: str, path: str, options: str) -> str | None:
    """Return what a path selects as JSON; `options` may say ``wrap`` and ``omit`` quotes."""
    found = _selected(text, path)
    if found is None:
        return None
    if "wrap" in options:
        return _written(found)
    if len(found) != 1:
        return None
    bare = "omit" in options and isinstance(found[0], str) and not isinstance(found[0], _Float)
    return str(found[0]) if bare else _written(found[0])


def _path_exists(text: str, path: str) -> int | None:
    found = _selected(text, path)
    return int(bool(found))


_ONE = ("VARCHAR",)
_TWO = ("VARCHAR", "VARCHAR")

UDFS = (
    Udf("json_parsed", _parsed, _ONE, "VARCHAR"),
    Udf("json_part", _extract, _TWO, "VARCHAR"),
    Udf("json_scalar", _extract_scalar, _TWO, "VARCHAR"),
    Udf("json_part_size", _size, _TWO, "BIGINT"),
    Udf("json_length", _array_length, _ONE, "BIGINT"),
    Udf("json_item", _array_get, ("VARCHAR", "BIGINT"), "VARCHAR"),
    Udf("json_has_item", _array_contains, _TWO, "BIGINT"),
    Udf("json_as_text", _text, _ONE, "VARCHAR"),
    Udf("json_items", _items, _ONE, "VARCHAR[]"),
    Udf("json_members", _keys, _ONE, "VARCHAR[]"),
    Udf("json_member_values", _values, _ONE, "VARCHAR[]"),
    Udf("json_field", _field, ("VARCHAR", "VARCHAR", "BIGINT"), "VARCHAR"),
    Udf("json_text_of", _quoted, _ONE, "VARCHAR"),
    Udf("json_path_value", _path_value, _TWO, "VARCHAR"),
    Udf("json_path_query", _path_query, (*_TWO, "VARCHAR"), "VARCHAR"),
    Udf("json_path_exists", _path_exists, _TWO, "BIGINT"),
)
