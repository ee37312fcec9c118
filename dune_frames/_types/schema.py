"""The schema of a result: Dune's column names and types, and the caller's options, as Arrow."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dune_frames._types.cast import can_cast
from dune_frames._types.table import DuneType, TypeOptions, arrow_type, parse_type, unlisted
from dune_frames.errors import DecodeError, InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

#: The key of a field's metadata under which Dune's own type text stands, and the one in its place
#: where the caller overrode that type.
DUNE_TYPE, OVERRIDDEN = b"dune_type", b"dune_type_overridden"


class DuneTypeWarning(UserWarning):
    """A column's type is not told by Dune or not known here; its values come as text."""


@dataclass(frozen=True, slots=True)
class Typing:
    """How columns are typed: the choices of the type table and the overrides by column name."""

    options: TypeOptions = field(default_factory=TypeOptions)
    overrides: Mapping[str, pa.DataType] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.overrides, Mapping):
            raise InvalidRequestError(
                f"schema_overrides={self.overrides!r} is no mapping",
                advice='give {column: type}, such as {"n": pyarrow.int64()}.',
            )
        for name, to in self.overrides.items():
            _refuse_unreadable(name, to)


def _refuse_unreadable(name: str, to: object) -> None:
    import pyarrow as pa

    if not isinstance(to, pa.DataType) or not can_cast(to):
        raise InvalidRequestError(
            f"schema_overrides cannot make {to!r} of column {name!r}",
            advice="give a pyarrow type that text can be read as, such as pyarrow.int64(), "
            "pyarrow.decimal256(76, 0) or pyarrow.timestamp('ns', 'UTC').",
        )


def result_schema(
    names: Sequence[str], type_texts: Sequence[str] | None, typing: Typing
) -> pa.Schema:
    """Return the Arrow schema of a result, in the order of its column names.

    Parameters
    ----------
    names : sequence of str
        `column_names` of the result's metadata.
    type_texts : sequence of str or None
        `column_types`; results from before mid-2024 have none, and then all columns are text.
    typing : Typing
        The caller's choices.

    Returns
    -------
    pyarrow.Schema
        Each field carries Dune's type text, where it is told, as metadata ``dune_type``; where the
        caller overrides it, as ``dune_type_overridden``.

    Raises
    ------
    InvalidRequestError
        An override names no column.
    DecodeError
        Two columns share a name: a JSON row cannot hold both.
    """
    import pyarrow as pa

    _refuse_duplicates(names)
    _refuse_unknown_overrides(names, typing)
    types = _parse(names, type_texts)
    _warn_of_text(types, typing)
    return pa.schema([_field(name, dune, typing) for name, dune in types.items()])


def _field(name: str, dune: DuneType | None, typing: Typing) -> pa.Field:
    import pyarrow as pa

    overridden = name in typing.overrides
    told = None if dune is None else {OVERRIDDEN if overridden else DUNE_TYPE: str(dune)}
    if overridden:
        return pa.field(name, typing.overrides[name], metadata=told)
    to = pa.string() if dune is None else arrow_type(dune, typing.options)
    return pa.field(name, to, metadata=told)


def dune_type(field: pa.Field) -> DuneType | None:
    """Return the Dune type behind a field, overridden or not; `None` where it is not told."""
    metadata = field.metadata or {}
    told = metadata.get(DUNE_TYPE) or metadata.get(OVERRIDDEN)
    return None if told is None else parse_type(told.decode())


def is_overridden(field: pa.Field) -> bool:
    """Tell whether the caller put another type in the place of Dune's."""
    return OVERRIDDEN in (field.metadata or {})


def _parse(names: Sequence[str], texts: Sequence[str] | None) -> dict[str, DuneType | None]:
    if texts is None:
        return dict.fromkeys(names)
    if len(texts) != len(names):
        raise DecodeError(
            f"the result's metadata has {len(names)} column names and {len(texts)} column types",
            advice="read it again; if that stays, run the query again.",
        )
    return {name: parse_type(text) for name, text in zip(names, texts, strict=True)}


def _refuse_duplicates(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DecodeError(
            f"several columns of the result are called {', '.join(map(repr, twice))}",
            advice="give them different names in the SQL; a row of Dune's JSON holds only one.",
        )


def _refuse_unknown_overrides(names: Sequence[str], typing: Typing) -> None:
    unknown = [name for name in typing.overrides if name not in names]
    if unknown:
        raise InvalidRequestError(
            f"schema_overrides names no column of the result: {', '.join(map(repr, unknown))}",
            advice=f"the columns are {', '.join(map(repr, names))}.",
        )


def _warn_of_text(types: Mapping[str, DuneType | None], typing: Typing) -> None:
    as_text = {
        name: str(dune or "not told")
        for name, dune in types.items()
        if name not in typing.overrides and (dune is None or unlisted(dune))
    }
    if as_text:
        warnings.warn(
            "kept as text, because the type is not told or not known: "
            + ", ".join(f"{name} ({text})" for name, text in as_text.items())
            + ". Name types with schema_overrides={column: pyarrow type}.",
            DuneTypeWarning,
            stacklevel=_depth_of_caller(),
        )


def _depth_of_caller() -> int:
    """Count the frames up to the first one outside this package, so that the warning shows it."""
    depth, frame = 1, sys._getframe(1)  # noqa: SLF001 - warnings.warn has no other way before 3.12
    while frame.f_back is not None and _package_of(frame.f_globals) == _package_of(globals()):
        depth, frame = depth + 1, frame.f_back
    return depth


def _package_of(variables: Mapping[str, Any]) -> str:
    return str(variables.get("__name__")).partition(".")[0]
