"""The cut: where one part of a download stops and the next one starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from dune_frames._download.plan import LARGEST_PAGE
from dune_frames.errors import IncompleteResultError, InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dune_frames._download.plan import Plan
    from dune_frames._read.options import Reading

#: The size of a part in bytes, as Dune tells sizes. In a frame it takes one to three times that.
PART_BYTES = 64_000_000
#: A row of which no size is told, and what a row takes in a frame at least, in bytes.
_USUAL_ROW, _SMALLEST_ROW = 250.0, 16.0


@dataclass(frozen=True, slots=True)
class Part:
    """A run of rows: from `start` up to, not including, `stop`.

    Attributes
    ----------
    stop : int or None
        `None` where the result ends, when nobody knows where that is.
    """

    start: int
    stop: int | None

    def of(self, reading: Reading) -> Reading:
        """Return the reading of this part alone."""
        limit = None if self.stop is None else self.stop - self.start
        return replace(reading, offset=self.start, limit=limit, max_export_mb=None)

    def after(self, rows: int) -> Part:
        """Return what is left of it after its first rows."""
        return replace(self, start=self.start + rows)


def part_rows(row_bytes: float | None, wish: int | None) -> int:
    """Return how many rows a part has: as wished, else whole pages of about `PART_BYTES`.

    Parameters
    ----------
    row_bytes : float or None
        The size of a row, where it is told.
    wish : int or None
        The caller's.
    """
    if wish is None:
        row = max(row_bytes or _USUAL_ROW, _SMALLEST_ROW)
        return LARGEST_PAGE * max(int(PART_BYTES / row / LARGEST_PAGE), 1)
    if isinstance(wish, bool) or not isinstance(wish, int) or wish < 1:
        raise InvalidRequestError(
            f"partition_rows={wish!r} is no count of rows", advice="give a whole number from 1 on."
        )
    return wish


def cut(plan: Plan, rows: int) -> tuple[Part, ...]:
    """Cut what a plan reads into parts of so many rows: at least one, without gap or overlap.

    Where filters decide, nobody tells how many rows there are: the parts then reach as far as the
    stored rows do, and those behind the last row that matches come back empty. A result whose
    number of rows is not told is one part.
    """
    start, end = plan.window.start, _end(plan)
    if end is None:
        return (Part(start, plan.end),)
    edges = [*range(start, end, rows), end] if end > start else [start, start]
    return covering(plan, [Part(*edge) for edge in pairwise(edges)])


def _end(plan: Plan) -> int | None:
    """Return the offset behind the last row that there can be; `None` where nobody knows."""
    if plan.stored is None:
        return None
    limited = plan.stored if plan.window.limit is None else plan.window.start + plan.window.limit
    return max(min(plan.stored, limited), plan.window.start)


def covering(plan: Plan, parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return parts of a plan; refuse them if they would lose or repeat a row."""
    edges = [(parts[0].start, plan.window.start), (parts[-1].stop, _end(plan))]
    edges += [(one.stop, other.start) for one, other in pairwise(parts)]
    if any(left != right for left, right in edges):
        raise IncompleteResultError(
            "the parts do not cover the result, each row once", execution_id=plan.execution_id
        )
    return tuple(parts)
