"""Calls: what makes a driver for each call of one client, so that all share its connections."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from dune_frames._download.cache import Cache
from dune_frames._network.driver import Driver
from dune_frames._network.pace import Deadline, Pace
from dune_frames._network.transport import Offline, Transport
from dune_frames._progress.watch import Watch, refuse_other_progress
from dune_frames._read.fan_out import FanOut, Part
from dune_frames._read.read import Read
from dune_frames._read.scan import scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from dune_frames._frame.frames import FrameName
    from dune_frames._network.exchange import Flow
    from dune_frames._read.options import Reading
    from dune_frames._run.source import Source
    from dune_frames.progress import Progress

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one client.

    Attributes
    ----------
    transport : Transport
        Address, key and connections.
    pace : Pace
        How fast they may go, by what the server told.
    """

    transport: Transport
    pace: Pace = field(default_factory=Pace)

    def run(self, flow: Flow[T]) -> T:
        """Run a flow as a call of its own."""
        return Driver(self.transport, self.pace, Deadline()).run(flow)

    async def run_async(self, flow: Flow[T]) -> T:
        """Do the same on an event loop."""
        return await Driver(self.transport, self.pace, Deadline()).run_async(flow)

    def wait(self, flow: Flow[T], timeout: float | None, progress: Progress) -> T:
        """Run a flow that may take its time, and show how it goes."""
        refuse_other_progress(progress)
        with Watch.of(progress) as watch:
            return Driver(self.transport, self.pace, Deadline(timeout), watch.tell).run(flow)

    async def wait_async(
        self,
        flow: Flow[T],
        timeout: float | None,  # noqa: ASYNC109 - as `wait`
        progress: Progress,
    ) -> T:
        """Do the same on an event loop."""
        refuse_other_progress(progress)
        with Watch.of(progress) as watch:
            driver = Driver(self.transport, self.pace, Deadline(timeout), watch.tell)
            return await driver.run_async(flow)

    def read(self, frame: FrameName, reading: Reading, deadline: Deadline | None = None) -> Read:
        """Return the call that ends in a frame; its deadline starts now unless one is given."""
        watch = Watch.of(reading.progress)
        transport = Offline() if reading.offline else self.transport
        driver = Driver(transport, self.pace, deadline or Deadline(reading.timeout), watch.tell)
        cache = Cache.of(self.transport.base_url, self.transport.account)
        used = cache if reading.cache or reading.offline else None
        return Read(driver, reading, reading.frame_options(frame), watch, used)

    def fan_out(self, frame: FrameName, reading: Reading, parts: Sequence[Part]) -> FanOut:
        """Return the call that reads one query for many sets of parameters."""
        watch = Watch.of(reading.progress)
        part = replace(reading, progress=watch.of_a_part)
        read = partial(self.read, frame, part, Deadline(reading.timeout))
        return FanOut(parts, read, self.pace, watch)

    def scan(self, source: Source, reading: Reading) -> pl.LazyFrame:
        """Pin one execution of a source, and return the frame that reads it."""
        return scan(partial(self.read, "polars"), reading, source)
