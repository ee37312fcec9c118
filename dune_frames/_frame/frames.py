"""Arrow to the frame that the caller wants: pandas, polars, or Arrow itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from dune_frames._frame.pandas_frame import DtypeBackend, PandasColumns
from dune_frames._frame.polars_frame import to_polars
from dune_frames.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    import pyarrow as pa

    from dune_frames._types.table import Uint256

Pandas: TypeAlias = Literal["pandas"]
Polars: TypeAlias = Literal["polars"]
PyArrow: TypeAlias = Literal["pyarrow"]
FrameName: TypeAlias = Literal["pandas", "polars", "pyarrow"]


@dataclass(frozen=True, slots=True)
class FrameOptions:
    """What the caller wants the rows as.

    Attributes
    ----------
    frame : {"pandas", "polars", "pyarrow"}
        The kind of frame.
    dtype_backend : {"numpy_nullable", "pyarrow"} or None
        As in pandas; for pandas only.
    uint256 : {"exact", "string", "float64", "decimal"}
        ``"exact"`` makes Python integers in pandas.
    """

    frame: FrameName = "pandas"
    dtype_backend: DtypeBackend = None
    uint256: Uint256 = "exact"

    def __post_init__(self) -> None:
        refuse_other("frame", self.frame, ("pandas", "polars", "pyarrow"))
        refuse_other("dtype_backend", self.dtype_backend, (None, "numpy_nullable", "pyarrow"))


def refuse_other(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Raise unless the value of an option is one of its choices."""
    if value not in choices:
        raise InvalidRequestError(
            f"{name}={value!r} is none of the choices", advice=f"choose one of {choices}."
        )


def to_frame(tables: Iterable[pa.Table], schema: pa.Schema, options: FrameOptions) -> Any:
    """Return rows as the frame wanted, with as few copies as its dtypes allow.

    Parameters
    ----------
    tables : iterable of pyarrow.Table
        The rows, as they come. What pandas needs Python for is done while more are on their way.
    schema : pyarrow.Schema
        Of every table, with Dune's type texts in the fields' metadata.
    options : FrameOptions
        The kind of frame.
    """
    import pyarrow as pa

    if options.frame == "pandas":
        return to_pandas(tables, schema, options)
    # from_batches, because Schema.empty_table would import pandas
    empty = pa.Table.from_batches([], schema)
    table = pa.concat_tables([empty, *tables])
    return to_polars(table) if options.frame == "polars" else table


def to_pandas(tables: Iterable[pa.Table], schema: pa.Schema, options: FrameOptions) -> pd.DataFrame:
    """Return a pandas frame whose dtypes depend on the schema and the options alone."""
    columns = PandasColumns(
        schema, options.dtype_backend, exact_integers=options.uint256 == "exact"
    )
    for table in tables:
        columns.add(table)
    return columns.frame()
