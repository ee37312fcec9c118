"""A scan: a pinned execution as a polars LazyFrame, whose wishes Dune fulfils where it can.

polars hands over which columns, which rows and how many it wants. The columns and the number of
rows go to Dune, and of a predicate what Dune's filters say exactly. What comes is cut and filtered
here all the same, so that whatever a server makes of a wish, it can only cost bytes.
"""

from __future__ import annotations

import inspect
import logging
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dune_frames._frame.polars_frame import to_polars
from dune_frames._predicate.polars_reader import evaluable, read
from dune_frames._read.read import naming
from dune_frames._read.wishes import counts_rows, filtered, pin_without_rows
from dune_frames._run.pin import FIRST_ROWS
from dune_frames.errors import BadRequestError, InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    import polars as pl
    import pyarrow as pa

    from dune_frames._download.download import Download
    from dune_frames._read.options import Reading
    from dune_frames._read.read import Read
    from dune_frames._read.wishes import Start
    from dune_frames._run.pin import Pinned
    from dune_frames._run.source import Source

logger = logging.getLogger("dune_frames")

#: Rows of the frames that a small table is cut into. polars takes up to four frames more than it
#: needs for a `head`, and those should not start another request.
SMALL_FRAME_ROWS = FIRST_ROWS // 8


def scan(start: Start, reading: Reading, source: Source) -> pl.LazyFrame:
    """Pin one execution of a source, without exporting a row, and return the frame that reads it.

    Parameters
    ----------
    start : callable
        Makes the call that pins, and one for every time that the frame is collected.
    reading : Reading
        The caller's options. The frame holds what they select.
    source : Source
        What to read.
    """
    from polars.io.plugins import register_io_source

    if reading.dtype_backend is not None:
        raise InvalidRequestError("dtype_backend is for pandas", advice="leave it out of a scan.")
    columns = None if reading.columns is None else tuple(reading.columns)
    found = Scan.of(start, replace(reading, columns=columns), source)
    labels = {
        "is_pure": reading.sample_count is None,
        "explain_name": "DUNE",
        "explain_detail": f"execution {found.pinned.status.execution_id}: PROJECT goes to Dune as "
        "columns, SLICE as limit, and what Dune can say exactly of SELECTION as filters",
    }
    known = inspect.signature(register_io_source).parameters
    wanted = {name: value for name, value in labels.items() if name in known}
    return register_io_source(found.frames, schema=found.polars_schema, **wanted)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Scan:
    """A source of rows for polars.

    Attributes
    ----------
    start : callable
        Makes the call for a reading.
    reading : Reading
        What the caller selected.
    pinned : Pinned
        The execution.
    schema : pyarrow.Schema
        Of what the caller selected.
    """

    start: Start
    reading: Reading
    pinned: Pinned
    schema: pa.Schema

    @classmethod
    def of(cls, start: Start, reading: Reading, source: Source) -> Scan:
        """Pin an execution and find out its schema, both without exporting a row."""
        pinned = pin_without_rows(start, reading, source)
        with naming(pinned.status):
            whole = start(replace(reading, max_export_mb=None)).download(pinned)
        return cls(start, reading, pinned, whole.plan.schema)

    @property
    def polars_schema(self) -> pl.Schema:
        """The schema as polars has it."""
        import pyarrow as pa

        return to_polars(pa.Table.from_batches([], self.schema)).schema

    def frames(
        self,
        columns: list[str] | None,
        predicate: pl.Expr | None,
        rows: int | None,
        _batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        """Yield what polars asks for: of the first `rows`, those for which the predicate holds.

        Columns come in the order of the schema: polars 1.30 expects that, however it names them.
        """
        condition = None if predicate is None else evaluable(predicate)
        with closing(self._tables(self.wishes(columns, predicate, rows))) as tables:
            for table in tables:
                frame = to_polars(table if rows is None else table[:rows])
                rows = None if rows is None else rows - frame.height
                frame = frame if condition is None else frame.filter(condition)
                yield frame.select(_ordered(frame.columns, columns)) if columns else frame
                if rows == 0:
                    return

    def wishes(
        self, columns: list[str] | None, predicate: pl.Expr | None, rows: int | None
    ) -> list[Reading]:
        """Return what to ask Dune for, and after it what to ask for where Dune refuses that."""
        needed = self.schema.names if columns is None else columns
        roots = [] if predicate is None else predicate.meta.root_names()
        plain = self._plain(_ordered(self.schema.names, [*needed, *roots]), rows)
        if predicate is None or counts_rows(plain) or self._whole(plain).is_on_disk:
            return [plain]
        return [*filtered(plain, read(predicate, self.polars_schema), self.schema), plain]

    def _plain(self, names: list[str], rows: int | None) -> Reading:
        """Return the caller's reading of some columns, and of no more rows than are told."""
        overrides = self.reading.schema_overrides or {}
        limits = [each for each in (rows, self.reading.limit) if each is not None]
        return replace(
            self.reading,
            columns=self.reading.columns if names == self.schema.names else tuple(names),
            schema_overrides={name: to for name, to in overrides.items() if name in names},
            limit=min(limits, default=None) if self.reading.sample_count is None else None,
        )

    def _whole(self, reading: Reading) -> Download:
        return self.start(replace(reading, max_export_mb=None)).download(self.pinned)

    def _tables(self, wishes: list[Reading]) -> Generator[pa.Table, None, None]:
        """Yield the tables of the first wish that Dune does not refuse."""
        *wanted, last = wishes
        for wish in wanted:
            tables = self._tables_of(wish)
            try:
                first = next(tables, None)
            except BadRequestError as refusal:
                logger.warning("Dune refuses filters=%r: %s", wish.filters, refusal.server_text)
                continue
            yield from () if first is None else (first,)
            yield from tables
            return
        yield from self._tables_of(last)

    def _tables_of(self, reading: Reading) -> Iterator[pa.Table]:
        logger.info(
            "scan of execution %s: columns=%s, filters=%r, limit=%s",
            self.pinned.status.execution_id, reading.columns, reading.filters, reading.limit,
        )  # fmt: skip
        call = self.start(reading)
        with call.watch, naming(self.pinned.status):
            for download in self._downloads(call):
                try:
                    for table in download.tables(self.pinned):
                        yield from _cut(table)
                finally:  # also when polars has enough: what came is paid
                    call.settle(download)

    def _downloads(self, call: Read) -> Iterator[Download]:
        """Yield a small download first, in case that is enough, and then that of the rest."""
        whole, reading = call.download(self.pinned), call.reading
        told = reading.limit is not None or reading.sample_count is not None
        if told or whole.is_on_disk:
            yield whole
            return
        form = "json" if reading.format == "auto" else reading.format
        small = replace(reading, limit=FIRST_ROWS, format=form)
        first = replace(call, reading=small).download(self.pinned)
        yield first
        if first.rows == FIRST_ROWS:
            rest = replace(reading, offset=(reading.offset or 0) + FIRST_ROWS)
            yield replace(call, reading=rest).download(self.pinned).after(first)


def _ordered(names: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Return the wanted ones of some names, in their order; the first one where none is wanted."""
    names, wanted = list(names), set(wanted)
    return [name for name in names if name in wanted] or names[:1]


def _cut(table: pa.Table) -> Iterator[pa.Table]:
    step = SMALL_FRAME_ROWS if table.num_rows <= FIRST_ROWS else table.num_rows
    return (table.slice(start, step) for start in range(0, table.num_rows, step))
