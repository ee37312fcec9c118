"""Addresses: those of further pages in an answer, which have to lead back to where it came from."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dune_frames._wire.endpoints import NEXT_URI_HEADER

if TYPE_CHECKING:
    from dune_frames.local.answers import Answer

_NEXT_URI = re.compile(rb'"next_uri"\s*:\s*("(?:[^"\\]|\\.)*")')


def moved(answer: Answer, old: str, new: str) -> Answer:
    """Return an answer whose next page is at another address; all else stays byte for byte.

    Parameters
    ----------
    answer : Answer
        Of Dune or of an embedded Dune.
    old, new : str
        Scheme, host and port.
    """
    headers = {
        name: _moved(value, old, new) if name == NEXT_URI_HEADER else value
        for name, value in answer.headers.items()
    }
    return replace(answer, headers=headers, body=_moved_body(answer.body, old, new))


def _moved(uri: str, old: str, new: str) -> str:
    return new + uri.removeprefix(old) if uri.startswith(f"{old}/") else uri


def _moved_body(body: bytes, old: str, new: str) -> bytes:
    """Replace the value of the outermost ``next_uri``: a column may have that name too."""
    uri = _next_uri(body)
    if uri is None:
        return body
    places = [found for found in _NEXT_URI.finditer(body) if json.loads(found[1]) == uri]
    start, end = places[-1].span(1)
    return body[:start] + json.dumps(_moved(uri, old, new)).encode() + body[end:]


def _next_uri(body: bytes) -> str | None:
    if b'"next_uri"' not in body:
        return None
    try:
        uri = json.loads(body).get("next_uri")
    except (ValueError, AttributeError):
        return None
    return uri if isinstance(uri, str) else None
