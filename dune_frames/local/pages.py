"""Pages: the part of a result that answers one request."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from dune_frames.local.answers import RefusedError
from dune_frames.local.cache import Cache
from dune_frames.local.filters import ordering, predicate
from dune_frames.local.results import Result

if TYPE_CHECKING:
    from dune_frames.local.engine import Engine
    from dune_frames.local.executions import Execution
    from dune_frames.local.settings import Settings
    from dune_frames.local.windows import Window

_ORDERS_BYTES = 64 * 2**20
_TOO_MANY = (
    "This api request would exceed your configured limits per request. Please visit your settings "
    "on dune.com and adjust your limits to continue usage."
)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows and what is known of the rest.

    Attributes
    ----------
    rows : Result
        The rows and columns of this page.
    total : int
        The rows that match, over all pages.
    next_offset : int or None
        Where the next page starts; None on the last.
    """

    rows: Result
    total: int
    next_offset: int | None


class Pages:
    """Cuts pages out of results by the rules of the result endpoints."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._orders: Cache[pa.Array] = Cache(_ORDERS_BYTES)

    def page(self, execution: Execution, result: Result, window: Window) -> Page:
        """Return the page that a window asks for.

        Raises
        ------
        RefusedError
            The window does not fit the result, or asks for too much at once.
        """
        places = window.places(result)
        rows = self._rows(execution, result, window)
        total = result.row_count if rows is None else len(rows)
        count = self._count(window, total, len(places))
        end = min(window.offset + count, total)
        table = _cut(result.table.select(list(places)), rows, window.offset, end)
        shown = Result.of(
            [result.names[place] for place in places],
            [result.types[place] for place in places],
            table.columns,
        )
        more = window.sample_count is None and count > 0 and end < total
        return Page(shown, total, end if more else None)

    def _rows(self, execution: Execution, result: Result, window: Window) -> pa.Array | None:
        """Return the places of the rows in order; None for all as they are stored."""
        rows = self._ordered(execution, result, window)
        if window.sample_count is None or window.sample_count >= result.row_count:
            return rows
        chosen = sorted(random.sample(range(result.row_count), window.sample_count))
        places = pa.array(chosen, pa.int64())
        return places if rows is None else rows.take(places)

    def _ordered(self, execution: Execution, result: Result, window: Window) -> pa.Array | None:
        if window.filters is None and window.sort_by is None:
            return None
        key = (execution.execution_id, window.filters, window.sort_by)
        rows = self._orders.get(key)
        if rows is None:
            rows = self._computed(result, window)
            self._orders.put(key, rows, rows.nbytes)
        return rows

    def _computed(self, result: Result, window: Window) -> pa.Array:
        where = window.filters and predicate(window.filters, result, self._settings.quirks)
        order_by = window.sort_by and ordering(window.sort_by, result)
        return self._engine.rows(result, where, order_by)

    def _count(self, window: Window, total: int, columns: int) -> int:
        """Return how many rows the page holds: what was asked, silently lowered."""
        settings = self._settings
        left = max(total - window.offset, 0)
        asked = left if window.limit is None else min(window.limit, left)
        lowered = asked if window.limit is None else min(asked, settings.page_rows)
        too_many = lowered * columns > settings.max_datapoints
        if too_many and not window.ignore_max_datapoints_per_request:
            raise RefusedError(402, _TOO_MANY)
        count = min(asked, settings.page_rows)
        return max(count - settings.quirks.short_pages, min(count, 1)) if count < left else count


def _cut(table: pa.Table, rows: pa.Array | None, start: int, end: int) -> pa.Table:
    if rows is None:
        return table.slice(start, max(end - start, 0))
    return table.take(rows.slice(start, max(end - start, 0)))
