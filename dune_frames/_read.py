"""One read: from a pinned execution over its pages to the frame that the caller wants."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from dune_frames._download import Download
from dune_frames._drive import Driver, in_thread
from dune_frames._frames import FrameOptions, to_frame
from dune_frames._plan import Plan
from dune_frames._provenance import Provenance
from dune_frames._schema import result_schema
from dune_frames._sink import sink_parquet, store_beside
from dune_frames._wire import Metadata
from dune_frames.errors import DuneError, InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from dune_frames._exchange import Flow
    from dune_frames._flow import Pinned
    from dune_frames._options import Reading
    from dune_frames._wire import Status


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
    """

    driver: Driver
    reading: Reading
    frame: FrameOptions

    def run(self, pin: Flow[Pinned]) -> Any:
        """Pin an execution by the flow given, and return its frame."""
        return self.collect(self.driver.run(pin))

    async def run_async(self, pin: Flow[Pinned]) -> Any:
        """Do the same beside an event loop."""
        pinned = await self.driver.run_async(pin)
        return await in_thread(partial(self.collect, pinned), self.driver.stopped)

    def collect(self, pinned: Pinned) -> Any:
        """Return the frame of a pinned execution: all of it, or an error that names it."""
        import pyarrow as pa

        with _naming(pinned.status):
            download = self.download(pinned)
            schema = download.plan.schema
            tables = [schema.empty_table(), *download.tables(pinned)]
            origin = Provenance.of(pinned.status, download)
            table = pa.concat_tables(tables).replace_schema_metadata(origin.as_metadata())
            return to_frame(table, self.frame, origin.as_dict())

    def batches(self, pin: Flow[Pinned]) -> pa.RecordBatchReader:
        """Pin an execution by the flow given, and return its rows as a stream."""
        import pyarrow as pa

        pinned = self.driver.run(pin)
        with _naming(pinned.status):
            download = self.download(pinned)
        return pa.RecordBatchReader.from_batches(download.plan.schema, _batches(download, pinned))

    def sink_parquet(self, pin: Flow[Pinned], path: Path) -> Path:
        """Pin an execution by the flow given, and write its rows to a Parquet file."""
        pinned = self.driver.run(pin)
        with _naming(pinned.status):
            download = self.download(pinned)
            download.store = store = store_beside(path, download.plan)
            sink_parquet(download.tables(pinned), download.plan.schema, path)
        store.remove()
        return path

    def download(self, pinned: Pinned) -> Download:
        """Plan the download of a pinned execution."""
        ask = self.reading.ask
        metadata = _project(pinned.status.metadata or Metadata(()), ask.window.columns)
        names, types = metadata.column_names, metadata.column_types
        plan = Plan(
            execution_id=pinned.status.execution_id,
            schema=result_schema(names, types, self.reading.typing),
            window=ask.window,
            stored=metadata.total_row_count,
            allow_partial=ask.allow_partial,
        )
        told = None if types is None else dict(zip(names, types, strict=True))
        return Download(plan, self.driver, self.reading.format, told)


def _batches(download: Download, pinned: Pinned) -> Iterator[pa.RecordBatch]:
    with _naming(pinned.status):
        for table in download.tables(pinned):
            yield from table.to_batches()


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


@contextmanager
def _naming(status: Status) -> Iterator[None]:
    """Put the execution into every error that leaves."""
    try:
        yield
    except DuneError as problem:
        problem.execution_id = problem.execution_id or status.execution_id
        problem.query_id = problem.query_id or status.query_id
        raise
