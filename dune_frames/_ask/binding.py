"""Binding: values into the places of `{{name}}` placeholders in SQL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dune_frames._ask.literals import literal, quoted_text
from dune_frames._ask.params import named
from dune_frames.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    values = named(params)
    wanted = dict.fromkeys(placeholders(sql))
    _refuse_mismatch(list(wanted), list(values))
    return _TOKENS.sub(lambda found: _replace(found, values), sql) if values else sql


def placeholders(sql: str) -> Iterator[str]:
    """Yield the name of each placeholder outside comments and quoted names."""
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
            advice="give each {{name}} in the SQL one value in params; comments and quoted names "
            "have no placeholders. Nothing was sent.",
        )


def _replace(found: re.Match[str], values: Mapping[str, Any]) -> str:
    if found["placeholder"]:
        name = found["placeholder"]
        return _apart(found, literal(name, values[name]))
    if found["text"]:
        return _INSIDE.sub(lambda each: quoted_text(each[1], values[each[1]]), found["text"])
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
