"""Answers: a finished HTTP response as a plain value, and Dune's own words for refusals."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = "application/json; charset=utf-8"
CSV = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response before it is sent.

    Attributes
    ----------
    body : bytes
        The whole body.
    status : int
        The HTTP status.
    content_type : str
        The content type.
    headers : mapping of str to str
        Further headers.
    rows : int
        The result rows in it.
    """

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0


class RefusedError(Exception):
    """A request that Dune refuses, with the status and the words it has for that."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def json_answer(value: Any, status: int = 200, *, pretty: bool = False) -> Answer:
    """Answer with a JSON value."""
    return Answer(json_bytes(value, pretty=pretty), status)


def error_answer(status: int, text: str) -> Answer:
    """Answer with Dune's shape of an HTTP error, JSON on every endpoint."""
    return json_answer({"error": text}, status)


def json_bytes(value: Any, *, pretty: bool = False) -> bytes:
    """Return compact JSON, or indented as Dune's documents show it."""
    indent, separators = (2, (",", ": ")) if pretty else (None, (",", ":"))
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
    return text.encode()
