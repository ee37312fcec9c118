"""Calls: what makes a driver for each call of one client, so that all share its connections."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from dune_frames._download.cache import Cache
from dune_frames._network.driver import Deadline, Driver, Pace
from dune_frames._network.transport import Offline, Transport
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

    def driver(self, deadline: Deadline, *, offline: bool = False) -> Driver:
        """Return the driver of one call."""
        return Driver(Offline() if offline else self.transport, self.pace, deadline)

    def run(self, flow: Flow[T], timeout: float | None = None) -> T:
        """Run a flow as a call of its own."""
        return self.driver(Deadline(timeout)).run(flow)

    async def run_async(
        self,
        flow: Flow[T],
        timeout: float | None = None,  # noqa: ASYNC109 - as `run`
    ) -> T:
        """Do the same on an event loop."""
        return await self.driver(Deadline(timeout)).run_async(flow)

    def read(self, frame: FrameName, reading: Reading, deadline: Deadline | None = None) -> Read:
        """Return the call that ends in a frame; its deadline starts now unless one is given."""
        driver = self.driver(deadline or Deadline(reading.timeout), offline=reading.offline)
        cache = Cache.of(self.transport.base_url, self.transport.account)
        used = cache if reading.cache or reading.offline else None
        return Read(driver, reading, reading.frame_options(frame), used)

    def fan_out(self, frame: FrameName, reading: Reading, parts: Sequence[Part]) -> FanOut:
        """Return the call that reads one query for many sets of parameters."""
        read = partial(self.read, frame, reading, Deadline(reading.timeout))
        return FanOut(parts, read, self.pace)

    def scan(self, source: Source, reading: Reading) -> pl.LazyFrame:
        """Pin one execution of a source, and return the frame that reads it."""
        return scan(partial(self.read, "polars"), reading, source)
