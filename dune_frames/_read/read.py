"""One read: from a pinned execution over its pages to the frame that the caller wants."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from dune_frames._download.cache import trim
from dune_frames._download.download import FRAME, Download
from dune_frames._download.plan import Plan
from dune_frames._frame.frames import FrameOptions, to_frame
from dune_frames._frame.provenance import FanOutProvenance, Provenance, attach
from dune_frames._frame.sink import sink_parquet, store_beside
from dune_frames._network import exchange
from dune_frames._network.driver import Driver, in_thread
from dune_frames._read.estimate import refuse_large
from dune_frames._run.pin import pin
from dune_frames._types.schema import result_schema
from dune_frames._wire.answers import Metadata
from dune_frames.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pyarrow as pa

    from dune_frames._download.cache import Cache
    from dune_frames._network.exchange import Flow
    from dune_frames._progress.watch import Watch
    from dune_frames._read.options import Reading
    from dune_frames._run.pin import Ask, Pinned
    from dune_frames._run.source import Source
    from dune_frames._types.schema import Typing
    from dune_frames._wire.answers import Status


logger = logging.getLogger("dune_frames")


@dataclass(frozen=True, slots=True)
class Read:
    """One call that ends in a frame.

    Attributes
    ----------
    driver : Driver
        Takes the steps of this call.
    reading : Reading
        The caller's options.
    frame : FrameOptions
        What to make of the rows.
    watch : Watch
        Is told what this call does.
    cache : Cache or None
        What this user has read before.
    """

    driver: Driver
    reading: Reading
    frame: FrameOptions
    watch: Watch
    cache: Cache | None = None

    def run(self, source: Source) -> Any:
        """Pin one execution of a source, and return its frame."""
        return attach(*self._read(source, self.frame))

    async def run_async(self, source: Source) -> Any:
        """Do the same beside an event loop."""
        return attach(*await self._read_async(source, self.frame))

    def table(self, source: Source) -> tuple[pa.Table, Provenance]:
        """Pin one execution of a source, and return its rows and where they come from."""
        return self._read(source, FrameOptions("pyarrow"))

    async def table_async(self, source: Source) -> tuple[pa.Table, Provenance]:
        """Do the same beside an event loop."""
        return await self._read_async(source, FrameOptions("pyarrow"))

    def pin(self, source: Source) -> Pinned:
        """Pin one execution of a source."""
        with self.watch:
            return self._keep(source, self.driver.run(self._flow(source)))

    def _flow(self, source: Source) -> Flow[Pinned]:
        known = None if self.cache is None else self.cache.known(source.question)
        return pin(source, self.reading.ask, self.reading.age, known)

    def _keep(self, source: Source, pinned: Pinned) -> Pinned:
        """Remember what was pinned, so that the next call can start from it."""
        if self.cache is not None:
            self.cache.keep(source.question, pinned.status)
        return pinned

    def _read(self, source: Source, to: FrameOptions) -> tuple[Any, Provenance]:
        with self.watch:
            return self._collect(self.pin(source), source, to)

    async def _read_async(self, source: Source, to: FrameOptions) -> tuple[Any, Provenance]:
        with self.watch:
            pinned = self._keep(source, await self.driver.run_async(self._flow(source)))
            return await in_thread(partial(self._collect, pinned, source, to), self.driver.stopped)

    def _collect(self, pinned: Pinned, source: Source, to: FrameOptions) -> tuple[Any, Provenance]:
        """Return the rows of a pinned execution: all of them, or an error that names it."""
        with naming(pinned.status):
            download = self.download(pinned)
            download.width = FRAME
            frame = to_frame(download.tables(pinned), download.plan.schema, to)
            self.settle(download)
            return frame, Provenance.of(pinned.status, download, source)

    def framed(self, table: pa.Table, origin: FanOutProvenance) -> Any:
        """Return the frame of the rows of several executions."""
        with naming(origin):
            return attach(to_frame([table], table.schema, self.frame), origin)

    def settle(self, download: Download) -> None:
        """Say where the rows came from, and hold the cache to its size when it grew."""
        place = "from the cache" if download.rows else "nothing exported"
        place = f"{download.size} bytes exported" if download.size else place
        logger.info("execution %s: %s rows, %s", download.plan.execution_id, download.rows, place)
        if self.cache is not None and download.size:
            trim()

    def batches(self, source: Source) -> pa.RecordBatchReader:
        """Pin one execution of a source, and return its rows as a stream."""
        import pyarrow as pa

        pinned = self.pin(source)
        with naming(pinned.status):
            download = self.download(pinned)
        return pa.RecordBatchReader.from_batches(download.plan.schema, _batches(download, pinned))

    def sink_parquet(self, source: Source, path: Path) -> Path:
        """Pin one execution of a source, and write its rows to a Parquet file."""
        with self.watch:
            return self._sink_parquet(self.pin(source), path)

    def _sink_parquet(self, pinned: Pinned, path: Path) -> Path:
        with naming(pinned.status):
            download = self.download(pinned)
            beside = store_beside(path, download.plan)
            download.store = download.store or beside
            sink_parquet(download.tables(pinned), download.plan.schema, path)
            self.settle(download)
        beside.remove()
        return path

    def download(self, pinned: Pinned) -> Download:
        """Plan the download of a pinned execution."""
        ask, typing = self.reading.ask, self.reading.typing
        whole = pinned.status.metadata or Metadata(())
        metadata = _project(whole, ask.window.columns)
        names, types = metadata.column_names, metadata.column_types
        plan = Plan(
            execution_id=pinned.status.execution_id,
            schema=result_schema(names, types, typing),
            window=ask.window,
            stored=whole.total_row_count,
            row_bytes=whole.row_bytes and whole.row_bytes * _share(metadata, whole),
            allow_partial=ask.allow_partial,
            key=_key(metadata, typing, ask),
            whole_key=_key(whole, typing, ask),
        )
        refuse_large(pinned.status, plan, self.reading.max_export_mb)
        told = None if types is None else dict(zip(names, types, strict=True))
        store = None if self.cache is None or ask.window.sample_count else self.cache.pages(plan)
        return Download(plan, self.driver, self.reading.format, told, self.watch, store)


def _batches(download: Download, pinned: Pinned) -> Iterator[pa.RecordBatch]:
    with naming(pinned.status):
        for table in download.tables(pinned):
            yield from table.to_batches()


def _key(metadata: Metadata, typing: Typing, ask: Ask) -> str:
    """Return a name for what is asked of an execution's rows, whichever of them are asked for."""
    types = metadata.column_types or ("",) * len(metadata.column_names)
    columns = [
        (name, type_text, str(typing.overrides.get(name)))
        for name, type_text in zip(metadata.column_names, types, strict=True)
    ]
    asked = (columns, typing.options, ask.window.filters, ask.window.sort_by, ask.allow_partial)
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:16]


def _share(part: Metadata, whole: Metadata) -> float:
    """Return the share of the columns that a part has; of no columns, all."""
    return len(part.column_names) / len(whole.column_names) if whole.column_names else 1.0


def _project(metadata: Metadata, wanted: Sequence[str] | None) -> Metadata:
    """Return the metadata of the wanted columns, in the order wanted."""
    names, types = metadata.column_names, metadata.column_types
    if wanted is None:
        return metadata
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise InvalidRequestError(
            f"the result has no column {', '.join(map(repr, unknown))}",
            advice=f"its columns are {', '.join(map(repr, names))}.",
        )
    kept = None if types is None else tuple(types[names.index(name)] for name in wanted)
    return replace(metadata, column_names=tuple(wanted), column_types=kept)


def naming(run: Status | Provenance | FanOutProvenance) -> AbstractContextManager[None]:
    """Put the execution into every error that leaves."""
    return exchange.naming(run.execution_id, run.query_id)
