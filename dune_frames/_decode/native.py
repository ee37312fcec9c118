"""The fast reading of JSON rows: by polars' native parser, believed only on evidence.

That parser is lenient: it makes text of a number where text is wanted, 1 of true where a float is,
null of a key that is missing; of two equal keys it takes the first. So what it read is tallied, and
must account for every key, string, number and null in the bytes. Where it does not, and for shapes
that it does not read exactly, there is the careful way of `from_json`.
"""

from __future__ import annotations

import io
from collections import Counter
from typing import TYPE_CHECKING, Any

from dune_frames._decode.evidence import (
    BOOLEAN,
    KINDS,
    LIST,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    Evidence,
    first_key_of,
    pieces_of,
    without_escapes,
)
from dune_frames._types.cast import text_type
from dune_frames._types.schema import dune_type, is_overridden
from dune_frames._types.table import FLOATS, INTEGERS, DuneType, field_names, is_listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    import pyarrow as pa

    from dune_frames._wire.envelope import Rows

#: Integers of so many characters can be beyond 2^53, where one written as a float loses digits.
_LONG = 16
_KINDS = {
    **dict.fromkeys((*INTEGERS, *FLOATS), NUMBER),
    "boolean": BOOLEAN,
    "array": LIST,
    "row": OBJECT,
}


class Unbelieved(Exception):  # noqa: N818 - it steers, it does not report
    """The native parser does not read these rows, or its reading is not borne out."""


def read_natively(rows: Rows, schema: pa.Schema) -> list[pa.Array]:
    """Return the columns of a JSON array of objects, in the order of the schema.

    Parameters
    ----------
    rows : bytes or memoryview
        The array, as it stands in the body.
    schema : pyarrow.Schema
        As `result_schema` makes it.

    Returns
    -------
    list of pyarrow.Array
        Text in the shape of the types; floats and booleans where they are columns themselves.

    Raises
    ------
    Unbelieved
        Read the rows in the careful way.
    """
    import polars as pl

    types = {field.name: _believable_type(field) for field in schema}
    first_key, unescaped = first_key_of(rows), without_escapes(rows)
    if first_key is None or unescaped is None:
        raise Unbelieved
    wanted = {name: _column_type(dune) for name, dune in types.items()}
    pieces = pieces_of(rows, first_key)
    try:
        frame = pl.concat(pl.read_json(io.BytesIO(piece), schema=wanted) for piece in pieces)
    except (pl.exceptions.PolarsError, ValueError) as problem:
        raise Unbelieved from problem
    if not _accounts_for(Evidence.of(unescaped, first_key), frame, types):
        raise Unbelieved
    return [_to_arrow(frame[field.name], field) for field in schema]


def _believable_type(field: pa.Field) -> DuneType:
    dune = dune_type(field)
    if dune is None or not is_listed(dune):
        raise Unbelieved
    if is_overridden(field) and dune.name in _KINDS:
        raise Unbelieved
    return dune


def _column_type(dune: DuneType) -> Any:
    import polars as pl

    if dune.name in FLOATS:
        return pl.Float64
    return pl.Boolean if dune.name == "boolean" else _text_type(dune)


def _text_type(dune: DuneType) -> Any:
    """Return the type of text in the shape of a Dune type, if no loss would go unnoticed."""
    import polars as pl

    if not is_listed(dune) or dune.name in ("map", "real"):
        raise Unbelieved
    children = [child.type for child in dune.children]
    if dune.name == "array":
        if _kind(children[0]) not in (STRING, OBJECT):
            raise Unbelieved
        return pl.List(_text_type(children[0]))
    if dune.name == "row":
        return pl.Struct(dict(zip(field_names(dune), map(_text_type, children), strict=True)))
    return pl.String


def _kind(dune: DuneType) -> bytes:
    """Return the kind of JSON value that the values of a type are."""
    return _KINDS.get(dune.name, STRING)


def _accounts_for(evidence: Evidence, frame: pl.DataFrame, types: dict[str, DuneType]) -> bool:
    """Tell whether what was read is all that is written."""
    tally: Counter[bytes] = Counter()
    strings_in_lists = 0
    for name, dune in types.items():
        for key, values, inner in _keyed(name, frame[name], dune):
            nulls = values.null_count()
            tally.update({NULL: nulls, _kind(inner): len(values) - nulls})
            strings_in_lists += _count_strings(values, inner)
            if _may_have_lost_digits(key, values, inner, evidence):
                return False
    keys = len(evidence.key_ends)
    return (
        keys == tally.total()
        and evidence.quotes == 2 * (keys + tally[STRING] + strings_in_lists)
        and all(evidence.count(kind) == tally[kind] for kind in KINDS)
        and not evidence.minus_zeros
        and (not tally[NULL] or _has_all_keys(evidence, frame, types))
    )


def _has_all_keys(evidence: Evidence, frame: pl.DataFrame, types: dict[str, DuneType]) -> bool:
    """Tell whether no null stands for a key that is missing."""
    if any("row" in str(dune) for dune in types.values()):
        return False
    nulls = {name: frame[name].is_null().arg_true().to_numpy() for name in types}
    return evidence.has_keys(nulls)


def _keyed(
    key: str, values: pl.Series, dune: DuneType
) -> Iterator[tuple[str, pl.Series, DuneType]]:
    """Yield all columns of values that have a key, at any depth."""
    yield key, values, dune
    if dune.name == "array":
        values, dune = values.drop_nulls().explode(), dune.children[0].type
    if dune.name == "row":
        rows = values.drop_nulls()
        for name, child in zip(field_names(dune), dune.children, strict=True):
            yield from _keyed(name, rows.struct.field(name), child.type)


def _count_strings(values: pl.Series, dune: DuneType) -> int:
    """Count the strings in a column of lists: they have no keys."""
    if dune.name != "array" or _kind(dune.children[0].type) != STRING:
        return 0
    items = values.drop_nulls().explode()
    return len(items) - items.null_count()


def _may_have_lost_digits(key: str, values: pl.Series, dune: DuneType, evidence: Evidence) -> bool:
    """Tell whether a value may have taken the way of a float and come back as another number."""
    if dune.name == "real":
        return not _rounds_once(values)
    if dune.name not in INTEGERS:
        return False
    is_long = bool((values.str.len_bytes() >= _LONG).any())
    return is_long and evidence.may_have_floats(key)


def _rounds_once(values: pl.Series) -> bool:
    """Tell whether rounding to float64 and then to float32 is the same as to float32 at once."""
    import numpy as np

    numbers = values.drop_nulls().to_numpy()
    halfway = (numbers.view(np.int64) & (2**29 - 1)) == 2**28
    size = np.abs(numbers[numbers != 0])
    limits = np.finfo(np.float32)
    return not halfway.any() and bool(np.all((size >= limits.tiny) & (size <= limits.max)))


def _to_arrow(series: pl.Series, field: pa.Field) -> pa.Array:
    import pyarrow as pa

    array = series.rechunk().to_arrow()
    bare = pa.types.is_floating(array.type) or pa.types.is_boolean(array.type)
    to = field.type if bare else text_type(field.type)
    return array if array.type == to else array.cast(to)
