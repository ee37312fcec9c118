"""A CSV body to an Arrow table, by `pyarrow.csv` with the types that Dune declares.

Dune's CSV writes null as ``<nil>`` and integers as floating-point numbers (``4.474223e+06``), so an
integer is read as float64 and taken only while that is exact.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from dune_frames._decode.column import dune_name, misfit_of_column, typed
from dune_frames._types.cast import MisfitError, cast_text
from dune_frames._types.constants import constant
from dune_frames._types.schema import is_overridden
from dune_frames._types.table import BIG_INTEGERS, INTEGERS, parse_type
from dune_frames.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa

NULL = "<nil>"
#: From here on neighbouring integers share a float64, so CSV no longer tells them apart.
FIRST_INEXACT = 2**53
#: Types whose CSV form is known to carry every value (nulls and integers beyond 2^53 aside).
_CARRIED = INTEGERS | BIG_INTEGERS | {
    "boolean", "real", "double", "decimal", "varchar", "char", "varbinary", "date",
    "timestamp", "timestamp with time zone", "uuid", "ipaddress", "unknown",
}  # fmt: skip
#: Bytes that are parsed at once: they stay in a core's cache, and so does what is made of them.
_BLOCK_BYTES = 1 << 20
#: Types of which a value could be the very text that CSV writes for null.
_FREE_TEXT = frozenset({"varchar", "char"})


def carries(column_types: Iterable[str]) -> bool:
    """Tell whether CSV can carry columns of these types at all, given that no value spoils it."""
    return all(parse_type(text).name in _CARRIED for text in column_types)


def spoiling_filter(column_types: Mapping[str, str]) -> str | None:
    """Return the filter, in Dune's language, that finds the rows whose values CSV would spoil.

    `None` where no value of these columns can be spoilt.
    """
    tests = []
    for name, text in column_types.items():
        quoted, base = '"' + name.replace('"', '""') + '"', parse_type(text).name
        if base == "bigint":
            tests += [f"{quoted} >= {FIRST_INEXACT}", f"{quoted} <= -{FIRST_INEXACT}"]
        if base in _FREE_TEXT:
            tests += [f"{quoted} = '{NULL}'"]
    return " OR ".join(tests) or None


def decode_csv(body: bytes, schema: pa.Schema) -> pa.Table:
    """Return the rows of a CSV body, typed as `schema` says.

    Parameters
    ----------
    body : bytes
        A header line and a line a row.
    schema : pyarrow.Schema
        As `result_schema` makes it.

    Returns
    -------
    pyarrow.Table
        Columns in the order of the schema, whatever the order in the body.

    Raises
    ------
    DecodeError
        The body is no such CSV, or a value does not fit its type or cannot be exact.
    """
    import pyarrow as pa

    _refuse_other_header(body, schema.names)
    reading = {field.name: _reading_type(field) for field in schema}
    try:
        raw = _parse(body, reading)
    except pa.ArrowInvalid:
        raw = None
    if raw is None or _is_beyond_floats(raw):
        raw = _parse_as_text(body, reading)
    columns = [_finish(raw.column(place), field) for place, field in enumerate(schema)]
    return pa.table(columns, schema=schema)


def ends_in_quotes(body: bytes) -> bool:
    """Tell whether a body ends within a quoted text. Most have no quotes, which is soon seen."""
    return b'"' in body and body.count(b'"') % 2 == 1


def _refuse_other_header(body: bytes, names: list[str]) -> None:
    lines = io.TextIOWrapper(io.BytesIO(body), "utf-8-sig", errors="replace", newline="")
    header = next(csv.reader(lines), [])
    if sorted(header) != sorted(names):
        raise _no_such_csv(f"its header names {header}, the result's metadata {names}")
    if ends_in_quotes(body):
        raise _no_such_csv("it ends within a quoted text")


def _no_such_csv(why: object) -> DecodeError:
    return DecodeError(
        f"the body is not the CSV that was asked for: {why}",
        advice="read it again, or with format='json'.",
    )


def _reading_type(field: pa.Field) -> pa.DataType:
    """Return the type that the CSV parser itself makes of a column."""
    import pyarrow as pa

    if dune_name(field) in INTEGERS:
        return pa.float64()
    direct = (pa.types.is_floating, pa.types.is_boolean, pa.types.is_date32)
    told_as_much = not is_overridden(field) and dune_name(field) not in BIG_INTEGERS
    if told_as_much and any(applies(field.type) for applies in direct):
        return field.type
    return pa.string()


def _parse(body: bytes, types: dict[str, pa.DataType], block_bytes: int = _BLOCK_BYTES) -> pa.Table:
    import pyarrow as pa
    from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, read_csv

    return read_csv(
        pa.BufferReader(body),
        read_options=ReadOptions(use_threads=False, block_size=block_bytes),
        parse_options=ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=ConvertOptions(
            column_types=types,
            include_columns=list(types),
            null_values=[NULL],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["true"],
            false_values=["false"],
        ),
    )


def _is_beyond_floats(raw: pa.Table) -> bool:
    """Tell whether a float is infinite: perhaps only because its text was too large for one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    floats = (column for column in raw.columns if pa.types.is_floating(column.type))
    return any(pc.any(pc.is_inf(column)).as_py() for column in floats)


def _parse_as_text(body: bytes, types: dict[str, pa.DataType]) -> pa.Table:
    """Read every column as text: slower, and the only way to name the value that did not fit.

    As one block, because a line may be longer than the others have been.
    """
    import pyarrow as pa

    try:
        return _parse(body, dict.fromkeys(types, pa.string()), max(len(body), 1))
    except pa.ArrowInvalid as problem:
        raise _no_such_csv(problem) from problem


def _finish(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    import pyarrow as pa

    if column.type == field.type and not pa.types.is_string(column.type):
        return column
    return pa.chunked_array([_convert(chunk, field) for chunk in column.chunks], field.type)


def _convert(values: pa.Array, field: pa.Field) -> pa.Array:
    if dune_name(field) not in INTEGERS:
        return typed(values, field)
    try:
        return _from_integers(_exact_integers(values), field)
    except MisfitError as misfit:
        raise misfit_of_column(field, misfit) from misfit


def _exact_integers(values: pa.Array) -> pa.Array:
    """Return integers that were written as floats, or refuse those that a float cannot hold."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = cast_text(values, pa.float64()) if values.type == pa.string() else values
    inexact = pc.greater_equal(pc.abs(numbers), constant(float(FIRST_INEXACT)))
    if pc.any(inexact).as_py():
        first = numbers.filter(inexact)[0].as_py()
        raise MisfitError(first, "an integer: CSV rounds from 2^53 on, format='json' does not")
    try:
        return numbers.cast(pa.int64())
    except pa.ArrowInvalid:
        return cast_text(numbers.cast(pa.string()), pa.int64())


def _from_integers(numbers: pa.Array, field: pa.Field) -> pa.Array:
    import pyarrow as pa

    if is_overridden(field):
        return cast_text(numbers.cast(pa.string()), field.type)
    try:
        return numbers.cast(field.type)
    except pa.ArrowInvalid:
        return cast_text(numbers.cast(pa.string()), field.type)
