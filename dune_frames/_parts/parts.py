"""The plan of parts: small, without a key, and readable wherever it arrives."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dune_frames._download.download import Width
from dune_frames._network.exchange import Flow, Sleep
from dune_frames._network.pace import Deadline
from dune_frames._read.read import naming
from dune_frames._run.pin import Pinned
from dune_frames.errors import RateLimitError, ServerError, TransportError, UntrustedAddressError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from dune_frames._download.plan import Plan
    from dune_frames._parts.access import Access
    from dune_frames._parts.cut import Part
    from dune_frames._read.calls import Calls
    from dune_frames._read.options import Reading
    from dune_frames._wire.answers import Status

logger = logging.getLogger("dune_frames")

#: Several parts are read side by side, and together they should not use up what the account may ask
#: in a minute, nor the memory.
PART = Width(2, 48_000_000)
#: Pauses before a part is taken up again, in seconds. Each request has been patient before that.
PAUSES = (5.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Parts:
    """One pinned execution and the parts that it is read in.

    Each part is read by itself, on whatever thread, process or machine, with the key that is found
    there; it is checked for its number of rows. Together they are all rows, each once.

    Attributes
    ----------
    access : Access
        The way to Dune.
    status : Status
        Of the execution, with the metadata of its result.
    reading : Reading
        What is wanted of it.
    csv : bool
        Whether pages come as CSV: proved once, for all parts.
    parts : tuple of Part
        In the order of the rows.
    """

    access: Access
    status: Status
    reading: Reading
    csv: bool
    parts: tuple[Part, ...]

    @property
    def execution_id(self) -> str:
        """The execution that all parts are of."""
        return self.status.execution_id

    @property
    def start(self) -> int:
        """The place of the first row of all, in the execution's result."""
        return self.parts[0].start

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of every part."""
        return self.plan().schema

    @property
    def is_counted(self) -> bool:
        """Whether it is certain how many rows each part has."""
        return self.plan().rows is not None

    def plan(self, allowed_mb: float | None = None) -> Plan:
        """Return the plan of the whole download.

        Raises
        ------
        ExportTooLargeError
            It is estimated to export more than `allowed_mb`.
        """
        reading = replace(self.reading, cache=False, max_export_mb=allowed_mb)
        with naming(self.status):
            call = self.access.calls().read("pyarrow", reading)
            return call.download(Pinned(self.status)).plan

    def select(self, columns: tuple[str, ...]) -> Parts:
        """Return the plan for some of the columns, in the order wanted."""
        overrides = self.reading.schema_overrides or {}
        kept = {name: to for name, to in overrides.items() if name in columns}
        return replace(self, reading=replace(self.reading, columns=columns, schema_overrides=kept))

    def read(self, part: Part) -> pa.Table:
        """Return the rows of a part."""
        import pyarrow as pa

        empty = pa.Table.from_batches([], self.schema)
        return pa.concat_tables([empty, *self.tables(part)])

    def tables(self, part: Part) -> Iterator[pa.Table]:
        """Yield the rows of a part, page by page; go on where it stopped after what passes.

        With filters nobody knows at which offset to go on: a part of which rows came already fails.
        Engines read it anew then, and with the cache export no page twice by that.

        Raises
        ------
        DuneError
            As a read of the whole; the part is then as good as not read.
        """
        self.plan(self.reading.max_export_mb)
        calls, deadline = self.access.calls(), Deadline(self.reading.timeout)
        rest = part
        with naming(self.status):
            for pause in (*PAUSES, None):
                try:
                    for table in self._attempt(calls, rest, deadline):
                        rest = rest.after(table.num_rows)
                        yield table
                except (RateLimitError, ServerError, TransportError) as problem:
                    if pause is None or not self._goes_on(problem, came=rest != part):
                        raise
                    logger.warning("rows %s to %s: %s; again", part.start, part.stop, problem)
                    calls.read("pyarrow", self.reading, deadline).driver.run(_wait(pause))
                else:
                    return

    def _goes_on(self, problem: Exception, *, came: bool) -> bool:
        lost = came and self.reading.filters is not None
        return not lost and not isinstance(problem, UntrustedAddressError)

    def _attempt(self, calls: Calls, part: Part, deadline: Deadline) -> Iterator[pa.Table]:
        call = calls.read("pyarrow", part.of(self.reading), deadline)
        download = call.download(Pinned(self.status))
        download.csv, download.width = self.csv, PART
        yield from download.tables(Pinned(self.status))
        call.settle(download)


def _wait(seconds: float) -> Flow[None]:
    yield Sleep(seconds, jitter=True)
