"""The plan of a download: which spans of rows of one pinned execution to ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from dune_frames._query import Window

Format = Literal["auto", "json", "csv"]

#: The page size that Dune's own clients use; larger ones were answered with this many rows.
LARGEST_PAGE = 32_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What every page of one download has in common.

    Attributes
    ----------
    execution_id : str
        The pinned execution: all pages are its own, whatever runs later.
    schema : pyarrow.Schema
        Of the frame; every page has it.
    window : Window
        What the caller wants of the result.
    stored : int or None
        How many rows the whole stored result has, where it is told.
    allow_partial : bool
        Take what Dune kept of a result that was too large.
    """

    execution_id: str
    schema: pa.Schema
    window: Window
    stored: int | None
    allow_partial: bool = False

    @property
    def rows(self) -> int | None:
        """How many rows the window holds, where that is certain before the download."""
        return self.window.rows_of(self.stored)

    @property
    def end(self) -> int | None:
        """The offset behind the last row that can be wanted, where there is one."""
        if self.rows is not None:
            return self.window.start + self.rows
        return None if self.window.limit is None else self.window.start + self.window.limit


@dataclass(frozen=True, slots=True)
class Span:
    """A run of rows that one worker reads: from `start` up to, not including, `stop`."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one answer, and where the server says that the next page starts, if there is one.

    Attributes
    ----------
    size : int
        Bytes of the answer.
    """

    table: pa.Table
    next_offset: int | None
    size: int


@dataclass(slots=True)
class Spans:
    """Hands out the spans of a plan in order; learns the page size and the end on the way.

    Attributes
    ----------
    at : int
        Where the next span starts.
    taken : int
        How many were handed out.
    """

    plan: Plan
    at: int
    taken: int = 0
    page_rows: int = LARGEST_PAGE
    ended: bool = False

    @property
    def left(self) -> int | None:
        """How many rows are still to hand out, where that is certain."""
        return None if self.plan.rows is None else (self.plan.end or 0) - self.at

    def take(self) -> Span | None:
        """Return the next span; `None` when there is none left."""
        end = self.plan.end
        if self.ended or (end is not None and self.at >= end):
            return None
        stop = self.at + self.page_rows
        span = Span(self.at, stop if end is None else min(stop, end))
        self.at, self.taken = span.stop, self.taken + 1
        return span

    def learn(self, span: Span, pages: Sequence[Page]) -> None:
        """Note from a span that was read how large pages get and whether the result ended."""
        rows = pages[0].table.num_rows
        if self.plan.rows is not None and 0 < rows < min(span.stop - span.start, self.page_rows):
            self.page_rows = rows
        self.ended = self.ended or pages[-1].next_offset is None
