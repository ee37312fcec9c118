"""The frames: each part as a pandas frame of its own, with an index that fits to the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dune_frames._frame.frames import FrameOptions, to_pandas
from dune_frames._frame.provenance import KEY, of_execution
from dune_frames.errors import DecodeError

if TYPE_CHECKING:
    import pandas as pd

    from dune_frames._parts.cut import Part
    from dune_frames._parts.parts import Parts


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which values of its index a part lies.

    Attributes
    ----------
    low, high : object
        The first value, and the first one of the next part; of the last part its own last value.
    is_last : bool
        Whether `high` is a value of the part itself.
    """

    low: Any
    high: Any
    is_last: bool

    def hold(self, first: Any, last: Any) -> bool:
        """Tell whether a part lies within them."""
        below = last <= self.high if self.is_last else last < self.high
        return bool(self.low <= first and below)


@dataclass(frozen=True, slots=True)
class Frames:
    """Makes the pandas frame of a part.

    Attributes
    ----------
    plan : Parts
        The plan.
    options : FrameOptions
        What to make of the rows.
    index : str or None
        The column that becomes the index. Without one the rows are numbered as those of the whole.
    """

    plan: Parts
    options: FrameOptions
    index: str | None = None

    @property
    def meta(self) -> pd.DataFrame:
        """The frame without rows: of the same columns, dtypes and index as that of every part."""
        return self._indexed(to_pandas([], self.plan.schema, self.options), 0)

    def __call__(self, part: Part, bounds: Bounds | None, *, columns: list[str]) -> pd.DataFrame:
        """Read a part: some of the columns, in the order wanted.

        Without a column to read, the first one tells how many rows there are.
        """
        index = [] if self.index is None or self.index in columns else [self.index]
        wanted = (*columns, *index) or tuple(self.plan.schema.names[:1])
        plan = self.plan.select(wanted)
        rows = to_pandas(plan.tables(part), plan.schema, self.options)
        frame = self._indexed(rows, part.start - self.plan.start)[columns]
        if bounds is not None:
            self._check(frame.index, bounds)
        frame.attrs[KEY] = of_execution(self.plan.status)
        return frame

    def _indexed(self, frame: pd.DataFrame, first: int) -> pd.DataFrame:
        import pandas as pd

        if self.index is not None:
            return frame.set_index(self.index)
        frame.index = pd.RangeIndex(first, first + len(frame))
        return frame

    def _check(self, index: pd.Index[Any], bounds: Bounds) -> None:
        """Refuse rows that are not where the planning found them to be."""
        if len(index) == 0 or (index.is_monotonic_increasing and bounds.hold(index[0], index[-1])):
            return
        raise DecodeError(
            f"the rows from {bounds.low} to {bounds.high} are not in the order of {self.index!r}",
            execution_id=self.plan.execution_id,
            advice="leave index= out: Dune sorts this column in another order than pandas.",
        )
