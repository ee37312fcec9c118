"""The divisions: parts of a sorted result whose edges lie where the value of its index changes.

Where a value goes on beyond an edge, rows of it would lie on both sides, and who looks for them on
one side would miss some. So a few rows of that one column are looked at behind each edge, and the
edge is moved to the first change; an edge without a change there goes, and its two parts are one.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dune_frames._frame.frames import to_pandas
from dune_frames._parts.cut import Part, covering
from dune_frames._parts.frames import Bounds, Frames
from dune_frames.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger("dune_frames")

#: Rows of the index that are looked at behind an edge.
LOOK_ROWS = 512
#: Edges that are looked at side by side.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Edge:
    """Where a part starts, and the value of its index there."""

    at: int
    value: Any


@dataclass(frozen=True, slots=True)
class Divided:
    """Parts with what is known of their index.

    Attributes
    ----------
    parts : tuple of Part
        In order.
    divisions : tuple or None
        The first value of every part, then the last of all; `None` where they are not known.
    """

    parts: tuple[Part, ...]
    divisions: tuple[Any, ...] | None

    @property
    def bounds(self) -> list[Bounds | None]:
        """What is known of each part."""
        if self.divisions is None:
            return [None] * len(self.parts)
        last = len(self.parts) - 1
        pairs = enumerate(pairwise(self.divisions))
        return [Bounds(low, high, is_last=place == last) for place, (low, high) in pairs]


def divided(frames: Frames) -> Divided:
    """Return the parts of a plan with their divisions.

    Rows that are numbered have theirs for nothing. With a column as index, about `LOOK_ROWS` values
    of it are exported for each part.
    """
    parts = frames.plan.parts
    if parts[-1].stop is None or parts[0].start == parts[-1].stop:
        return Divided(parts, None)
    if frames.index is None:
        first = parts[0].start
        starts = [part.start - first for part in parts]
        return Divided(parts, (*starts, parts[-1].stop - first - 1))
    return _by_value(frames, frames.index) if frames.plan.is_counted else Divided(parts, None)


def _by_value(frames: Frames, index: str) -> Divided:
    plan, parts = frames.plan, frames.plan.parts
    end = parts[-1].stop or 0
    whole = plan.plan()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        ends = pool.map(lambda at: _values(frames, index, at, at + 1)[0], (parts[0].start, end - 1))
        moved = pool.map(lambda part: _edge(frames, index, part), parts[1:])
        first, last = ends
        edges = [Edge(parts[0].start, first), *(edge for edge in moved if edge), Edge(end, last)]
    values = tuple(edge.value for edge in edges)
    cut = [Part(left.at, right.at) for left, right in pairwise(edges)]
    known = values if _is_increasing(values) else None
    if known is None:
        logger.warning("the values of %r are not in the order of pandas: no divisions", index)
    return Divided(covering(whole, cut), known)


def _edge(frames: Frames, index: str, part: Part) -> Edge | None:
    """Return the first edge from a part's start on behind which the value is another.

    A missing value, which has no place in an order, stands for all: it leaves divisions unknown.
    """
    stop = min(part.start + LOOK_ROWS, part.stop or 0)
    values = _values(frames, index, part.start - 1, stop)
    missing = [value for value in values if _is_missing(value)]
    if missing:
        return Edge(part.start, missing[0])
    changes = (place for place, (left, right) in enumerate(pairwise(values)) if left != right)
    place = next(changes, None)
    return None if place is None else Edge(part.start + place, values[place + 1])


def _values(frames: Frames, index: str, start: int, stop: int) -> list[Any]:
    """Return values of the index, as every frame has them."""
    plan = replace(frames.plan.select((index,)), csv=False)
    tables = plan.tables(Part(start, stop))
    return list(to_pandas(tables, plan.schema, frames.options).set_index(index).index)


def _is_increasing(values: Sequence[Any]) -> bool:
    """Tell whether values rise, the last one perhaps excepted, and none of them is missing."""
    if any(map(_is_missing, values)):
        return False
    *starts, last = values
    return all(left < right for left, right in pairwise(starts)) and starts[-1] <= last


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))


def refuse_unsorted(index: str | None, sort_by: str | None) -> None:
    """Refuse an index that the result is not sorted by, upwards and by nothing else."""
    quoted = f'"{index}"'
    upwards = {f"{name}{order}" for name in (index, quoted) for order in ("", " asc", " ASC")}
    if index is not None and " ".join((sort_by or "").split()) not in upwards:
        raise InvalidRequestError(
            f"index={index!r} is not what the result is sorted by (sort_by={sort_by!r})",
            advice=f"give sort_by={quoted!r}, so that Dune sorts by it and each part is a range.",
        )
