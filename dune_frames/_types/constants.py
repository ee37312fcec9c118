"""Constants for Arrow's functions: one Python value as an Arrow scalar.

Made by polars, because whatever pyarrow itself makes of a Python value imports pandas first, which
takes longer than most reads.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@lru_cache(maxsize=None, typed=True)
def constant(value: float | str) -> pa.Scalar:
    """Return a value as a scalar of type bool, int64, float64 or string."""
    import polars as pl
    import pyarrow as pa

    array = pl.Series([value]).to_arrow()
    return array.cast(pa.string())[0] if isinstance(value, str) else array[0]
