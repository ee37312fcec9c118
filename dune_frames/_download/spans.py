"""The spans of a download: handed out in order, around what is on disk already."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dune_frames._download.plan import LARGEST_PAGE, SMALL_ROWS, Page, Plan, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dune_frames._download.store import PageStore


#: Where the last stored page stops when nobody knows how many rows there are.
_NO_STOP = sys.maxsize


@dataclass(slots=True)
class Spans:
    """Hands out the spans of a plan in order; learns the page size and the end on the way.

    Attributes
    ----------
    at : int
        Where the next span starts.
    store : PageStore or None
        Where pages that came before are.
    is_open : bool
        Whether it is being asked if pages may come as CSV. Meanwhile one early span is read, and a
        short one, because JSON is about twice as large.
    """

    plan: Plan
    at: int
    store: PageStore | None = None
    is_open: bool = False
    page_rows: int = LARGEST_PAGE
    ended: bool = False

    def take(self) -> Span | None:
        """Return the next span; `None` when there is none left."""
        end = self.plan.end
        if self.ended or (end is not None and self.at >= end):
            return None
        span = self._stored() or self._next()
        self.ended = span.stop == _NO_STOP
        span = span if end is None else replace(span, stop=min(span.stop, end))
        self.at = span.stop
        return span

    def _stored(self) -> Span | None:
        page = None if self.store is None else self.store.page_at(self.at)
        if page is None or self.store is None:
            return None
        after = self.store.after(page)
        return Span(self.at, _NO_STOP if after is None else after, page)

    def _next(self) -> Span:
        """Return a span that has to be asked for."""
        early, self.is_open = self.is_open, False
        return Span(self.at, self._stop(SMALL_ROWS if early else self.page_rows), early=early)

    def _stop(self, rows: int) -> int:
        """Return where a span from here on stops: after its rows, or where a stored one starts."""
        stop = self.at + rows
        stored = None if self.store is None else self.store.next_start(self.at)
        return stop if stored is None else min(stop, stored)

    def learn(self, span: Span, pages: Sequence[Page]) -> None:
        """Note from a span that was read how large pages get and whether the result ended."""
        rows = pages[0].table.num_rows
        short = 0 < rows < min(span.stop - span.start, self.page_rows)
        if short and span.page is None and self.plan.rows is not None:
            self.page_rows = rows
        self.ended = self.ended or pages[-1].next_offset is None
