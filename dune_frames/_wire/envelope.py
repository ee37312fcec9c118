"""The envelope: a JSON body, parted into what stands around its rows and the rows as bytes.

Rows are the bulk of a body. They are not parsed here, because the decoder does that much faster.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeAlias

#: A JSON array of rows, as it came.
Rows: TypeAlias = bytes | memoryview

_ROWS, _AFTER_ROWS = b'"rows":', b',"metadata":'
_ROWS_KEY = re.compile(r'"rows"\s*:\s*')
#: NaN and Infinity are no JSON; where a server writes them all the same, they stay comparable.
_DECODER = json.JSONDecoder(parse_constant=str)


class MalformedBodyError(ValueError):
    """A body is not what the API sends there: cut short, or not from the API at all."""


def read_object(body: bytes) -> dict[str, Any]:
    """Parse a body that is a JSON object."""
    try:
        value = json.loads(body, parse_constant=str)
    except (ValueError, RecursionError):
        # Without its cause, which holds the whole body.
        value = None
    if not isinstance(value, dict):
        raise MalformedBodyError("it is no JSON object")
    return value


def cut_out_rows(body: bytes) -> tuple[dict[str, Any], Rows | None]:
    """Return what stands around the rows, and the array of rows; `None` where there is none.

    The cut between the first `"rows":` and the last `,"metadata":` is believed when what stands
    around is JSON without it; otherwise the end of the rows is found by parsing them.
    """
    start = body.find(_ROWS) + len(_ROWS)
    end = body.rfind(_AFTER_ROWS)
    if len(_ROWS) <= start < end and body[end - 1 : end] == b"]":
        try:
            envelope = read_object(body[:start] + b"[]" + body[end:])
            return envelope, memoryview(body)[start:end]  # not a copy: they are nearly all of it
        except MalformedBodyError:
            pass
    return _cut_out_slowly(body)


def _cut_out_slowly(body: bytes) -> tuple[dict[str, Any], Rows | None]:
    envelope = read_object(body)
    result = envelope.get("result")
    if not isinstance(result, dict) or "rows" not in result:
        return envelope, None
    if result["rows"] is None:
        return envelope, b"[]"  # an empty list, as Go writes one that was never filled
    text = body.decode(json.detect_encoding(body), "surrogatepass")
    for key in _ROWS_KEY.finditer(text):
        value, end = _DECODER.raw_decode(text, key.end())
        if value == result["rows"]:
            return envelope, text[key.end() : end].encode("utf-8", "surrogatepass")
    raise MalformedBodyError("its rows cannot be told apart")
