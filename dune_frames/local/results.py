"""A result: the rows of one execution, kept once and never changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dune_frames._types.table import DuneType

#: Bytes of a value in Dune's count of a result's raw size, where the type fixes them. A recorded
#: status fits it exactly: rows of an address and two doubles count 42 + 8 + 8 bytes each.
_FIXED = {"boolean": 1, "decimal": 16, "unknown": 0}
_NUMBER = 8


@dataclass(frozen=True)
class Result:
    """Columns with names and Dune types.

    Attributes
    ----------
    names : tuple of str
        In the order of the SELECT; they may repeat.
    types : tuple of DuneType
        Aligned with `names`.
    table : pyarrow.Table
        The rows in storage form; its columns are called after their places.
    """

    names: tuple[str, ...]
    types: tuple[DuneType, ...]
    table: pa.Table

    @classmethod
    def of(
        cls, names: Sequence[str], types: Sequence[DuneType], columns: Sequence[pa.Array]
    ) -> Result:
        """Make a result of columns in storage form."""
        places = [str(place) for place in range(len(columns))]
        return cls(tuple(names), tuple(types), pa.table(list(columns), names=places))

    @property
    def row_count(self) -> int:
        """Return the number of rows."""
        rows: int = self.table.num_rows
        return rows

    @cached_property
    def raw_bytes(self) -> int:
        """Return Dune's count of the rows' raw bytes."""
        pairs = zip(self.types, self.table.columns, strict=True)
        return sum(_column_bytes(dune, column) for dune, column in pairs)


def _column_bytes(dune: DuneType, column: pa.ChunkedArray) -> int:
    present: int = len(column) - column.null_count
    if dune.name in _FIXED:
        return _FIXED[dune.name] * present
    if pa.types.is_binary(column.type):
        return 2 * present + 2 * int(pc.sum(pc.binary_length(column)).as_py() or 0)
    if pa.types.is_string(column.type):
        return int(pc.sum(pc.binary_length(column)).as_py() or 0)
    if pa.types.is_nested(column.type) or pa.types.is_temporal(column.type):
        return int(column.nbytes)
    return _NUMBER * present
