"""The fields of an answer's JSON objects: the value of a key where it has the type it should."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dune_frames._wire.envelope import MalformedBodyError

if TYPE_CHECKING:
    from collections.abc import Sequence


def objects(told: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    """Return a list of objects; an empty one where there is none."""
    found = told.get(key) or []
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise MalformedBodyError(f"{key} is no list of objects")
    return found


def inner(told: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return an object; an empty one where there is none."""
    found = told.get(key)
    return found if isinstance(found, Mapping) else {}


def error(told: Mapping[str, Any]) -> str | None:
    """Return what ``error`` says, as the text or the object that it is."""
    found = told.get("error")
    said = found.get("message") or found.get("type") if isinstance(found, Mapping) else found
    return str(said) if said else None


def text(told: Mapping[str, Any], key: str) -> str | None:
    """Return a text."""
    value = told.get(key)
    return value if isinstance(value, str) else None


def number(told: Mapping[str, Any], key: str) -> float | None:
    """Return a number."""
    value = told.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def integer(told: Mapping[str, Any], key: str) -> int | None:
    """Return a whole number."""
    value = number(told, key)
    return value if isinstance(value, int) else None
