"""The plan of a download: which spans of rows of one pinned execution to ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

    from dune_frames._ask.query import Window

Format = Literal["auto", "json", "csv"]

#: The page size that Dune's own clients use; larger ones were answered with this many rows.
LARGEST_PAGE = 32_000
#: So many rows come as JSON whatever they are: the proof that CSV carries them would cost more.
SMALL_ROWS = 4_000


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
    row_bytes : float or None
        About how large a row of the wanted columns is, where that is told.
    allow_partial : bool
        Take what Dune kept of a result that was too large.
    key, whole_key : str
        What tells its pages on disk from those of other plans for the execution, and the same with
        all columns.
    """

    execution_id: str
    schema: pa.Schema
    window: Window
    stored: int | None
    row_bytes: float | None = None
    allow_partial: bool = False
    key: str = ""
    whole_key: str = ""

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
    """A run of rows that one worker reads: from `start` up to, not including, `stop`.

    Attributes
    ----------
    page : int or None
        Where the page on disk starts that holds it, so that it need not be asked for.
    early : bool
        It is read as JSON, which is always exact, while the proof that CSV is safe is on its way.
    """

    start: int
    stop: int
    page: int | None = None
    early: bool = False


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
