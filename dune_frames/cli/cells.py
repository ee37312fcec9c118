"""Cells: Arrow values as what text formats can say, without loss.

What JSON and CSV have a form for takes that: numbers, booleans, text. A decimal is its digits, a
moment ISO 8601 (``2025-01-31 12:00:00.000000Z``). The rest is written as Dune itself writes it:
binary ``0x…``, intervals ``days hours:minutes:seconds`` and ``years-months``, and in JSON, which
has no such numbers, the words ``NaN``, ``Infinity`` and ``-Infinity``.
"""

from __future__ import annotations

import json
from datetime import timedelta
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any

from dune_frames._frame.python_values import python_values
from dune_frames._types.cast import is_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa


def records(batch: pa.RecordBatch) -> Iterator[str]:
    """Yield each row as a JSON object on one line."""
    names = batch.schema.names
    for row in zip(*map(_values, batch.columns), strict=True):
        yield as_json(dict(zip(names, row, strict=True)))


def flat(batch: pa.RecordBatch) -> pa.Table:
    """Return the batch with every column boolean, number or text; nested values as JSON."""
    import pyarrow as pa

    return pa.table([_flat(column) for column in batch.columns], names=batch.schema.names)


def _flat(values: pa.Array) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_nested(values.type):
        write: Any = as_json
    elif _is_foreign(values.type):
        write = _words
    else:
        return values.cast(_text_type(values.type))
    texts = [None if each is None else write(each) for each in _values(values)]
    return pa.array(texts, pa.string())


def _values(values: pa.Array) -> list[Any]:
    """Return Python values; what has a text in Arrow is that text, maps are dicts."""
    return python_values(values.cast(_text_type(values.type)))


def _text_type(of: pa.DataType) -> pa.DataType:
    """Return the type with text in the place of the leaves that Arrow itself writes as text."""
    import pyarrow as pa

    if is_list(of):
        return pa.list_(_text_type(of.value_type))
    if pa.types.is_map(of):
        return pa.map_(_text_type(of.key_type), _text_type(of.item_type))
    if pa.types.is_struct(of):
        return pa.struct([pa.field(child.name, _text_type(child.type)) for child in of])
    written = pa.types.is_decimal(of) or (pa.types.is_temporal(of) and not _is_foreign(of))
    return pa.string() if written else of


def _is_foreign(of: pa.DataType) -> bool:
    """Tell whether neither JSON nor Arrow has a text for a type."""
    import pyarrow as pa

    return bool(pa.types.is_duration(of) or pa.types.is_interval(of) or pa.types.is_binary(of))


_strict = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(", ", ": ")).encode


def as_json(value: Any) -> str:
    """Return a value as JSON on one line."""
    try:
        return _strict(value)
    except (ValueError, TypeError):
        return _strict(_words(value))


def _words(value: Any) -> Any:
    """Put words in the place of what JSON has no form for, at any depth."""
    if isinstance(value, dict):
        return {_words(key): _words(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_words(each) for each in value]
    if isinstance(value, float) and not isfinite(value):
        return "NaN" if isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, timedelta):
        return _days(value)
    return _years(value.months) if hasattr(value, "months") else value


def _days(value: timedelta) -> str:
    size = abs(value)
    minutes, seconds = divmod(size.seconds, 60)
    clock = f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{size.microseconds:06}"
    return f"{'-' if value < timedelta(0) else ''}{size.days} {clock}"


def _years(months: int) -> str:
    return f"{'-' if months < 0 else ''}{abs(months) // 12}-{abs(months) % 12}"
