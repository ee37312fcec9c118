"""The download: spans of one pinned execution by a small pool of threads, handed over in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from dune_frames._decode.decoders import decoding
from dune_frames._download.pages import check, check_sample, page_of, read_sample, read_span
from dune_frames._download.plan import LARGEST_PAGE
from dune_frames._download.proof import csv_is_right, is_open
from dune_frames._download.spans import Spans
from dune_frames._network.driver import result_of
from dune_frames.errors import IncompleteResultError
from dune_frames.progress import Downloading, FromCache

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from dune_frames._download.plan import Format, Page, Plan, Span
    from dune_frames._download.store import PageStore
    from dune_frames._network.driver import Driver
    from dune_frames._progress.watch import Watch
    from dune_frames._run.pin import Pinned
    from dune_frames._wire.answers import Results


@dataclass(frozen=True, slots=True)
class Width:
    """How much may be on its way at once.

    Attributes
    ----------
    requests : int
        So many requests at most.
    memory : int
        And about so many bytes of pages.
    """

    requests: int
    memory: int

    def of(self, row_bytes: float | None) -> int:
        """Return how many requests that is for rows of a size, where it is told."""
        page = _USUAL_PAGE if row_bytes is None else max(row_bytes * LARGEST_PAGE, 1)
        return int(min(max(self.memory // page, _FEWEST), self.requests))


#: A stream holds little else, and who reads it may stop early; a frame keeps all pages anyway.
STREAM, FRAME = Width(8, 40_000_000), Width(32, 256_000_000)
_FEWEST = 2
#: The size of a page of which no size is told, in bytes.
_USUAL_PAGE = 8_000_000


@dataclass(slots=True)
class Download:
    """Reads what one plan says.

    Attributes
    ----------
    plan : Plan
        What to read.
    driver : Driver
        Of this call.
    format : {"auto", "json", "csv"}
        As the caller wishes.
    column_types : Mapping of str to str, or None
        Dune's type texts by column name, where they are told.
    watch : Watch
        Is told how far it is.
    store : PageStore or None
        Where pages are kept, and taken from when they came before.
    width : Width
        How much may be on its way.
    csv : bool or None
        Whether pages come as CSV, where that is decided already.
    rows, size : int
        What has come so far: rows, and the bytes of the answers that brought them.
    """

    plan: Plan
    driver: Driver
    format: Format
    column_types: Mapping[str, str] | None
    watch: Watch
    store: PageStore | None = None
    width: Width = STREAM
    csv: bool | None = None
    rows: int = field(default=0, init=False)
    size: int = field(default=0, init=False)
    _before: tuple[int, int] = field(default=(0, 0), init=False)
    _verdict: Future[bool] | None = field(default=None, init=False)
    _keeping: list[Future[None]] = field(default_factory=list, init=False)

    def tables(self, pinned: Pinned) -> Iterator[pa.Table]:
        """Yield the tables of the window in order; raise at the end if anything is missing."""
        try:
            with self.watch:
                yield from self._counted(self._pages(pinned), exports=pinned.first is not None)
        finally:
            wait(self._keeping)
        if self.plan.rows is not None and self.rows != self.plan.rows:
            raise IncompleteResultError(
                f"{self.rows} rows came of {self.plan.rows}", execution_id=self.plan.execution_id
            )

    @property
    def is_on_disk(self) -> bool:
        """Whether all rows are on disk, so that nothing need be exported."""
        start, end = self.plan.window.start, self.plan.end
        return self.store is not None and self.store.covers(start, end)

    def _counted(self, pages: Iterator[Page], *, exports: bool) -> Iterator[pa.Table]:
        """Count pages and tell of them."""
        self._tell(exports=exports or not self.is_on_disk)
        for page in pages:
            self.rows += page.table.num_rows
            self.size += page.size
            self._tell(exports=self.size > 0)
            yield page.table

    def after(self, earlier: Download) -> Self:
        """Tell the rows of an earlier download too: the two are parts of one."""
        self._before = (earlier.rows, earlier.size)
        return self

    def _tell(self, *, exports: bool) -> None:
        rows, size = self._before
        run, total = self.plan.execution_id, self.plan.rows
        told = (run, rows + self.rows, None if total is None else rows + total)
        self.watch.tell(Downloading(*told, size + self.size) if exports else FromCache(*told))

    def _pages(self, pinned: Pinned) -> Iterator[Page]:
        at: int | None = self.plan.window.start
        if pinned.first is not None:
            first = self._first(pinned.first)
            at = first.next_offset
            yield first
        elif self.plan.window.sample_count is not None:
            yield self.driver.run(read_sample(self.plan))
            at = None
        if at is not None:
            yield from self._rest(Spans(self.plan, at, self.store, self._is_open))

    @property
    def _is_open(self) -> bool:
        """Whether the first pages have to come before it is known how the others do."""
        undecided = self.csv is None and self.format == "auto"
        return undecided and is_open(self.plan, self.format, self.column_types)

    def _first(self, results: Results) -> Page:
        """Decode the page that came along when the execution was found."""
        window = self.plan.window
        page = page_of(self.plan, results, len(results.rows or b""))
        if window.sample_count is not None:
            check_sample(self.plan, page)
        else:
            check(self.plan, page, window.start, self.plan.end or 0)
            self._keep(window.start, [page])
        return page if window.limit is None else replace(page, table=page.table[: window.limit])

    def _rest(self, spans: Spans) -> Iterator[Page]:
        """Read spans side by side: all the pool takes, once it is known that they exist."""
        most = self.width.of(self.plan.row_bytes)
        with _pool(self.driver, most) as pool:
            waiting: deque[tuple[Span, Future[list[Page]]]] = deque()
            width = 1 if self.plan.rows is None else most
            while True:
                while len(waiting) < width and (span := spans.take()):
                    waiting.append((span, self._submit(pool, span)))
                if not waiting:
                    return
                span, pages = waiting.popleft()
                read = result_of(pages)
                spans.learn(span, read)
                yield from read
                width = min(most, 2 * width)

    def _submit(self, pool: ThreadPoolExecutor, span: Span) -> Future[list[Page]]:
        """Hand a span to the pool; before the first one not on disk, the question of its form."""
        if span.page is None and self._verdict is None:
            self._verdict = pool.submit(self.is_csv)
        return pool.submit(self._read, span, self._verdict)

    def is_csv(self) -> bool:
        """Decide whether pages come as CSV, asking the server where that is worth it."""
        if self.csv is not None:
            return self.csv
        return self.driver.run(csv_is_right(self.plan, self.format, self.column_types))

    def _read(self, span: Span, csv: Future[bool] | None) -> list[Page]:
        stored = self._load(span)
        if stored is not None:
            return [stored]
        as_csv = csv is not None and not span.early and csv.result()
        pages: list[Page] = []
        try:
            self.driver.run(read_span(self.plan, span, pages, csv=as_csv))
        finally:
            self._keep(span.start, pages)
        return pages

    def _keep(self, start: int, pages: list[Page]) -> None:
        """Begin to store pages: nobody waits for that before the download is over."""
        if self.store is not None and pages:
            self._keeping.append(decoding(self.store.add, start, pages))

    def _load(self, span: Span) -> Page | None:
        """Return the rows of a span from the page on disk that holds it."""
        if self.store is None or span.page is None:
            return None
        page = self.store.load(span.page)
        rows = span.stop - span.start
        return page and replace(page, table=page.table.slice(span.start - span.page, rows))


@contextmanager
def _pool(driver: Driver, workers: int) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(workers, thread_name_prefix="dune_frames")
    try:
        yield pool
    except BaseException:
        driver.stopped.set()
        raise
    finally:
        # Without waiting: whoever interrupts a download does not wait for pages under way.
        pool.shutdown(wait=False, cancel_futures=True)
